"""The way from lines to pairs, and what was left out on it. To be asked while `pairs` are the shadow's."""

from __future__ import annotations

from shadow_report.compare import answers
from shadow_report.compare.run import Left
from shadow_report.compare.session import Session, number
from shadow_report.compare.tallies import EVERYTHING, Comparison
from shadow_report.compare.windows import Window


def accounts(
    session: Session, window: Window, shadow: Comparison
) -> tuple[tuple[Left, ...], tuple[Left, ...]]:
    """The funnel, and what was left out."""

    def count(of: str) -> int:
        return number(session, f"SELECT count(*) AS lines FROM {of}")

    live = "stored WHERE side = 0"
    everything = shadow.by_route[EVERYTHING]
    ambiguous, without_id = (
        sum(n for (_, other), n in everything.answers.items() if other == untold)
        for untold in (answers.AMBIGUOUS, answers.WITHOUT_ID)
    )
    lines_of_live = count(live)
    in_window = count(f"{live} AND {window.sql}")
    copied = count(f"{live} AND {window.sql} AND eligible")
    paired_lines = count("pairs WHERE other >= 0")
    shadow_lines = count(f"stored WHERE side = 1 AND {window.sql}")
    distinct = count("numbered")
    repeated = count("stored SEMI JOIN several USING (key) WHERE side IN (0, 1)")
    aborted = sum(everything.answers.values()) - everything.untold - everything.eligible
    funnel = (
        Left("lines of the live version", lines_of_live),
        Left("of them within the window", in_window),
        Left("with a method that is copied", copied),
        Left("with a request id, each line once", sum(everything.answers.values()) - without_id),
        Left("finished, and told apart from retries", everything.eligible),
        Left("answered by the shadow", everything.paired),
        Left("compared: an answer on both sides", everything.compared),
    )
    left_out = (
        Left(
            "live requests at the edges of the window, or a day or more away from all others (a wrong clock)",
            lines_of_live - in_window,
        ),
        Left("live requests with a method that is not copied", in_window - copied),
        Left("live requests without a request id", without_id),
        Left("live requests that the caller broke off, or that got no answer (code 0)", aborted),
        Left("live requests whose id occurs another number of times in the shadow (retries)", ambiguous),
        Left("lines that were there twice", repeated - distinct),
        Left("lines of the shadow without a live request in the window", max(shadow_lines - paired_lines, 0)),
        Left("lines of other versions", count("stored WHERE side IS NULL AND problem = 0")),
        Left(
            "pairs whose copy lacks the mirroring proxy's hop in X-Forwarded-For",
            count("pairs WHERE other >= 0 AND NOT coalesce(forwarded_more, FALSE)"),
        ),
    )
    return funnel, left_out
