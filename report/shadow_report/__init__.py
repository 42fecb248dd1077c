"""The shadow report: compares the access logs of a live version and of its shadow, and judges."""
