"""Numbers as people read them: no digit that is wrong, and none that says nothing."""

import pytest

from shadow_report import words
from shadow_report.judge.statistics import Interval


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (words.percent(0.12345), "12.3 %"),
        (words.percent(0.0123), "1.23 %"),
        (words.percent(0.00001), "0.0010 %"),
        (words.percent(0), "0.00 %"),
        (words.percent(1), "100.0 %"),
        (words.percent(0.999999), "99.99 %"),
        (words.percent(float("nan")), "unknown"),
        (words.percents(Interval(0.2, 0.1, 0.3)), "10.0 to 30.0 %"),
        (words.count(1, "pair"), "1 pair"),
        (words.count(1234, "pair"), "1,234 pairs"),
        (words.change(1.3), "+30.0 %"),
        (words.change(0.95), "-5.0 %"),
        (words.time(740), "740 µs"),
        (words.time(20_100), "20.1 ms"),
        (words.time(-2_500_000), "-2.5 s"),
        (words.seconds(90), "90 s"),
        (words.seconds(600), "10 min"),
        (words.seconds(9000), "2.5 h"),
        (words.moment(1_795_392_001), "00:00:01"),
        (words.moment(1_795_392_001, day=True), "2026-11-23 00:00:01"),
    ],
)
def test_numbers_and_times_read_well(said: str, text: str) -> None:
    assert said == text
