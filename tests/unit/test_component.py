"""What the component registers: names, parents, order, hooks, outputs."""

import asyncio
from typing import Any

import pulumi
import pytest

from mirrored_service import InvalidArgsError, MirroredService, settle
from tests.recorder import Registered, record
from tests.services import service_args

OUTPUTS = (
    "namespace",
    "host",
    "urls",
    "live_versions",
    "shadow_versions",
    "mirror_percents",
    "mirror_methods",
    "mirror_target",
)
COMPONENT = "mirrored-service:index:MirroredService"


def register(subsets: dict[str, Any] | None = None, **changes: Any) -> dict[tuple[str, str], Registered]:
    """What is registered, by kind and resource name."""
    _, registered = record(lambda: MirroredService("nginx", service_args(subsets, **changes)))
    return {(found.type.rsplit(":", 1)[-1], found.name): found for found in registered}


def test_the_names_of_resources_are_a_contract() -> None:
    assert set(register()) == {
        ("MirroredService", "nginx"),
        ("Namespace", "nginx-namespace"),
        ("Deployment", "nginx-v1"),
        ("Service", "nginx-callers"),
        ("Service", "nginx-versions"),
        ("DestinationRule", "nginx-v1"),
        ("DestinationRule", "nginx-v2"),
        ("Gateway", "nginx-gateway"),
        ("VirtualService", "nginx-ingress"),
        ("VirtualService", "nginx-mesh"),
        ("Deployment", "nginx-v2"),
    }


def test_promotion_registers_the_same_resources() -> None:
    promoted = {"v1": {"image": "shop:1"}, "v2": {"image": "shop:2", "weight": 100}}
    assert set(register()) == set(register(promoted))


def test_every_object_is_a_child_of_the_component() -> None:
    parents = {found.parent for found in register().values() if found.type != COMPONENT}
    assert parents == {"nginx"}


def test_routes_wait_for_everything_a_live_request_needs_and_for_no_shadow() -> None:
    registered = register()
    for route in ("nginx-ingress", "nginx-mesh"):
        needs = registered["VirtualService", route].needs
        # Resource names are unique for each type; "nginx-v1" stands for the Deployment and the rule.
        assert needs >= {"nginx-v1", "nginx-v2", "nginx-gateway", "nginx-callers"}
    assert "nginx-v2" not in registered["Service", "nginx-callers"].needs
    order = list(registered)
    assert order.index(("Deployment", "nginx-v2")) > order.index(("VirtualService", "nginx-mesh"))


def test_a_version_that_is_not_live_is_touched_only_after_the_routes() -> None:
    registered = register()
    assert registered["Deployment", "nginx-v2"].needs == {"nginx-ingress", "nginx-mesh"}
    assert registered["Deployment", "nginx-v1"].needs == {"nginx-namespace"}


def test_the_callers_service_waits_for_the_pods_it_selects() -> None:
    assert "nginx-v1" in register()["Service", "nginx-callers"].needs


def test_only_the_routes_have_hooks_and_none_runs_on_creation() -> None:
    for (kind, _), found in register().items():
        wanted = ["nginx-learn"], ["nginx-forget"]
        expected = wanted if kind == "VirtualService" else ([], [])
        assert (found.hooks["before_update"], found.hooks["after_update"]) == expected


def test_up_waits_for_a_version_as_long_as_its_rollout_may_take() -> None:
    subsets = {"v1": {"image": "shop:1", "weight": 100, "rollout": {"deadlineSeconds": 45}}}
    assert register(subsets)["Deployment", "nginx-v1"].timeouts == {"45s"}


def test_creation_waits_only_where_callers_may_be_already() -> None:
    def hooks(**changes: Any) -> list[str]:
        return register(**changes)["VirtualService", "nginx-mesh"].hooks["before_create"]

    assert hooks() == []
    assert hooks(createNamespace=False) == ["nginx-learn"]


def test_destroy_keeps_what_answers_when_asked_and_needs_no_program_when_not() -> None:
    kept = {name for name, found in register(keepOnDestroy=True).items() if found.kept}
    assert kept == {
        ("Namespace", "nginx-namespace"),
        ("Deployment", "nginx-v1"),
        ("Service", "nginx-callers"),
    }
    assert not any(found.kept or found.hooks["after_delete"] for found in register().values())


def test_routes_that_go_are_forgotten_before_their_versions_when_callers_stay() -> None:
    registered = register(keepOnDestroy=True)
    assert registered["VirtualService", "nginx-mesh"].hooks["after_delete"] == ["nginx-forget"]


def test_an_existing_namespace_and_gateway_are_not_created() -> None:
    kinds = {kind for kind, _ in register(createNamespace=False, gateway={"existing": "istio-system/shared"})}
    assert "Namespace" not in kinds
    assert "Gateway" not in kinds


def test_an_access_log_adds_a_telemetry_for_each_version_which_nothing_waits_for() -> None:
    logging = register(accessLog={"providers": ["mirrored-service-json"]})
    telemetry = {name for name in logging if name[0] == "Telemetry"}
    assert telemetry == {("Telemetry", "nginx-v1"), ("Telemetry", "nginx-v2")}
    assert set(logging) - telemetry == set(register())
    for name in telemetry:
        assert logging[name].needs == {"nginx-namespace"}
        assert logging[name].parent == "nginx"
    unchanged = {name: (found.needs, found.inputs, found.hooks) for name, found in register().items()}
    assert {
        name: (found.needs, found.inputs, found.hooks)
        for name, found in logging.items()
        if name not in telemetry
    } == unchanged


def test_what_the_component_depends_on_is_there_before_its_first_object() -> None:
    async def late() -> str:
        await asyncio.sleep(0.1)
        return "made"

    def build() -> None:
        secret = pulumi.CustomResource("kubernetes:core/v1:Secret", "password", {"data": late()})
        MirroredService("nginx", service_args(), pulumi.ResourceOptions(depends_on=[secret]))

    _, registered = record(build)
    assert [found.name for found in registered][:2] == ["password", "nginx"]


def test_wrong_arguments_register_nothing() -> None:
    def build() -> None:
        with pytest.raises(InvalidArgsError):
            MirroredService("nginx", service_args(port=0))

    _, registered = record(build)
    assert registered == []


def test_an_image_may_be_the_output_of_another_resource() -> None:
    image = pulumi.Output.from_input("built:1")
    registered = register({"v1": {"image": image, "weight": 100}})
    pod = registered["Deployment", "nginx-v1"].inputs["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "built:1"


def test_outputs_say_where_it_is_and_what_another_stack_needs() -> None:
    outputs: dict[str, Any] = {}

    def build() -> None:
        service = MirroredService("nginx", service_args(hosts=["shop.example.org"], port=8080))
        for key in OUTPUTS:
            getattr(service, key).apply(lambda value, key=key: outputs.update({key: value}))

    record(build)
    assert outputs == {
        "namespace": "istio-project",
        "host": "nginx.istio-project.svc.cluster.local",
        "urls": ["http://shop.example.org/"],
        "live_versions": ["v1"],
        "shadow_versions": ["v2"],
        "mirror_percents": {"v2": 100.0},
        "mirror_methods": ["GET", "HEAD", "OPTIONS"],
        "mirror_target": {"host": "nginx.istio-project.svc.cluster.local", "port": 8080, "protocol": "http"},
    }


def test_a_percentage_is_an_output_and_no_second_object_changes_with_it() -> None:
    def objects(percent: float) -> dict[tuple[str, str], Any]:
        subsets = {
            "v1": {"image": "shop:1", "weight": 100},
            "v2": {"image": "shop:2", "mirrorPercent": percent},
        }
        return {key: found.inputs for key, found in register(subsets).items()}

    before, after = objects(10), objects(20)
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {("VirtualService", "nginx-ingress"), ("VirtualService", "nginx-mesh")}


def _inputs(*subsets: str) -> dict[str, Any]:
    """Routes to versions; those with "-copies" are mirrored to."""
    route = [{"destination": {"subset": name}} for name in subsets if not name.endswith("-copies")]
    mirrors = [{"destination": {"subset": name}} for name in subsets if name.endswith("-copies")]
    return {"spec": {"http": [{"route": route, "mirrors": mirrors}]}}


def waited(monkeypatch: pytest.MonkeyPatch, contained: set[str], old: Any, new: Any) -> list[float]:
    """Seconds that a change of routes waits, before and after it."""
    seconds: list[float] = [0, 0]
    change = pulumi.ResourceHookArgs("urn", "id", "name", "type", new_inputs=new, old_inputs=old)

    async def update() -> None:
        for place, wait in enumerate(settle.waits(2, contained, None)):

            async def note(slept: float, place: int = place) -> None:
                seconds[place] += slept

            monkeypatch.setattr(asyncio, "sleep", note)
            await wait(change)

    asyncio.get_event_loop_policy().new_event_loop().run_until_complete(update())
    return seconds


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        (["v1"], ["v1"], 0, 0),
        (["v1"], ["v1", "v2"], 2, 0),
        (["v1", "v2"], ["v1"], 0, 2),
        (["v1"], ["v3"], 2, 2),
        (["v1", "v2-copies"], ["v2", "v1-copies"], 0, 0),
    ],
)
def test_the_wait_is_only_for_versions_that_come_or_go(
    monkeypatch: pytest.MonkeyPatch, old: list[str], new: list[str], before: float, after: float
) -> None:
    assert waited(monkeypatch, set(), _inputs(*old), _inputs(*new)) == [before, after]


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        (["v1", "v2-copies"], ["v2", "v1-copies"], 2, 0),
        (["v2", "v1-copies"], ["v1", "v2-copies"], 0, 2),
        (["v1", "v2-copies"], ["v1"], 0, 2),
        (["v1", "v2"], ["v2"], 0, 2),
        (["v2"], ["v2", "v1-copies"], 2, 0),
    ],
)
def test_a_version_that_is_contained_is_waited_for_when_it_becomes_live_or_ceases_to_be(
    monkeypatch: pytest.MonkeyPatch, old: list[str], new: list[str], before: float, after: float
) -> None:
    assert waited(monkeypatch, {"v2"}, _inputs(*old), _inputs(*new)) == [before, after]
