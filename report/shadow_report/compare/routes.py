"""Which routes are judged by themselves, and the lines with their route's number."""

from __future__ import annotations

from shadow_report.compare import templates
from shadow_report.compare.pairing import LINE
from shadow_report.compare.session import Session, number

MOST_ROUTES = 100
OTHER_ROUTES = "(all other routes)"
_DEEPEST = 6  # segments of a path that are looked at to fold it


def number_routes(session: Session) -> tuple[str, ...]:
    """Gives the busiest routes a number; the others are one route together, number 0. Where there are more, what
    varies in their paths is folded first."""
    session.keep(
        "folded",
        "SELECT route, route AS name, count(*) AS requests FROM stored WHERE side = 0 AND eligible "
        "GROUP BY route",
    )
    if number(session, "SELECT count(*) AS routes FROM folded") > MOST_ROUTES:
        for depth in range(2, _DEEPEST + 2):
            session.keep("folded", templates.fold(depth))
    session.keep(
        "busiest",
        "SELECT name, CAST(row_number() OVER (ORDER BY requests DESC, name) AS INTEGER) AS number FROM "
        "(SELECT name, sum(requests) AS requests FROM folded GROUP BY name) AS names "
        f"ORDER BY requests DESC, name LIMIT {MOST_ROUTES}",
    )
    session.keep(
        "routes", "SELECT folded.route, number FROM folded JOIN busiest ON folded.name = busiest.name"
    )
    names = session.rows("SELECT number, name FROM busiest")
    return (OTHER_ROUTES, *(name for _, name in sorted(names)))


def make_lines(session: Session, measure: str) -> None:
    """The view `lines`: what is stored, with the route's number, and `latency`, which is `measure`'s."""
    made = {"route": "coalesce(number, 0)", "latency": f"{measure}_bucket"}
    columns = ", ".join(f"{made.get(name, name)} AS {name}" for name in LINE)
    # A view: to store the rows once more would take longer than to look up the route's number when it is needed.
    session.view("lines", f"SELECT {columns} FROM stored LEFT JOIN routes ON stored.route = routes.route")
