"""Pulumi and the kill switch work with the permissions in deploy/, and use what these grant."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import Lab
from lab.cluster.audit import FORBIDDEN, NAMESPACE, Asked, asked
from lab.kit.gateways import BY_GATEWAY_API
from lab.kit.scratch import ScratchStack
from tests import access
from tests.mesh.faults import live_and_shadow, version, wait_until
from tests.mesh.switch import pull

GATEWAY = {"selector": {"istio": "ingressgateway"}}
ROUTES = ("networking.istio.io", "virtualservices")


class Restricted:
    """A stack in a namespace that somebody else made, whose Pulumi has the Role of deploy/rbac.yaml only."""

    def __init__(self, lab: Lab, deployed: ScratchStack, directory: Path) -> None:
        self.lab, self.deployed = lab, deployed
        self.namespace, self.protected = deployed.namespace, f"{deployed.namespace}-data"
        places = {"shop": self.namespace, "shop-data": self.protected}
        self.objects = access.objects("rbac.yaml", places)
        spaces = [access.namespace(name) for name in (NAMESPACE, self.namespace, self.protected)]
        access.apply(lab, *spaces, *self.objects)
        deployed.stack.environment["KUBECONFIG"] = str(access.kubeconfig(lab, "pulumi", directory))

    @property
    def role(self) -> dict[str, Any]:
        return next(
            entry
            for entry in self.objects
            if entry["metadata"]["name"] == "mirrored-service" and "rules" in entry
        )

    def contained(self, **limits: Any) -> dict[str, Any]:
        """v2 as a shadow that is contained in every way."""
        workload = {"labels": {"app": "database"}}
        isolation = {
            "mayReach": [f"database.{self.protected}.svc.cluster.local"],
            "protects": {"here": workload, "there": {**workload, "namespace": self.protected}},
            "networkPolicy": {},
        }
        return live_and_shadow(
            "v1", "v2", shadowIsolation=isolation, mirrorLimits=limits, autoscaling={"maxReplicas": 2}
        )

    def deploy(self, subsets: dict[str, Any], percent: float = 1, **settings: Any) -> None:
        """With everything else that makes objects of a kind of its own."""
        more = {
            "disruptionBudget": {"maxUnavailable": 1},
            "mirrorHeaders": {"set": {"x-copy": "true"}},
            "accessLog": {"providers": ["mirrored-service-json"]},
            "answerDigests": {"key": "000102030405060708090a0b0c0d0e0f"},
            "mirrorTo": {"host": "shop.far.example", "port": 80, "percent": percent},
        }
        self.deployed.deploy(subsets, createNamespace=False, **{**more, **settings})

    def used(self, namespace: str) -> set[Asked]:
        return set(asked(self.lab.layout.audit_log, namespace))


@pytest.fixture(scope="module")
def restricted(
    lab: Lab, deploy: Callable[[], ScratchStack], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Restricted]:
    found = Restricted(lab, deploy(), tmp_path_factory.mktemp("access"))
    yield found
    for name in (found.namespace, found.protected):
        lab.kubectl("delete", "namespace", name, "--wait=false")


def test_every_change_works_with_the_role_alone(restricted: Restricted) -> None:
    deployed, stack = restricted.deployed, restricted.deployed.stack
    restricted.deploy(restricted.contained())
    assert deployed.check().problems == []
    assert stack.preview() == []
    assert stack.change("refresh").returncode == 0
    # Limits and hosts are in the DestinationRules and the Gateway; what was edited by hand is repaired.
    for edited in (
        "serviceaccount/nginx-v2",
        "telemetry/nginx-v2",
        "serviceentry/nginx-mirror-to",
        "horizontalpodautoscaler/nginx-v2",
        "poddisruptionbudget/nginx-v1",
        "envoyfilter/nginx-v2",
    ):
        deployed.kubectl("label", edited, "app=edited", "--overwrite")
    restricted.deploy(restricted.contained(requests=7), hosts=[f"new.{deployed.host}"])
    promoted = restricted.contained()
    promoted["v1"], promoted["v2"] = (
        version("v1", replicas=2),
        {**promoted["v2"], "weight": 100, "mirrorPercent": 0},
    )
    restricted.deploy(promoted)
    restricted.deploy({"v3": version("v3", weight=100)})
    assert deployed.check().answered_by == {"v3": 100}
    # The same by HTTPRoutes, and a Gateway that is made; what is in both is changed once.
    v3 = {"v3": version("v3", weight=100)}
    inside = {"annotations": {"networking.istio.io/service-type": "ClusterIP"}}
    restricted.deploy(v3, api="gateway", gateway=inside)
    changed = {**inside, "port": 8080}
    restricted.deploy(v3, api="gateway", gateway=changed, hosts=[f"new.{deployed.host}"])
    stack.destroy()
    of_routes = "virtualservices,httproutes,gateways.networking.istio.io,gateways.gateway.networking.k8s.io"
    kinds = f"deployments,services,destinationrules,sidecars,authorizationpolicies,{of_routes}"
    # What Istio has made of the Gateway goes a moment after it.
    wait_until(lambda: deployed.kubectl("get", kinds, "--output=name") == "", "nothing is left")


def test_nothing_was_refused_and_no_permission_to_write_is_needless(restricted: Restricted) -> None:
    roles = access.roles("rbac.yaml")
    for namespace, role in (
        (restricted.namespace, "mirrored-service"),
        (restricted.protected, "mirrored-service-protects"),
    ):
        assert set(asked(restricted.lab.layout.audit_log, namespace, FORBIDDEN)) == set()
        unused = roles[role] - restricted.used(namespace)
        # An object is created by a patch, for which the API server asks for both permissions and notes one.
        # What is listed and watched depends on what has to be waited for.
        assert {found for found in unused if found.verb not in ("create", "list", "watch")} == set()


@pytest.mark.parametrize(
    "missing", [Asked("apps", "deployments", "create"), Asked(*ROUTES, "patch"), Asked(*ROUTES, "delete")]
)
def test_without_one_permission_it_fails_and_says_which(restricted: Restricted, missing: Asked) -> None:
    stack = restricted.deployed.stack
    changes: dict[str, Callable[[], Any]] = {
        "create": lambda: restricted.deployed.configure(
            {"v1": version("v1", weight=100)}, createNamespace=False
        ),
        "patch": lambda: restricted.deployed.configure(restricted.contained(), createNamespace=False),
        "delete": lambda: None,
    }
    access.apply(restricted.lab, access.without(restricted.role, missing))
    changes[missing.verb]()
    verb = "destroy" if missing.verb == "delete" else "up"
    failed = stack.change(verb)
    assert failed.returncode != 0
    assert f'cannot {missing.verb} resource "{missing.resource}"' in failed.stdout
    access.apply(restricted.lab, restricted.role)
    assert stack.change(verb).returncode == 0


def test_with_the_cluster_role_it_makes_its_namespace_and_leaves_it(
    lab: Lab, deploy: Callable[[], ScratchStack], tmp_path: Path
) -> None:
    deployed = deploy()
    found = access.objects("rbac-create-namespace.yaml", {})
    access.apply(lab, access.namespace(NAMESPACE), *found)
    try:
        deployed.stack.environment["KUBECONFIG"] = str(access.kubeconfig(lab, "pulumi", tmp_path))
        deployed.deploy(live_and_shadow("v1", "v2"))
        assert deployed.check().problems == []
        deployed.stack.destroy()
        assert set(asked(lab.layout.audit_log, deployed.namespace, FORBIDDEN)) == set()
    finally:
        lab.kubectl("delete", "--filename=-", input=yaml.safe_dump_all(found[1:]))
    assert f"namespace/{deployed.namespace}" in lab.kubectl("get", "namespaces", "--output=name").split()


def test_the_kill_switch_needs_its_own_role_only(
    lab: Lab, deploy: Callable[[], ScratchStack], tmp_path: Path
) -> None:
    deployed = deploy()
    deployed.deploy(live_and_shadow("v1", "v2"))
    metadata = {"name": "on-call", "namespace": NAMESPACE}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    text = json.dumps(access.objects("rbac-kill-switch.yaml", {"shop": deployed.namespace}))
    role, binding = json.loads(text.replace("shop-vs", "nginx-vs").replace("shop-mesh", "nginx-mesh"))
    binding["subjects"] = [{"kind": "ServiceAccount", "name": "on-call", "namespace": NAMESPACE}]
    access.apply(lab, access.namespace(NAMESPACE), account, role, binding)
    report = pull(deployed, KUBECONFIG=str(access.kubeconfig(lab, "on-call", tmp_path)))
    assert (report["cut"], report["unread"]) == (["nginx-vs", "nginx-mesh"], {})
    assert len(report["proxies"]) == 1
    deployed.deploy(live_and_shadow("v1", "v2"), **BY_GATEWAY_API)
    report = pull(deployed, KUBECONFIG=str(access.kubeconfig(lab, "on-call", tmp_path)))
    assert report["cut"] == ["nginx-ingress", "nginx-mesh"]
    unused = access.granted(role) - set(asked(lab.layout.audit_log, deployed.namespace))
    # kubectl runs a command with one of two verbs; a single route is read when somebody else has changed it.
    again = Asked("gateway.networking.k8s.io", "httproutes", "get")
    assert {found for found in unused - {again} if found.resource != "pods/exec"} == set()
    assert len(unused - {again}) <= 1
