"""What the component registers: names, parents, order, hooks, outputs."""

import asyncio
from importlib import metadata
from typing import Any

import pulumi
import pytest

from mirrored_service import InvalidArgsError, MirroredService
from mirrored_service.plan import plan
from mirrored_service.reading.service import parse
from tests.recorder import Registered, record, run
from tests.services import service_args
from tests.unit.test_plan import SERVICES

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
HOOK = (
    "nginx must stay in the program until `pulumi destroy --run-program`, or `pulumi up` without keepOnDestroy "
    "(docs/changes.md, Leaving)"
)


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


@pytest.mark.parametrize("name", SERVICES)
def test_the_plan_is_registered_step_by_step(name: str) -> None:
    recording = run(lambda: MirroredService("nginx", SERVICES[name]))
    steps = plan(parse(SERVICES[name]))
    assert len(recording.registered) == len(steps) + 1
    resources = {step.key: f"nginx-{step.suffix}" for step in steps}
    for step in steps:
        found = recording.found(step.key[0], f"nginx-{step.suffix}")
        assert found.inputs == step.manifest
        assert found.needs == {resources[key] for key in step.needs}
        assert found.kept == step.kept
        assert found.ignored == set(step.unmanaged)
        assert {moment: found.hooks[moment] for moment in found.hooks if found.hooks[moment]} == {
            moment: [HOOK] for moment in step.waits
        }


@pytest.mark.parametrize("name", SERVICES)
def test_every_object_is_registered_after_those_that_come_earlier(name: str) -> None:
    registered = [
        (found.inputs["kind"], found.name)
        for found in run(lambda: MirroredService("nginx", SERVICES[name])).registered
        if found.inputs
    ]
    steps = plan(parse(SERVICES[name]))
    resources = {step.key: (step.key[0], f"nginx-{step.suffix}") for step in steps}
    for step in steps:
        for earlier in (*step.needs, *step.after):
            assert registered.index(resources[earlier]) < registered.index(resources[step.key])


def test_every_object_asks_for_the_provider_of_pulumi_kubernetes() -> None:
    versions = {found.version for found in register().values() if found.type != COMPONENT}
    assert versions == {metadata.version("pulumi-kubernetes")}


def test_up_waits_for_a_version_as_long_as_its_rollout_and_its_end_may_take() -> None:
    version = {"rollout": {"deadlineSeconds": 45}, "stop": {"graceSeconds": 30}}
    registered = register({"v1": {"image": "shop:1", "weight": 100, **version}})
    assert registered["Deployment", "nginx-v1"].timeouts == {
        "create": "45s",
        "update": "45s",
        "delete": "90s",
    }
    assert registered["VirtualService", "nginx-mesh"].timeouts == {"create": "", "update": "", "delete": ""}


def test_children_are_known_by_kind_and_name() -> None:
    recording = run(lambda: MirroredService("shop", service_args()))
    children: dict[tuple[str, str], pulumi.Resource] = recording.built.children
    assert set(children) == {step.key for step in plan(parse(service_args()))}
    assert children["Deployment", "nginx-v1"]._name == "shop-v1"


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
            MirroredService("nginx", service_args(settleSeconds=-1))

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
        service = MirroredService(
            "nginx", service_args(hosts=["shop.example.org"], ports=[{"name": "http", "port": 8080}])
        )
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


@pytest.mark.parametrize(
    ("protocols", "methods"),
    [
        (["grpc"], ["*"]),
        (["http", "grpc"], ["GET", "HEAD", "OPTIONS"]),
    ],
)
def test_calls_count_as_copied_where_no_other_request_can_be_a_post(
    protocols: list[str], methods: list[str]
) -> None:
    ports = [{"name": each, "port": 8080 + place} for place, each in enumerate(protocols)]
    found: list[list[str]] = []

    def build() -> None:
        args = service_args(ports=ports, mirrorMatch={"grpcCalls": True})
        MirroredService("nginx", args).mirror_methods.apply(found.append)

    record(build)
    assert found == [methods]


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


def test_the_engine_is_told_the_outputs() -> None:
    outputs = run(lambda: MirroredService("nginx", service_args())).outputs
    assert set(outputs) == set(OUTPUTS)
    assert outputs["live_versions"] == ["v1"]


def with_options(**options: Any) -> list[Registered]:
    """The objects of a component that was given these options."""
    _, registered = record(
        lambda: MirroredService("nginx", service_args(), pulumi.ResourceOptions(**options))
    )
    return [found for found in registered if found.type.startswith("kubernetes:")]


def test_every_object_is_kept_or_protected_when_the_component_is() -> None:
    plain = with_options()
    assert {found.name for found in plain if found.kept} == {"nginx-namespace"}
    assert not any(found.protected for found in plain)
    assert all(found.kept for found in with_options(retain_on_delete=True))
    assert all(found.protected for found in with_options(protect=True))


def test_every_object_is_made_by_the_provider_that_the_component_is_given() -> None:
    def build() -> None:
        other: Any = pulumi.ProviderResource("kubernetes", "other", {})
        MirroredService("nginx", service_args(), pulumi.ResourceOptions(provider=other))

    _, registered = record(build)
    providers = {found.provider for found in registered if found.parent == "nginx"}
    assert providers == {"other"}


def test_changes_that_pulumi_would_not_ignore_are_refused_with_the_way_that_works() -> None:
    def build() -> None:
        options = pulumi.ResourceOptions(ignore_changes=["spec.replicas"])
        with pytest.raises(InvalidArgsError) as refused:
            MirroredService("nginx", service_args(), options)
        assert refused.value.problems == (
            "opts.ignore_changes: not allowed, as Pulumi ignores it for a component; allowed: a transform that "
            "gives it to the object that is meant (docs/environments.md)",
        )

    _, registered = record(build)
    assert registered == []
