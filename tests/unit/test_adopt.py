"""What `adopt` makes of services that were set up by hand: config, files, steps, what becomes of each object."""

from __future__ import annotations

import copy
import io
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from mirrored_service.commands import kubectl
from mirrored_service.commands.adopt import adoption, defaults, files, running, steps
from mirrored_service.commands.adopt.adoption import Adoption
from mirrored_service.commands.adopt.row import CANNOT, REPLACED, STAYS, TAKEN
from mirrored_service.commands.adopt.world import World
from mirrored_service.commands.command_line import main
from mirrored_service.commands.kill_switch.errors import CommandError
from mirrored_service.plan import render
from mirrored_service.reading.fields import InvalidArgsError
from tests import by_hand
from tests.by_hand import CHARTED, OTHERS, PORTS, ROOTED
from tests.cluster import Cluster
from tests.routing import answer, copies

SERVICES = {CHARTED: "shop", ROOTED: "cart", PORTS: "orders", OTHERS: "shop"}
HUSHED = ("hush-hush", "sesame")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
PATHS = (
    "/",
    "/old/",
    "/old/a",
    "/moved",
    "/write/a",
    "/cart",
    "/cart/",
    "/cart/a",
    "/cart/health",
    "/basket/a",
    "/slow/a",
)
V2 = {"image": "lab.local/nginx-v2:1", "mirrorPercent": 50}
Object = dict[str, Any]


def found(
    name: str, *more: Object, objects: list[Object] | None = None, live: bool = False, **how: Any
) -> Adoption:
    """What is found out of one of the four services."""
    world = World([*(objects or by_hand.objects(name)), *more], live=live)
    options = {"pods": None, "version": None, "domain": "cluster.local", **how}
    return adoption.adopt(world, running.find(world, "web", SERVICES[name], **options))


def edited(name: str, kind: str, of: str, **spec: Any) -> list[Object]:
    """The service's objects, with fields of one object's spec changed."""
    objects = copy.deepcopy(by_hand.objects(name))
    for each in objects:
        if (each["kind"], each["metadata"]["name"]) == (kind, of):
            each["spec"].update(spec)
    return objects


def made(kind: str, name: str, spec: Object, namespace: str = "web", **metadata: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": spec,
    }


def verdicts(of: Adoption) -> dict[str, str]:
    """What becomes of each object; of several rows the worst."""
    order = [TAKEN, STAYS, REPLACED, CANNOT]
    rows = sorted(of.rows, key=lambda row: order.index(row.verdict))
    return {row.what: row.verdict for row in rows}


def why(of: Adoption, what: str) -> str:
    return " ".join(f"{row.why} {row.do}" for row in of.rows if row.what == what)


def version(of: Adoption) -> dict[str, Any]:
    (only,) = of.settings["subsets"].values()
    found: dict[str, Any] = only
    return found


def virtual_services(of: Adoption, **shadow: Any) -> list[Object]:
    """The stack's, those that stay, and roots as the steps change them."""
    settings: Any = copy.deepcopy(of.settings)
    if shadow:
        own = settings["subsets"][of.running.version]
        like = {**own, "weight": 0, **shadow}
        settings["subsets"]["v2"] = {key: value for key, value in like.items() if key != "weight"}
    ours = [each for each in render(settings) if each["kind"] == "VirtualService"]
    roots = {root["metadata"]["name"]: routes for root, routes in of.routing.roots}
    there = [
        {**each, "spec": {**each["spec"], "http": roots.get(each["metadata"]["name"], each["spec"]["http"])}}
        for each in by_hand.objects({"cart": ROOTED, "orders": PORTS}.get(of.running.name, CHARTED))
        if each["kind"] == "VirtualService" and each not in of.routing.replaced
    ]
    return [*there, *ours]


@pytest.mark.parametrize("name", by_hand.NAMES)
def test_each_service_is_expressed_as_a_whole_and_nothing_of_it_is_forgotten(name: str) -> None:
    of = found(name)
    assert of.expressed
    told = verdicts(of)
    besides = ("Namespace",)
    another = {"Deployment web/shop-next"}  # another version of the others', which nobody asks
    for each in by_hand.objects(name):
        what = f"{each['kind']} {each['metadata'].get('namespace')}/{each['metadata']['name']}"
        if each["kind"] not in besides and what not in another and "web-web/front" not in what:
            assert what in told


def test_what_becomes_of_each_object_is_told() -> None:
    assert verdicts(found(CHARTED)) == {
        "Deployment web/shop-chart": REPLACED,
        "Service web/shop": TAKEN,
        "Service web/shop-external": TAKEN,
        "PodDisruptionBudget web/shop": REPLACED,
        "VirtualService web/storefront": REPLACED,
        "DestinationRule web/shop": REPLACED,
        "Gateway web/front": STAYS,
        "ServiceAccount web/shop": STAYS,
        "label app of the pods": TAKEN,
    }


def test_the_pods_are_those_that_run_but_for_what_is_listed() -> None:
    assert found(CHARTED).changed == [
        "container web is called shop",
        "port http (80) of it is called app",
        "strategy.rollingUpdate.maxSurge: 1, was 25%",
        "strategy.rollingUpdate.maxUnavailable: 0, was 25%",
        "metadata.labels.app: shop, was storefront",
        "metadata.labels.version: v1, was nothing",
        "spec.containers[shop].lifecycle.preStop.sleep.seconds: 15, was nothing",
        "spec.terminationGracePeriodSeconds: 45, was nothing",
    ]


def test_how_long_a_pod_must_be_ready_stays_as_it_was_beside_the_deadline_that_it_had() -> None:
    assert version(found(CHARTED))["rollout"] == {"minReadySeconds": 2, "deadlineSeconds": 600}
    assert "minReadySeconds" not in str([found(CHARTED).changed, found(CHARTED).rows])
    assert "rollout" not in version(found(ROOTED))


@pytest.mark.parametrize("name", [CHARTED, ROOTED, PORTS])
def test_what_is_not_listed_is_the_same_in_the_rendered_pods(name: str) -> None:
    """By another way than the list is made: each container's own fields."""
    of = found(name)
    (deployment,) = [each for each in by_hand.objects(name) if each["kind"] == "Deployment"]
    before = defaults.plain(deployment["spec"]["template"])["spec"]
    settings: Any = of.settings
    (after,) = [each for each in render(settings) if each["kind"] == "Deployment"]
    spec = defaults.plain(after["spec"]["template"])["spec"]
    (old,), (new,) = before["containers"], spec["containers"]
    for key in ("image", "command", "args", "volumeMounts"):
        assert old.get(key) == new.get(key)
    assert sorted(old.get("env", []), key=str) == sorted(new.get("env", []), key=str)
    for key in ("volumes", "initContainers", "serviceAccountName"):
        assert before.get(key) == spec.get(key)
    numbers = {port["containerPort"] for port in old.get("ports", ())}
    assert numbers <= {port["containerPort"] for port in new["ports"]}


def test_variables_that_are_referred_to_keep_their_place_and_references_stay() -> None:
    own = version(found(CHARTED))
    (container,) = own["podTemplate"]["spec"]["containers"]
    assert [each["name"] for each in container["env"]] == ["POD", "WHO", "PLACE", "REGION"]
    assert container["env"][0]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert sorted(own["env"]) == ["CATALOGUE", "COLOUR", "DB_PASSWORD"]


def test_what_the_api_server_fills_in_is_not_in_the_config() -> None:
    text = json.dumps(version(found(CHARTED)))
    for word in ("terminationMessagePath", "dnsPolicy", "restartedAt", "imagePullPolicy", '"serviceAccount"'):
        assert word not in text


def test_pods_without_a_readiness_probe_get_none() -> None:
    objects = by_hand.objects(ROOTED)
    for each in objects:
        if each["kind"] == "Deployment":
            del each["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
    of = found(ROOTED, objects=objects)
    settings: Any = of.settings
    (deployment,) = [each for each in render(settings) if each["kind"] == "Deployment"]
    assert "readinessProbe" not in deployment["spec"]["template"]["spec"]["containers"][0]
    assert any("without a readinessProbe" in line for line in of.warned)


# Routes


@pytest.mark.parametrize("percent", [0, 50])
@pytest.mark.parametrize(("name", "gateway"), [(CHARTED, "web/front"), (ROOTED, "web-web/front")])
def test_requests_from_outside_are_answered_as_before(name: str, gateway: str, percent: int) -> None:
    before = [each for each in by_hand.objects(name) if each["kind"] == "VirtualService"]
    after = virtual_services(found(name), image="lab.local/nginx-v2:1", mirrorPercent=percent)
    assert copies(after) == bool(percent)
    for method in METHODS:
        for path in PATHS:
            old = answer(before, "shop.example", gateway, method, path)
            new = answer(after, "shop.example", gateway, method, path)
            assert _as_callers_see(new) == _as_callers_see(old), (method, path)


def _as_callers_see(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """Whichever Service of ours is asked."""
    return given and {**given, "asked": {name.removesuffix("-versions") for name in given["asked"]}}


@pytest.mark.parametrize("port", [80, 50051])
@pytest.mark.parametrize("percent", [0, 50])
def test_requests_inside_the_mesh_are_answered_as_before(percent: int, port: int) -> None:
    before = [
        {**each, "spec": {**each["spec"], "hosts": ["orders.web.svc.cluster.local"]}}
        for each in by_hand.objects(PORTS)
        if each["kind"] == "VirtualService"
    ]
    after = virtual_services(found(PORTS), image="lab.local/echo:1", mirrorPercent=percent)
    for method in METHODS:
        for path in PATHS:
            sent = ("orders.web.svc.cluster.local", "mesh", method, path, port)
            assert _as_callers_see(answer(after, *sent)) == _as_callers_see(answer(before, *sent))


@pytest.mark.parametrize("name", [CHARTED, ROOTED, OTHERS])
def test_callers_inside_the_mesh_who_had_no_routes_get_none_of_those_from_outside(name: str) -> None:
    of = found(name)
    settings: Any = of.settings
    (mesh,) = [each for each in render(settings) if each["metadata"]["name"].endswith("-mesh")]
    host = f"{of.running.name}.web.svc.cluster.local"
    plain = {"asked": {f"{of.running.name}-versions"}, "path": "/old/a"}
    assert answer([mesh], host, "mesh", "GET", "/old/a") == plain
    # Istio warns of routes that no request gets to.
    assert len(mesh["spec"]["http"]) == 1


def test_a_service_with_routes_of_both_kinds_answers_each_as_before() -> None:
    inside = {"route": [{"destination": {"host": "shop"}}], "match": [{"uri": {"prefix": "/in/"}}]}
    mesh = made("VirtualService", "inside", {"hosts": ["shop"], "http": [{**inside, "timeout": "1s"}]})
    of = found(CHARTED, mesh)
    settings: Any = of.settings
    rendered = [each for each in render(settings) if each["kind"] == "VirtualService"]
    host = "shop.web.svc.cluster.local"
    given = answer(rendered, host, "mesh", "GET", "/in/a")
    assert given is not None
    assert given["timeout"] == "1s"
    # As before, 404: no route was for it.
    assert answer(rendered, host, "mesh", "GET", "/else") == {
        "directResponse": {"status": 404},
        "asked": set(),
        "path": "/else",
    }
    outside = answer(rendered, "shop.example", "web/front", "GET", "/in/a")
    assert outside is not None
    assert "timeout" not in outside


def test_a_route_that_another_team_shares_keeps_its_age_and_delegates() -> None:
    other = made(
        "VirtualService",
        "theirs",
        {"hosts": ["shop.example"], "gateways": ["web/front"], "http": [{"directResponse": {"status": 200}}]},
        "team",
    )
    of = found(CHARTED, other)
    assert of.settings["gateway"] == {"delegate": True}
    assert "hosts" not in of.settings
    ((root, routes),) = of.routing.roots
    assert root["metadata"]["name"] == "storefront"
    assert [each.get("delegate", {}).get("name") for each in routes] == [
        "shop-vs",
        None,
        "shop-vs",
        "shop-vs",
    ]
    assert not any("mirror" in each or ("route" in each and "delegate" in each) for each in routes)
    assert not of.expressed
    told = why(of, "VirtualService web/storefront")
    assert "shares the hosts with other VirtualServices" in told
    assert "asks for method" in told


def test_a_delegate_is_replaced_and_its_root_names_ours() -> None:
    def names(routes: list[Any]) -> list[str]:
        return [each["delegate"]["name"] for each in routes]

    leaf = made(
        "VirtualService", "leaf", {"http": [{"timeout": "1s", "route": [{"destination": {"host": "cart"}}]}]}
    )
    hand_over = [{"delegate": {"name": "leaf", "namespace": "web"}}]
    objects = edited(ROOTED, "VirtualService", "root", http=hand_over)
    of = found(ROOTED, leaf, objects=objects)
    assert (of.settings["gateway"], of.settings["routes"][-1]) == ({"delegate": True}, {"timeout": "1s"})
    ((root, routes),) = of.routing.roots
    assert (names(root["spec"]["http"]), names(routes)) == (["leaf"], ["cart-vs"])
    assert verdicts(of)["VirtualService web/leaf"] == REPLACED


@pytest.mark.parametrize(
    ("route", "said"),
    [
        (
            {
                "route": [
                    {"destination": {"host": "shop"}, "weight": 90},
                    {"destination": {"host": "b"}, "weight": 10},
                ]
            },
            "leads to several destinations",
        ),
        ({"route": [{"destination": {"host": "shop"}}], "mirror": {"host": "b"}}, "copies requests already"),
    ],
)
def test_what_a_route_does_that_the_stack_cannot_is_told(route: Object, said: str) -> None:
    of = found(CHARTED, objects=edited(CHARTED, "VirtualService", "storefront", http=[route]))
    assert not of.expressed
    assert said in why(of, "VirtualService web/storefront")


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (
            {"gateways": ["front", "istio-system/other"]},
            "it is bound to several gateways: web/front, istio-system/other",
        ),
        ({"exportTo": ["."]}, "it has exportTo"),
        ({"gateways": ["closed/front"]}, "Gateway closed/front does not let the namespace web use its hosts"),
        (
            {
                "http": [
                    {"route": [{"destination": {"host": "shop"}}]},
                    {"route": [{"destination": {"host": "b"}}]},
                ]
            },
            "its route for everything leads elsewhere",
        ),
    ],
)
def test_what_the_component_cannot_say_stays_as_a_root(spec: Object, reason: str) -> None:
    closed = {"servers": [{"port": {"number": 80}, "hosts": ["other/shop.example"]}]}
    gateway = made("Gateway", "front", closed, "closed")
    of = found(CHARTED, gateway, objects=edited(CHARTED, "VirtualService", "storefront", **spec))
    assert of.settings["gateway"] == {"delegate": True}
    assert verdicts(of)["VirtualService web/storefront"] in (STAYS, CANNOT)
    assert reason in why(of, "VirtualService web/storefront")


def test_hosts_that_callers_inside_the_mesh_would_lose_are_told() -> None:
    objects = edited(CHARTED, "VirtualService", "storefront", gateways=["front", "mesh"])
    of = found(CHARTED, objects=objects)
    assert of.settings["hosts"] == ["shop.example"]
    assert "ask for shop.example too" in why(of, "VirtualService web/storefront")
    assert not of.expressed


def test_connections_are_led_as_before_and_that_is_told() -> None:
    tcp = {"hosts": ["db.example"], "tcp": [{"route": [{"destination": {"host": "shop"}}]}]}
    of = found(CHARTED, made("VirtualService", "db", tcp))
    assert verdicts(of)["VirtualService web/db"] == STAYS


def test_a_subset_that_ours_will_not_be_in_is_taken_out_first() -> None:
    of = found(CHARTED)
    way = steps.way(of, "prod", "Pulumi.prod.yaml", "out", None, live=True, in_place=False)
    titles = [step.title for step in way.steps]
    assert titles.index("Routes without subsets") < titles.index("The stack's own objects")
    test, replace = json.loads(way.files["subsets-web-storefront.json"])
    (storefront,) = [each for each in by_hand.objects(CHARTED) if each["kind"] == "VirtualService"]
    assert (test["op"], test["value"]) == ("test", storefront["spec"]["http"])
    assert "subset" in json.dumps(test)
    assert "subset" not in json.dumps(replace)


# How many pods


def test_an_autoscaler_begins_with_as_many_pods_as_there_are() -> None:
    of = found(PORTS, live=True)
    assert version(of)["autoscaling"]["minReplicas"] == 3
    assert of.then_least == 1
    way = steps.way(of, "prod", "Pulumi.prod.yaml", "out", None, live=True, in_place=False)
    commands = [command for step in way.steps for command in step.commands]
    up = commands.index("pulumi up --stack prod")
    later = commands.index("pulumi config set --stack prod --path subsets.v1.autoscaling.minReplicas 1")
    assert (
        up
        < commands.index("kubectl delete deployments.apps orders --namespace web --cascade=foreground --wait")
        < later
    )


def test_of_files_it_is_not_known_how_many_pods_there_are() -> None:
    of = found(PORTS)
    assert of.then_least is None
    assert "see how many pods there are now" in why(of, "HorizontalPodAutoscaler web/orders")


def test_an_autoscaler_of_one_container_goes_with_its_name() -> None:
    objects = edited(PORTS, "HorizontalPodAutoscaler", "orders")
    for each in objects:
        if each["kind"] == "Deployment":
            each["spec"]["template"]["spec"]["containers"][0]["name"] = "server"
        if each["kind"] == "HorizontalPodAutoscaler":
            each["spec"]["metrics"][0]["containerResource"]["container"] = "server"
    (metric,) = version(found(PORTS, objects=objects))["autoscaling"]["metrics"]
    assert metric["containerResource"]["container"] == "orders"


def test_an_autoscaler_in_older_words_is_said_in_newer_ones() -> None:
    older = {
        "scaleTargetRef": {"kind": "Deployment", "name": "orders"},
        "maxReplicas": 4,
        "targetCPUUtilizationPercentage": 70,
    }
    objects = [each for each in by_hand.objects(PORTS) if each["kind"] != "HorizontalPodAutoscaler"]
    of = found(PORTS, made("HorizontalPodAutoscaler", "orders", older), objects=objects)
    (metric,) = version(of)["autoscaling"]["metrics"]
    assert metric["resource"]["target"] == {"type": "Utilization", "averageUtilization": 70}


def test_an_autoscaler_that_somebody_makes_stays_and_counts_later() -> None:
    objects = by_hand.objects(PORTS)
    for each in objects:
        if each["kind"] == "HorizontalPodAutoscaler":
            each["metadata"]["ownerReferences"] = [{"kind": "ScaledObject", "name": "orders"}]
    of = found(PORTS, objects=objects)
    assert verdicts(of)["HorizontalPodAutoscaler web/orders"] == STAYS
    assert version(of)["replicas"] == 3
    way = steps.way(of, "prod", "Pulumi.prod.yaml", "out", None, live=True, in_place=False)
    assert any("point ScaledObject orders to Deployment orders-v1" in step.why for step in way.steps)


# Pods of others


def test_pods_of_another_owner_stay_theirs() -> None:
    of = found(OTHERS)
    labels = {"app.kubernetes.io/name": "shop", "app.kubernetes.io/instance": "shop-stable"}
    assert version(of) == {"podLabels": labels, "weight": 100}
    assert verdicts(of)["Deployment web/shop-stable"] == STAYS
    assert "Helm release shop-stable" in why(of, "Deployment web/shop-stable")
    assert of.changed == []
    settings: Any = of.settings
    assert not [each for each in render(settings) if each["kind"] == "Deployment"]
    way = steps.way(of, "prod", "Pulumi.prod.yaml", "out", None, live=True, in_place=False)
    commands = [command for step in way.steps for command in step.commands]
    assert not any("delete deployment" in command for command in commands)
    assert "before.yaml" not in way.files


@pytest.mark.parametrize(
    ("mark", "owner"),
    [
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "Helm"),
        (
            {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:web/cart"}},
            "Argo CD application shop",
        ),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, "Flux Kustomization apps"),
        ({"ownerReferences": [{"kind": "Rollout", "name": "cart"}]}, "Rollout cart"),
    ],
)
def test_owners_are_known_by_their_marks_and_may_be_overruled(mark: Object, owner: str) -> None:
    objects = by_hand.objects(ROOTED)
    for each in objects:
        if each["kind"] == "Deployment":
            each["metadata"].update(mark)
    left = found(ROOTED, objects=objects)
    assert left.running.left
    assert owner in why(left, "Deployment web/cart")
    taken = found(ROOTED, objects=objects, pods="take")
    assert "image" in version(taken)
    assert f"take it out of {owner}" in why(taken, "Deployment web/cart")


def test_a_service_of_an_owner_is_taken_over_only_with_a_word_to_it() -> None:
    objects = by_hand.objects(OTHERS)
    for each in objects:
        if each["kind"] == "Service":
            each["metadata"]["annotations"] = {"meta.helm.sh/release-name": "shop"}
    assert "tell Helm release shop to keep the Service" in why(
        found(OTHERS, objects=objects), "Service web/shop"
    )


# What is around


@pytest.mark.parametrize(
    ("selector", "verdict"), [({"app.kubernetes.io/name": "shop"}, STAYS), ({"app": "storefront"}, CANNOT)]
)
def test_a_policy_stays_if_it_selects_the_stack_s_pods_too(selector: Object, verdict: str) -> None:
    policy = made("AuthorizationPolicy", "guard", {"selector": {"matchLabels": selector}})
    assert verdicts(found(CHARTED, policy))["AuthorizationPolicy web/guard"] == verdict


def test_a_policy_for_other_pods_is_not_told_of() -> None:
    policy = made("AuthorizationPolicy", "guard", {"selector": {"matchLabels": {"app": "other"}}})
    assert "AuthorizationPolicy web/guard" not in verdicts(found(CHARTED, policy))


@pytest.mark.parametrize(
    "spec",
    [
        {"rules": [{"http": {"paths": [{"backend": {"service": {"name": "shop"}}}]}}]},
        {"rules": [{"backendRefs": [{"name": "shop"}]}]},
    ],
)
def test_ways_in_that_pass_no_route_of_ours_are_told(spec: Object) -> None:
    assert "not copied" in why(found(CHARTED, made("Ingress", "in", spec)), "Ingress web/in")


def test_a_headless_service_cannot_follow_the_live_version() -> None:
    service = made(
        "Service", "peers", {"clusterIP": "None", "selector": {"app": "storefront"}, "ports": [{"port": 80}]}
    )
    of = found(CHARTED, service)
    assert verdicts(of)["Service web/peers"] == CANNOT
    assert "peers" not in of.settings["moreServices"]


def test_a_load_balancer_alone_is_one_of_more_services() -> None:
    spec = {"type": "LoadBalancer"}
    of = found(ROOTED, objects=edited(ROOTED, "Service", "cart", **spec))
    assert of.settings["name"] == "cart-app"
    assert of.settings["moreServices"]["cart"]["type"] == "LoadBalancer"
    assert [suffix for suffix, _ in of.imported] == ["more-cart"]


def test_an_object_of_a_name_of_ours_is_told_before_it_is_taken_over() -> None:
    taken = made("VirtualService", "shop-mesh", {"hosts": ["a"], "http": []})
    assert "makes an object of this name" in why(found(CHARTED, taken), "VirtualService web/shop-mesh")


def test_the_version_is_called_so_that_no_deployment_is_replaced() -> None:
    other = made("Deployment", "cart-v7", {"template": {"spec": {"containers": []}}})
    assert found(ROOTED).running.version == "v7"
    assert found(ROOTED, other).running.version == "v1"
    with pytest.raises(CommandError, match="there is a Deployment cart-v7 already"):
        found(ROOTED, other, version="v7")


def test_rules_of_callers_in_other_namespaces_are_told() -> None:
    rule = made(
        "DestinationRule",
        "mine",
        {
            "host": "shop.web.svc.cluster.local",
            "trafficPolicy": {"connectionPool": {"tcp": {"maxConnections": 1}}},
        },
        "caller",
    )
    of = found(CHARTED, rule)
    assert verdicts(of)["DestinationRule caller/mine"] == CANNOT
    assert of.settings["trafficPolicy"] == {"outlierDetection": {"consecutive5xxErrors": 50}}


def test_a_rule_for_many_hosts_stays_and_what_it_says_is_kept() -> None:
    tls = {"tls": {"mode": "ISTIO_MUTUAL"}}
    of = found(
        ROOTED, made("DestinationRule", "all", {"host": "*.web.svc.cluster.local", "trafficPolicy": tls})
    )
    assert (verdicts(of)["DestinationRule web/all"], of.settings["trafficPolicy"]) == (STAYS, tls)


def test_pods_that_must_not_run_beside_each_other_are_told() -> None:
    objects = edited(ROOTED, "Deployment", "cart", strategy={"type": "Recreate"})
    assert "Recreate" in why(found(ROOTED, objects=objects), "Deployment web/cart")


def test_what_the_component_refuses_is_told_with_where_it_is_from() -> None:
    policy = {"loadBalancer": {"simple": "PASSTHROUGH"}}
    with pytest.raises(InvalidArgsError) as refused:
        found(CHARTED, objects=edited(CHARTED, "DestinationRule", "shop", trafficPolicy=policy))
    (problem,) = refused.value.problems
    assert problem.startswith("trafficPolicy.loadBalancer.simple: ")
    assert problem.endswith("(from the DestinationRule)")


def test_a_service_of_several_deployments_is_none() -> None:
    second = made("Deployment", "two", {"template": {"metadata": {"labels": {"app": "cart"}}}})
    with pytest.raises(CommandError, match=r"several Deployments \(cart, two\)"):
        found(ROOTED, second)


def test_what_the_component_has_made_is_nothing_to_adopt() -> None:
    (deployment,) = [each for each in by_hand.objects(ROOTED) if each["kind"] == "Deployment"]
    deployment["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "mirrored-service"}
    others = [each for each in by_hand.objects(ROOTED) if each["kind"] != "Deployment"]
    with pytest.raises(
        CommandError, match=r"Deployment web/cart was made by mirrored-service.*nothing to adopt"
    ):
        found(ROOTED, objects=[deployment, *others])


def test_a_deployment_names_the_service_as_well() -> None:
    world = World(by_hand.objects(CHARTED), live=False)
    named: dict[str, Any] = {"pods": None, "version": None, "domain": "cluster.local"}
    assert running.find(world, "web", "shop-chart", **named).name == "shop"
    with pytest.raises(CommandError, match="there is no Service or Deployment shopp in the namespace web; "):
        running.find(world, "web", "shopp", **named)


# The way out


def test_the_way_out_leads_to_services_and_not_to_subsets() -> None:
    way = steps.way(found(CHARTED), "prod", "Pulumi.prod.yaml", "out", None, live=True, in_place=False)
    back = {each["kind"]: each for each in yaml.safe_load_all(way.files["way-out.yaml"])}
    assert sorted(back) == ["DestinationRule", "VirtualService"]
    assert "subset" not in json.dumps(back)
    assert back["DestinationRule"]["spec"]["trafficPolicy"] == {
        "outlierDetection": {"consecutive5xxErrors": 50}
    }
    commands = [command for step in way.out for command in step.commands]
    assert commands.index("kubectl apply --filename out/way-out.yaml") < commands.index(
        "pulumi destroy --stack prod --run-program"
    )


def test_services_are_given_back_with_their_ports_as_the_stack_s_have_names_of_its_pods() -> None:
    way = steps.way(found(CHARTED), "prod", "Pulumi.prod.yaml", "out", None, live=True, in_place=False)
    (command,) = [each for each in way.out[-1].commands if " patch service shop " in each]
    assert '"path": "/spec/selector"' in command
    assert '"targetPort": "http"' in command


def test_services_are_given_back_with_what_their_ports_speak() -> None:
    way = steps.way(found(PORTS), "prod", "Pulumi.prod.yaml", "out", None, live=True, in_place=False)
    (command,) = [each for each in way.out[-1].commands if " patch service orders " in each]
    (_, ports) = json.loads(shlex.split(command)[-1])
    assert {port["name"]: port.get("appProtocol") for port in ports["value"]} == {
        "web": "http",
        "grpc-api": None,
        "stats": "tcp",
    }


def test_a_root_is_given_back_as_it_was() -> None:
    way = steps.way(found(ROOTED), "prod", "Pulumi.prod.yaml", "out", None, live=True, in_place=False)
    there, back = (json.loads(way.files[f"root-web-web-root{end}.json"]) for end in ("", "-back"))
    assert [there[0]["value"], there[1]["value"]] == [back[1]["value"], back[0]["value"]]


# The command


def adopt(name: str, directory: Path, *options: str) -> int:
    file = directory / "objects.yaml"
    file.write_text(by_hand.manifest(name, "web"))
    service = f"--service=web/{SERVICES[name]}"
    return main(["adopt", service, "--stack=prod", f"--out={directory / 'out'}", f"--from={file}", *options])


@pytest.mark.parametrize("name", by_hand.NAMES)
def test_the_files_are_written_and_the_config_is_read_as_it_was_meant(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adopt(name, tmp_path) == 0
    written = {each.name for each in (tmp_path / "out").iterdir()}
    assert {"Pulumi.prod.yaml", "import.json", "steps.md"} <= written
    config = yaml.safe_load((tmp_path / "out" / "Pulumi.prod.yaml").read_text())["config"]
    assert config["mirrored-service:name"] == SERVICES[name]
    imported = json.loads((tmp_path / "out" / "import.json").read_text())["resources"]
    assert imported[1]["name"] == f"{SERVICES[name]}-callers"
    assert "Nothing was changed" in capsys.readouterr().out


def test_what_may_be_secret_is_neither_printed_nor_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adopt(CHARTED, tmp_path) == 0
    assert adopt(CHARTED, tmp_path, "--json", "--force") == 0
    told = capsys.readouterr()
    said = told.out + told.err + "".join(each.read_text() for each in (tmp_path / "out").iterdir())
    assert not [word for word in HUSHED if word in said]
    config = yaml.safe_load((tmp_path / "out" / "Pulumi.prod.yaml").read_text())["config"]
    env = config["mirrored-service:subsets"]["v1"]["env"]
    assert env == {"COLOUR": "blue", "DB_PASSWORD": False, "CATALOGUE": False}
    steps_text = (tmp_path / "out" / "steps.md").read_text()
    assert "pulumi config set --stack prod --secret --path subsets.v1.env.DB_PASSWORD" in steps_text


def test_the_component_refuses_the_config_until_the_secrets_are_set() -> None:
    text = files.config_text(found(CHARTED).settings, "mirrored-service", None, None)
    written = yaml.safe_load(text)["config"]
    settings: Any = {key.partition(":")[2]: value for key, value in written.items()}
    with pytest.raises(InvalidArgsError, match=r"subsets.v1.env.DB_PASSWORD: a boolean is not allowed"):
        render(settings)


def test_files_that_are_there_are_not_overwritten_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adopt(ROOTED, tmp_path) == 0
    mine = tmp_path / "out" / "steps.md"
    mine.write_text("mine")
    assert adopt(ROOTED, tmp_path) == 2
    assert "steps.md already; nothing was written" in capsys.readouterr().err
    assert mine.read_text() == "mine"
    assert adopt(ROOTED, tmp_path, "--force") == 0
    assert mine.read_text() != "mine"


def test_what_pulumi_keeps_in_the_stack_s_file_stays_when_it_is_replaced(tmp_path: Path) -> None:
    before = {
        "config": {"kubernetes:context": "prod", "mirrored-service:hosts": ["old.example"]},
        "encryptionsalt": "v1:abc",
    }
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "Pulumi.prod.yaml").write_text(yaml.safe_dump(before))
    assert adopt(ROOTED, tmp_path, "--force") == 0
    after = yaml.safe_load((tmp_path / "out" / "Pulumi.prod.yaml").read_text())
    assert (after["encryptionsalt"], after["config"]["kubernetes:context"]) == ("v1:abc", "prod")
    assert "mirrored-service:hosts" not in after["config"]


def test_programs_get_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert adopt(CHARTED, tmp_path, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["service"], told["namespace"], told["version"], told["status"]) == ("shop", "web", "v1", 0)
    assert {"what", "verdict", "why", "do"} == set(told["objects"][0])
    assert told["notWritten"] == ["subsets.v1.env.DB_PASSWORD", "subsets.v1.env.CATALOGUE"]
    assert told["steps"][0]["title"] == "The stack"
    assert told["wayOut"][-1]["commands"]


def test_what_cannot_be_expressed_is_the_exit_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = json.dumps(
        made("AuthorizationPolicy", "guard", {"selector": {"matchLabels": {"app": "storefront"}}})
    )
    (tmp_path / "more.json").write_text(other)
    assert adopt(CHARTED, tmp_path, f"--from={tmp_path / 'more.json'}") == 1
    assert "Something cannot be expressed" in capsys.readouterr().out
    assert (tmp_path / "out" / "steps.md").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is neither YAML nor JSON"),
        ("[1]", "is no object of Kubernetes: it has no kind"),
        ("kind: Service", "it has no metadata.name"),
        ("", "no objects in"),
    ],
)
def test_what_is_no_object_is_refused(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.yaml").write_text(text)
    line = [
        "adopt",
        "--service=a/b",
        "--stack=s",
        f"--out={tmp_path / 'out'}",
        f"--from={tmp_path / 'in.yaml'}",
    ]
    assert main(line) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_stdin_and_lists_and_directories_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": by_hand.objects(CHARTED)})
    out = f"--out={tmp_path / 'out'}"
    monkeypatch.setattr("sys.stdin", io.StringIO(listed))
    assert main(["adopt", "--service=web/shop", "--stack=a", out, "--from=-"]) == 0
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "all.json").write_text(listed)
    (tmp_path / "in" / "notes.txt").write_text("nothing of it")
    assert (
        main(
            [
                "adopt",
                "--service=web/shop",
                "--stack=b",
                f"--out={tmp_path / 'b'}",
                f"--from={tmp_path / 'in'}",
            ]
        )
        == 0
    )


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """With the service of a chart in it."""
    found = Cluster()
    found.objects = by_hand.objects(CHARTED)
    monkeypatch.setattr(kubectl, "run", found.run)
    return found


def test_the_cluster_is_read_and_its_secrets_are_handed_over_unseen(
    tmp_path: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["adopt", "--service=web/shop", "--stack=prod", f"--out={tmp_path}", "--context=here"]) == 0
    assert all(command.startswith("kubectl --context=here get") for command in cluster.commands)
    written = (tmp_path / "steps.md").read_text()
    assert '--output=jsonpath=\'{.spec.template.spec.containers[?(@.name=="web")]' in written
    config = yaml.safe_load((tmp_path / "Pulumi.prod.yaml").read_text())["config"]
    assert config["kubernetes:context"] == "here"
    capsys.readouterr()


def test_what_may_not_be_read_is_told_and_what_is_needed_ends_it(
    tmp_path: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.forbidden = {"*/virtualservices.networking.istio.io"}
    line = ["adopt", "--service=web/shop", "--stack=prod", f"--out={tmp_path / 'out'}"]
    assert main(line) == 1
    assert "VirtualServices of other namespaces  cannot be expressed" in capsys.readouterr().out
    cluster.forbidden = {"services"}
    assert main([*line, "--force"]) == 2
    assert "not to be read in the namespace web: Services:" in capsys.readouterr().err
