"""Spark gives the same verdict, figures and page as DuckDB on the same data, and says what it cannot read."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lab.kit.access_logs import START, Traffic, write
from shadow_report.cli import main
from shadow_report.collect import summary
from shadow_report.collect.pods import Restart
from shadow_report.collect.tally import SECOND, Gap
from shadow_report.compare import on_spark
from tests.report import mixed

# Java takes minutes, and next to labs more of them.
pytestmark = pytest.mark.thorough

LOCAL = ("--engine=spark", "--spark=local[2]")
VERSIONS = ("--live=v1", "--shadow=v2")
GAP = Gap("shop-v2-0", "v2", (START + 300) * SECOND, (START + 310) * SECOND, "the pod went", about=17)
RESTART = Restart("shop-v2-1", "v2", "shop", (START + 200) * SECOND, "OOMKilled, exit code 137")


@pytest.fixture(scope="module", autouse=True)
def settings_of_spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A small Spark, which leaves nothing behind in the project's directory."""
    folder = tmp_path_factory.mktemp("spark")
    (folder / "spark-defaults.conf").write_text(
        f"spark.sql.warehouse.dir {folder}/tables\nspark.local.dir {folder}\n"
        "spark.driver.memory 1g\nspark.sql.shuffle.partitions 2\nspark.sql.adaptive.enabled false\n"
        # To compile takes longer than these few lines take to be read.
        "spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC\n"
        "spark.sql.codegen.wholeStage false\nspark.sql.codegen.factoryMode NO_CODEGEN\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(folder))
        yield


def report(page: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Exit status, figures and page."""
    status = main(["compare", *arguments, *VERSIONS, f"--out={page}"])
    assert status in (0, 1, 3)
    return status, json.loads(page.with_suffix(".json").read_text()), page.read_text()


def assert_same(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    """What both engines say of the same; all of it, but for who says it."""
    here = report(tmp_path / "here.html", *arguments)
    there = report(tmp_path / "there.html", *arguments, *LOCAL)
    assert (here[1].pop("engine"), there[1].pop("engine")) == ("duckdb", "spark")
    for found in (here[1], there[1]):
        for source in found["sources"]:
            # Spark does not tell the place of a bad line, and takes what a proxy says of itself for one.
            assert (source["problems"] != []) == (source["bad"] > 0)
            source["problems"] = []
            source["bad"] += source["own"]
            source["lines"] += source["own"]
            source["own"] = 0
    assert there[:2] == here[:2]
    if not any(source["bad"] for source in here[1]["sources"]):
        assert there[2] == here[2]
    return there[1]


@pytest.mark.parametrize("format", ["json", "parquet"])
def test_spark_says_the_same_of_everything_that_is_told_apart(tmp_path: Path, format: str) -> None:
    content = mixed.lines(7, 6000, ("v1", "v2", "v1b"))
    writer = mixed.write_json if format == "json" else mixed.write_parquet
    log = writer(tmp_path / f"all.{format}", content)
    found = assert_same(
        tmp_path,
        str(log),
        "--control=v1b",
        "--template=/shop/{article}/sizes",
        "--methods=GET,POST",
        "--max-reordered=0.1",
    )
    left_out = {each["what"]: each["number"] for each in found["leftOut"]}
    for what in (
        "without a request id",
        "retries",
        "twice",
        "other versions",
        "caller broke off",
        "not copied",
    ):
        assert next(number for name, number in left_out.items() if what in name) > 0
    met = {(each["live"], each["shadow"]) for each in found["all"]["answers"]}
    assert {
        ("200", "200 broken off"),
        ("200", "200 cut off"),
        ("grpc 14", "grpc 14"),
        ("200", "missing"),
    } <= met
    assert len(found["pods"]) > 6
    assert found["newErrors"]
    assert found["worseAnswers"]
    assert found["contents"]["hasControl"]
    assert found["contents"]["states"]["order"] > 0
    assert "order" in {each["about"] for each in found["statements"]}
    assert {"packed", "grpc"} <= set(found["contents"]["notComparable"])
    assert {"$.name", "$.more"} <= {each["field"] for each in found["contents"]["differences"]}


def test_spark_folds_the_same_routes(tmp_path: Path) -> None:
    content = mixed.lines(11, 4000, ("v1", "v2"))
    log = mixed.write_parquet(tmp_path / "all.parquet", content)
    routes = {each["route"] for each in assert_same(tmp_path, str(log))["routes"]}
    assert "GET /shop/{any}/sizes" in routes
    assert "GET /orders/{id}/items/" in routes


def test_spark_passes_and_fails_what_duckdb_does(tmp_path: Path) -> None:
    logs = write(tmp_path / "good", Traffic(pairs=20_000, seconds=1800, noise=0, both=0), "ndjson.gz")
    assert assert_same(tmp_path, *map(str, logs))["verdict"] == "PASS"
    logs = write(
        tmp_path / "bad", Traffic(pairs=6000, seconds=1800, failing_route="/search", failing=0.3), "parquet"
    )
    bad = assert_same(tmp_path, *(f"{path.stem}={path}" for path in logs), "--mirror-percent=250")
    assert bad["verdict"] == "FAIL"


def test_spark_reads_what_the_collector_wrote(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    write(logs, Traffic(pairs=3000, seconds=600), "parquet")
    told = {"gaps": [GAP.as_json()], "container_restarts": [RESTART.as_json()]}
    (logs / summary.FILE).write_text(json.dumps(told))
    here = report(tmp_path / "here.html", str(logs))[1]
    there = report(tmp_path / "there.html", f"parquet:{logs}", *LOCAL)[1]
    assert there["notCollected"] == [GAP.as_json()]
    assert there["restarts"] == [RESTART.as_json()]
    assert [(each["name"], each["lines"]) for each in there["sources"]] == [
        (f"parquet:{logs}", here["sides"]["live"]["lines"] + here["sides"]["shadow"]["lines"])
    ]
    for found in (here, there):
        del found["engine"], found["sources"]
    assert there == here


SERVER = """
import sys
import time
from pyspark.sql import SparkSession
port, *logs = sys.argv[1:]
session = (
    SparkSession.builder.master("local[2]")
    .config("spark.plugins", "org.apache.spark.sql.connect.SparkConnectPlugin")
    .config("spark.connect.grpc.binding.port", port)
    .config("spark.connect.grpc.binding.address", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.ui.enabled", "false")
    .getOrCreate()
)
session.sql("CREATE DATABASE logs")
for name, log in zip(("live", "shadow"), logs):
    session.read.parquet(log).withColumnRenamed("status", "code").write.saveAsTable(f"logs.{name}")
print("ready", flush=True)
sys.stdin.read()
# Spark forgets what nobody refers to when memory is collected; to ask for the RDDs is to refer to them.
until = time.monotonic() + 60
while (left := len(session.sparkContext._jsc.sc().getRDDStorageInfo())) and time.monotonic() < until:
    session.sparkContext._jvm.System.gc()
    time.sleep(1)
print(left, flush=True)
session.stop()
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        number: int = found.getsockname()[1]
        return number


@pytest.mark.timeout(300)
def test_tables_of_a_spark_connect_server_are_compared_and_nothing_stays_there(
    tmp_path: Path, port: int
) -> None:
    logs = write(
        tmp_path / "logs", Traffic(pairs=3000, seconds=600, failing_route="/", failing=0.2), "parquet"
    )
    here = report(tmp_path / "here.html", *map(str, logs))
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(port), *map(str, logs)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        text=True,
    )
    assert server.stdin
    assert server.stdout
    try:
        assert server.stdout.readline() == "ready\n"
        # In a process of its own: PySpark allows one kind of session in each.
        done = subprocess.run(
            [
                *(
                    sys.executable,
                    "-m",
                    "shadow_report",
                    "compare",
                    "v1=table:logs.live",
                    "v2=table:logs.shadow",
                ),
                *("--keys=status=code", *VERSIONS, "--engine=spark", f"--spark=sc://127.0.0.1:{port}"),
                f"--out={tmp_path}/there.html",
            ],
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == here[0] == 1, done.stderr[-2000:]
        server.stdin.close()
        assert server.stdout.read().strip() == "0"
    finally:
        server.kill()
        server.wait()
    there = json.loads((tmp_path / "there.html").with_suffix(".json").read_text())
    assert [each["format"] for each in there["sources"]] == ["table", "table"]
    for found in (here[1], there):
        del found["engine"], found["sources"]
    assert there == here[1]


def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, *arguments: str) -> str:
    """What is said; nothing is written."""
    capsys.readouterr()
    assert main(["compare", *arguments, *VERSIONS, f"--out={tmp_path}/none.html"]) == 2
    assert not (tmp_path / "none.html").exists()
    return capsys.readouterr().err


@pytest.fixture
def no_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is refused here is refused before Spark is started."""
    monkeypatch.setattr(on_spark, "connected", None)


@pytest.mark.usefixtures("no_spark")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("/dev/null",), "/dev/null is a pipe, which Spark cannot read: compare it without --engine spark"),
        (("v1=live.log",), "live.log: name what Spark reads as table:NAME, parquet:PATH or json:PATH"),
        (("s3a://logs/date=7/",), "s3a://logs/date=7/: name what Spark reads"),
        (("a.json", "v1=a.json"), "named twice, so that every line would count twice: a.json"),
        (("a.json", "--inside=log"), "--inside log with --engine spark: lines in an envelope are not read"),
        (("a.json", "--keys=pod=k8s.pod"), "--keys pod=k8s.pod with --engine spark: a key within an object"),
        (("a.json", "--memory=900"), "--memory is DuckDB's"),
        (("a.json", "--scratch=/tmp"), "--scratch is DuckDB's"),
    ],
)
def test_what_spark_does_not_read_is_refused_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert said in refused(capsys, tmp_path, *arguments, *LOCAL)


@pytest.mark.usefixtures("no_spark")
@pytest.mark.parametrize("url", ["", "http://spark", "local[x]", "sc://", "sc://host:port", "mesos://host:1"])
def test_a_url_that_spark_does_not_know_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    said = refused(capsys, tmp_path, "a.json", "--engine=spark", f"--spark={url}")
    assert "sc://HOST:PORT" in said
    assert "local[" in said


def test_a_url_without_the_engine_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--spark is for --engine spark" in refused(capsys, tmp_path, "a.json", "--spark=local")


@pytest.mark.parametrize("scheme", ["sc", "spark"])
def test_a_spark_that_is_not_there_is_said_at_once_and_without_the_token(
    tmp_path: Path, port: int, scheme: str
) -> None:
    url = f"{scheme}://127.0.0.1:{port}"
    # By itself: Spark Connect's client and Pulumi's SDK, which other tests import, do not fit in one process.
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "shadow_report", "compare", "table:logs", *VERSIONS),
            *("--engine=spark", f"--spark={url}/;token=s3cret", f"--out={tmp_path}/none.html"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    said = ran.stderr
    assert (ran.returncode, ran.stdout) == (2, "")
    assert not (tmp_path / "none.html").exists()
    assert f"nothing answers at 127.0.0.1:{port}" in said
    assert url in said
    assert "s3cret" not in said


@pytest.mark.usefixtures("no_spark")
@pytest.mark.parametrize("lacking", ["pyspark.sql", "sqlglot"])
def test_without_the_extra_it_is_said_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    monkeypatch.setitem(sys.modules, lacking, None)
    assert "pip install './report[spark]'" in refused(capsys, tmp_path, "a.json", *LOCAL)


def test_what_is_not_there_or_is_no_log_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "text.json"
    text.write_text("[2026-11-23T00:00:00Z] no json\n")
    other = tmp_path / "other.json"
    other.write_text('{"code": 200, "verb": "GET"}\n')
    empty = tmp_path / "empty.json"
    empty.touch()
    table = tmp_path / "table.parquet"
    duckdb.sql(f"COPY (SELECT 'x' AS request_id, 'GET' AS method, '/' AS path, 200 AS code) TO '{table}'")
    for argument, said in (
        ("table:logs.live", "table:logs.live cannot be read: [TABLE_OR_VIEW_NOT_FOUND]"),
        (f"{tmp_path}/none.parquet", f"{tmp_path}/none.parquet cannot be read: [PATH_NOT_FOUND]"),
        (str(text), f"{text} holds no JSON lines but text, which Spark does not read"),
        (str(other), f"{other} is JSON without the keys of an access log; its keys are code, verb"),
        (str(empty), f"nothing to compare: empty: {empty}"),
        (
            str(table),
            f"{table} has no column status, start_time; its columns are code, method, path, request_id",
        ),
    ):
        assert said in refused(capsys, tmp_path, argument, *LOCAL)


def test_logs_of_other_versions_are_no_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    live, _ = write(tmp_path, Traffic(pairs=300, seconds=600))
    said = refused(capsys, tmp_path, str(live), *LOCAL)
    assert "no line of v2 (shadow): the logs hold v1" in said


def test_a_status_of_grpc_may_have_changed_its_type_between_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An earlier collector wrote grpc_status as a number, today's writes text."""
    content = mixed.lines(3, 3000, ("v1", "v2"))
    for each in content:
        each["grpc_status"] = None if each["grpc_status"] in (None, "-") else 14
    methods = "--methods=*"  # gRPC's is POST
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()
    mixed.write_parquet(before / "all.parquet", content[::2])
    mixed.write_parquet(after / "all.parquet", content[1::2])
    alike = report(tmp_path / "alike.html", str(before), str(after), methods)[1]
    older = f"SELECT * REPLACE (grpc_status::BIGINT AS grpc_status) FROM '{before}/all.parquet'"
    duckdb.sql(f"COPY ({older}) TO '{before}/older.parquet' (FORMAT parquet)")
    (before / "all.parquet").unlink()
    here = report(tmp_path / "here.html", str(before), str(after), methods)[1]
    assert ("grpc 14", "grpc 14") in {(each["live"], each["shadow"]) for each in here["all"]["answers"]}
    there = report(tmp_path / "there.html", f"parquet:{before}", f"parquet:{after}", methods, *LOCAL)[1]
    for found in (alike, here, there):
        del found["engine"], found["sources"]
    assert alike == here == there
    (after / "all.parquet").rename(before / "newer.parquet")
    together = report(tmp_path / "together.html", str(before), methods)[1]
    del together["engine"], together["sources"]
    assert together == alike
    said = refused(capsys, tmp_path, f"parquet:{before}", *LOCAL)
    assert "grpc_status" in said
    assert "of one type" in said
