"""The ways to compare the same files.

Run as `python -m benchmarks.report.contenders NAME LIVE SHADOW`, of which the last two are directories.
"""

from __future__ import annotations

import sys
from pathlib import Path

_FOLD = "regexp_replace(path, '/[0-9]+', '/{id}', 'g')"
_TYPES = {
    "request_id": "VARCHAR",
    "method": "VARCHAR",
    "path": "VARCHAR",
    "status": "INTEGER",
    "start_time": "TIMESTAMP",
    "app_us": "BIGINT",
    "bytes_sent": "BIGINT",
}


def ours(live: Path, shadow: Path) -> None:
    """The command as a user runs it, page and figures included."""
    _command(live, str(live), str(shadow))


def spark(live: Path, shadow: Path) -> None:
    """The same on Spark, on this machine and with as many cores."""
    _command(live, f"json:{live}", f"json:{shadow}", "--engine=spark", "--spark=local[2]")


def _command(live: Path, *arguments: str) -> None:
    from shadow_report.cli import main
    from shadow_report.judge.statements import EXIT_STATUS

    out = live.with_name("report.html")
    status = main(["compare", *arguments, "--live", "v1", "--shadow", "v2", "--out", str(out)])
    if status not in EXIT_STATUS.values():
        sys.exit(f"no verdict: exit status {status}")


def by_hand(live: Path, shadow: Path) -> None:
    """What one would write for once: the join and the two aggregates, and nothing that checks the input,
    tells retries apart, shows samples, or judges."""
    import duckdb

    columns = ", ".join(f"{name}: '{kind}'" for name, kind in _TYPES.items())
    with duckdb.connect(config={"memory_limit": "1200MiB", "preserve_insertion_order": False}) as connection:
        connection.execute(f"SET temp_directory = '{live.parent}/spilled'")
        connection.execute(f"""CREATE TABLE pairs AS
SELECT date_trunc('minute', v1.start_time) AS minute, method || ' ' || {_FOLD} AS route, v1.status AS live,
    v2.status AS shadow, floor(ln(v1.app_us) / ln(1.01))::INTEGER AS live_bucket,
    floor(ln(v2.app_us) / ln(1.01))::INTEGER AS shadow_bucket, v1.bytes_sent = v2.bytes_sent AS same_size
FROM read_ndjson('{live}/*', columns = {{{columns}}}) AS v1
LEFT JOIN read_ndjson('{shadow}/*', columns = {{{columns}}}) AS v2 USING (request_id, method, path)""")
        count = "count(*) AS requests FROM pairs GROUP BY ALL"
        answers = f"SELECT minute, route, live, shadow, sum(same_size::INTEGER), {count}"
        latencies = " UNION ALL ".join(
            f"SELECT minute, route, {side}_bucket, {count}" for side in ("live", "shadow")
        )
        print(
            len(connection.execute(answers).fetchall()),
            len(connection.execute(latencies).fetchnumpy()["requests"]),
        )


def pandas(live: Path, shadow: Path) -> None:
    """The same in memory."""
    import numpy as np
    import pandas as pd

    frames = [
        pd.read_json(path, lines=True)[list(_TYPES)] for folder in (live, shadow) for path in folder.iterdir()
    ]
    pairs = frames[0].merge(
        frames[1], on=["request_id", "method", "path"], how="left", suffixes=("", "_shadow")
    )
    pairs["minute"] = pd.to_datetime(pairs.start_time).dt.floor("min")
    pairs["route"] = pairs.method + " " + pairs.path.str.replace("/[0-9]+", "/{id}", regex=True)
    pairs["same_size"] = pairs.bytes_sent == pairs.bytes_sent_shadow
    keys = ["minute", "route"]
    answers = pairs.groupby([*keys, "status", "status_shadow"], dropna=False).same_size.agg(["size", "sum"])
    latencies = [
        pairs.assign(bucket=np.floor(np.log(pairs[side]) / np.log(1.01))).groupby([*keys, "bucket"]).size()
        for side in ("app_us", "app_us_shadow")
    ]
    print(len(answers), sum(map(len, latencies)))


CONTENDERS = {"ours": ours, "by-hand": by_hand, "pandas": pandas, "spark": spark}

if __name__ == "__main__":
    CONTENDERS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
