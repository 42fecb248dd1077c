"""How to compare, whatever the engine is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shadow_report.compare.records import Comparing

MEMORY_MIB = 1200


@dataclass(frozen=True)
class Settings:
    """`first` and `last`: seconds since 1970 that bound the window; `edge_seconds` are cut off at both ends of
    what the live log holds, where the other log may not have begun or not have been written yet. Memory, threads
    and `scratch`, a directory for temporary files, are DuckDB's."""

    comparing: Comparing
    mirror_percent: float = 100.0
    edge_seconds: float = 10.0
    first: float | None = None
    last: float | None = None
    memory_mib: int = MEMORY_MIB
    threads: int | None = None
    scratch: Path | None = None

    @property
    def bounded(self) -> bool:
        """Is the window given by hand? Then no edge is cut off."""
        return self.first is not None or self.last is not None
