"""How many pods a version has, who counts them, and how many may be missing."""

from typing import Any

import pulumi
import pytest

from mirrored_service import MirroredService, render, warnings
from mirrored_service.plan import Key, Step, plan
from mirrored_service.reading.service import parse
from tests.recorder import run
from tests.refusals import NOT, V1, problems, v1
from tests.services import service_args

CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
}
AUTOSCALING: dict[str, Any] = {"minReplicas": 2, "maxReplicas": 5, "metrics": [CPU]}
DEPLOYMENT = ("Deployment", "nginx-v1")
AUTOSCALER = ("HorizontalPodAutoscaler", "nginx-v1")
BUDGET = ("PodDisruptionBudget", "nginx-v1")


def steps(subsets: Any, **service: Any) -> dict[Key, Step]:
    return {step.key: step for step in plan(parse(service_args(subsets, **service)))}


def live(**version: Any) -> dict[str, Any]:
    return {"v1": {**V1, **version}}


def test_the_config_counts_unless_somebody_else_does() -> None:
    deployment = steps(live(replicas=3))[DEPLOYMENT]
    assert deployment.manifest["spec"]["replicas"] == 3
    assert deployment.unmanaged == ()


@pytest.mark.parametrize(
    ("counted", "at_first"),
    [
        ({"autoscaling": AUTOSCALING}, 2),
        ({"autoscaling": {"maxReplicas": 5}}, 1),
        ({"scaledByOthers": True}, None),
    ],
)
def test_a_number_that_somebody_else_counts_is_never_changed(counted: Any, at_first: int | None) -> None:
    deployment = steps(live(**counted))[DEPLOYMENT]
    assert deployment.manifest["spec"].get("replicas") == at_first
    assert deployment.unmanaged == ("spec.replicas",)


def test_pulumi_is_told_to_leave_the_number_alone() -> None:
    def build() -> None:
        MirroredService("nginx", service_args(live(scaledByOthers=True)))

    assert run(build).found(*DEPLOYMENT).ignored == {"spec.replicas"}


def test_what_is_rendered_leaves_the_number_to_whoever_counts() -> None:
    """Who applies it time and again would set it back."""
    made = {
        (each["kind"], each["metadata"]["name"]): each
        for each in render(service_args(live(autoscaling=AUTOSCALING)))
    }
    assert "replicas" not in made[DEPLOYMENT]["spec"]
    assert "selector" in made[DEPLOYMENT]["spec"]


def test_an_autoscaler_counts_the_pods_of_the_versions_deployment() -> None:
    found = steps(live(autoscaling=AUTOSCALING))[AUTOSCALER]
    assert found.manifest["apiVersion"] == "autoscaling/v2"
    assert found.manifest["spec"] == {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nginx-v1"},
        **AUTOSCALING,
    }
    assert found.unmanaged == ()


@pytest.mark.parametrize("role", [{"weight": 100}, {"weight": 0, "mirrorPercent": 10}, {"weight": 0}])
def test_an_autoscaler_is_there_in_every_role_after_its_deployment_and_gone_before(role: Any) -> None:
    rest = {} if role["weight"] else {"v2": V1}
    found = steps({"v1": {**V1, "autoscaling": AUTOSCALING, **role}, **rest})
    assert DEPLOYMENT in found[AUTOSCALER].needs
    assert AUTOSCALER not in found[DEPLOYMENT].needs


def test_no_autoscaler_is_made_where_others_scale() -> None:
    assert AUTOSCALER not in steps(live(scaledByOthers=True))


def test_a_version_that_is_kept_keeps_its_autoscaler_and_its_budget() -> None:
    subsets = {**live(autoscaling=AUTOSCALING), "v2": {"image": "shop:2", "autoscaling": AUTOSCALING}}
    found = steps(subsets, keepOnDestroy=True, disruptionBudget={"maxUnavailable": 1})
    assert found[AUTOSCALER].kept
    assert found[BUDGET].kept
    assert not found["HorizontalPodAutoscaler", "nginx-v2"].kept


def test_each_live_version_has_a_disruption_budget_and_no_other_one() -> None:
    subsets = {
        "v1": {**V1, "weight": 60},
        "v2": {"podLabels": {"app": "nginx", "version": "old"}, "weight": 40},
        "v3": {"image": "shop:3", "mirrorPercent": 5},
    }
    found = steps(subsets, disruptionBudget={"maxUnavailable": 1})
    assert [key for key in found if key[0] == "PodDisruptionBudget"] == [BUDGET]
    assert found[BUDGET].manifest["apiVersion"] == "policy/v1"
    assert found[BUDGET].manifest["spec"] == {
        "selector": {"matchLabels": {"app": "nginx", "version": "v1"}},
        "maxUnavailable": 1,
    }
    assert DEPLOYMENT in found[BUDGET].needs


def test_without_a_budget_none_is_made() -> None:
    assert not any(kind == "PodDisruptionBudget" for kind, _ in steps(live()))


ONE = "one of them counts"
REFUSED: list[tuple[str, Any, str]] = [
    (
        "two that count",
        v1(replicas=2, autoscaling=AUTOSCALING),
        f"subsets.v1.autoscaling: a mapping {NOT} nothing next to replicas: {ONE}",
    ),
    (
        "two others that count",
        v1(autoscaling=AUTOSCALING, scaledByOthers=True),
        f"subsets.v1.scaledByOthers: a boolean {NOT} nothing next to autoscaling: {ONE}",
    ),
    ("others as text", v1(scaledByOthers="keda"), f"subsets.v1.scaledByOthers: 'keda' {NOT} true or false"),
    ("no most", v1(autoscaling={"minReplicas": 2}), "subsets.v1.autoscaling.maxReplicas: missing"),
    (
        "a misspelt field",
        v1(autoscaling={"maxReplicas": 5, "metrics": [{"type": "Resource", "resourse": {}}]}),
        "subsets.v1.autoscaling.metrics[0].resourse: unknown, did you mean resource?",
    ),
    (
        "a target of its own",
        v1(autoscaling={**AUTOSCALING, "scaleTargetRef": {"kind": "Deployment", "name": "a"}}),
        f"subsets.v1.autoscaling.scaleTargetRef: a mapping {NOT} nothing, as it is the version's Deployment",
    ),
    (
        "a least that is not known yet",
        v1(autoscaling={**AUTOSCALING, "minReplicas": pulumi.Output.from_input(2)}),
        f"subsets.v1.autoscaling.minReplicas: an output {NOT} a plain number, as a new version starts with so "
        "many",
    ),
    (
        "a budget of two kinds",
        service_args(live(), disruptionBudget={"minAvailable": 1, "maxUnavailable": 1}),
        f"disruptionBudget: a mapping {NOT} one of minAvailable and maxUnavailable",
    ),
    (
        "a budget of its own pods",
        service_args(live(), disruptionBudget={"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}),
        f"disruptionBudget.selector: a mapping {NOT} nothing, as it is the live version's pods",
    ),
    (
        "a misspelt budget",
        service_args(live(), disruptionBudget={"minAvailabel": 1}),
        "disruptionBudget.minAvailabel: unknown, did you mean minAvailable?",
    ),
    (
        "labels of a namespace that is there",
        service_args(live(), createNamespace=False, namespaceLabels={"istio.io/rev": "stable"}),
        f"namespaceLabels: a mapping {NOT} nothing next to createNamespace false, as others made the namespace",
    ),
    (
        "two ways to get sidecars",
        service_args(live(), namespaceLabels={"istio.io/rev": "stable", "istio-injection": "enabled"}),
        f"namespaceLabels: the name 'istio.io/rev' {NOT} none next to istio-injection, before which Istio passes "
        "it over",
    ),
    (
        "a domain that ends with a number",
        service_args(live(), clusterDomain="k8s.1"),
        f"clusterDomain: 'k8s.1' {NOT} a DNS name, such as \"cluster.local\"",
    ),
    (
        "a domain with a slash",
        service_args(live(), clusterDomain="a/b"),
        f"clusterDomain: 'a/b' {NOT} a DNS name, such as \"cluster.local\"",
    ),
]


@pytest.mark.parametrize(("args", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_refuses(args: Any, message: str) -> None:
    assert problems(args) == (message,)


@pytest.mark.parametrize(
    ("labels", "made", "upgraded"),
    [
        (None, {"istio-injection": "enabled"}, "UPGRADE"),
        ({"team": "shop"}, {"istio-injection": "enabled", "team": "shop"}, "UPGRADE"),
        ({"istio.io/rev": "stable"}, {"istio.io/rev": "stable"}, None),
        ({"istio-injection": "disabled"}, {"istio-injection": "disabled"}, None),
    ],
)
def test_copies_go_over_http2_only_where_the_label_is_there_that_makes_sidecars(
    labels: Any, made: dict[str, str], upgraded: str | None
) -> None:
    """Whether a revision is there, nobody but the mesh knows: pods without a sidecar would get no copy."""
    found = steps(None, namespaceLabels=labels)
    own = {"app.kubernetes.io/name": "nginx", "app.kubernetes.io/managed-by": "mirrored-service"}
    assert found["Namespace", "istio-project"].manifest["metadata"]["labels"] == {**own, **made}
    (_, copies) = found["DestinationRule", "nginx-v2"].manifest["spec"]["subsets"]
    assert copies["trafficPolicy"]["connectionPool"]["http"].get("h2UpgradePolicy") == upgraded


def test_full_names_end_with_the_domain_of_the_cluster() -> None:
    service = parse(service_args(clusterDomain="k8s.example"))
    assert service.host == "nginx.istio-project.svc.k8s.example"
    assert "cluster.local" not in str([step.manifest for step in plan(service)])
    assert "nginx-versions.istio-project.svc.k8s.example" in str([step.manifest for step in plan(service)])


def fewer(subsets: Any) -> list[str]:
    return [line for line in warnings.of(parse(service_args(subsets))) if "of the live requests" in line]


def test_a_live_version_with_fewer_pods_than_the_one_before_is_warned_of_with_the_numbers() -> None:
    before = {"image": "shop:1", "replicas": 5}
    assert fewer({"v1": before, "v2": {**V1, "replicas": 2}}) == [
        "subsets.v2.replicas: 2 pods for 100 % of the live requests, and v1 has 5 pods; 5 or more"
    ]
    assert fewer({"v1": before, "v2": {**V1, "autoscaling": AUTOSCALING}}) == [
        "subsets.v2.autoscaling.minReplicas: 2 pods for 100 % of the live requests, and v1 has 5 pods; 5 or more"
    ]
    assert fewer({"v1": before, "v2": {**V1, "replicas": 5}}) == []


def test_a_live_version_needs_pods_for_its_share_only() -> None:
    assert fewer({"v1": {**V1, "weight": 80, "replicas": 5}, "v2": {**V1, "weight": 20}}) == []
    assert (
        len(fewer({"v1": {**V1, "weight": 50, "replicas": 5}, "v2": {**V1, "weight": 50, "replicas": 2}}))
        == 1
    )


def test_a_shadow_that_gets_more_than_all_requests_may_have_more_pods() -> None:
    assert (
        fewer({"v1": {**V1, "replicas": 2}, "v2": {"image": "shop:2", "mirrorPercent": 300, "replicas": 6}})
        == []
    )


def test_of_versions_that_others_scale_the_config_knows_nothing() -> None:
    assert fewer({"v1": {"image": "a", "replicas": 5}, "v2": {**V1, "scaledByOthers": True}}) == []
    assert fewer({"v1": {"image": "a", "scaledByOthers": True}, "v2": {**V1, "replicas": 2}}) == []


def test_up_knows_how_many_pods_others_gave_a_version() -> None:
    described = parse(
        service_args({"v1": {"image": "a", "scaledByOthers": True}, "v2": {**V1, "autoscaling": AUTOSCALING}})
    )
    assert warnings.fewer_pods(described, {"v1": 9, "v2": 3}) == [
        "subsets.v2.autoscaling.minReplicas: 3 pods for 100 % of the live requests, and v1 has 9 pods; 9 or more"
    ]
