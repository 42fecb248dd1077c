"""The summary beside the collector's files: what could not be had is not forgotten."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shadow_report.collect import summary
from shadow_report.collect.collector import Collector, Plan
from shadow_report.collect.lines import Reader
from shadow_report.collect.store import Store
from shadow_report.collect.tally import SECOND, Gap
from shadow_report.errors import ReportError

GAP = Gap("shop-v2-0", "v2", 5 * SECOND, 7 * SECOND, "the pod went", about=12)
BEGUN_BLIND = Gap("shop-v2-1", "v2", 0, 7 * SECOND, "restarted twice")


def collector(directory: Path) -> Collector:
    cluster = cast(Any, SimpleNamespace(namespace="shop", selector="app=shop"))
    plan = Plan(0, None, 30, cast(Reader, None))
    return Collector(cluster, Store(directory, 1 << 20), plan, lambda kind, values: None)


@pytest.mark.parametrize("gap", [GAP, BEGUN_BLIND])
def test_a_gap_is_read_as_it_was_written(gap: Gap) -> None:
    assert Gap.from_json(json.loads(json.dumps(gap.as_json()))) == gap


def test_a_collector_that_goes_on_keeps_what_an_earlier_one_could_not_have(tmp_path: Path) -> None:
    (tmp_path / summary.FILE).write_text(json.dumps({"gaps": [GAP.as_json()]}))
    assert collector(tmp_path).summary()["gaps"] == [GAP.as_json()]


def test_a_collector_in_a_new_directory_knows_of_no_gap(tmp_path: Path) -> None:
    assert collector(tmp_path).summary()["gaps"] == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"gaps": 1}', '{"gaps": [{"pod": "a"}]}'])
def test_a_file_that_is_no_summary_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / summary.FILE).write_text(content)
    with pytest.raises(ReportError, match=r"collected\.json is not the summary of a collector: .*move it"):
        summary.read(tmp_path)
