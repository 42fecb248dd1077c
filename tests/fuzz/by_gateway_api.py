"""Valid arguments with `api: gateway`: any valid ones, without what is refused then, as each refusal names it."""

from __future__ import annotations

import copy
import re
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from mirrored_service import InvalidArgsError
from mirrored_service.reading.service import parse
from tests.fuzz import valid

_PART = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)')
MOST = 30  # refusals, one after the other


@st.composite
def everything(draw: st.DrawFn) -> Any:
    args: Any = {**copy.deepcopy(draw(valid.everything)), "api": "gateway"}
    for _ in range(MOST):
        try:
            parse(args)
        except InvalidArgsError as refused:
            _take_out(args, refused.problems[-1].partition(": ")[0])
        else:
            return args
    return reject()


def _take_out(args: Any, path: str) -> None:
    """Takes the property out; of a list of matches that becomes empty, the route."""
    parts = [
        int(number) if number else (quoted.encode().decode("unicode_escape") if quoted else plain)
        for quoted, number, plain in _PART.findall(path)
    ]
    found = args
    for part in parts[:-1]:
        found = found[part]
    try:
        del found[parts[-1]]
    except (KeyError, IndexError, TypeError):
        reject()
    if not found and len(parts) > 1:
        _take_out(args, _text(parts[:-1]))


def _text(parts: list[Any]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f'["{part}"]' for part in parts)
