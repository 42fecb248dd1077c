"""What is made of the results of a load."""

import base64

import pytest

from lab import LabError
from lab.kit.load import summarize


def result(milliseconds: int, status: str = "200", url: str = "http://nginx/load") -> list[str]:
    """A row of vegeta's CSV."""
    body = base64.b64encode(b"nginx v1 pod").decode()
    latency = str(milliseconds * 1_000_000)
    return ["1000000000", status, latency, "0", "0", "", body, "", "0", "GET", url, ""]


def test_latencies_are_those_of_answers_and_percentiles_are_of_them() -> None:
    counted = summarize("s", [result(5000, status="503"), *(result(number) for number in range(100, 0, -1))])
    assert counted.percentile(50) == pytest.approx(0.051)
    assert counted.percentile(99) == pytest.approx(0.100)
    assert counted.lost({"v1"}) == 1


def test_a_percentile_can_be_of_one_url() -> None:
    counted = summarize(
        "s", [result(1, url="http://a/"), result(3, url="http://b/"), result(2, url="http://a/")]
    )
    assert (counted.percentile(99, "http://a/"), counted.percentile(0, "http://b/")) == (0.002, 0.003)
    with pytest.raises(LabError, match="no request was answered"):
        counted.percentile(99, "http://c/")


def test_without_an_answer_there_is_no_percentile() -> None:
    with pytest.raises(LabError, match="no request was answered"):
        summarize("s", [result(1, status="503")]).percentile(99)
