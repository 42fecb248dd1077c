"""Access logs of a service that never ran, for tests and for the benchmark: the same seed gives the same
lines.

The engine that reads logs also writes them: a row's random numbers are hashes of its number, the seed and a
name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

START = 1_795_392_000  # 2026-11-23 00:00:00 UTC
ROUTES = ("/", "/orders/{n}", "/users/{n}/cart", "/search", "/static/app.js")


@dataclass(frozen=True)
class Traffic:
    """What happened. Shares are of 1; `down`: when the shadow was, as shares of the time.

    `noise`: how often either version fails by chance; `both`: how often both fail the same request.
    """

    pairs: int = 20_000
    seconds: float = 1800
    seed: int = 1
    slower: float = 1.0
    failing_route: str = ""
    failing: float = 0.01
    lost_path: str = ""
    down: tuple[float, float] = (0, 0)
    mirror_percent: float = 100
    noise: float = 0.0001
    both: float = 0.001
    skew_seconds: float = 0
    median_us: int = 20_000
    control: bool = False
    flaky: float = 0.0  # how often any copy, of whichever version, fails
    traced: bool = False  # tracing rewrites the copies' request ids


def write(directory: Path, traffic: Traffic, format: str = "ndjson") -> list[Path]:
    """Writes one file a version: v1, v2 and, with `control`, v1b. `format`: ndjson, ndjson.gz, ndjson.zst,
    parquet."""
    directory.mkdir(parents=True, exist_ok=True)
    versions = ["v1", "v2", *(["v1b"] if traffic.control else [])]
    paths = [directory / f"{version}.{format}" for version in versions]
    kind = "FORMAT parquet" if format == "parquet" else "FORMAT json"
    packed = {"ndjson.gz": ", COMPRESSION gzip", "ndjson.zst": ", COMPRESSION zstd"}.get(format, "")
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '1GiB'")
        for version, path in zip(versions, paths, strict=True):
            connection.execute(f"COPY ({_lines(traffic, version)}) TO '{path}' ({kind}{packed})")
    return paths


def _random(name: str, seed: int) -> str:
    """A number from 0 to 1 that depends on the row, the name and the seed."""
    return f"((hash(i, '{name}', {seed}) >> 11) / 9007199254740992.0)"


def _normal(first: str, second: str) -> str:
    return f"(sqrt(-2 * ln(greatest({first}, 1e-12))) * cos(2 * pi() * {second}))"


def _lines(traffic: Traffic, version: str) -> str:
    live = version == "v1"
    seed = traffic.seed

    def u(name: str) -> str:
        """The same for both versions."""
        return _random(name, seed)

    def own(name: str) -> str:
        """Another one for each version."""
        return _random(f"{version} {name}", seed)

    n = f"(hash(i, 'n', {seed}) % 100000)"
    paths = " ".join(f"WHEN {k} THEN {_path(route, n)}" for k, route in enumerate(ROUTES))
    weather = f"0.1 * sin(i * {traffic.seconds} / {traffic.pairs} / 97.0)"  # slow for a while, for everyone
    spread = f"exp(0.3 * {_normal(u('a'), u('b'))} + 0.3 * {_normal(own('c'), own('d'))} + {weather})"
    slower = traffic.slower if version == "v2" else 1.0
    later = 0 if live else traffic.skew_seconds + 0.0005
    start = f"({START} + i * {traffic.seconds} / {traffic.pairs} + {later})"
    begin, end = (round(share * traffic.pairs) for share in traffic.down)
    fails = [f"{u('both')} < {traffic.both}", f"{own('fails')} < {traffic.noise}"]
    if version == "v2" and traffic.failing_route:
        fails.append(f"route = {ROUTES.index(traffic.failing_route)} AND {own('bug')} < {traffic.failing}")
    if not live and traffic.flaky:
        fails.append(f"{own('flaky')} < {traffic.flaky}")
    lost = f"path = '{traffic.lost_path}'" if version == "v2" and traffic.lost_path else "FALSE"
    copied = f"{_random(version, seed)} < {traffic.mirror_percent / 100}"
    where = (
        "TRUE" if live else f"{copied} AND NOT (i >= {begin} AND i < {end})" if version == "v2" else copied
    )
    digit = "9" if traffic.traced and not live else "4"
    identity = f"md5('{seed} ' || i)"
    return f"""
SELECT {identity}[1:8] || '-' || {identity}[9:12] || '-{digit}' || {identity}[14:16] || '-a' ||
{identity}[18:20] || '-'
        || {identity}[21:32] AS request_id, 'GET' AS method, path, 'HTTP/1.1' AS protocol, status,
    NULL::BIGINT AS grpc_status, '-' AS flags, 'via_upstream' AS details,
    strftime(make_timestamp((start * 1000000)::BIGINT), '%Y-%m-%dT%H:%M:%S.%fZ') AS start_time,
    (us / 1000)::BIGINT + 1 AS duration_ms, us AS app_us,
    CASE WHEN status = 200 THEN 500 + i % 7 ELSE 20 END AS bytes_sent, 0 AS bytes_received,
    '10.1.2.3' || {"''" if live else "',10.244.0.4'"} AS xff,
    'shop-{version}-' || (i % 3) AS pod, '{version}' AS version
FROM (SELECT i, route, path, start, ({traffic.median_us} * {slower} * {spread})::BIGINT AS us,
    CASE WHEN {" OR ".join(fails)} THEN 503 WHEN {lost} THEN 404 ELSE 200 END AS status
FROM (SELECT i, route, CASE route {paths} END AS path, {start} AS start
FROM (SELECT i, (hash(i, 'route', {seed}) % {len(ROUTES)})::INTEGER AS route FROM range({traffic.pairs}) AS
t(i))))
WHERE {where}"""


def _path(route: str, number: str) -> str:
    before, brace, after = route.partition("{n}")
    return f"'{before}' || {number} || '{after}'" if brace else f"'{route}'"
