"""The doctor finds each fault that is planted, and that one alone; what it may not read, it says it did not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mirrored_service.commands import kubectl, stack
from mirrored_service.commands.command_line import main
from mirrored_service.commands.doctor import drift, judging, mesh, names, permissions, reading
from mirrored_service.commands.doctor.judging import Diagnosis
from mirrored_service.commands.doctor.reading import read
from mirrored_service.commands.doctor.subject import Subject
from mirrored_service.commands.kill_switch.errors import CommandError
from mirrored_service.commands.kubectl import Kubectl
from mirrored_service.plan import managed, plan
from mirrored_service.reading.service import parse
from tests.access import roles
from tests.cluster import HOST, NAME, NAMESPACE, Cluster, Object, injector, istiod, made, pod, virtual_service
from tests.services import service_args

HERE = {"prefix": "/api/"}
ELSEWHERE: Object = {"route": [{"destination": {"host": "other.other.svc.cluster.local"}}]}
PODS = {"matchLabels": {"app": NAME}}
Diagnose = Callable[..., Diagnosis]


@pytest.fixture
def diagnose(monkeypatch: pytest.MonkeyPatch) -> Diagnose:
    """What the doctor says of a cluster; `configured` by the service's config, else as the cluster has it."""

    def diagnose(cluster: Cluster, *, configured: bool = True, secret: bool = False) -> Diagnosis:
        monkeypatch.setattr(kubectl, "run", cluster.run)
        described = parse(service_args(**cluster.args))
        objects = [managed(step) for step in plan(described)]
        subject = Subject(NAME, NAMESPACE, objects, True, described.settle_seconds, secret)
        if not configured:
            subject = Subject(NAME, NAMESPACE, (), configured=False)
        return judging.judge(read(Kubectl(), subject, "istio-system"))

    return diagnose


def set_labels(cluster: Cluster, **labels: str) -> None:
    cluster.find("Namespace", NAMESPACE)["metadata"]["labels"] = labels


def replace_istiod(cluster: Cluster, **changes: Any) -> None:
    cluster.remove("Deployment", "istiod")
    cluster.add(istiod(**changes))


def ambient(cluster: Cluster) -> None:
    cluster.find("Namespace", NAMESPACE)["metadata"]["labels"] = {"istio.io/dataplane-mode": "ambient"}


def revision(cluster: Cluster) -> None:
    """A revision that there is no control plane of."""
    cluster.find("Namespace", NAMESPACE)["metadata"]["labels"] = {"istio.io/rev": "canary"}


def opted_out(cluster: Cluster) -> None:
    annotations = {"sidecar.istio.io/inject": "false"}
    cluster.add(pod("shop-v1-c", {"app": NAME, "version": "v1"}, sidecar=False))
    cluster.find("Pod", "shop-v1-c")["metadata"]["annotations"] = annotations


def owned_by_argo(cluster: Cluster) -> None:
    entry = {
        "manager": "argocd-controller",
        "operation": "Apply",
        "fieldsV1": {"f:spec": {"f:http": {}, "f:exportTo": {}}},
    }
    cluster.find("VirtualService", "shop-vs")["metadata"]["managedFields"].append(entry)


def taken_over(cluster: Cluster) -> None:
    cluster.find("Service", "shop")["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "Helm"}


def another_service_of_ours(cluster: Cluster) -> None:
    """Service shop-v with a version... whose Deployment is called as this service's."""
    cluster.find("Deployment", "shop-v2")["metadata"]["labels"]["app.kubernetes.io/name"] = "shop-v"


def aborts(cluster: Cluster) -> None:
    cluster.find("VirtualService", "shop-vs")["spec"]["http"][-1]["fault"] = {"abort": {"httpStatus": 503}}


def other_image(cluster: Cluster) -> None:
    pods = cluster.find("Deployment", "shop-v1")["spec"]["template"]["spec"]
    pods["containers"][0]["image"] = "shop:3"


def left(cluster: Cluster) -> None:
    old = {"host": "shop-versions.web.svc.cluster.local"}
    labels = {"app.kubernetes.io/managed-by": "mirrored-service", "app.kubernetes.io/name": NAME}
    found = made("DestinationRule", "shop-v0", old, labels=labels)
    cluster.add(found)


def of_spec(kind: str, spec: Object) -> Callable[[Cluster], object]:
    return lambda cluster: cluster.add(made(kind, "others", spec))


def destination_rule(host: str, namespace: str) -> Callable[[Cluster], object]:
    policy = {"connectionPool": {"tcp": {"maxConnections": 1}}}
    spec = {"host": host, "trafficPolicy": policy}
    return lambda cluster: cluster.add(made("DestinationRule", "others", spec, namespace))


V2_ONLY = {"selector": {"matchLabels": {"version": "v2"}}}
TO_V2 = {"route": [{"destination": {"host": "shop-versions.web.svc.cluster.local", "subset": "v2"}}]}
FAULTS: dict[str, tuple[str, str, Callable[[Cluster], object], str]] = {
    "a namespace in ambient mode": ("ambient", "danger", ambient, "does not do ambient"),
    "an Istio before 1.22": (
        "istio-version",
        "danger",
        lambda c: replace_istiod(c, image="istio/pilot:1.20.3-distroless"),
        "Istio is 1.20.3",
    ),
    "an Istio that renames the host of copies": (
        "istio-version",
        "warning",
        lambda c: replace_istiod(c, image="registry.example:5000/pilot:1.27.1"),
        "-shadow",
    ),
    "a namespace without injection": (
        "injection",
        "danger",
        lambda c: set_labels(c, team="shop"),
        "neither the namespace nor the pods ask for one",
    ),
    "a revision that is not there": ("injection", "danger", revision, "there is no such revision"),
    "a pod without a sidecar": ("sidecars", "danger", opted_out, "1 of 3 pods of v1"),
    "rules that are not visible elsewhere": (
        "mesh-visibility",
        "danger",
        lambda c: c.mesh.update(defaultVirtualServiceExportTo=["."]),
        "defaultVirtualServiceExportTo",
    ),
    "an istiod that waits longer than `up` does": (
        "debounce",
        "danger",
        lambda c: replace_istiod(c, PILOT_DEBOUNCE_AFTER="2s"),
        "settleSeconds: 4 or more",
    ),
    "limits that the mesh sets": (
        "default-traffic-policy",
        "warning",
        lambda c: c.mesh.update(defaultTrafficPolicy={"connectionPool": {}}),
        "connectionPool",
    ),
    "a log provider that the mesh does not have": (
        "log-provider",
        "warning",
        lambda c: c.mesh.update(extensionProviders=[{"name": "otel"}]),
        "name one of otel",
    ),
    "a Gateway that is gone": (
        "gateway",
        "danger",
        lambda c: c.remove("Gateway", "main"),
        "no Gateway istio-system/main",
    ),
    "a Gateway that is not open for the host": (
        "gateway",
        "danger",
        lambda c: c.find("Gateway", "main")["spec"]["servers"][0].update(hosts=["other/*", "*.example.org"]),
        "not open for shop.example",
    ),
    "paths of another team, newer": (
        "shared-host",
        "danger",
        lambda c: _later(c, virtual_service("api", {"match": [{"uri": HERE}], **ELSEWHERE})),
        "this service's answer GET under /api/, HEAD under /api/, OPTIONS under /api/ of it",
    ),
    "paths of another team, older": (
        "shared-host",
        "warning",
        lambda c: _earlier(c, virtual_service("api", {"match": [{"uri": HERE}], **ELSEWHERE})),
        "its answer GET under /api/, HEAD under /api/, OPTIONS under /api/, everything under /api/ of this "
        "service's",
    ),
    "the routes from before, for callers in the mesh": (
        "mesh-host",
        "danger",
        lambda c: _earlier(c, made("VirtualService", "old", {"hosts": ["shop"], "http": [ELSEWHERE]})),
        "nothing that callers in the mesh send is copied",
    ),
    "a route to the shadow": (
        "routed-past",
        "danger",
        lambda c: c.add(virtual_service("try", TO_V2, hosts=("try.example",))),
        "leads requests to v2",
    ),
    "a rule for the host of the versions": (
        "destination-rule",
        "danger",
        destination_rule("*.web.svc.cluster.local", "other"),
        "which the routes lead to",
    ),
    "a rule for the callers' host": (
        "destination-rule",
        "warning",
        destination_rule("shop", NAMESPACE),
        "no effect",
    ),
    "a Service of several versions": (
        "second-service",
        "danger",
        of_spec("Service", {"selector": {"app": NAME}, "type": "LoadBalancer"}),
        "v2 answers its share",
    ),
    "a budget of several versions": (
        "disruption-budget",
        "warning",
        of_spec("PodDisruptionBudget", {"selector": PODS}),
        "v1 and v2 together",
    ),
    "an autoscaler": (
        "autoscaler",
        "danger",
        of_spec("HorizontalPodAutoscaler", {"scaleTargetRef": {"kind": "Deployment", "name": "shop-v1"}}),
        "every `up` sets its pods to 2",
    ),
    "a Sidecar for the shadow": (
        "sidecar-resource",
        "danger",
        of_spec("Sidecar", {"workloadSelector": {"labels": {"version": "v2"}}}),
        "what contains v2 may not hold",
    ),
    "a policy for the shadow alone": (
        "authorization-policy",
        "warning",
        of_spec("AuthorizationPolicy", {**V2_ONLY, "action": "DENY"}),
        "selects pods of v2 only",
    ),
    "another TLS for the shadow": (
        "peer-authentication",
        "warning",
        of_spec("PeerAuthentication", {**V2_ONLY, "mtls": {"mode": "STRICT"}}),
        "selects pods of v2 only",
    ),
    "no TLS at all": (
        "peer-authentication",
        "warning",
        of_spec("PeerAuthentication", {"mtls": {"mode": "DISABLE"}}),
        "no identity",
    ),
    "tokens judged for the shadow alone": (
        "request-authentication",
        "warning",
        of_spec("RequestAuthentication", V2_ONLY),
        "judges tokens",
    ),
    "a network policy that lets the shadow out": (
        "network-policy",
        "danger",
        of_spec("NetworkPolicy", {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]}),
        "lets requests of v2 out",
    ),
    "an object of this name that Helm made": (
        "foreign-object",
        "danger",
        taken_over,
        "Service web/shop is there",
    ),
    "two services with objects of one name": (
        "same-names",
        "danger",
        another_service_of_ours,
        "Deployment web/shop-v2 is an object of the mirrored service shop-v",
    ),
    "a controller that writes the routes": (
        "field-owners",
        "warning",
        owned_by_argo,
        "argocd-controller writes spec.http of VirtualService web/shop-vs",
    ),
    "what somebody added by hand": ("as-configured", "danger", aborts, "spec.http[1].fault"),
    "what somebody changed by hand": (
        "as-configured",
        "danger",
        other_image,
        "spec.template.spec.containers[0].image is 'shop:3' in place of 'shop:1'",
    ),
    "what somebody deleted": (
        "as-configured",
        "danger",
        lambda c: c.remove("NetworkPolicy", "shop-v2"),
        "NetworkPolicy web/shop-v2 is missing",
    ),
    "what is left of a version": ("left-over", "warning", left, "DestinationRule web/shop-v0"),
    "a permission that is missing": (
        "permissions",
        "warning",
        lambda c: c.denied.add(("patch", "virtualservices")),
        "may not patch virtualservices.networking.istio.io",
    ),
}
# Only a config can tell these.
WITH_A_CONFIG = ("debounce", "foreign-object", "same-names", "as-configured", "left-over", "permissions")


def _later(cluster: Cluster, found: Object) -> None:
    found["metadata"]["creationTimestamp"] = "2026-05-01T00:00:00Z"
    cluster.add(found)


def _earlier(cluster: Cluster, found: Object) -> None:
    found["metadata"]["creationTimestamp"] = "2025-01-01T00:00:00Z"
    cluster.add(found)


def test_pods_that_an_autoscaler_has_made_are_as_configured(diagnose: Diagnose) -> None:
    scaled = {"minReplicas": 1, "maxReplicas": 5}
    cluster = Cluster(subsets={"v1": {"image": "shop:1", "weight": 100, "autoscaling": scaled}})
    cluster.find("Deployment", "shop-v1")["spec"]["replicas"] = 3
    cluster.remove("Pod", "shop-v2-a")
    assert diagnose(cluster).findings == ()


@pytest.mark.parametrize("configured", [True, False])
def test_of_a_healthy_service_nothing_is_said(diagnose: Diagnose, configured: bool) -> None:
    found = diagnose(Cluster(), configured=configured)
    assert (found.findings, found.not_checked) == ((), ())
    assert found.status(strict=True) == 0


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_nothing_else(diagnose: Diagnose, fault: str) -> None:
    check, severity, plant, said = FAULTS[fault]
    cluster = Cluster()
    plant(cluster)
    found = diagnose(cluster)
    assert [(name, finding.severity) for name, finding in found.findings] == [(check, severity)], (
        found.findings
    )
    assert found.not_checked == ()
    finding = found.findings[0][1]
    assert said in f"{finding.what}; {finding.why}; {finding.do}"
    assert found.status(strict=False) == (1 if severity == "danger" else 0)
    assert found.status(strict=True) == 1


@pytest.mark.parametrize("fault", [name for name, fault in FAULTS.items() if fault[0] not in WITH_A_CONFIG])
def test_a_fault_is_found_without_a_config_too(diagnose: Diagnose, fault: str) -> None:
    check, _, plant, _ = FAULTS[fault]
    cluster = Cluster()
    plant(cluster)
    assert [name for name, _ in diagnose(cluster, configured=False).findings] == [check]


def test_every_check_is_shown_to_find_something() -> None:
    by_gateway_api = {"route-conditions"}
    assert {fault[0] for fault in FAULTS.values()} | by_gateway_api == set(judging.CHECKS)


@pytest.mark.parametrize("configured", [True, False])
def test_of_a_healthy_service_by_gateway_api_nothing_is_said(diagnose: Diagnose, configured: bool) -> None:
    found = diagnose(Cluster(api="gateway"), configured=configured)
    assert (found.findings, found.not_checked) == ((), ())


def test_routes_that_istiod_does_not_take_are_found(diagnose: Diagnose) -> None:
    cluster = Cluster(api="gateway")
    refused = {"type": "ResolvedRefs", "status": "False", "reason": "BackendNotFound", "message": "not found"}
    cluster.find("HTTPRoute", "shop-mesh")["status"]["parents"][0]["conditions"].append(refused)
    cluster.find("HTTPRoute", "shop-ingress")["status"] = {"parents": []}
    found = [(name, finding.what) for name, finding in diagnose(cluster).findings]
    assert found == [
        ("route-conditions", "HTTPRoute web/shop-ingress is served by nobody"),
        (
            "route-conditions",
            "HTTPRoute web/shop-mesh at shop: ResolvedRefs is False (BackendNotFound)",
        ),
    ]


@pytest.mark.parametrize("host", ["shop-v1", "shop-v2-copies", "*.web.svc.cluster.local"])
def test_a_rule_of_others_for_a_version_is_found_by_gateway_api_too(diagnose: Diagnose, host: str) -> None:
    cluster = Cluster(api="gateway")
    cluster.add(made("DestinationRule", "others", {"host": host, "trafficPolicy": {"tls": {}}}))
    assert [name for name, _ in diagnose(cluster).findings] == ["destination-rule"]


def test_a_second_service_is_found_by_gateway_api_too(diagnose: Diagnose) -> None:
    cluster = Cluster(api="gateway")
    cluster.add(made("Service", "others", {"selector": {"app": NAME}}))
    assert [name for name, _ in diagnose(cluster).findings] == ["second-service"]


def test_before_the_first_up_it_says_so_and_that_is_no_danger(diagnose: Diagnose) -> None:
    cluster = Cluster()
    cluster.objects = [
        each
        for each in cluster.objects
        if each["kind"] != "Pod" and each["metadata"].get("labels", {}).get("app.kubernetes.io/name") != NAME
    ]
    ((check, finding),) = diagnose(cluster).findings
    assert (check, finding.severity) == ("as-configured", "note")
    assert diagnose(cluster).status(strict=True) == 0


def test_before_the_first_up_the_routes_would_be_the_newest(diagnose: Diagnose) -> None:
    cluster = Cluster(mirrorMatch={"methods": ["*"]})
    cluster.objects = [each for each in cluster.objects if each["kind"] not in ("VirtualService", "Pod")]
    _later(cluster, virtual_service("all", ELSEWHERE))
    found = dict(diagnose(cluster).findings)["shared-host"]
    assert found.severity == "danger"
    assert "its answer everything under / of this service's" in found.what


@pytest.mark.parametrize("age", ["2025-01-01T00:00:00Z", "2026-05-01T00:00:00Z"])
def test_routes_that_copy_every_method_take_nothing_from_others(diagnose: Diagnose, age: str) -> None:
    cluster = Cluster(mirrorMatch={"methods": ["*"]})
    found = virtual_service("api", {"match": [{"uri": HERE}], **ELSEWHERE})
    found["metadata"]["creationTimestamp"] = age
    cluster.add(found)
    ((check, finding),) = diagnose(cluster).findings
    assert (check, finding.severity) == ("shared-host", "warning")
    assert "its answer everything under /api/ of this service's" in finding.what


@pytest.mark.parametrize(
    ("hosts", "gateways"),
    [((HOST,), ("other/main",)), (("api.example",), ("istio-system/main",)), ((), ()), ((HOST,), ("mesh",))],
)
def test_routes_of_another_gateway_or_host_and_delegates_are_nobodys_business(
    diagnose: Diagnose, hosts: tuple[str, ...], gateways: tuple[str, ...]
) -> None:
    cluster = Cluster()
    _later(cluster, virtual_service("api", ELSEWHERE, hosts=hosts, gateways=gateways))
    assert diagnose(cluster).findings == ()


def test_routes_that_others_delegate_to_need_somebody_who_does(diagnose: Diagnose) -> None:
    cluster = Cluster(hosts=[], gateway={"delegate": True})
    ((check, finding),) = diagnose(cluster).findings
    assert (check, finding.severity) == ("gateway", "danger")
    assert "delegate: {name: shop-vs, namespace: web}" in finding.do
    cluster.add(virtual_service("root", {"delegate": {"name": "shop-vs", "namespace": "other"}}))
    assert [name for name, _ in diagnose(cluster).findings] == ["gateway"]
    cluster.find("VirtualService", "root")["spec"]["http"][0]["delegate"]["namespace"] = NAMESPACE
    assert diagnose(cluster).findings == ()


def test_a_delegate_whose_root_may_not_be_read_is_not_checked(diagnose: Diagnose) -> None:
    cluster = Cluster(hosts=[], gateway={"delegate": True})
    cluster.forbidden = {"*/virtualservices.networking.istio.io"}
    found = diagnose(cluster)
    assert found.findings == ()
    assert "gateway" in dict(found.not_checked)


def test_a_cluster_may_have_a_domain_of_its_own(diagnose: Diagnose) -> None:
    cluster = Cluster(clusterDomain="shops.internal")
    assert diagnose(cluster).findings == ()
    cluster.add(made("Service", "others", {"selector": {"app": NAME}}))
    destination_rule("shop-versions", NAMESPACE)(cluster)
    assert [name for name, _ in diagnose(cluster).findings] == ["destination-rule", "second-service"]


def test_two_gateways_that_open_the_same_port_of_the_same_proxies_are_one(diagnose: Diagnose) -> None:
    cluster = Cluster()
    second = {**cluster.find("Gateway", "main"), "metadata": {"name": "second", "namespace": "other"}}
    cluster.add(second)
    _later(cluster, virtual_service("api", {"match": [{"uri": HERE}], **ELSEWHERE}, gateways=("second",)))
    assert [name for name, _ in diagnose(cluster).findings] == ["shared-host"]


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Service", {"selector": {"app": NAME, "version": "v1"}}),
        ("Service", {"selector": {"app": "other"}}),
        ("Service", {"type": "ExternalName"}),
        ("PodDisruptionBudget", {"selector": {"matchLabels": {"version": "v1"}}}),
        ("HorizontalPodAutoscaler", {"scaleTargetRef": {"kind": "Deployment", "name": "other"}}),
        ("AuthorizationPolicy", {"selector": {"matchLabels": {"app": NAME}}}),
        ("AuthorizationPolicy", {"action": "DENY"}),
        ("PeerAuthentication", {"mtls": {"mode": "STRICT"}}),
        ("Sidecar", {"workloadSelector": {"labels": {"app": "other"}}}),
        ("NetworkPolicy", {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}),
        ("DestinationRule", {"host": "other", "trafficPolicy": {"tls": {"mode": "DISABLE"}}}),
    ],
)
def test_what_others_have_that_does_the_service_no_harm_is_not_mentioned(
    diagnose: Diagnose, kind: str, spec: Object
) -> None:
    cluster = Cluster()
    cluster.add(made(kind, "others", spec))
    assert diagnose(cluster).findings == ()


def test_of_several_control_planes_the_one_that_injects_is_asked(diagnose: Diagnose) -> None:
    cluster = Cluster()
    set_labels(cluster, **{"istio.io/rev": "canary"})
    cluster.add(injector("canary"), istiod(revision="canary", PILOT_DEBOUNCE_AFTER="5s"))
    found = diagnose(cluster)
    assert [name for name, _ in found.findings] == ["debounce"]
    assert {why for _, why in found.not_checked} == {
        "the mesh's config: there is no ConfigMap istio-system/istio-canary"
    }


def test_what_may_not_be_read_is_not_checked_and_never_healthy(diagnose: Diagnose) -> None:
    cluster = Cluster()
    cluster.forbidden = {
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        "*/virtualservices.networking.istio.io",
        "poddisruptionbudgets.policy",
        "selfsubjectaccessreviews",
    }
    found = diagnose(cluster)
    assert found.findings == ()
    assert found.status(strict=False) == 2
    told = dict(found.not_checked)
    assert told["injection"].startswith("MutatingWebhookConfigurations in the cluster: ")
    assert "poddisruptionbudgets.policy is forbidden" in told["disruption-budget"]
    assert told["shared-host"].startswith("VirtualServices of other namespaces: ")
    assert "permissions" in told
    assert "second-service" not in told
    assert "debounce" not in told


def test_with_rights_in_the_namespace_alone_what_is_there_is_checked(diagnose: Diagnose) -> None:
    cluster = Cluster()
    cluster.forbidden = {"*/virtualservices.networking.istio.io", "*/gateways.networking.istio.io"}
    cluster.add(made("Service", "others", {"selector": {"app": NAME}}))
    old = made("VirtualService", "old", {"hosts": ["shop"], "http": [ELSEWHERE]})
    _earlier(cluster, old)
    found = diagnose(cluster)
    assert [name for name, _ in found.findings] == ["mesh-host", "second-service"]
    assert found.status(strict=False) == 1


def test_secrets_are_never_shown(diagnose: Diagnose) -> None:
    subsets = {**Cluster().args["subsets"]}
    subsets["v1"] = {**subsets["v1"], "env": {"PASSWORD": "hush"}}
    cluster = Cluster(subsets=subsets)
    container = cluster.find("Deployment", "shop-v1")["spec"]["template"]["spec"]["containers"][0]
    container["env"][0]["value"] = "other-hush"
    ((_, finding),) = diagnose(cluster, secret=True).findings
    assert "spec.template.spec.containers[0].env[0].value" in finding.what
    assert "hush" not in f"{finding}"


DIGESTS = {"key": "0123456789abcdef" * 2}


def test_the_key_of_digests_is_never_shown(diagnose: Diagnose) -> None:
    cluster = Cluster(answerDigests=DIGESTS)
    cluster.find("TrafficExtension", "shop-v1")["spec"]["lua"]["inlineCode"] = "another"
    ((_, finding),) = diagnose(cluster).findings
    assert "TrafficExtension" in finding.what
    assert "spec.lua.inlineCode" in finding.what
    assert DIGESTS["key"] not in f"{finding}"


def test_digests_of_answers_need_an_istio_that_has_their_kind(diagnose: Diagnose) -> None:
    cluster = Cluster(answerDigests=DIGESTS)
    replace_istiod(cluster, image="istio/pilot:1.29.2")
    ((name, finding),) = diagnose(cluster).findings
    assert (name, finding.severity) == ("istio-version", "danger")
    assert "upgrade Istio to 1.30" in finding.do
    without = Cluster()
    replace_istiod(without, image="istio/pilot:1.29.2")
    assert not diagnose(without).findings


def test_objects_in_the_namespaces_of_protected_workloads_are_read_there(diagnose: Diagnose) -> None:
    subsets = {**Cluster().args["subsets"]}
    protects = {"database": {"labels": {"app": "db"}, "namespace": "data"}}
    subsets["v2"] = {
        **subsets["v2"],
        "shadowIsolation": {"mayReach": [], "networkPolicy": {}, "protects": protects},
    }
    cluster = Cluster(subsets=subsets)
    assert diagnose(cluster).findings == ()
    cluster.remove("AuthorizationPolicy", "shop.web.v2.database")
    assert [finding.what for _, finding in diagnose(cluster).findings] == [
        "AuthorizationPolicy data/shop.web.v2.database is missing"
    ]


def test_a_revision_of_the_older_annotation_gives_no_sidecar(diagnose: Diagnose) -> None:
    cluster = Cluster()
    set_labels(cluster, **{"istio-injection": "enabled"})
    template = cluster.find("Deployment", "shop-v1")["spec"]["template"]["metadata"]
    template["annotations"] = {"sidecar.istio.io/inject": "false"}
    found = diagnose(cluster, configured=False)
    assert [name for name, _ in found.findings] == ["injection"]
    assert "annotation sidecar.istio.io/inject is false" in found.findings[0][1].what


@pytest.mark.parametrize(
    ("ours", "now", "found"),
    [
        ({"a": 1}, {"a": 1, "default": 2}, []),
        ({"a": 1.0}, {"a": 1}, []),
        ({"cpu": "1000m"}, {"cpu": "1"}, []),
        ({"memory": "1Gi"}, {"memory": "1024Mi"}, []),
        ({"memory": "1Gi"}, {"memory": "1G"}, ["spec.memory is '1G' in place of '1Gi'"]),
        ({"a": {}, "b": []}, {}, []),
        ({"a": ""}, {}, []),
        ({"a": True}, {"a": 1}, []),
        ({"a": "v1"}, {"a": "v2"}, ["spec.a is 'v2' in place of 'v1'"]),
        ({"a": ["x"]}, {"a": ["x", "y"]}, ["spec.a has 2 entries in place of 1"]),
        ({"a": ["x"]}, {}, ["spec.a[0] is nothing in place of 'x'"]),
        ({"a": {"b": 1}}, {"a": "text"}, ["spec.a.b is nothing in place of 1"]),
    ],
)
def test_a_change_is_what_is_there_otherwise_and_not_what_the_server_adds(
    ours: Any, now: Any, found: list[str]
) -> None:
    assert list(drift.changes(ours, now, "spec")) == found


@pytest.mark.parametrize(
    ("text", "found"), [("100ms", 0.1), ("1m30s", 90), ("10s", 10), ("", None), ("5", None), ("1s x", None)]
)
def test_durations_are_read_as_go_writes_them(text: str, found: float | None) -> None:
    assert mesh.seconds(text) == found


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("a.example", "a.example", True),
        ("*.example", "a.example", True),
        ("a.example", "*", True),
        ("*.b.example", "*.example", True),
        ("*.example", "example", False),
        ("a.example", "b.example", False),
    ],
)
def test_hosts_meet_where_one_covers_the_other(one: str, other: str, meet: bool) -> None:
    assert names.meet(one, other) is meet
    assert names.meet(other, one) is meet


def with_every_kind() -> list[Object]:
    """Objects of every kind that the component makes in the service's namespace."""
    subsets = {**Cluster().args["subsets"]}
    subsets["v1"] = {"image": "shop:1", "weight": 100, "autoscaling": {"minReplicas": 2, "maxReplicas": 3}}
    more = {
        "subsets": subsets,
        "mirrorTo": {"host": "a.example", "port": 80, "percent": 1},
        "mirrorHeaders": {"remove": ["cookie"]},
        "answerDigests": {"key": "000102030405060708090a0b0c0d0e0f"},
        "disruptionBudget": {"maxUnavailable": 1},
        "gateway": {"port": 80},
    }
    args = {**Cluster().args, **more}
    by_either = [
        made for api in ("istio", "gateway") for made in plan(parse(service_args(**{**args, "api": api})))
    ]
    return [step.manifest for step in by_either]


def test_the_permissions_that_are_asked_for_are_those_of_the_role() -> None:
    asked = permissions.needed(Subject(NAME, NAMESPACE, with_every_kind(), configured=True))
    assert {namespace for *_, namespace in asked} == {NAMESPACE}
    granted = {(each.verb, each.group, each.resource) for each in roles("rbac.yaml")["mirrored-service"]}
    # Policies are made in the namespace of what they protect, which nothing here asks for.
    policies = {each for each in granted if each[2] == "authorizationpolicies"}
    assert {permission[:3] for permission in asked} == granted - policies


def test_every_kind_that_the_component_makes_is_read() -> None:
    assert {found["kind"] for found in with_every_kind()} <= set(reading.OF_NAMESPACE)


def test_the_command_says_what_it_found_to_people_and_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster()
    cluster.add(made("Service", "others", {"selector": {"app": NAME}}))
    monkeypatch.setattr(kubectl, "run", cluster.run)
    assert main(["doctor", "--service", "web/shop"]) == 1
    told = capsys.readouterr().out
    assert told.startswith(
        "service shop in namespace web\n\nDANGER (second-service): Service web/others selects pods"
    )
    assert "\n  why: of requests to it" in told
    assert "\n  do:  delete it" in told
    assert "compared with no config" in told
    assert main(["doctor", "--service", "web/shop", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["status"], found["comparedWithConfig"]) == (1, False)
    assert [(each["check"], each["severity"]) for each in found["findings"]] == [("second-service", "danger")]


def test_the_command_compares_a_stack_with_its_config(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    cluster = Cluster()
    (tmp_path / "Pulumi.yaml").write_text("name: mirrored-service\n")
    texts = {key: each if isinstance(each, str) else json.dumps(each) for key, each in cluster.args.items()}
    config = {f"mirrored-service:{key}": {"value": text} for key, text in texts.items()}
    config["kubernetes:context"] = {"value": "prod"}
    monkeypatch.setattr(kubectl, "run", cluster.run)
    monkeypatch.setattr(stack, "run", lambda *command: json.dumps(config))
    assert main(["doctor", "--stack", "prod", "--cwd", str(tmp_path)]) == 0
    assert f"{len(judging.CHECKS)} checks, nothing dangerous." in capsys.readouterr().out
    assert all("--context=prod" in command for command in cluster.commands)
    other_image(cluster)
    assert main(["doctor", "--stack", "prod", "--cwd", str(tmp_path)]) == 1
    assert "DANGER (as-configured)" in capsys.readouterr().out
    config["mirrored-service:settleSeconds"] = {"value": "-1"}
    assert main(["doctor", "--stack", "prod", "--cwd", str(tmp_path)]) == 2
    assert "settleSeconds: -1 is not allowed" in capsys.readouterr().err


def test_where_there_is_no_such_service_that_is_not_healthy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kubectl, "run", Cluster().run)
    assert main(["doctor", "--service", "web/other"]) == 2
    assert "there is no mirrored service other in the namespace web" in capsys.readouterr().err


def test_a_cluster_that_does_not_answer_is_not_healthy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*command: str, given: str | None = None) -> str:
        raise CommandError("`kubectl get`: Unable to connect to the server: no such host")

    monkeypatch.setattr(kubectl, "run", fails)
    assert main(["doctor", "--service", "web/shop"]) == 2
    assert "no such host" in capsys.readouterr().err
