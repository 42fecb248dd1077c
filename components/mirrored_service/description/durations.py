"""How long something is, as Istio and Gateway API write it."""

from __future__ import annotations

import re
from decimal import Decimal

_PART = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,9}))?(h|ms|m|s)")
_NANOSECONDS = {"h": 3_600_000_000_000, "m": 60_000_000_000, "s": 1_000_000_000, "ms": 1_000_000}
_LONGEST = 8760 * 3_600_000


def milliseconds(raw: object) -> int | None:
    """A duration as Go writes it; None if it is none, below a millisecond, no whole number of them, or too
    long."""
    if not isinstance(raw, str) or re.fullmatch(f"({_PART.pattern})+", raw) is None:
        return None
    total = Decimal(0)
    for whole, fraction, unit in _PART.findall(raw):
        total += Decimal(f"{whole}.{fraction or 0}") * _NANOSECONDS[unit]
    found, rest = divmod(total, 1_000_000)
    return int(found) if not rest and 1 <= found <= _LONGEST else None


def by_gateway_api(raw: str) -> str:
    """The same duration as Gateway API writes it: no fractions, at most five digits a unit."""
    left = milliseconds(raw) or 0
    parts = []
    for unit, nanoseconds in _NANOSECONDS.items():
        count, left = divmod(left, nanoseconds // 1_000_000)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)
