"""What answers hold counts in the verdict: by names of fields, and with a control net of what it shows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.kit.simulated_runs import Service, run
from shadow_report.cli import main
from shadow_report.judge.statements import Result
from shadow_report.judge.thresholds import Thresholds
from shadow_report.judge.verdict import judge
from tests.report import contents
from tests.report.contents import Fields
from tests.report.handmade import Line

REQUESTS = 6000
ROUTE = "GET /orders/{id}"
Holds = Callable[[int], Fields]


def same(number: int) -> Fields:
    return {"$.total": number, "$.items[].name": f"n{number}"}


def sometimes(share: float, change: Fields, offset: int = 0) -> Holds:
    """The same, but for so many of the requests."""
    return lambda number: {**same(number), **(change if (number + offset) % round(1 / share) == 0 else {})}


def verdict(
    directory: Path, shadow: Holds, control: Holds | None = None, *more: str
) -> tuple[dict[str, Any], str]:
    """The figures and the page."""
    lines: list[Line] = []
    for number in range(REQUESTS):
        noise = control(number) if control else None
        route = {"path": f"/orders/{number}" if number % 3 else f"/carts/{number}"}
        lines += contents.answered(number * 0.2, same(number), shadow(number), noise, **route)
    log, page = directory / "all.ndjson", directory / "report.html"
    log.write_text("".join(json.dumps(each) + "\n" for each in lines))
    options = ["--control=v1b"] if control else []
    main(["compare", str(log), "--live=v1", "--shadow=v2", *options, f"--out={page}", *more])
    return json.loads(page.with_suffix(".json").read_text()), page.read_text()


def results(figures: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Of every statement about contents, by what it is about and its route."""
    return {
        (each["about"], each["route"]): each["result"]
        for each in figures["statements"]
        if each["about"].startswith(("contents", "field"))
    }


def text(figures: dict[str, Any], about: str, route: str = "") -> str:
    return next(
        str(each["text"])
        for each in figures["statements"]
        if (each["about"], each["route"]) == (about, route)
    )


def test_equal_answers_pass(tmp_path: Path) -> None:
    figures, page = verdict(tmp_path, same)
    assert (figures["verdict"], results(figures)) == ("PASS", {("contents", ""): "PASS"})
    assert figures["contents"]["states"]["bytes"] == figures["contents"]["compared"] > 5000
    assert "Fields in which answers differ, worst first: none." in page


def test_a_field_that_is_missing_fails_without_a_control_and_is_named(tmp_path: Path) -> None:
    def missing(number: int) -> Fields:
        whole = same(number)
        return {"$.total": whole["$.total"]} if number % 100 == 1 else whole

    figures, page = verdict(tmp_path, missing)
    assert figures["verdict"] == "FAIL"
    found = results(figures)
    assert found["field $.items[].name", ROUTE] == found["contents", ""] == "FAIL"
    assert not [each for each in found if each[0] == "field $.total"]
    # By itself, as the page and the terminal quote it among other reasons.
    assert text(figures, "field $.items[].name", ROUTE).startswith("$.items[].name: missing (")
    assert "most often $.items[].name of GET /orders/{id}" in text(figures, "contents")
    (found_field,) = [each for each in figures["contents"]["differences"] if each["route"] == ROUTE]
    assert len(found_field["requestIds"]) == 3
    assert found_field["requestIds"][0] in page


def test_another_value_is_a_doubt_without_a_control(tmp_path: Path) -> None:
    figures, _ = verdict(tmp_path, sometimes(0.01, {"$.total": -1}))
    assert (figures["verdict"], set(results(figures).values())) == ("INCONCLUSIVE", {"INCONCLUSIVE"})
    assert "a control (--control) tells chance from change" in text(figures, "contents")
    assert ("field $.total", ROUTE) in results(figures)


def test_with_a_control_it_fails_and_the_field_is_named(tmp_path: Path) -> None:
    figures, _ = verdict(tmp_path, sometimes(0.01, {"$.total": -1}), same)
    found = results(figures)
    assert figures["verdict"] == found["contents", ""] == found["field $.total", ROUTE] == "FAIL"
    assert "another value" in text(figures, "field $.total", ROUTE)


def test_what_the_control_shows_as_often_is_not_held_against_the_shadow(tmp_path: Path) -> None:
    noise: Fields = {"$.total": -1}
    figures, _ = verdict(tmp_path, sometimes(0.1, noise), sometimes(0.1, noise, 5))
    assert "FAIL" not in results(figures).values()
    assert figures["all"]["contents"]["worse"] > 500


def test_what_the_control_changes_always_is_named_and_not_compared(tmp_path: Path) -> None:
    def at(later: float) -> Holds:
        return lambda number: {**same(number), "$.total": number + later}

    figures, page = verdict(tmp_path, at(0.25), at(0.5))
    assert {(each["field"], each["valuesNotCompared"]) for each in figures["contents"]["differences"]} == {
        ("$.total", True)
    }
    assert results(figures) == {("contents", ""): "PASS"}
    assert "2 fields that change by themselves are not compared" in text(figures, "contents")
    assert "values not compared" in page


def outcomes(service: Service, runs: int) -> Counter[Result]:
    """The worst that is said of contents in each of so many drawn runs."""
    found: Counter[Result] = Counter()
    for seed in range(runs):
        said = judge(run(service, seed), Thresholds()).statements
        results = {each.result for each in said if each.about.startswith(("contents", "field"))}
        found[max(results, key=[Result.PASS, Result.INCONCLUSIVE, Result.FAIL].index)] += 1
    return found


@pytest.mark.parametrize("noise", [0.001, 0.005, 0.05, 0.3])
def test_of_100_runs_of_equal_versions_whose_fields_differ_by_chance_at_most_one_fails(noise: float) -> None:
    assert outcomes(Service(2000, field_noise=noise, control=True), 100)[Result.FAIL] <= 1


def test_equal_versions_never_fail_for_values_without_a_control() -> None:
    assert outcomes(Service(2000, field_noise=0.005), 20) == {Result.INCONCLUSIVE: 20}


@pytest.mark.parametrize(
    "service",
    [
        Service(5000, field_noise=0, field_changed=0.05, control=True),
        Service(10_000, field_noise=0.3, field_changed=0.2, control=True),
    ],
    ids=str,
)
def test_a_field_that_changes_is_found_among_noisy_ones(service: Service) -> None:
    assert outcomes(service, 20)[Result.FAIL] >= 19


def test_a_margin_is_kept_for_each_route_by_itself(tmp_path: Path) -> None:
    thresholds = tmp_path / "thresholds.toml"
    thresholds.write_text(f'["{ROUTE}"]\nmax-new-contents = 5\n')
    figures, _ = verdict(
        tmp_path, sometimes(0.01, {"$.total": -1}), same, "--max-new-contents=5", f"--thresholds={thresholds}"
    )
    assert set(results(figures).values()) == {"PASS"}


def reordered(directory: Path, versions: Callable[[int], list[str]], *more: str) -> dict[str, Any]:
    """Figures of answers that are the same but for the order of arrays, in these versions."""
    lines: list[Line] = []
    for number in range(REQUESTS):
        held = same(number)
        route = {"path": f"/orders/{number}" if number % 3 else f"/carts/{number}"}
        lines += contents.answered(number * 0.2, held, held, held, reordered=versions(number), **route)
    log, page = directory / "all.ndjson", directory / "report.html"
    log.write_text("".join(json.dumps(each) + "\n" for each in lines))
    main(["compare", str(log), "--live=v1", "--shadow=v2", "--control=v1b", f"--out={page}", *more])
    figures: dict[str, Any] = json.loads(page.with_suffix(".json").read_text())
    return figures


def orders_of_arrays(figures: dict[str, Any]) -> dict[str, str]:
    """The results about order, by route."""
    return {each["route"]: each["result"] for each in figures["statements"] if each["about"] == "order"}


def test_another_order_of_arrays_fails_only_when_asked(tmp_path: Path) -> None:
    def of_orders(number: int) -> list[str]:
        return ["v2"] if number % 3 else []

    figures = reordered(tmp_path, of_orders)
    assert (figures["verdict"], orders_of_arrays(figures)) == ("PASS", {})
    assert figures["contents"]["states"]["order"] > 3000
    figures = reordered(tmp_path, of_orders, "--max-reordered=1")
    assert (figures["verdict"], orders_of_arrays(figures)) == ("FAIL", {"": "FAIL", ROUTE: "FAIL"})
    assert "with arrays in another order; 0 the other way round" in text(figures, "order", ROUTE)
    assert results(figures) == {("contents", ""): "PASS"}


def test_another_order_can_be_asked_for_a_single_route(tmp_path: Path) -> None:
    thresholds = tmp_path / "thresholds.toml"
    for route, expected in ((ROUTE, {ROUTE: "FAIL"}), ("GET /carts/{id}", {})):
        thresholds.write_text(f'["{route}"]\nmax-reordered = 1\n')
        figures = reordered(
            tmp_path, lambda number: ["v2"] if number % 3 else [], f"--thresholds={thresholds}"
        )
        assert orders_of_arrays(figures) == expected


def test_an_order_that_the_control_has_as_often_by_chance_is_no_failure(tmp_path: Path) -> None:
    def by_chance(number: int) -> list[str]:
        return ["v2"] if number % 10 == 0 else ["v1b"] if number % 10 == 5 else []

    figures = reordered(tmp_path, by_chance, "--max-reordered=5")
    assert orders_of_arrays(figures) == {"": "PASS"}


def test_what_cannot_be_compared_is_no_pass(tmp_path: Path) -> None:
    identity = "00000000-0000-4000-8000-{:012}"
    packed: list[Line] = []
    for number in range(REQUESTS):
        live, shadow = contents.answered(number * 0.2, same(number), same(number), path=f"/carts/{number}")
        for each in (live, shadow):
            each["request_id"] = identity.format(number)
            each |= contents.digests(identity.format(number), None, "packed", raw=each["version"])
        packed += [live, shadow]
    log, page = tmp_path / "all.ndjson", tmp_path / "report.html"
    log.write_text("".join(json.dumps(each) + "\n" for each in packed))
    main(["compare", str(log), "--live=v1", "--shadow=v2", f"--out={page}"])
    figures = json.loads(page.with_suffix(".json").read_text())
    assert (figures["verdict"], results(figures)) == ("INCONCLUSIVE", {("contents", ""): "INCONCLUSIVE"})
    assert "compressed" in text(figures, "contents")
    assert figures["contents"]["notComparable"]["packed"] > 5000
