"""What answers hold: which fields differ, in whom, and what cannot be compared."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from shadow_report.compare.contents import ARRANGEMENT, WHOLE, Contents
from shadow_report.compare.records import Comparing
from tests.report import contents
from tests.report.handmade import Line, line, run

LIVE = {"$.id": 7, "$.name": "a", "$.tags[]": "x"}
ROUTE = "GET /orders/{id}"
WITH_CONTROL: dict[str, Any] = {
    "comparing": Comparing({"live": ("v1",), "shadow": ("v2",), "control": ("v1b",)}, ("GET",))
}


def found(directory: Path, lines: list[Line], *, control: bool = False) -> Contents:
    around = [line("v1b", -1000, "before"), line("v1b", 1000, "after")] if control else []
    made = run(directory, [*around, *lines], **(WITH_CONTROL if control else {})).contents
    assert made is not None
    return made


def states(made: Contents) -> Counter[tuple[str, str]]:
    counted: Counter[tuple[str, str]] = Counter()
    for row in made.rows:
        counted[row.state, row.change] += row.requests
    return counted


def fields(made: Contents) -> dict[str, tuple[str, str, str, int]]:
    """Of each field that differs: kinds of both sides, how the shadow's differs, and how often."""
    return {
        row.field: (row.live_kind, row.shadow_kind, row.shadow_changes, row.requests) for row in made.fields
    }


def alone(directory: Path, shadow: contents.Fields, live: contents.Fields = LIVE) -> Contents:
    return found(directory, contents.answered(0, live, shadow))


def test_logs_without_digests_say_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, [line("v1", 0), line("v2", 0)]).contents is None


def test_the_same_answer_is_the_same(tmp_path: Path) -> None:
    made = alone(tmp_path, LIVE)
    assert states(made) == {("bytes", ""): 1}
    assert (made.fields, made.blind, made.one_sided, made.has_control) == ((), (), 0, False)


def test_another_value_is_told_by_the_name_of_its_field(tmp_path: Path) -> None:
    made = alone(tmp_path, {**LIVE, "$.name": "b"})
    assert states(made) == {("fields", "value"): 1}
    assert fields(made) == {"$.name": ("s", "s", "value", 1)}
    assert made.rows[0].route == ROUTE
    assert len(made.examples[ROUTE, "$.name"]) == 1


def test_a_field_that_is_missing_new_null_or_of_another_type(tmp_path: Path) -> None:
    shadow = {"$.id": "7", "$.tags[]": None, "$.more": 1}
    made = alone(tmp_path, shadow)
    assert states(made) == {("fields", "less"): 1}
    assert fields(made) == {
        "$.id": ("n", "s", "less", 1),
        "$.name": ("s", "", "less", 1),
        "$.tags[]": ("s", "z", "less", 1),
        "$.more": ("", "n", "more", 1),
    }


def test_a_new_field_alone_is_told_as_new(tmp_path: Path) -> None:
    assert states(alone(tmp_path, {**LIVE, "$.more": 1})) == {("fields", "more"): 1}


def with_words(directory: Path, shadow: dict[str, Any], live: dict[str, Any] | None = None) -> Contents:
    identity = "00000000-0000-4000-8000-000000000001"
    sides = {"v1": live or {}, "v2": shadow}
    return found(
        directory,
        [
            line(version, place, identity, **contents.digests(identity, LIVE, **words))
            for place, (version, words) in enumerate(sides.items())
        ],
    )


def test_other_bytes_of_the_same_json_are_the_same(tmp_path: Path) -> None:
    assert states(with_words(tmp_path, {"raw": "spaces"})) == {("json", ""): 1}


def test_another_order_of_an_array_is_told_and_is_no_difference(tmp_path: Path) -> None:
    made = with_words(tmp_path, {"order": "another"})
    assert (states(made), made.fields) == ({("order", ""): 1}, ())


def reordered(made: Contents) -> Counter[str]:
    counted: Counter[str] = Counter()
    for row in made.rows:
        counted[row.reordered] += row.requests
    return counted


def test_order_is_told_of_the_shadow_and_of_the_control(tmp_path: Path) -> None:
    lines = [
        *contents.answered(0, LIVE, LIVE, LIVE, reordered=["v2"]),
        *contents.answered(1, LIVE, LIVE, LIVE, reordered=["v1b"]),
        *contents.answered(2, LIVE, LIVE, LIVE, reordered=["v2", "v1b"]),
        # Of this one nobody knows what the control's order is.
        *contents.answered(3, LIVE, LIVE, {**LIVE, "$.name": "b"}, reordered=["v2"]),
        *contents.answered(4, LIVE, LIVE, LIVE),
    ]
    assert reordered(found(tmp_path, lines, control=True)) == {"worse": 1, "better": 1, "": 3}
    without = [each for each in lines if each["version"] != "v1b"]
    assert reordered(found(tmp_path, without)) == {"worse": 3, "": 2}


def test_fields_that_hold_each_others_values_are_another_arrangement(tmp_path: Path) -> None:
    lines = contents.answered(0, LIVE, LIVE)
    words = lines[1]["answer_digest"].split()
    lines[1]["answer_digest"] = " ".join([*words[:2], "0" * 16, "00000001", "00000002"])
    made = found(tmp_path, lines)
    assert states(made) == {("fields", "value"): 1}
    assert list(fields(made)) == [ARRANGEMENT]


def test_headers_are_compared_next_to_bodies_that_are_the_same(tmp_path: Path) -> None:
    made = found(tmp_path, contents.answered(0, {**LIVE, "@x-shop": "1"}, {**LIVE, "@x-shop": "2"}))
    assert states(made) == {("bytes", "value"): 1}
    assert fields(made) == {"@x-shop": ("s", "s", "value", 1)}


def test_bodies_that_are_no_json_are_compared_as_a_whole(tmp_path: Path) -> None:
    html: dict[str, Any] = {"what": "other"}
    assert fields(with_words(tmp_path, {**html, "raw": 2}, html)) == {WHOLE: ("other", "other", "value", 1)}
    made = with_words(tmp_path, {"what": "broken"})
    assert fields(made) == {WHOLE: ("json", "broken", "less", 1)}
    assert states(with_words(tmp_path, html, html)) == {("bytes", ""): 1}


def test_what_cannot_be_compared_is_counted_by_why(tmp_path: Path) -> None:
    for why in ("packed", "large", "deep", "wide"):
        made = with_words(tmp_path, {"what": why, "raw": 2}, {"what": why})
        assert (made.left(), made.compared("")) == ({why: 1}, 0)
        assert states(with_words(tmp_path, {"what": why}, {"what": why})) == {("bytes", ""): 1}
    for why in ("grpc", "stream", "huge"):
        assert with_words(tmp_path, {"what": why}, {"what": why}).left() == {why: 1}
    assert with_words(tmp_path, {"what": "packed"}).left() == {"packed": 1}


def test_answers_with_another_status_and_retries_are_not_compared(tmp_path: Path) -> None:
    lines = contents.answered(0, LIVE, {})
    lines[1]["status"] = 404
    twice = contents.answered(5, LIVE, {})
    made = found(
        tmp_path, [*lines, *twice, {**twice[1], "pod": "another"}, *contents.answered(9, LIVE, LIVE)]
    )
    assert states(made) == {("bytes", ""): 1}


def test_digests_that_only_one_side_has_are_counted(tmp_path: Path) -> None:
    lines = contents.answered(0, LIVE, LIVE)
    del lines[1]["answer_digest"]
    made = found(tmp_path, lines)
    assert (made.rows, made.one_sided) == ((), 1)


def test_times_and_ids_are_put_aside_without_a_control_and_stay_present(tmp_path: Path) -> None:
    lines = contents.answered(0, {"$.at": "1", "$.id": 7}, {"$.at": "2", "$.id": 7})
    for each in lines:
        each["answer_fields"] = each["answer_fields"].replace("$.at=s", "$.at=t")
    made = found(tmp_path, lines)
    assert states(made) == {("fields", ""): 1}
    assert made.blind == ((ROUTE, "$.at"),)
    assert fields(made) == {"$.at": ("t", "t", "value", 1)}
    lines[1]["answer_fields"] = lines[1]["answer_fields"].split()[-1]
    assert states(found(tmp_path, lines)) == {("fields", "less"): 1}


def test_a_control_tells_noise_from_change(tmp_path: Path) -> None:
    other = {**LIVE, "$.name": "b"}
    lines = [
        *contents.answered(0, LIVE, other, LIVE),
        *contents.answered(1, LIVE, LIVE, other),
        *contents.answered(2, LIVE, other, other),
        *contents.answered(3, LIVE, LIVE, LIVE),
    ]
    made = found(tmp_path, lines, control=True)
    assert made.has_control
    assert states(made) == {
        ("fields", "worse"): 1,
        ("bytes", "better"): 1,
        ("fields", ""): 1,
        ("bytes", ""): 1,
    }
    assert sorted((row.shadow_changes, row.control_changes) for row in made.fields) == [
        ("", "value"),
        ("value", ""),
        ("value", "value"),
    ]


def test_what_the_control_changes_always_is_blind_but_for_its_presence(tmp_path: Path) -> None:
    lines = [
        each
        for number in range(10)
        for each in contents.answered(
            number,
            {**LIVE, "$.at": f"a{number}"},
            {**LIVE, "$.at": f"b{number}"} if number else LIVE,
            {**LIVE, "$.at": f"c{number}"},
        )
    ]
    made = found(tmp_path, lines, control=True)
    assert made.blind == ((ROUTE, "$.at"),)
    assert states(made) == {("fields", ""): 9, ("fields", "worse"): 1}


def test_a_control_that_answers_little_is_left_aside(tmp_path: Path) -> None:
    lines = [each for second in range(9) for each in contents.answered(second, LIVE, LIVE)]
    made = found(tmp_path, [*lines, *contents.answered(10, LIVE, LIVE, LIVE)], control=True)
    assert (made.has_control, made.compared("")) == (False, 10)


def test_lists_that_were_cut_short_lack_no_field(tmp_path: Path) -> None:
    lines = contents.answered(0, {"$.a": 1}, {"$.a": 2})
    lines[0]["answer_fields"] = "$.a=n00000001 $.b=n00000002 ~$.b=m00000003"
    lines[1]["answer_fields"] = "$.a=n00000009 $.ab=n00000004 ~$.ab=m00000005"
    assert fields(found(tmp_path, lines)) == {
        "$.a": ("n", "n", "value", 1),
        "$.ab": ("", "n", "more", 1),
    }
    lines[1]["answer_fields"] = "$.a=n00000001 $.b=n00000002 ~$.b=m00000004"
    assert fields(found(tmp_path, lines)) == {"~$.b": ("m", "m", "value", 1)}


def test_names_may_be_hidden(tmp_path: Path) -> None:
    made = alone(tmp_path, {"#0000000a": 2}, {"#0000000a": 1})
    assert fields(made) == {"#0000000a": ("n", "n", "value", 1)}
