"""How long a change waits, and for which versions: the hooks, run as Pulumi runs them."""

import asyncio
from typing import Any

import pulumi
import pytest

from mirrored_service import MirroredService
from mirrored_service.reading.service import parse
from mirrored_service.rendering import known_routes
from mirrored_service.rendering.gateway_api import mesh_route
from mirrored_service.rendering.routes import mesh_virtual_service
from tests.recorder import run
from tests.refusals import V1
from tests.services import service_args

SECONDS = 3.0


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        if seconds:  # Pulumi sleeps for nothing to let others go on
            self.slept.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(asyncio, "sleep", clock.sleep)
    monkeypatch.setattr("time.monotonic", lambda: clock.now)
    return clock


def isolated(version: dict[str, Any]) -> dict[str, Any]:
    return {**version, "shadowIsolation": {"mayReach": []}}


def hook(contained: bool = False, **changes: Any) -> pulumi.ResourceHookFunction:
    """The hook that a component registers."""
    v2: dict[str, Any] = {"image": "shop:2", "mirrorPercent": 100}
    subsets = {"v1": {"image": "shop:1", "weight": 100}, "v2": isolated(v2) if contained else v2}
    args = service_args(subsets, **{"settleSeconds": SECONDS, **changes})
    (found,) = run(lambda: MirroredService("nginx", args)).hooks.values()
    return found


def change(
    old: Any = None, new: Any = None, live: Any = None, name: str = "nginx-mesh"
) -> pulumi.ResourceHookArgs:
    """One of the routes."""
    return pulumi.ResourceHookArgs(
        "urn",
        "id",
        name,
        "kubernetes:networking.istio.io/v1:VirtualService",
        new_inputs=new,
        old_inputs=old,
        old_outputs=live,
    )


def of_version(name: str) -> pulumi.ResourceHookArgs:
    """A change of the version's pods."""
    pods = {"kind": "Deployment"}
    return pulumi.ResourceHookArgs("urn", "id", f"nginx-{name}", "kubernetes:apps/v1:Deployment", pods)


def before(hook: pulumi.ResourceHookFunction, args: pulumi.ResourceHookArgs) -> None:
    _call(hook, args)


def after(hook: pulumi.ResourceHookFunction, args: pulumi.ResourceHookArgs) -> None:
    args.new_outputs = args.new_inputs
    _call(hook, args)


def _call(hook: pulumi.ResourceHookFunction, args: pulumi.ResourceHookArgs) -> None:
    async def called() -> None:
        result = hook(args)
        if result is not None:
            await result

    asyncio.new_event_loop().run_until_complete(called())


def routes(*subsets: str) -> dict[str, Any]:
    """Routes to versions; those with "-copies" are mirrored to."""
    route = [{"destination": {"subset": name}} for name in subsets if not name.endswith("-copies")]
    mirrors = [{"destination": {"subset": name}} for name in subsets if name.endswith("-copies")]
    return {"spec": {"http": [{"route": route, "mirrors": mirrors}]}}


def waited(clock: Clock, contained: bool, old: Any, new: Any, live: Any = None) -> list[float]:
    """Seconds that a change of routes waits, before and after it."""
    found = []
    for side in (before, after):
        clock.slept.clear()
        side(hook(contained), change(old, new, live))
        found.append(sum(clock.slept))
    return found


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        (["v1"], ["v1"], 0, 0),
        (["v1"], ["v1", "v2"], SECONDS, 0),
        (["v1", "v2"], ["v1"], 0, SECONDS),
        (["v1"], ["v3"], SECONDS, SECONDS),
        (["v1", "v2-copies"], ["v2", "v1-copies"], 0, 0),
        (["v1"], ["v1", "v2-copies"], 0, 0),
        (["v1", "v2-copies"], ["v1"], 0, 0),
    ],
)
def test_the_wait_is_only_for_versions_that_live_requests_come_to_or_leave(
    clock: Clock, old: list[str], new: list[str], before: float, after: float
) -> None:
    assert waited(clock, False, routes(*old), routes(*new)) == [before, after]


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        (["v1", "v2-copies"], ["v2", "v1-copies"], SECONDS, 0),
        (["v2", "v1-copies"], ["v1", "v2-copies"], 0, SECONDS),
        (["v1", "v2-copies"], ["v1"], 0, 0),
        (["v1", "v2"], ["v2"], 0, SECONDS),
        (["v2"], ["v2", "v1-copies"], 0, 0),
    ],
)
def test_a_version_that_is_contained_is_waited_for_when_it_becomes_live_or_ceases_to_be(
    clock: Clock, old: list[str], new: list[str], before: float, after: float
) -> None:
    assert waited(clock, True, routes(*old), routes(*new)) == [before, after]


def test_new_routes_and_routes_that_go_are_waited_for_where_they_have_hooks(clock: Clock) -> None:
    before(hook(), change(new=routes("v1")))
    after(hook(), change(old=routes("v1"), name="nginx-no-longer-registered"))
    assert clock.slept == [SECONDS, SECONDS]


@pytest.mark.parametrize("changes", [{}, {"keepOnDestroy": True}])
def test_a_component_has_one_hook_which_says_what_to_do_if_it_is_missed(changes: dict[str, Any]) -> None:
    v2 = isolated({"image": "shop:2", "mirrorPercent": 100})
    found = run(lambda: MirroredService("nginx", service_args({"v1": V1, "v2": v2}, **changes)))
    (name,) = found.hooks
    assert name.startswith("nginx must stay in the program until `pulumi destroy --run-program`")
    bound = [names for each in found.registered for names in each.hooks.values() if names]
    assert len(bound) > 10
    assert all(names == [name] for names in bound)


def test_what_counts_is_what_was_in_the_cluster_and_not_what_the_component_wrote(clock: Clock) -> None:
    by_hand = routes("v2")
    assert waited(clock, False, routes("v1"), routes("v1"), live=by_hand) == [SECONDS, SECONDS]
    assert waited(clock, False, routes("v1"), routes("v2"), live=by_hand) == [0, 0]


BY_HAND: list[Any] = [
    None,
    {},
    {"spec": None},
    {"spec": {}},
    {"spec": "routes"},
    {"spec": {"http": None}},
    {"spec": {"http": {}}},
    {"spec": {"http": "none"}},
    {"spec": {"http": [None, 5, [], "x", {}]}},
    {"spec": {"http": [{"directResponse": {"status": 503}}]}},
    {"spec": {"http": [{"redirect": {"uri": "/maintenance"}}]}},
    {"spec": {"http": [{"delegate": {"name": "other"}}]}},
    {"spec": {"http": [{"route": None, "mirrors": None, "mirror": None}]}},
    {"spec": {"http": [{"route": {}, "mirrors": {}, "mirror": []}]}},
    {"spec": {"http": [{"route": [{}], "mirrors": [None]}]}},
    {"spec": {"http": [{"route": [{"destination": None}], "mirrors": [{"destination": 1}]}]}},
    {"spec": {"http": [{"route": [{"destination": {"host": "other"}}], "mirror": {"host": "other"}}]}},
    {"spec": {"http": [{"route": [{"destination": {"host": "other", "subset": None}}]}]}},
    {"spec": {"http": [{"route": [{"destination": {"subset": ["v1"]}}], "mirror": {"subset": 3}}]}},
    {"spec": {"tcp": [{"route": [{"destination": {"host": "other"}}]}]}},
]


@pytest.mark.parametrize("found", BY_HAND)
def test_no_shape_that_somebody_gave_routes_by_hand_makes_a_hook_fail(clock: Clock, found: Any) -> None:
    ours = mesh_virtual_service(parse(service_args()))
    for side in (before, after):
        for args in (
            change(found, ours),
            change(found, ours, found),
            change(ours, found),
            change(found, found),
        ):
            side(hook(), args)


def test_a_mirror_that_somebody_wrote_in_the_older_way_is_known_to_proxies(clock: Clock) -> None:
    by_hand = {"spec": {"http": [{"route": [], "mirror": {"host": "h", "subset": "v2-copies"}}]}}
    assert waited(clock, False, by_hand, routes("v2")) == [0, 0]


def test_what_is_changed_of_a_version_is_waited_for_before_its_next_step(clock: Clock) -> None:
    found = hook()
    before(found, of_version("v2"))
    assert clock.slept == []
    after(found, of_version("v2"))
    clock.now += 1
    before(found, of_version("v2"))
    before(found, of_version("v2"))
    assert clock.slept == [SECONDS - 1]


def test_a_version_may_be_called_as_the_routes_are(clock: Clock) -> None:
    subsets = {"v1": V1, "mesh": {"image": "shop:2", "mirrorPercent": 100}}
    args = service_args(subsets, settleSeconds=SECONDS)
    (found,) = run(lambda: MirroredService("nginx", args)).hooks.values()
    before(found, change(routes("v1"), routes("v3")))
    assert clock.slept == [SECONDS]
    after(found, of_version("mesh"))
    before(found, of_version("mesh"))
    assert clock.slept == [SECONDS, SECONDS]


def test_one_version_does_not_wait_for_another(clock: Clock) -> None:
    found = hook()
    after(found, of_version("v1"))
    before(found, of_version("v2"))
    assert clock.slept == []


def test_nobody_waits_where_proxies_are_given_no_time(clock: Clock) -> None:
    found = hook(settleSeconds=0)
    before(found, change(routes("v1"), routes("v3")))
    after(found, of_version("v2"))
    before(found, of_version("v2"))
    assert clock.slept == []


def test_a_wait_is_said_with_what_it_is_for(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda line, resource: said.append(line))
    found = hook()
    before(found, change(routes("v1"), routes("v3")))
    after(found, change(routes("v1"), routes("v3")))
    after(found, of_version("v2"))
    before(found, of_version("v2"))
    assert said == [
        "3 s for the proxies to learn of v3",
        "3 s for the proxies to forget v1",
        "3 s for the proxies to learn of the change of v2",
    ]


def by_gateway_api(subsets: dict[str, Any]) -> dict[str, Any]:
    return mesh_route(described := parse(service_args(subsets, api="gateway")), described.port)


def test_routes_of_gateway_api_name_their_versions_by_services() -> None:
    before = by_gateway_api({"v1": V1, "v2": {"image": "shop:2", "mirrorPercent": 100}})
    assert known_routes.answering(before) == {"v1"}
    assert known_routes.used(before) == {"v1", "v2"}


def test_a_version_that_becomes_known_by_routes_of_gateway_api_is_waited_for(clock: Clock) -> None:
    called = hook(api="gateway")
    without, with_v2 = (
        by_gateway_api({"v1": V1}),
        by_gateway_api({"v1": {"image": "shop:1"}, "v2": {"image": "shop:2", "weight": 100}}),
    )
    before(called, change(without, with_v2))
    assert clock.slept == [SECONDS]
    after(called, change(without, with_v2))
    assert clock.slept == [SECONDS, SECONDS]


@pytest.mark.parametrize("rules", [None, 7, [None], [{"backendRefs": [{"name": 5}], "filters": [None]}]])
def test_an_http_route_of_any_shape_is_read(rules: Any) -> None:
    found = {"kind": "HTTPRoute", "metadata": {"labels": {"app": "nginx"}}, "spec": {"rules": rules}}
    assert known_routes.used(found) == set()
    assert known_routes.used({"kind": "HTTPRoute"}) == set()
