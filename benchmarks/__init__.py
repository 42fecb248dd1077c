"""Measurements on the lab: always a ratio or a comparison within one run, never a timed test."""
