"""What counts as worse, and how sure the report has to be. docs/report.md says why these are the defaults."""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from typing import Any

from shadow_report.errors import ReportError


def _setting(default: float, low: float, high: float, meaning: str) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "meaning": meaning})


@dataclass(frozen=True)
class Thresholds:
    """Percentages are of 100. Each is a flag of the command line; `by_route` are those of single routes."""

    max_new_errors: float = _setting(
        0.1,
        0,
        100,
        "percent of the requests that may fail in the shadow only, net of those that fail in live only",
    )
    max_changed: float = _setting(
        1,
        0,
        100,
        "percent of the requests that may get another answer, neither better nor worse, such as 302 for 200",
    )
    max_new_contents: float = _setting(
        0.1,
        0,
        100,
        "percent of the answers that may hold something else, with a control net of what it shows; as a whole, "
        "and each field",
    )
    max_reordered: float = _setting(
        100,
        0,
        100,
        "percent of the answers whose arrays may be in another order while all else is the same, with a control "
        "net of what it shows; 100: any, it is only shown",
    )
    max_slower: float = _setting(10, 0, 1000, "percent by which p50 and p95 may be slower")
    max_slower_p99: float = _setting(20, 0, 1000, "percent by which p99 may be slower")
    max_slower_ms: float = _setting(1, 0, 60_000, "milliseconds by which any of them may always be slower")
    min_coverage: float = _setting(98, 0, 100, "percent of the configured copies that must have an answer")
    max_size_change: float = _setting(
        0, 0, 1000, "percent by which the mean size of answers may change; 0: any change, it is only shown"
    )
    max_left_out: float = _setting(
        5, 0, 100, "percent of the requests that may be left out, as their copies cannot be told"
    )
    min_minutes: float = _setting(10, 0, 1e6, "minutes that must be compared")
    max_bad_lines: float = _setting(1, 0, 100, "percent of the lines that may be unreadable")
    alpha: float = _setting(0.01, 1e-9, 0.2, "how often equal versions may be called different")
    min_pairs: float = _setting(300, 10, 1e9, "pairs below which a route's latencies are not judged")

    # A mapping to Thresholds; Any, so that the others can be given as a mapping of names to numbers.
    by_route: Any = field(default_factory=dict)

    def of(self, route: str) -> Thresholds:
        """Those of a route."""
        own: Thresholds = self.by_route.get(route, self)
        return own

    def __post_init__(self) -> None:
        for each in settings():
            value, low, high = getattr(self, each.name), each.metadata["low"], each.metadata["high"]
            if not low <= value <= high:
                flag = each.name.replace("_", "-")
                raise ReportError(f"--{flag} is {value:g}: a number from {low:g} to {high:g} is allowed")


def settings() -> tuple[Field[Any], ...]:
    """The fields that are flags."""
    return tuple(each for each in fields(Thresholds) if each.metadata)
