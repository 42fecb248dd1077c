"""What the logs hold of each side, which latency they tell, and whether there is anything to compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from shadow_report import words
from shadow_report.compare import records
from shadow_report.compare.run import Side
from shadow_report.compare.session import Session, number, problems
from shadow_report.errors import ReportError
from shadow_report.schema import SIDES

# The app's own time is compared where it is known of nearly all; a mixture of both would compare unlike things.
_APP_SHARE = 0.9

Versions = Mapping[str, tuple[str, ...]]


def measure(session: Session) -> str:
    """Which latency is known of nearly all lines of every side: "app" or "total"."""
    found = session.rows(
        "SELECT side, count(app_bucket) AS known, count(*) FILTER (WHERE answer > 0) AS answered FROM stored "
        "WHERE side IS NOT NULL GROUP BY side"
    )
    known = all(answered and known >= _APP_SHARE * answered for _, known, answered in found)
    return "app" if found and known else "total"


def sides(session: Session, versions: Versions) -> dict[str, Side]:
    """Those that have a line, by name."""
    query = (
        "SELECT side, count(*) AS lines, count(DISTINCT pod) AS pods, min(start_us) AS first, "
        "max(start_us) AS last FROM stored WHERE side IS NOT NULL GROUP BY side"
    )
    found = {SIDES[side]: rest for side, *rest in session.rows(query)}
    return {side: Side(names, *found[side]) for side, names in versions.items() if side in found}


def check(
    session: Session, versions: Versions, found: Mapping[str, Side], there: Callable[[], set[str]]
) -> None:
    """A side without a line is a mistake of the command line, or of the collection: not a verdict. `there`: which
    versions the logs name."""
    lacking = [side for side in versions if side not in found]
    if not lacking:
        if not number(session, "SELECT count(*) AS lines FROM stored WHERE side = 0 AND key IS NOT NULL"):
            raise ReportError(
                "no live line has a request id, so nothing can be paired: log x-request-id (nginx: "
                "$http_x_request_id after the combined format, or as request_id in JSON)"
            )
        return
    wanted = "; ".join(f"no line of {' or '.join(versions[side])} ({side})" for side in lacking)
    raise ReportError(f"{wanted}: {_instead(session, there)}")


def _instead(session: Session, there: Callable[[], set[str]]) -> str:
    counts: Counter[int] = sum(problems(session).values(), Counter())
    if not counts[0]:
        return "no line could be read: " + "; ".join(
            f"{words.count(lines, 'line')}: {records.PROBLEMS[problem]}"
            for problem, lines in counts.most_common()
        )
    names = sorted(there())
    return f"the logs hold {', '.join(names)}" if names else "no line names a version: give VERSION=FILE"
