"""How the headers of copies differ from those of the requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class MirrorHeaders:
    set: Mapping[str, str]
    remove: tuple[str, ...]
