"""What is said in the end: a verdict, of statements with a result each. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from shadow_report.judge.findings import Finding


class Result(Enum):
    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


EXIT_STATUS = {Result.PASS: 0, Result.FAIL: 1, Result.INCONCLUSIVE: 3}


@dataclass(frozen=True)
class Statement:
    """One thing that was judged, of one route or (route "") of all. `needed`: how many pairs would settle it."""

    about: str
    route: str
    result: Result
    text: str
    needed: int | None = None


@dataclass(frozen=True)
class Verdict:
    """`statements`: those about everything, then routes that FAIL or raise doubts."""

    result: Result
    statements: tuple[Statement, ...]
    overall: Finding
    routes: tuple[Finding, ...]
    gaps: tuple[tuple[int, int], ...]

    @property
    def reasons(self) -> list[Statement]:
        """The statements that made the result."""
        return [each for each in self.statements if each.result is self.result]

    def of_route(self, route: str) -> list[Statement]:
        return [each for each in self.statements if each.route == route]


def result_of(statements: Iterable[Statement]) -> Result:
    """FAIL if one fails, PASS if all pass."""
    results = {each.result for each in statements}
    return next(each for each in (Result.FAIL, Result.INCONCLUSIVE, Result.PASS) if each in results)
