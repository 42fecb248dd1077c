"""Tests of the shadow report. None needs the lab; those on the lab are in tests/mesh."""
