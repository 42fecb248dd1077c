"""Folds paths into templates: /orders/4711 and /orders/4712 are one route, /orders/{id}. Makes SQL, runs none."""

from __future__ import annotations

import re

from shadow_report.errors import ReportError

# How the beginning of a segment looks that is an id: a uuid, a long hexadecimal number or a number, and
# then its end or
# a dot or dash. The uuid comes first, as the first alternative that fits wins.
_ID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,64}|[0-9]+"
_BUSIER = 5  # times as many requests as most of them: a route of its own
_MANY = 200  # different children of one path: more are names of things, not of routes
_RULE = re.compile(
    r"/(?:[^{}/*?#'\s]+|\{[A-Za-z_][A-Za-z0-9_]*\})?(?:/(?:[^{}/*?#'\s]+|\{[A-Za-z_][A-Za-z0-9_]*\}))*(?:/\*)?/?"
)


def check(rules: list[str]) -> None:
    """A rule is a path with names in braces for what varies, such as /users/{name}; a last segment * stands
    for any rest. Raises ReportError."""
    for rule in rules:
        if not _RULE.fullmatch(rule):
            raise ReportError(
                f"--template {rule!r}: a path such as /users/{{name}}/posts or /static/* is allowed: each "
                "segment is plain text or one name in braces, and only the last one may be *"
            )


def pattern(rule: str) -> str:
    """The regular expression of the paths that a rule covers."""
    segments = [_segment(segment) for segment in rule.split("/")]
    return "^" + "/".join(segments) + "$"


def _segment(segment: str) -> str:
    if segment == "*":
        return ".*"
    return "[^/]+" if segment.startswith("{") else re.escape(segment)


def sql(path: str, rules: list[str]) -> str:
    """The SQL expression that gives the template of the column `path`. The first rule that covers a path
    wins; what no rule covers has its ids folded."""
    folded = f"regexp_replace({path}, '/(?:{_ID})\\b', '/{{id}}', 'g')"
    if not rules:
        return folded
    cases = "".join(f" WHEN regexp_matches({path}, '{pattern(rule)}') THEN '{rule}'" for rule in rules)
    return f"CASE{cases} ELSE {folded} END"


def fold(depth: int) -> str:
    """The SQL that folds what varies at one place of the names in the table `folded` (route, name, requests):
    where one parent has more than 200 different children, {any} stands for those that are not much busier than
    most. A shop's articles are one route so, and so are the paths that a scanner tries."""
    before = f"^(?:[^/]*/){{{depth - 1}}}"
    return f"""WITH split AS (
    SELECT route, name, requests, regexp_extract(name, '{before}', 0) AS parent,
        regexp_extract(name, '{before}([^/]*)', 1) AS child FROM folded),
children AS (
    SELECT parent, child, sum(requests) AS requests FROM split WHERE parent <> '' GROUP BY parent, child),
parents AS (
    SELECT parent, median(requests) AS usual FROM children GROUP BY parent HAVING count(*) > {_MANY}),
varying AS (
    SELECT children.parent, children.child FROM children JOIN parents ON children.parent = parents.parent
    WHERE children.requests <= {_BUSIER} * parents.usual)
SELECT route, requests, CASE WHEN varying.child IS NULL THEN name ELSE split.parent || '{{any}}' ||
    substring(name, length(split.parent) + length(split.child) + 1) END AS name
FROM split LEFT JOIN varying ON split.parent = varying.parent AND split.child = varying.child"""
