"""DuckDB as the engine: on this machine, out of core."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from shadow_report.compare.session import Numbers
from shadow_report.compare.settings import Settings
from shadow_report.errors import ReportError

_SCRATCH = "shadow-report-"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DuckDB:
    """A session, see session.Session."""

    name = "duckdb"

    def __init__(self, connection: duckdb.DuckDBPyConnection, scratch: Path) -> None:
        self.connection = connection
        self.scratch = scratch

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def columns(self, query: str) -> dict[str, Numbers]:
        found = self.connection.execute(query).fetchnumpy()
        return {name: values.astype("int64") for name, values in found.items()}

    def keep(self, name: str, query: str) -> None:
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")

    def view(self, name: str, query: str) -> None:
        self.connection.execute(f"CREATE OR REPLACE VIEW {name} AS {query}")


@contextmanager
def connected(settings: Settings) -> Iterator[DuckDB]:
    """A session, and a directory for temporary files, until the end."""
    with scratch(settings) as directory:
        options: dict[str, Any] = {
            "memory_limit": f"{settings.memory_mib}MiB",
            "temp_directory": f"{directory}/spilled",
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
        }
        if settings.threads:
            options["threads"] = settings.threads
        # The lines are stored in a file, where they are packed: in memory they would take all that is
        # allowed, and leave none for the joins. What is made of them is smaller, and temporary.
        with duckdb.connect(f"{directory}/lines.duckdb", config=options) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield DuckDB(connection, directory)


@contextmanager
def scratch(settings: Settings) -> Iterator[Path]:
    """A directory for temporary files. Raises ReportError when they take more room or memory than there is."""
    try:
        with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=settings.scratch) as directory:
            yield Path(directory)
    except duckdb.OutOfMemoryException:
        raise ReportError(
            f"{settings.memory_mib} MiB of memory are not enough, or there is no room left in the directory for "
            "temporary files: give more with --memory, or another directory with --scratch"
        ) from None
    except (duckdb.Error, OSError) as problem:
        if _SCRATCH not in str(problem) and getattr(problem, "errno", None) not in _NO_ROOM:
            raise
        raise ReportError(
            f"no temporary files can be written in {settings.scratch or tempfile.gettempdir()}: {problem}; "
            "name a directory with more room with --scratch"
        ) from None
