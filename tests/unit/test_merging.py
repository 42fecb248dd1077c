"""What a user writes is merged over what the component renders as Kubernetes merges, whatever it is."""

from __future__ import annotations

from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from mirrored_service import InvalidArgsError, MirroredServiceArgs
from mirrored_service.description import openapi
from mirrored_service.description.openapi import POD_TEMPLATE
from mirrored_service.reading.service import parse
from mirrored_service.rendering import merging, pods
from tests.services import service_args

words = st.sampled_from(["a", "b", "c", "nginx"])
texts = st.text(max_size=5)
SINGLE: dict[str, st.SearchStrategy[Any]] = {
    "string": texts,
    "integer": st.integers(1, 99),
    "number": st.floats(0, 9),
    "boolean": st.booleans(),
}
# As deep as this everything is written; below, only what is needed.
DEPTH = 5


_made: dict[tuple[int, int], st.SearchStrategy[Any]] = {}


def values(schema: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Any value of a schema, with names that meet; made once, as that takes most of the time."""
    schema = openapi.resolved(schema)
    known = (id(schema), depth)
    if known not in _made:
        _made[known] = st.deferred(lambda: _values(schema, depth))
    return _made[known]


def _values(schema: Any, depth: int) -> st.SearchStrategy[Any]:
    if schema.get("x-kubernetes-int-or-string"):
        return st.one_of(st.integers(1, 99), st.sampled_from(["1", "64Mi"]))
    kind = schema.get("type")
    if kind == "array":
        return lists(schema, depth)
    if kind == "object":
        return mappings(schema, depth)
    return SINGLE.get(str(kind), texts)


def lists(schema: Any, depth: int) -> st.SearchStrategy[Any]:
    keys = openapi.told_apart_by(schema)
    members = values(openapi.members(schema), depth + 1)
    if not keys:
        return st.lists(members, max_size=2)
    apart = st.fixed_dictionaries({key: values(openapi.member(schema["items"], key), DEPTH) for key in keys})
    if keys == ("name",):
        apart = st.builds(dict, name=words)
    named = st.builds(lambda member, name: {**member, **name}, members, apart)
    return st.lists(named, max_size=2, unique_by=lambda member: openapi.identity(member, keys))


@st.composite
def mappings(draw: st.DrawFn, schema: Any, depth: int) -> dict[str, Any]:
    known = schema.get("properties", {})
    if not known:
        return draw(st.dictionaries(words, texts, max_size=2))
    chosen = set(schema.get("required", ()))
    if depth < DEPTH:
        chosen |= draw(st.sets(st.sampled_from(sorted(known)), max_size=3))
    return {key: draw(values(known[key], depth + 1)) for key in sorted(chosen)}


templates = values({"$ref": POD_TEMPLATE})
few = settings(max_examples=40, deadline=None)


def with_template(template: Any) -> MirroredServiceArgs:
    return service_args({"v1": {"image": "shop:1", "weight": 100, "podTemplate": template}})


def problems_of(template: Any) -> tuple[str, ...]:
    """What is wrong with it as the template of a version."""
    try:
        parse(with_template(template))
    except InvalidArgsError as refused:
        return refused.problems
    return ()


def merged(under: Any, over: Any) -> Any:
    return merging.merged(under, over, POD_TEMPLATE)


def holds(whole: Any, part: Any, schema: Any) -> bool:
    """Is everything of the part in the whole?"""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            key in whole and holds(whole[key], value, openapi.member(schema, key))
            for key, value in part.items()
        )
    keys = openapi.told_apart_by(schema) if isinstance(part, list) else ()
    if not keys:
        return bool(whole == part)
    found = {openapi.identity(member, keys): member for member in whole}
    return all(holds(found[openapi.identity(each, keys)], each, openapi.members(schema)) for each in part)


@few
@given(templates, templates)
def test_everything_that_is_written_is_in_it(under: Any, over: Any) -> None:
    assert holds(merged(under, over), over, {"$ref": POD_TEMPLATE})


@few
@given(templates)
def test_nothing_written_changes_nothing(under: Any) -> None:
    assert merged(under, {}) == under
    assert merged(under, under) == under


@few
@given(templates, templates)
def test_written_twice_is_written_once(under: Any, over: Any) -> None:
    assert merged(merged(under, over), over) == merged(under, over)


@few
@given(templates, templates)
def test_what_it_is_merged_from_stays_as_it_is(under: Any, over: Any) -> None:
    before = repr((under, over))
    merged(under, over)
    assert repr((under, over)) == before


@few
@given(templates)
def test_null_takes_away_each_part(under: Any) -> None:
    for part in ("metadata", "spec"):
        assert merged(under, {part: None}) == {key: value for key, value in under.items() if key != part}


@few
@given(templates)
def test_every_template_of_the_schema_is_taken_but_for_what_mirroring_rests_on(over: Any) -> None:
    """And of what is taken, everything is in the pods, next to all that selects them and finds them."""
    found = problems_of(over)
    if found:
        event("refused")
        assert all(line.startswith("subsets.v1.podTemplate") for line in found)
        assert not any("unknown" in line or ": missing" in line for line in found)
        return
    service = parse(with_template(over))
    event("taken")
    made = pods.template(service, service.main)
    assert holds(made, over, {"$ref": POD_TEMPLATE})
    assert {"app": "nginx", "version": "v1"}.items() <= made["metadata"]["labels"].items()
    own = pods.container(service, made)
    assert own["image"] == "shop:1"
    assert [port["containerPort"] for port in own["ports"] if port.get("name") == "app"] == [80]


@few
@given(st.data(), templates)
def test_a_misspelt_field_is_refused_with_its_path_wherever_it_is(data: st.DataObject, over: Any) -> None:
    places = list(_known_mappings(over, {"$ref": POD_TEMPLATE}, ()))
    path = data.draw(st.sampled_from(places))
    level = over
    for step in path:
        level = level[step]
    level["mispelt"] = 1
    where = "subsets.v1.podTemplate"
    for step in path:
        where += f"[{step}]" if isinstance(step, int) else f".{step}"
    assert any(line.startswith(f"{where}.mispelt: unknown") for line in problems_of(over))


def _known_mappings(value: Any, schema: Any, path: tuple[Any, ...]) -> Any:
    """The paths of all mappings whose fields are known."""
    schema = openapi.resolved(schema)
    if isinstance(value, dict) and "properties" in schema:
        yield path
        for key, member in value.items():
            yield from _known_mappings(member, openapi.member(schema, key), (*path, key))
    elif isinstance(value, list):
        for place, member in enumerate(value):
            yield from _known_mappings(member, openapi.members(schema), (*path, place))
