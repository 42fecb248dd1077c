"""What Kubernetes or Istio refuses, we refuse before."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import event, given

from mirrored_service import InvalidArgsError
from mirrored_service.description.service import Service
from mirrored_service.reading.service import parse
from mirrored_service.rendering import Manifest
from tests.fuzz import hostile
from tests.fuzz.hostile import Mutation
from tests.fuzz.judge import Judge, rendered

# What cannot be rendered at all ends in one of these.
RENDERING_ERRORS = (TypeError, ValueError, AttributeError, KeyError, OverflowError, StopIteration)
# A mirror for each 100 %: more of them than this and rendering takes all of the machine's memory.
MOST_PERCENT = 100_000


def accepted(args: Any) -> Service | None:
    try:
        return parse(args)
    except InvalidArgsError:
        return None


def forced_objects(service: Service, mutation: Mutation) -> list[Manifest] | None:
    """The objects with the mutated value in them, past our checks; None if they cannot be made."""
    try:
        forced = hostile.forced(service, mutation)
        percentages = [shadow.mirror_percent for shadow in forced.shadows]
        if forced.mirror_to:
            percentages.append(forced.mirror_to.percent)
        if any(percent > MOST_PERCENT for percent in percentages):
            return None
        return rendered(forced)
    except RENDERING_ERRORS:
        return None


def is_made_whole(value: Any) -> bool:
    """A float without a fraction, as other languages send it: the cluster refuses it where a whole number
    belongs, and would never see it, as we make it whole."""
    return isinstance(value, float) and value.is_integer()


@pytest.mark.parametrize(
    "path", [path for path, _ in hostile.leaves()], ids=lambda path: ".".join(map(str, path))
)
def test_every_property_can_be_mutated(path: hostile.Path) -> None:
    full: Any = hostile.FULL
    service = parse(full)
    value = object()
    assert hostile.forced(service, Mutation(path, value)) != service
    assert hostile.mutated(hostile.FULL, Mutation(path, value)) != hostile.FULL


def test_we_refuse_whatever_the_cluster_refuses(judge: Judge) -> None:
    seen: Counter[str] = Counter()

    @given(hostile.cases)
    def check(case: tuple[Any, Mutation]) -> None:
        args, mutation = case
        service = parse(args)
        usual = rendered(service)
        ours = accepted(hostile.mutated(args, mutation))
        if ours:
            assert judge.refusals(new for new in rendered(ours) if new not in usual) == []
        objects = forced_objects(service, mutation)
        refused = objects is None or judge.refusals(new for new in objects if new not in usual)
        verdict = f"we {'accept' if ours else 'refuse'}, the cluster {'refuses' if refused else 'accepts'}"
        seen[verdict] += 1
        event(verdict)
        assert not (ours and refused) or is_made_whole(mutation.value), refused

    check()
    assert seen["we refuse, the cluster refuses"] > 100
    assert seen["we accept, the cluster accepts"] > 10


# What is wrong with a pod template's shape, in the API server's words. What is wrong with its values is for the
# API server to say, which it does in a preview.
OF_SHAPE = ("unknown field", "cannot unmarshal", "strict decoding", "unable to", "cannot be handled")


def test_no_pod_template_of_another_shape_gets_past_us(judge: Judge) -> None:
    seen: Counter[bool] = Counter()

    @given(hostile.templates)
    def check(template: Any) -> None:
        subsets = {**hostile.FULL["subsets"]}
        subsets["v2"] = {**subsets["v2"], "podTemplate": template}
        ours = accepted({**hostile.FULL, "subsets": subsets})
        seen[ours is None] += 1
        if ours:
            said = judge.refusals(made for made in rendered(ours) if made["kind"] in ("Deployment", "Pod"))
            assert [line for line in said if any(words in line for words in OF_SHAPE)] == []

    check()
    assert min(seen[True], seen[False]) > 10
