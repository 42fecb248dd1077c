"""Makes a record of a raw line. SQL as text (see session): nothing is read here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shadow_report.compare import answers, templates
from shadow_report.schema import RAW_NAMES, SIDES

# What can be wrong with a line that was read, in the order in which it is looked for.
PROBLEMS = (
    "",
    "not a JSON object with the keys of an access log",
    "no method",
    "no path",
    "status is missing, or no whole number from 0 to 999",
    "start_time is missing or cannot be read",
    "no version: add it to the lines, or give the file as VERSION=FILE",
    "start_time is before the year 2000: its clock was not set",
)
UNREADABLE = 1
_CLOCK_US = 946_684_800_000_000
_PROBLEM = f"""CASE
    WHEN method IS NULL AND path IS NULL AND status IS NULL AND start_time IS NULL AND request_id IS NULL THEN 1
    WHEN method IS NULL THEN 2
    WHEN path IS NULL THEN 3
    WHEN status IS NULL OR status NOT BETWEEN 0 AND 999 THEN 4
    WHEN start_time IS NULL THEN 5
    WHEN version IS NULL THEN 6
    WHEN epoch_us(start_time) < {_CLOCK_US} THEN 7
    ELSE 0 END"""
# Tracing rewrites the 14th digit of a uuid, which is the 15th of its 36 characters: it is left out.
_JOIN_ID = """CASE
    WHEN request_id IN ('', '-') THEN NULL
    WHEN strlen(request_id) = 36 THEN substring(request_id, 1, 14) || substring(request_id, 16, 21)
    ELSE request_id END"""
# The same as a hash of (join id, method, path), without making the join id of each line.
_KEY = """CASE
    WHEN request_id IN ('', '-') THEN NULL
    WHEN strlen(request_id) = 36 THEN
        hash(substring(request_id, 1, 14), substring(request_id, 16, 21), method, path)
    WHEN request_id IS NOT NULL THEN hash(request_id, method, path) END"""
# Envoy writes the gRPC status as a number, as Unavailable, or as UNAVAILABLE; an unknown name is no success.
_GRPC_NAMES = " ".join(
    f"WHEN '{name.replace('_', '')}' THEN {number}" for number, name in enumerate(answers.GRPC_NAMES)
)
# A column of numbers with gaps is one of fractions in some files: 14.0.
_GRPC_NUMBER = "CAST(TRY_CAST(grpc_status AS DOUBLE) AS INTEGER)"
_GRPC = f"""CASE WHEN grpc_status IS NULL OR grpc_status IN ('', '-') THEN NULL
    WHEN TRY_CAST(grpc_status AS DOUBLE) BETWEEN 0 AND 99 THEN {_GRPC_NUMBER}
    ELSE CASE upper(replace(grpc_status, '_', '')) {_GRPC_NAMES} ELSE {answers.GRPC_UNKNOWN} END END"""
_ANSWER = f"""CASE WHEN status BETWEEN 0 AND 999 THEN status
    + CASE WHEN flags IN ('', '-') OR flags IS NULL THEN 0
        WHEN status BETWEEN 1 AND 499 AND regexp_matches(flags, '(^|,)({"|".join(answers.BROKEN_FLAGS)})(,|$)')
            THEN {answers.BROKEN_CODE}
        WHEN regexp_matches(flags, '(^|,)({"|".join(answers.CALLER_FLAGS)})(,|$)') THEN {answers.CUT_OFF_CODE}
        ELSE 0 END
    + coalesce(grpc_number, 0) * {answers.GRPC_CODE} END"""
# How a call by gRPC looks: POST /package.Service/Method.
_GRPC_CALL = r"^/[A-Za-z_]\w*(\.[A-Za-z_]\w*)+/[A-Za-z_]\w*$"


@dataclass(frozen=True)
class Comparing:
    """What is compared: the versions of each side, which methods are copied, and how paths are folded."""

    versions: dict[str, tuple[str, ...]]
    methods: tuple[str, ...]
    templates: tuple[str, ...] = ()


def text(value: str) -> str:
    """A string as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def texts(values: Sequence[str]) -> str:
    return "(" + ", ".join(map(text, values)) + ")"


def sql(raw: str, comparing: Comparing) -> str:
    """The query that makes records of the relation `raw`, whose columns are schema.RAW and `file`."""
    sides = " ".join(
        f"WHEN version IN {texts(comparing.versions[side])} THEN {index}"
        for index, side in enumerate(SIDES)
        if side in comparing.versions
    )
    commas = "length(xff) - length(replace(xff, ',', ''))"
    without_query = "CASE WHEN contains(path, '?') THEN split_part(path, '?', 1) ELSE path END AS path"
    columns = ", ".join(without_query if name == "path" else name for name in RAW_NAMES)
    return f"""SELECT *, method || ' ' || template AS route, xff_hops > 0 AS is_mirror, problem = 0 AS parse_ok
FROM (SELECT CAST(CASE {sides} END AS TINYINT) AS side, version, pod, xff, request_id, {_JOIN_ID} AS join_id,
    epoch_us(start_time) AS start_us, method, path, {_template(comparing)} AS template,
    status, grpc_number AS grpc_status, flags, {_ANSWER} AS answer,
    CASE WHEN app_us >= 0 THEN app_us END AS app_us,
    CASE WHEN duration_ms BETWEEN 0 AND 1000000000 THEN duration_ms * 1000 END AS total_us,
    CASE WHEN bytes_sent BETWEEN 0 AND 1000000000000 THEN bytes_sent END AS bytes_sent,
    CASE WHEN answer_digest NOT IN ('', '-') THEN answer_digest END AS digest, answer_fields AS fields,
    CASE WHEN xff IS NULL OR xff IN ('', '-') THEN 0 ELSE {commas} + 1 END AS xff_hops,
    {_PROBLEM} AS problem, file
FROM (SELECT *, {_GRPC} AS grpc_number
FROM (SELECT {columns}, file FROM ({raw}) AS raw) AS raw) AS known) AS records"""


def compact(records: str, comparing: Comparing) -> str:
    """The query that keeps of records only what is compared, in as few bytes as it takes: half of a large
    run's time goes by with moving these rows.

    The key is a 64-bit hash of (join id, method, path): any two of 20 million requests share one with a
    probability of 1 in 100,000. Only live requests need their route, which is made here once more so that it
    is not made for the others, and only errors their id and path.
    """
    shown = "answer >= 400 AND side <> 0"
    return f"""SELECT CASE WHEN problem = 0 THEN side END AS side, CAST(hash(pod) % {1 << 24} AS INTEGER) AS pod,
    start_us, CAST(answer AS INTEGER) AS answer, CAST(problem AS TINYINT) AS problem, {_KEY} AS key, file,
    CASE WHEN side = 0 THEN method || ' ' || {_template(comparing)} END AS route,
    coalesce(problem = 0 AND side = 0 AND {_eligible(comparing.methods)}, FALSE) AS eligible,
    CASE WHEN method = 'POST' AND grpc_status IS NULL AND answer = 200
        THEN regexp_matches(path, '{_GRPC_CALL}') ELSE FALSE END AS grpc_unknown,
    {bucket("app_us")} AS app_bucket, {bucket("total_us")} AS total_bucket, bytes_sent AS bytes,
    CAST(CASE WHEN strlen(xff) < 30000 THEN strlen(xff) WHEN xff IS NOT NULL THEN 30000 END AS SMALLINT)
        AS forwarded,
    CASE WHEN {shown} THEN request_id END AS shown_id, CASE WHEN {shown} THEN flags END AS shown_flags,
    CASE WHEN digest IS NOT NULL AND side = 0 THEN request_id END AS told_id, digest,
    CASE WHEN digest IS NOT NULL THEN coalesce(fields, '') END AS fields,
    pod AS pod_name, CASE WHEN {shown} THEN path END AS shown_path
FROM ({records}) AS records"""


def _template(comparing: Comparing) -> str:
    return templates.sql("path", list(comparing.templates))


def bucket(microseconds: str) -> str:
    """The logarithmic bucket of a latency, 1 % wide."""
    known = f"CASE WHEN {microseconds} > 1 THEN {microseconds} WHEN {microseconds} IS NOT NULL THEN 1 END"
    return f"CAST(floor(ln({known}) / ln(1.01)) AS SMALLINT)"


def _eligible(methods: Sequence[str]) -> str:
    return "TRUE" if "*" in methods else f"method IN {texts(methods)}"
