"""The collector's files: whole, bounded, and enough to go on from."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from shadow_report.collect.store import SCHEMA, Store
from shadow_report.errors import ReportError
from shadow_report.schema import RAW_NAMES

PLENTY = 10**9


def row(number: int) -> dict[str, Any]:
    values = {"method": "GET", "path": f"/{number}", "status": 200, "start_time": datetime.now(UTC)}
    return {name: values.get(name) for name in RAW_NAMES}


def filled(directory: Path, most_bytes: int, files: int, rows: int = 100) -> Store:
    store = Store(directory, most_bytes)
    for file in range(files):
        for number in range(rows):
            store.add(row(file * rows + number))
        store.write({})
        store.make_room()
    return store


def paths(directory: Path) -> list[str]:
    found: list[str] = pyarrow.parquet.read_table(sorted(directory.glob("*.parquet")))["path"].to_pylist()
    return found


def test_what_is_added_is_in_the_files_in_that_order_with_the_columns_of_a_raw_line(tmp_path: Path) -> None:
    filled(tmp_path, PLENTY, files=3)
    assert paths(tmp_path) == [f"/{number}" for number in range(300)]
    assert tuple(pyarrow.parquet.read_schema(next(tmp_path.glob("*.parquet"))).names) == RAW_NAMES
    assert SCHEMA.field("start_time").type.tz == "UTC"


def test_nothing_is_written_when_nothing_waits(tmp_path: Path) -> None:
    store = Store(tmp_path, PLENTY)
    assert store.write({}) is None
    assert list(tmp_path.glob("*.parquet")) == []


def test_the_oldest_files_go_when_there_is_too_much_and_are_counted(tmp_path: Path) -> None:
    one = filled(tmp_path / "one", PLENTY, files=1).bytes
    store = Store(tmp_path / "many", most_bytes=int(3.5 * one))
    removed = []
    for file in range(10):
        for number in range(100):
            store.add(row(file * 100 + number))
        store.write({})
        removed.append(store.make_room())
    assert store.bytes <= 3.5 * one
    assert store.bytes == sum(path.stat().st_size for path in (tmp_path / "many").glob("*.parquet"))
    gone = sum(each.requests for each in removed if each)
    assert gone == 100 * sum(each.files for each in removed if each)
    assert paths(tmp_path / "many") == [f"/{number}" for number in range(gone, 1000)]


def test_the_newest_file_stays_even_if_it_alone_is_too_much(tmp_path: Path) -> None:
    filled(tmp_path, most_bytes=1, files=3)
    assert paths(tmp_path) == [f"/{number}" for number in range(200, 300)]


def test_a_collector_that_was_killed_leaves_whole_files_and_the_next_one_goes_on_from_them(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path, PLENTY)
    store.add(row(0))
    store.write({"nginx-v1/1": (7, [(10, 1), (11, 2)])})
    store.add(row(1))
    store.close()  # as the kernel does for a process that is killed
    (tmp_path / ".requests-1.parquet.unfinished").write_bytes(b"PAR1 half")
    again = Store(tmp_path, PLENTY)
    assert again.seams() == {"nginx-v1/1": (7, [(10, 1), (11, 2)])}
    assert list(tmp_path.glob(".*.unfinished")) == []
    again.add(row(1))
    again.write({})
    assert paths(tmp_path) == ["/0", "/1"]


def test_a_full_disk_is_said_and_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(table: Any, where: Path, **options: Any) -> None:
        where.write_bytes(b"PAR1 half")
        raise OSError("No space left on device")

    store = Store(tmp_path, PLENTY)
    store.add(row(0))
    monkeypatch.setattr(pyarrow.parquet, "write_table", cut_off)
    with pytest.raises(
        ReportError, match=r"requests-\d+\.parquet cannot be written: No space left on device"
    ):
        store.write({})
    assert list(tmp_path.glob("*requests*")) == []
    assert store.waiting == 1


def test_files_sort_by_age_even_when_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([2_000, 1_000, 1_000])
    monkeypatch.setattr("time.time_ns", lambda: next(times))
    filled(tmp_path, PLENTY, files=3, rows=1)
    assert paths(tmp_path) == ["/0", "/1", "/2"]


def test_two_collectors_do_not_write_in_one_directory(tmp_path: Path) -> None:
    first = Store(tmp_path, PLENTY)
    with pytest.raises(ReportError, match="another collector writes there"):
        Store(tmp_path, PLENTY)
    first.close()
    Store(tmp_path, PLENTY)


def test_a_file_that_is_not_the_collectors_is_named(tmp_path: Path) -> None:
    (tmp_path / "requests-1.parquet").write_text("no Parquet")
    with pytest.raises(ReportError, match=r"requests-1\.parquet: not a file of a collector"):
        Store(tmp_path, PLENTY)


def test_a_place_that_is_no_directory_is_named(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.touch()
    with pytest.raises(ReportError, match="file: File exists; --output names a directory"):
        Store(place, PLENTY)


def test_the_summary_is_written_whole_beside_the_files(tmp_path: Path) -> None:
    store = Store(tmp_path, PLENTY)
    store.summarize({"gaps": []})
    store.summarize({"gaps": [1]})
    assert json.loads((tmp_path / "collected.json").read_text()) == {"gaps": [1]}
