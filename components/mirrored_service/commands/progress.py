"""For people who wait."""

from __future__ import annotations

import sys


def progress(line: str) -> None:
    """Says what goes on, where somebody looks on."""
    if sys.stderr.isatty():
        print(f"{line} ...", file=sys.stderr)
