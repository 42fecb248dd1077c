"""The same expressions on another engine, over the same records: PySpark, on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import pytest
from pyspark.sql import SparkSession

from lab.kit.access_logs import START, Traffic, write
from shadow_report import engine, pairing, reading, records
from shadow_report.pairing import Window
from shadow_report.records import Comparing

KEYS = ("join_id", "method", "path")
COMPARING = Comparing({"live": ("v1",), "shadow": ("v2",)}, ("GET",))
WINDOW = Window(START * 1_000_000, (START + 600) * 1_000_000, 60)


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records as Parquet, with retries and with lines that are there twice."""
    folder = tmp_path_factory.mktemp("records")
    logs = write(
        folder, Traffic(pairs=3000, seconds=600, failing_route="/search", failing=0.1, down=(0.5, 0.6))
    )
    for path in logs:
        content = path.read_text().splitlines(keepends=True)
        again = [
            line.replace(":00.", ":01.").replace('"status":200', '"status":503') for line in content[:100:3]
        ]
        path.write_text(
            "".join([*content, *content[200:210], *(again if path.name == "v1.ndjson" else again[:20])])
        )
    queries = [
        records.sql(reading.relation(reading.recognise(reading.Input(path)), folder)[0], "json", COMPARING)
        for path in logs
    ]
    duckdb.sql(f"COPY ({' UNION ALL '.join(queries)}) TO '{folder}/records.parquet' (FORMAT parquet)")
    return folder / "records.parquet"


def expressions(schema: ibis.Schema) -> tuple[ir.Table, ir.Table]:
    lines = pairing.lines_of(ibis.table(schema, name="records"), ("GET",), "app")
    numbered = pairing.repeated(lines, KEYS, "shadow", lambda name, expression: expression)
    paired = pairing.pairs(lines, numbered, KEYS, "shadow", WINDOW)
    return pairing.answers(paired), pairing.latencies(paired)


@pytest.mark.timeout(1800)
def test_spark_counts_the_same_as_duckdb(spark: SparkSession, table: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW records AS SELECT * FROM '{table}'")
        types = {
            name: engine.IBIS_TYPES[kind]
            for name, kind, *_ in connection.execute("DESCRIBE records").fetchall()
        }
        spark.read.parquet(str(table)).createOrReplaceTempView("records")
        answers, latencies = expressions(ibis.schema(types))
        here = [
            connection.execute(ibis.to_sql(each, dialect="duckdb")).fetchall()
            for each in (answers, latencies)
        ]
    backend = ibis.pyspark.connect(spark)
    there = [
        [tuple(row) for row in spark.sql(str(backend.compile(each))).collect()]
        for each in (answers, latencies)
    ]
    assert set(here[0]) == set(there[0])
    others = {row[3] for row in here[0]}
    assert others == {200, 503, -1, -2}  # what is missing and what is ambiguous was among it
    assert len(here[1]) > 1000
    assert _distances(latencies, here[1], there[1]) <= {-1, 0, 1}


def _distances(
    latencies: ir.Table, here: list[tuple[object, ...]], there: list[tuple[object, ...]]
) -> set[int]:
    """How many buckets apart the two engines put the same request: its place in the order, in every block,
    route and side."""
    columns = latencies.columns
    expanded = []
    for rows in (here, there):
        by_group: dict[tuple[object, ...], list[int]] = {}
        for row in rows:
            named = dict(zip(columns, row, strict=True))
            group = by_group.setdefault((named["block"], named["route"], named["is_other"]), [])
            group += [int(str(named["bucket"]))] * int(str(named["requests"]))
        expanded.append({group: sorted(buckets) for group, buckets in by_group.items()})
    assert expanded[0].keys() == expanded[1].keys()
    return {
        one - other
        for group, buckets in expanded[0].items()
        for one, other in zip(buckets, expanded[1][group], strict=True)
    }
