"""Which time is compared, and in which blocks."""

import pytest

from shadow_report.compare.windows import Span, block_seconds, span

HOUR = 3_600_000_000
DAY = 24 * HOUR


def test_quiet_hours_belong_to_the_window() -> None:
    nights = [Span(1000, day * DAY, day * DAY + HOUR) for day in range(3)]
    quiet = [Span(1, day * DAY + 13 * HOUR, day * DAY + 13 * HOUR) for day in range(3)]
    assert span(sorted([*nights, *quiet], key=lambda each: each.first_us)) == Span(
        3003, 0, 2 * DAY + 13 * HOUR
    )


@pytest.mark.parametrize("wrong", [Span(1, -400 * DAY, -400 * DAY), Span(1, 400 * DAY, 400 * DAY)])
def test_a_line_days_away_from_all_others_is_left_out(wrong: Span) -> None:
    stretches = sorted([Span(500, 0, HOUR), wrong], key=lambda each: each.first_us)
    assert span(stretches) == Span(500, 0, HOUR)


def test_what_is_days_away_and_no_handful_is_part_of_it() -> None:
    assert span([Span(500, 0, HOUR), Span(100, 3 * DAY, 3 * DAY + HOUR)]) == Span(600, 0, 3 * DAY + HOUR)


def test_a_single_line_is_its_own_window() -> None:
    assert span([Span(1, 5, 5)]) == Span(1, 5, 5)


@pytest.mark.parametrize(
    ("seconds", "size"), [(15, 1), (40, 2), (600, 30), (1200, 60), (1800, 60), (14_400, 60), (86_400, 360)]
)
def test_blocks_are_minutes_shorter_in_a_short_window_and_longer_in_a_long_one(
    seconds: float, size: int
) -> None:
    assert block_seconds(seconds) == size
