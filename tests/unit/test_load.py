"""What is made of the results of a load."""

import base64

import pytest

from lab import LabError
from lab.kit.load import summarize


def result(milliseconds: int, status: str = "200", body: str = "nginx v1 pod", error: str = "") -> list[str]:
    """A row of vegeta's CSV."""
    encoded = base64.b64encode(body.encode()).decode()
    return ["1000000000", status, str(milliseconds * 1_000_000), "0", "0", error, encoded]


def test_latencies_are_those_of_answers_and_percentiles_are_of_them() -> None:
    counted = summarize("s", [result(5000, status="503"), *(result(number) for number in range(100, 0, -1))])
    assert counted.percentile(50) == pytest.approx(0.051)
    assert counted.percentile(99) == pytest.approx(0.100)
    assert counted.lost({"v1"}) == 1


def test_without_an_answer_there_is_no_percentile() -> None:
    with pytest.raises(LabError, match="no request was answered"):
        summarize("s", [result(1, status="503")]).percentile(99)
