"""A route's own matches and those of what is copied, combined: neither more nor less than what both take."""

from itertools import product
from typing import Any

import pytest

from mirrored_service.rendering.matches import combined

GET, POST = {"method": {"exact": "GET"}}, {"method": {"exact": "POST"}}


def path(prefix: str) -> dict[str, Any]:
    return {"uri": {"prefix": prefix}}


def exact(whole: str) -> dict[str, Any]:
    return {"uri": {"exact": whole}}


def headers(**conditions: Any) -> dict[str, Any]:
    return {"headers": {name.replace("_", "-"): condition for name, condition in conditions.items()}}


def regex(value: str) -> dict[str, str]:
    return {"regex": value}


@pytest.mark.parametrize(
    ("own", "copied", "both"),
    [
        (path("/cart/"), GET, {**path("/cart/"), **GET}),
        (path("/"), path("/cart/"), path("/cart/")),
        (path("/cart/a"), path("/cart/"), path("/cart/a")),
        (path("/cart/"), path("/cat/"), None),
        (path("/cart/"), exact("/cart/1"), exact("/cart/1")),
        (exact("/cart/1"), path("/cart/"), exact("/cart/1")),
        (exact("/cart"), exact("/cart"), exact("/cart")),
        (exact("/cart"), exact("/cart/"), None),
        (exact("/cart"), path("/cart/"), None),
        ({"uri": regex("/[0-9]+")}, GET, {"uri": regex("/[0-9]+"), **GET}),
        (GET, GET, GET),
        (POST, GET, None),
        ({"method": {"prefix": "G"}}, GET, GET),
        ({"method": {"prefix": "P"}}, GET, None),
        ({"method": regex("GET|PUT")}, GET, {**GET, "headers": {":method": regex("GET|PUT")}}),
        (headers(x={"exact": "1"}), headers(y={}), headers(x={"exact": "1"}, y={})),
        (headers(x={"exact": "1"}), headers(x={}), headers(x={"exact": "1"})),
        (headers(X={}), headers(x={"exact": "1"}), headers(X={"exact": "1"})),
        (headers(x={"prefix": "a"}), headers(x={"exact": "ab"}), headers(x={"exact": "ab"})),
        (headers(x={"prefix": "b"}), headers(x={"exact": "ab"}), None),
        (headers(x={"exact": "a"}), headers(x={"exact": "ab"}), None),
        (headers(x=regex("a+")), headers(x={}), headers(x=regex("a+"))),
        (
            {"withoutHeaders": {"y": {}}},
            {"withoutHeaders": {"content-length": {}}},
            {"withoutHeaders": {"y": {}, "content-length": {}}},
        ),
        ({"ignoreUriCase": True}, path("/cart/"), path("/cart/")),
        ({**path("/Cart"), "ignoreUriCase": True}, GET, {**path("/Cart"), "ignoreUriCase": True, **GET}),
        (
            {"port": 80, "queryParams": {"a": {"exact": "1"}}, "name": "n"},
            GET,
            {"port": 80, "queryParams": {"a": {"exact": "1"}}, "name": "n", **GET},
        ),
    ],
)
def test_what_both_take(own: Any, copied: Any, both: Any) -> None:
    assert combined([own], [copied]) == ([both] if both is not None else [])


def test_a_route_for_every_request_is_what_is_copied() -> None:
    assert combined([], [GET, path("/a")]) == [GET, path("/a")]


def test_each_own_match_meets_each_kind_that_is_copied_and_none_comes_twice() -> None:
    assert combined([path("/a/"), path("/b/")], [GET, path("/a/b"), path("/")]) == [
        {**path("/a/"), **GET},
        path("/a/b"),
        path("/a/"),
        {**path("/b/"), **GET},
        path("/b/"),
    ]
    assert combined([path("/a"), path("/a/b")], [path("/a/b")]) == [path("/a/b")]


CONDITIONS: list[dict[str, Any]] = [
    {},
    path("/"),
    path("/a"),
    path("/a/b"),
    exact("/a"),
    exact("/a/b"),
    GET,
    {"method": {"prefix": "P"}},
    headers(x={}),
    headers(x={"exact": "1"}),
    headers(x={"prefix": "1"}),
    {"withoutHeaders": {"x": {}}},
    {**path("/a"), **GET, **headers(x={"exact": "12"})},
]
REQUESTS = list(product(("GET", "POST"), ("/", "/a", "/ab", "/a/b", "/b"), (None, "1", "12", "2")))


def _holds(condition: Any, value: str | None) -> bool:
    if value is None:
        return False
    return (
        value == condition["exact"] if "exact" in condition else value.startswith(condition.get("prefix", ""))
    )


def matched(match: Any, request: Any) -> bool:
    """Does the request match, as Istio describes matches?"""
    method, where, x = request
    given = {"uri": where, "method": method}
    return (
        all(_holds(match[key], given[key]) for key in given if key in match)
        and all(_holds(condition, x) for condition in match.get("headers", {}).values())
        and not any(_holds(condition, x) for condition in match.get("withoutHeaders", {}).values())
    )


# Headers of what is copied have an exact value or any.
COPIED = [each for each in CONDITIONS if each != headers(x={"prefix": "1"}) and "P" not in str(each)]


@pytest.mark.parametrize("own", CONDITIONS, ids=str)
@pytest.mark.parametrize("copied", COPIED, ids=str)
def test_a_request_matches_the_combination_if_it_matches_both(own: Any, copied: Any) -> None:
    both = combined([own], [copied])
    for request in REQUESTS:
        wanted = matched(own, request) and matched(copied, request)
        assert any(matched(each, request) for each in both) == wanted, request
