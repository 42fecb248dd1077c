"""Property paths: `spec.http[0].mirrors`, `metadata.annotations["pulumi.com/skipAwait"]`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .rules import Path

_STEP = re.compile(r"""\.?([^.\[\]"]+)|\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|\[(\*)\]""")


def path_text(path: Path) -> str:
    """The path as the engine writes it; names that hold a separator are quoted."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.search(r'[."\[\]]', step):
            text += '["' + step.replace('"', '\\"') + '"]'
        else:
            text += f".{step}" if text else step
    return text


def parse_path(text: str) -> Path:
    """The reverse of path_text; `*` stands for any name or index."""
    steps: list[str | int] = []
    for name, quoted, index, wildcard in _STEP.findall(text):
        steps.append(int(index) if index else name or quoted.replace('\\"', '"') or wildcard)
    return tuple(steps)


def covers(outer: Path, inner: Path) -> bool:
    """Is `inner` the same property as `outer`, or a part of it?"""
    return len(inner) >= len(outer) and all(a in ("*", b) for a, b in zip(outer, inner, strict=False))


def lookup(value: Any, path: Iterable[str | int]) -> tuple[bool, Any]:
    """Whether there is something at `path`, and what."""
    for step in path:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
            value = value[int(step)]
        else:
            return False, None
    return True, value
