"""`python -m benchmarks.report`: wall time and peak memory for 0.1, 1 and 10 million pairs, as a table.

Each size in two files, and the largest in 2,880 as well, as a collector writes them within a day.

Each contender runs in a process of its own, several times, and the median counts. The files were just written,
so all find them in the page cache as far as they fit.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.report.contenders import CONTENDERS
from lab.kit.access_logs import Traffic, write

PANDAS_MOST = 1_000_000  # pairs; ten times as many need more than 20 GiB
ROUNDS = {100_000: 5, 1_000_000: 5, 10_000_000: 3}
FEW, MANY = 2, 2880
LIMIT = 3600.0


@dataclass(frozen=True)
class Row:
    """Medians of one contender at one size."""

    pairs: int
    files: int
    contender: str
    seconds: float
    cpu_seconds: float
    peak_mib: float


def contenders(pairs: int, files: int, spark: bool) -> list[str]:
    """Those that can do it, by name."""
    left_out = {"spark"} if not spark else set()
    if pairs > PANDAS_MOST or files != FEW:
        left_out.add("pandas")
    return [name for name in CONTENDERS if name not in left_out]


def measure(pairs: int, files: int, folder: Path, spark: bool) -> list[Row]:
    """Every contender on the same files, one after the other in each round."""
    tell(f"{pairs:,} pairs: writing the logs")
    traffic = Traffic(pairs, seconds=3600, failing_route="/search", failing=0.01, noise=0.0005)
    live, shadow = (split(path, files // 2) for path in write(folder, traffic))
    os.sync()  # or the disk would be busy with them while the first contender runs
    size = sum(path.stat().st_size for each in (live, shadow) for path in each.iterdir())
    tell(f"{pairs:,} pairs in {files:,} files: {size / 2**20:,.0f} MiB")
    names = contenders(pairs, files, spark)
    runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
    for number in range(ROUNDS.get(pairs, 1)):
        for name in names:
            runs[name].append(once(name, live, shadow))
            seconds = runs[name][-1][0]
            tell(f"{pairs:,} pairs in {files:,} files, round {number + 1}: {name}: {seconds:.1f} s")
    shutil.rmtree(live)
    shutil.rmtree(shadow)
    return [Row(pairs, files, name, *map(statistics.median, zip(*runs[name], strict=True))) for name in names]


def split(whole: Path, files: int) -> Path:
    """A directory with the lines of a file in so many, each of one stretch of time."""
    folder = whole.with_suffix("")
    folder.mkdir()
    if files == 1:
        whole.rename(folder / whole.name)
        return folder
    most = -(-whole.stat().st_size // files)
    with whole.open("rb") as lines:
        for number in range(files):
            (folder / f"{number:04}{whole.suffix}").write_bytes(b"".join(lines.readlines(most)))
    whole.unlink()
    return folder


def once(name: str, live: Path, shadow: Path) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak MiB of one run, the interpreter's start included. Of Spark only
    the wall seconds mean something: the rest is the JVM's, a process of its own."""
    command = [sys.executable, "-m", "benchmarks.report.contenders", name, str(live), str(shadow)]
    with tempfile.TemporaryFile("w+") as output:
        begin = time.monotonic()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        status, usage = _ended(process)
        seconds = time.monotonic() - begin
        if status:
            output.seek(0)
            sys.exit(f"{name} failed:\n{output.read()}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def _ended(process: subprocess.Popen[bytes]) -> tuple[int, resource.struct_rusage]:
    """Waits for the end; the kernel tells the peak of that process alone."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage
        time.sleep(0.01)
    process.kill()
    process.wait()
    sys.exit(f"no end within {LIMIT:.0f} s: {process.args!r}")


def table(rows: list[Row]) -> str:
    """Markdown; the ratio is to the join by hand at the same size."""
    lines = [
        "| pairs | files | | wall time | processor time | ratio of wall times | peak memory |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        same = [each for each in rows if (each.pairs, each.files) == (row.pairs, row.files)]
        hand = next(each for each in same if each.contender == "by-hand")
        lines.append(
            f"| {row.pairs:,} | {row.files:,} | {row.contender} | {row.seconds:.1f} s | "
            f"{row.cpu_seconds:.1f} s | {row.seconds / hand.seconds:.2f} | {row.peak_mib:,.0f} MiB |"
        )
    return "\n".join(lines)


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report")
    parser.add_argument("--pairs", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--many", type=int, nargs="*", default=[10_000_000], help="pairs in 2,880 files")
    parser.add_argument("--folder", type=Path, help="where the logs are written: 8 GiB for 10 million pairs")
    parser.add_argument("--spark", action="store_true", help="on Spark as well")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args()
    cases = [(pairs, FEW) for pairs in options.pairs] + [(pairs, MANY) for pairs in options.many]
    if min(pairs for pairs, _ in cases) < 10_000:
        parser.error("--pairs and --many are numbers from 10000 on")
    with tempfile.TemporaryDirectory(prefix="bench-report-", dir=options.folder) as folder:
        rows = [row for pairs, files in cases for row in measure(pairs, files, Path(folder), options.spark)]
    print(json.dumps([asdict(row) for row in rows], indent=2) if options.json else table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
