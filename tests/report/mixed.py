"""Generated logs of everything that the comparison tells apart: faults, retries, ids that are missing or
ambiguous, lines that are there twice or broken, text where a number is usual, routes by the hundred."""

from __future__ import annotations

import json
import random
import uuid
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from lab.kit.access_logs import START
from shadow_report.compare.reading import TYPES, identifier
from shadow_report.schema import RAW_NAMES
from tests.report import contents

SECONDS = 900
_GRPC = (None, "-", 0, 14, "14", 5, "Unavailable", "NOT_FOUND", "PermissionDenied", "Nonsense")
_FLAGS = ("-",) * 20 + (None, "", "UC", "DC", "UF,URX", "NR", "DC,UT")
_STATUS = (200,) * 30 + (204, 302, 304, 404, 404, 429, 499, 500, 503, 0)
_BROKEN: tuple[dict[str, Any], ...] = (
    {"method": None},
    {"path": None},
    {"status": None},
    {"status": 1000},
    {"start_time": None},
    {"start_time": "1970-01-01T00:00:07Z"},
    {"version": "v9"},
    {"version": None, "pod": "shop-v2-69966c9d8b-xx78n"},
    {"version": None, "pod": "elsewhere-0"},
)

Line = dict[str, Any]


def lines(seed: int, requests: int, versions: tuple[str, ...]) -> list[Line]:
    """In no order, of all versions; the first is the live one."""
    draw = random.Random(seed)  # noqa: S311  # the same each time
    found: list[Line] = []
    for number in range(requests):
        second = SECONDS * number / requests
        request = _request(draw)
        again = draw.random() < 0.03
        for version in versions:
            live = version == versions[0]
            if not live and draw.random() < 0.02:
                continue
            repeats = draw.choice((1, 2, 2, 3)) if again else 1
            for attempt in range(repeats):
                later = 0.2 * attempt + (0 if live else 0.0007)
                found.append(_answer(draw, request, version, second + later))
        if draw.random() < 0.01:
            found.append(dict(found[-1]))
        if draw.random() < 0.02:
            found.append({**found[-1], "request_id": _id(draw), **draw.choice(_BROKEN)})
    draw.shuffle(found)
    return found


def _id(draw: random.Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


def _request(draw: random.Random) -> Line:
    word = f"{draw.choice('abcdefgh')}{draw.randrange(400)}x"
    path = draw.choice(
        (
            "/",
            f"/orders/{draw.randrange(10_000)}",
            f"/orders/{draw.randrange(99)}/items/",
            f"/users/{_id(draw)}/cart",
            f"/search?q={draw.randrange(9)}",
            f"/shop/{word}/sizes",
            "/it's/a\\path",
            "/über/alles",
            f"/v{draw.randrange(3)}/{draw.getrandbits(80):020x}-raw",
        )
    )
    request: Line = {
        "request_id": draw.choice((None, "", "-", "abc", f"short-{draw.randrange(10**9)}"))
        if draw.random() < 0.04
        else _id(draw),
        "method": draw.choice(("GET", "GET", "GET", "GET", "HEAD", "POST")),
        "path": path,
        "protocol": "HTTP/1.1",
        "grpc_status": None,
    }
    if draw.random() < 0.1:
        request |= {"method": "POST", "path": draw.choice(("/shop.v1.Cart/Add", "/shop.v1.Cart/Get"))}
        request["grpc_status"] = draw.choice(_GRPC)
    return request


def _answer(draw: random.Random, request: Line, version: str, second: float) -> Line:
    took = int(draw.lognormvariate(9.5, 0.6))
    start = datetime.fromtimestamp(START + second, UTC).isoformat(timespec="microseconds")
    grpc = request["grpc_status"]
    return {
        **request,
        "status": 200 if grpc else draw.choice(_STATUS),
        "grpc_status": draw.choice(_GRPC) if grpc and draw.random() < 0.1 else grpc,
        "flags": draw.choice(_FLAGS),
        "details": "via_upstream",
        "start_time": start,
        "duration_ms": None if draw.random() < 0.01 else took // 1000 + 1,
        "app_us": None if draw.random() < 0.02 else 0 if draw.random() < 0.01 else took,
        "bytes_sent": None if draw.random() < 0.02 else draw.choice((0, 512, 512, 512, 2048)),
        "bytes_received": 0,
        "xff": draw.choice(("10.1.2.3", "10.1.2.3", "10.1.2.3,10.244.0.4", None, "-")),
        **_held(request["request_id"], took),
        "pod": draw.choice((f"shop-{version}-0", f"shop-{version}-1", None)),
        "version": version,
    }


def _held(request_id: str | None, took: int) -> Line:
    """What the answers to every other request hold: some fields differ by chance."""
    if not request_id or zlib.crc32(request_id.encode()) % 2:
        return {}
    what = ("json", "json", "json", "other", "packed", "grpc")[zlib.crc32(request_id.encode()) // 2 % 6]
    fields: dict[str, Any] = {"$.id": 1, "$.name": f"{took % 9}" if took % 7 else None, "@x-shop": took % 5}
    if took % 11:
        fields["$.more"] = "x"
    return contents.digests(request_id, fields, what, order=took % 3)


def write_json(path: Path, content: list[Line]) -> Path:
    """As JSON lines; lines that are none in between."""
    made = [json.dumps(each) for each in content]
    made[100:100] = ["no json at all", '{"level":"info","msg":"of the proxy itself"', ""]
    path.write_text("".join(f"{each}\n" for each in made))
    return path


def write_parquet(path: Path, content: list[Line]) -> Path:
    """With the types that the collector writes."""
    rows = path.with_suffix(".ndjson.tmp")
    rows.write_text("".join(json.dumps(each) + "\n" for each in content))
    columns = ", ".join(f"{identifier(name)}: '{TYPES[name]}'" for name in RAW_NAMES)
    duckdb.sql(
        f"COPY (SELECT * FROM read_ndjson('{rows}', columns = {{{columns}}})) TO '{path}' (FORMAT parquet)"
    )
    rows.unlink()
    return path
