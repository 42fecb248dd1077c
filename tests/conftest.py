"""The lab, for every test that needs a real cluster; and what the tests took."""

import os
from collections import defaultdict
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from lab import Lab
from lab.cluster.layout import CHECKOUT
from lab.errors import LabError
from lab.progress import duration

FIRST = "gw0"
# What a failed test on the lab asks kubectl for, and how many of the last lines it shows.
SEEN = (
    (
        "get pods --all-namespaces --output=custom-columns=NAME:.metadata.name,IP:.status.podIP,"
        "PHASE:.status.phase,READY:.status.conditions[?(@.type=='Ready')].status,"
        "SINCE:.status.conditions[?(@.type=='Ready')].lastTransitionTime,DELETED:.metadata.deletionTimestamp",
        30,
    ),
    ("get events --all-namespaces --sort-by=.lastTimestamp", 40),
    ("logs deployment/istiod --namespace=istio-system --since=60s", 120),
)
# What tests install they run once: to compile all of it takes a third of the time.
os.environ["PIP_NO_COMPILE"] = "1"
# What these assert is shown with its values, as in tests.
pytest.register_assert_rewrite("lab.kit", "tests.mesh")


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """This checkout's lab, started if it is down; it stays up afterwards. Further workers have one each."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", FIRST)
    running = Lab() if worker == FIRST else Lab(CHECKOUT / f".lab-{worker}")
    running.up(lambda line: None)
    yield running
    if worker != FIRST:
        running.down(lambda line: None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test on the lab tells what the cluster was doing, of which nothing is left later."""
    report = yield
    funcargs: dict[str, Any] = getattr(item, "funcargs", {})
    if report.failed and "lab" in funcargs:
        report.sections += [
            (f"kubectl {asked[:50]}", seen(funcargs["lab"], asked, most)) for asked, most in SEEN
        ]
    return report


def seen(lab: Lab, asked: str, most: int) -> str:
    try:
        return "\n".join(lab.kubectl(*asked.split()).splitlines()[-most:])
    except LabError as problem:  # the test's own failure is what counts
        return str(problem)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How long the tests of each file took, the slowest file first; --durations lists single tests."""
    spent: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                spent[report.location[0]] += report.duration
    terminalreporter.section("time of each file")
    for file, seconds in sorted(spent.items(), key=lambda entry: -entry[1]):
        if seconds >= 1:
            terminalreporter.write_line(f"{duration(seconds):>12}  {file}")
