"""Spark as the engine: a cluster holds the lines, pairs and counts them; only aggregates come here."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shadow_report.compare.session import Numbers
from shadow_report.errors import ReportError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# What sqlglot does not know to be the same.
NAMES = {"HASH": "XXHASH64", "STRLEN": "OCTET_LENGTH", "EPOCH_US": "UNIX_MICROS"}
CONNECT_PORT = 15002
_REACHED_SECONDS = 10.0
_URL = re.compile(r"(?P<scheme>sc|spark)://(?P<host>[^:/;,\s]+|\[[^\]]+\])(?::(?P<port>\d{1,5}))?(?:[/,].*)?")
_LOCAL = re.compile(r"local(\[(\d{1,4}|\*)(,\d{1,4})?\])?")
_OTHER_MASTERS = re.compile(r"yarn|k8s://\S+")
_MISSING = "--engine spark needs PySpark, Spark Connect's client and sqlglot: pip install './report[spark]'"


class Spark:
    """A session, see session.Session."""

    name = "spark"

    def __init__(self, session: SparkSession) -> None:
        self.session = session

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        found = self.session.sql(translated(query)).toArrow()
        return list(zip(*(column.to_pylist() for column in found.columns), strict=True))

    def columns(self, query: str) -> dict[str, Numbers]:
        found = self.session.sql(translated(query)).toArrow()
        return {name: found[name].to_numpy().astype("int64") for name in found.column_names}

    def keep(self, name: str, query: str) -> None:
        # The plan of a checkpoint ends there. That of a cached table goes on to the files, and Spark works
        # through all of it for each query: minutes in all. Spark forgets it once the session ends.
        self.session.sql(translated(query)).localCheckpoint().createOrReplaceTempView(name)

    def view(self, name: str, query: str) -> None:
        self.session.sql(f"CREATE OR REPLACE TEMPORARY VIEW {name} AS {translated(query)}")


def translated(query: str) -> str:
    """A query of this package as Spark has it."""
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(query, read="duckdb")
    for call in tree.find_all(exp.Anonymous):
        call.set("this", NAMES.get(call.name.upper(), call.name))
    return tree.sql(dialect="spark")


def check(url: str | None) -> str:
    """Before any work: is what is needed installed, and the URL one that Spark knows? Raises ReportError."""
    if not url:
        raise ReportError(
            "--engine spark needs --spark URL: sc://HOST:PORT of a Spark Connect server, or a master such as "
            "local[2], spark://HOST:PORT, yarn"
        )
    known = _URL.fullmatch(url) or _LOCAL.fullmatch(url) or _OTHER_MASTERS.fullmatch(url)
    if not known:
        raise ReportError(
            f"--spark {_shown(url)!r}: sc://HOST:PORT, spark://HOST:PORT, local, local[N], local[*], yarn and "
            "k8s://... are allowed"
        )
    try:
        import pyspark.sql
        import sqlglot  # noqa: F401

        if url.startswith("sc:"):
            import pyspark.sql.connect.session  # noqa: F401
    except ImportError as problem:
        raise ReportError(f"{_MISSING} ({problem})") from None
    return url


@contextmanager
def connected(url: str) -> Iterator[Spark]:
    """A session until the end. Raises ReportError when there is none to be had."""
    _reach(url)
    from pyspark.errors import PySparkException

    try:
        session = _session(url)
        session.conf.set("spark.sql.session.timeZone", "UTC")
        session.conf.set("spark.sql.ansi.enabled", "true")
    except (PySparkException, OSError) as problem:
        raise ReportError(
            f"--spark {_shown(url)}: no session: {first_line(problem)}; Spark 4.0 is needed, and "
            "Java 17 where it runs"
        ) from None
    try:
        yield Spark(session)
    finally:
        session.stop()


def _session(url: str) -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("shadow-report")
    if url.startswith("sc:"):
        return builder.remote(url).getOrCreate()
    if _LOCAL.fullmatch(url):
        for name in ("bindAddress", "host"):
            builder = builder.config(f"spark.driver.{name}", "127.0.0.1")
    builder = builder.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
    session = builder.master(url).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _reach(url: str) -> None:
    """Spark itself would try for minutes."""
    found = _URL.fullmatch(url)
    if not found:
        return
    host = found["host"].strip("[]")
    port = int(found["port"] or (CONNECT_PORT if found["scheme"] == "sc" else 7077))
    try:
        socket.create_connection((host, port), _REACHED_SECONDS).close()
    except (OSError, OverflowError) as problem:
        raise ReportError(f"--spark {_shown(url)}: nothing answers at {host}:{port}: {problem}") from None


def _shown(url: str) -> str:
    """Without what follows the address, which may be a token."""
    return url.split(";")[0]


def first_line(problem: BaseException) -> str:
    """What is wrong, without the plan and the stack that Spark adds."""
    lines = str(problem).strip().splitlines()
    if lines[1:] and lines[1].startswith(": "):  # of Java, after what was called
        lines = [lines[1].removeprefix(": ")]
    return lines[0][:300] if lines else type(problem).__name__
