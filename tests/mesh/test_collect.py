"""The collector on a real cluster: whatever happens, each line that could be had is had once."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from lab.kit.collection import Collection, wait_until
from tests.mesh.collecting import Talker, Way, assert_each_once, runs
from tests.mesh.faults import api_server_pid, stopped

Collect = Callable[..., Collection]


@pytest.fixture(scope="module")
def namespace(lab: Lab) -> Iterator[str]:
    name = f"collect-{uuid.uuid4().hex[:6]}"
    lab.kubectl("create", "namespace", name)
    yield name
    lab.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def way(lab: Lab, tmp_path: Path) -> Iterator[Way]:
    way = Way(lab, tmp_path)
    yield way
    way.close()


@pytest.fixture
def collect(lab: Lab, namespace: str, tmp_path: Path, way: Way) -> Iterator[Collect]:
    """Starts collectors of the talkers, whose way to the cluster can be cut."""
    started: list[Collection] = []

    def start(*options: str) -> Collection:
        common = ("--namespace", namespace, "--app", "talker", "--container", "talker", "--file-every", "1s")
        started.append(Collection(lab, tmp_path / "log", *common, *options, kubeconfig=way.kubeconfig))
        started[-1].wait_until_ready()
        return started[-1]

    yield start
    for collection in started:
        collection.kill()


@pytest.fixture
def talker(lab: Lab, namespace: str) -> Iterator[Callable[..., Talker]]:
    """Starts talkers; what is left of them goes at the end."""
    talkers: list[Talker] = []

    def start(**properties: int) -> Talker:
        talkers.append(Talker(lab, namespace, f"talker-{uuid.uuid4().hex[:6]}", **properties))
        return talkers[-1]

    yield start
    for each in talkers:
        lab.kubectl("delete", f"pod/{each.name}", f"--namespace={namespace}", "--ignore-not-found", "--now")


def everything_was_had(collection: Collection, talking: Talker) -> dict[str, Any]:
    """Ends both: each of the talker's lines was had once. Returns what the collector says at last."""
    talking.remove()
    collection.wait_for_pods("gone", 1)
    done = collection.end()
    assert_each_once(collection.rows(), talking.name)
    assert done["gaps"] == []
    return done


def test_lost_connections_lose_and_double_no_line(
    collect: Collect, talker: Callable[..., Talker], way: Way
) -> None:
    collection = collect()
    talking = talker()
    for _ in range(3):
        collection.wait_for_more()
        way.cut()
    collection.wait_for_more()
    with way.closed():
        collection.wait_for_events(4)  # one a second: there is time for a few tries that fail
    collection.wait_for_more()
    done = everything_was_had(collection, talking)
    assert done["interruptions"] >= 4


def test_an_api_server_that_hangs_loses_and_doubles_no_line(
    lab: Lab, collect: Collect, talker: Callable[..., Talker], way: Way
) -> None:
    collection = collect()
    talking = talker()
    collection.wait_for_more()
    with stopped(api_server_pid(lab)):
        way.cut()
        collection.wait_for_events(3)
    collection.wait_for_more()
    everything_was_had(collection, talking)


def test_restarts_lose_and_double_no_line_even_while_nothing_can_be_read(
    collect: Collect, talker: Callable[..., Talker], way: Way
) -> None:
    collection = collect()
    talking = talker()
    collection.wait_for_more()
    talking.restart()
    collection.wait_for_more()
    with way.closed():
        talking.restart()
    collection.wait_for_more()
    everything_was_had(collection, talking)
    assert len(runs(collection.rows(), talking.name)) == 3


def test_pods_that_come_are_followed_from_their_first_line_and_pods_that_go_to_their_last(
    collect: Collect, talker: Callable[..., Talker]
) -> None:
    before = talker()
    collection = collect()
    collection.wait_for_more()
    comes = talker()
    collection.wait_for_pods("followed", 2)
    collection.wait_for_more()
    for each in (before, comes):
        each.remove()
    collection.wait_for_pods("gone", 2)
    done = collection.end()
    assert_each_once(collection.rows(), comes.name)
    assert_each_once(collection.rows(), before.name, begin=None)
    assert done["gaps"] == []


def test_a_collector_that_is_killed_leaves_whole_files_and_goes_on_without_a_line_lost_or_doubled(
    collect: Collect, talker: Callable[..., Talker]
) -> None:
    killed = collect()
    talking = talker()
    killed.wait_for_more(300)
    killed.kill()
    had = killed.rows()
    assert had
    again = collect()
    again.wait_for_more()
    everything_was_had(again, talking)
    assert again.rows()[: len(had)] == had


def test_no_more_is_kept_than_allowed_and_what_goes_is_counted(
    collect: Collect, talker: Callable[..., Talker]
) -> None:
    collection = collect("--max-disk", "0.15M")
    talking = talker(burst=50)
    wait_until(lambda: len(collection.of("removed")) >= 2, "files were removed twice")
    talking.remove()
    collection.wait_for_pods("gone", 1)
    done = collection.end()
    kept = collection.rows()
    assert done["bytes"] == sum(file.stat().st_size for file in collection.directory.glob("*.parquet"))
    newest = max(collection.directory.glob("*.parquet"))
    assert done["bytes"] <= max(150_000, newest.stat().st_size)  # the newest stays, however large
    assert done["removed_requests"] > 0
    assert len(kept) + done["removed_requests"] == sum(done["requests"].values())
    (numbers, last), *_ = runs(kept, talking.name)
    assert last is not None
    assert numbers == list(range(last - len(numbers) + 1, last + 1))


def test_a_log_that_is_rotated_while_nothing_can_be_read_is_a_gap_and_nothing_else_is_missing(
    collect: Collect, talker: Callable[..., Talker], way: Way
) -> None:
    collection = collect()
    talking = talker(burst=200, length=1000)  # the kubelet rotates at 10 MiB, and looks every 10 s
    collection.wait_for_more(2000)
    with way.closed():
        _wait_for_rotation(talking)
    collection.wait_for_more(2000)
    talking.remove()
    collection.wait_for_pods("gone", 1)
    done = collection.end()
    (numbers, last), *_ = runs(collection.rows(), talking.name)
    assert last is not None
    assert numbers == sorted(set(numbers))
    jumps = [(low, high) for low, high in itertools.pairwise(numbers) if high > low + 1]
    assert (numbers[0], numbers[-1], len(jumps)) == (1, last, 1)
    (gap,) = done["gaps"]
    assert gap["pod"] == talking.name
    assert "rotated" in gap["why"]
    missing = jumps[0][1] - jumps[0][0] - 1
    assert missing / 20 < gap["about_lines"] < missing * 20


def _wait_for_rotation(talking: Talker) -> None:
    """Until the kubelet serves another file."""
    before = talking.first_line()
    wait_until(lambda: talking.first_line() != before, "the log is rotated")


def test_asked_for_a_time_it_ends_by_itself(collect: Collect, talker: Callable[..., Talker]) -> None:
    talker()
    collection = collect("--duration", "1s")
    done = collection.ended()
    assert sum(done["requests"].values()) > 0
    assert done["gaps"] == []
