"""Reading a log on after an interruption: no line is lost or doubled, and a hole is noticed."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from shadow_report.collect.seam import SECOND, Key, Line, Seam, key
from tests.generated import steady

LOG: list[Key] = [(n * SECOND // 4 + 10 * SECOND, n) for n in range(40)]  # four lines a second


def served(log: Sequence[Key], since: int) -> list[Key]:
    """What the kubelet serves: each line that is not before the moment, in the order of the file."""
    return [line for line in log if line[0] >= since]


def read(seam: Seam, log: Sequence[Key]) -> list[Line]:
    return [seam.admit(line) for line in served(log, seam.reopen())]


def test_what_was_read_before_is_known_when_it_comes_again() -> None:
    seam = Seam()
    assert set(read(seam, LOG[:20])) == {Line.NEW}
    again = read(seam, LOG)
    assert again.count(Line.NEW) == 20
    assert again == sorted(again, key=lambda line: line is Line.NEW)
    assert Line.BREAK not in again


def test_a_log_is_read_from_a_whole_second_and_no_earlier_than_needed() -> None:
    seam = Seam()
    read(seam, LOG)
    since = seam.reopen()
    assert since % SECOND == 0
    assert LOG[-1][0] - 3 * SECOND <= since <= LOG[-1][0] - 2 * SECOND


def test_two_lines_that_are_alike_are_two_lines() -> None:
    twice = [LOG[0], LOG[0]]
    seam = Seam()
    assert read(seam, twice) == [Line.NEW, Line.NEW]
    assert read(seam, [*twice, LOG[0]]) == [Line.KNOWN, Line.KNOWN, Line.NEW]


def test_a_log_that_was_cut_off_behind_the_last_line_is_a_break() -> None:
    seam = Seam()
    read(seam, LOG[:20])
    assert read(seam, LOG[25:]) == [Line.BREAK] * 15
    assert not seam.joined


def test_a_log_that_was_cut_off_before_the_last_line_is_none() -> None:
    seam = Seam()
    read(seam, LOG[:20])
    assert read(seam, LOG[18:]) == [Line.KNOWN] * 2 + [Line.NEW] * 20


def test_after_a_break_is_accepted_all_is_new() -> None:
    seam = Seam()
    read(seam, LOG[:20])
    seam.reopen()
    assert seam.admit(LOG[25]) is Line.BREAK
    seam.accept_break()
    assert [seam.admit(line) for line in LOG[25:]] == [Line.NEW] * 15


def test_the_log_of_the_container_before_joins_what_is_read_of_the_one_after() -> None:
    before, after = LOG[:20], LOG[20:]
    seam = Seam()
    read(seam, before[:15])
    since = seam.reopen()
    told = [seam.admit(line) for line in served(before, since) + served(after, since)]
    assert told.count(Line.NEW) == 25
    assert Line.BREAK not in told


def test_lines_from_before_the_first_moment_wanted_are_left_out() -> None:
    seam = Seam(start=LOG[8][0])
    assert [seam.admit(line) for line in LOG[:10]] == [Line.EARLY] * 8 + [Line.NEW] * 2


def test_another_seam_goes_on_where_one_ended() -> None:
    first = Seam(start=5)
    read(first, LOG[:20])
    second = Seam(first.start, first.recent)
    assert second.newest == LOG[19][0]
    assert read(second, LOG).count(Line.NEW) == 20


def test_a_seam_remembers_seconds_and_not_the_whole_log() -> None:
    seam = Seam()
    read(seam, LOG)
    assert len(seam.recent) <= 4 * 4
    # After a long silence the last line is still known: by it the log is joined.
    later: list[Key] = [(1000 * SECOND, 0)]
    assert read(seam, LOG + later)[-1] is Line.NEW
    assert len(seam.recent) == 1
    assert read(seam, later) == [Line.KNOWN]


def test_a_line_is_told_from_others_by_time_and_text_in_every_process() -> None:
    assert key(1, b"a") == (1, 38582675093786123)
    assert len({key(1, b"a"), key(2, b"a"), key(1, b"b")}) == 3


# Times may repeat, and be a little out of order, as two threads write the log.
steps = st.lists(st.integers(-1000, 400_000_000), min_size=1, max_size=200)


@steady
@given(steps, st.lists(st.integers(0, 200), max_size=6), st.data())
def test_any_log_read_in_any_pieces_is_had_once(
    gaps: list[int], cuts: list[int], data: st.DataObject
) -> None:
    log: list[Key] = []
    now = 100 * SECOND
    for gap in gaps:
        now += gap
        log.append((now, data.draw(st.integers(0, 1))))
    seam = Seam()
    had: list[Key] = []
    for written in [*sorted(min(cut, len(log)) for cut in cuts), len(log)]:
        reached = data.draw(st.integers(0, written))  # where the connection is lost
        for line in served(log[:written], seam.reopen())[:reached]:
            told = seam.admit(line)
            assert told is not Line.BREAK
            had += [line] if told is Line.NEW else []
    for line in served(log, seam.reopen()):
        had += [line] if seam.admit(line) is Line.NEW else []
    assert had == log
