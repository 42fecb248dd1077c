"""What one line of an access log holds, and what the comparison makes of it.

A *raw line* is what a proxy writes: one JSON object a line, or the same columns in Parquet. A *record* is the
same request in one form, whatever the log's format was. Both are described here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Type = Literal["text", "whole", "name", "time", "flag"]


@dataclass(frozen=True)
class Column:
    """`type`: "text"; "whole", a 64-bit integer; "name", a whole number or its name, kept as text; "time",
    ISO 8601 with a zone in JSON and a timestamp in Parquet; "flag", true or false."""

    name: str
    type: Type
    meaning: str


# A key may be missing, null or "-": all three mean that there was no value.
RAW = (
    Column("request_id", "text", "x-request-id, the same for a request and its copies"),
    Column("method", "text", "GET, POST and so on"),
    Column("path", "text", "without the query string"),
    Column("protocol", "text", "HTTP/1.1, HTTP/2"),
    Column("status", "whole", "what was answered; 0 when nothing was"),
    Column("grpc_status", "name", "of a gRPC answer, such as 14, Unavailable or UNAVAILABLE"),
    Column("flags", "text", "Envoy's response flags, such as DC or UF,URX"),
    Column("details", "text", "Envoy's response code details, such as via_upstream"),
    Column("start_time", "time", "when the proxy began to read the request"),
    Column("duration_ms", "whole", "from there until the last byte was answered"),
    Column(
        "app_us", "whole", "microseconds that the app itself took: COMMON_DURATION(US_TX_BEG:US_RX_END:us)"
    ),
    Column("bytes_sent", "whole", "size of the answer's body"),
    Column("bytes_received", "whole", "size of the request's body"),
    Column("xff", "text", "x-forwarded-for"),
    Column("answer_digest", "text", "what the answer held, by digests (docs/answers.md)"),
    Column("answer_fields", "text", "its fields, by digests"),
    Column("pod", "text", "which pod's log; the collector adds it"),
    Column("version", "text", "which version's log, such as v1; the collector adds it"),
)
RAW_NAMES = tuple(column.name for column in RAW)

SIDES = ("live", "shadow", "control")  # written as 0, 1, 2; control is a second copy of the live version

# A record, as `records.sql` makes it of any format. `occurrence` is not kept: it is counted only where an
# id occurs more than once (see pairing).
RECORD = (
    Column("side", "whole", "an index of SIDES; null: a version that is not compared"),
    Column("pod", "text", "whose log it was"),
    Column(
        "join_id", "text", "the request id, without the digit that tracing rewrites; null: cannot be paired"
    ),
    Column("start_us", "whole", "microseconds since 1970, UTC"),
    Column("method", "text", "GET, POST and so on"),
    Column("path", "text", "without the query string"),
    Column("template", "text", "the path with ids folded, such as /orders/{id}"),
    Column("route", "text", "method and template: what is judged as one"),
    Column("status", "whole", "0 when nothing was answered"),
    Column("grpc_status", "whole", "of a gRPC answer"),
    Column("flags", "text", "Envoy's response flags"),
    Column("answer", "whole", "status, flags and gRPC status in one number, see answers"),
    Column("app_us", "whole", "the app's own time"),
    Column("total_us", "whole", "the whole time in the proxy"),
    Column("bytes_sent", "whole", "size of the answer's body"),
    Column("digest", "text", "what the answer held, by digests"),
    Column("fields", "text", "its fields, by digests"),
    Column("xff_hops", "whole", "how many addresses X-Forwarded-For holds"),
    Column("is_mirror", "flag", "a copy carries at least the hop of the proxy that made it"),
    Column("file", "whole", "which of the files that were read"),
    Column("problem", "whole", "an index of records.PROBLEMS, 0 if the line is in order"),
    Column("parse_ok", "flag", "is it?"),
)
