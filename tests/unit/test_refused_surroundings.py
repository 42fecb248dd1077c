"""What is refused of a version's surroundings, limits and isolation, in which words."""

from typing import Any

import pulumi
import pytest

from tests.refusals import LABEL, MAPPING, NOT, V1, problems, v1, v2
from tests.services import service_args

NAME = "the name of a Kubernetes object: a-z, 0-9, '-' and '.', at most 253"
VARIABLE = "letters, digits, '_', '-' and '.', not starting with a digit"
KEY = "the key of a Secret: letters, digits, '-', '_' and '.'"
MOUNT_PATH = 'an absolute path, such as "/etc/shop", without ":" and ".."'
SUB_PATH = 'a relative path, such as "live/shop.conf", without ".."'
SECRETS = "a list of names of Secrets, each once"
LABEL_KEY = "the key of a Kubernetes label"
LABEL_VALUE = "the value of a Kubernetes label, at most 63 characters"
USER = "a whole number from 0 to 2147483647, but not 1337: what that user sends does not pass Istio's sidecar"
MILLION = "a whole number from 1 to 1000000"
HOSTS = (
    'a list of hosts as the mesh knows them, such as "db.shop.svc.cluster.local" or '
    '"*.shop.svc.cluster.local", each once; [] for none'
)
RANGES = 'a list of address ranges, such as "10.20.0.0/16", each once'
WORKLOAD = "labels of the workload's pods, at least one"


def mount(**properties: Any) -> Any:
    return v1(mounts=[{"path": "/a", **properties}])


def toleration(**properties: Any) -> Any:
    return v1(tolerations=[properties])


def isolated(**properties: Any) -> Any:
    return v2(shadowIsolation={"mayReach": [], **properties})


def protecting(workload: Any) -> Any:
    return isolated(protects={"db": workload})


def with_account(live: Any, shadow: Any) -> Any:
    """A live version and one that is isolated from a workload, each with these properties."""
    isolation = {"mayReach": [], "protects": {"db": {"labels": {"app": "db"}}}}
    return service_args({"v1": {**V1, **live}, "v2": {"image": "a", "shadowIsolation": isolation, **shadow}})


REFUSED: list[tuple[str, Any, str]] = [
    ("secrets as text", v1(secretEnv={"A": "hush"}), f"subsets.v1.secretEnv.A: a string {NOT} {MAPPING}"),
    (
        "a secret variable without its secret",
        v1(secretEnv={"A": {"key": "a"}}),
        f"subsets.v1.secretEnv.A.secret: missing; allowed: {NAME}",
    ),
    (
        "a secret variable without its key",
        v1(secretEnv={"A": {"secret": "s"}}),
        f"subsets.v1.secretEnv.A.key: missing; allowed: {KEY}",
    ),
    (
        "a key that leads elsewhere",
        v1(secretEnv={"A": {"secret": "s", "key": "../a"}}),
        f"subsets.v1.secretEnv.A.key: '../a' {NOT} {KEY}",
    ),
    (
        "a secret's name with capitals",
        v1(secretEnv={"A": {"secret": "S", "key": "a"}}),
        f"subsets.v1.secretEnv.A.secret: 'S' {NOT} {NAME}",
    ),
    (
        "a secret variable that no process could have",
        v1(secretEnv={"1A": {"secret": "s", "key": "a"}}),
        f"subsets.v1.secretEnv: the name '1A' {NOT} {VARIABLE}",
    ),
    (
        "a variable twice",
        v1(env={"A": "1"}, secretEnv={"A": {"secret": "s", "key": "a"}}),
        f"subsets.v1.secretEnv: the name 'A' {NOT} a variable that is not in env as well",
    ),
    (
        "a misspelt key of a list's member",
        v1(mounts=[{"path": "/a", "emptyDir": {}}, {"path": "/b", "configmap": "c"}]),
        "subsets.v1.mounts[1].configmap: unknown, did you mean configMap?",
    ),
    ("an account with a slash", v1(serviceAccount="a/b"), f"subsets.v1.serviceAccount: 'a/b' {NOT} {NAME}"),
    (
        "an account that is an output",
        v1(serviceAccount=pulumi.Output.from_input("a")),
        f"subsets.v1.serviceAccount: an output {NOT} {NAME}",
    ),
    (
        "mounts as a mapping",
        v1(mounts={"/a": "hush"}),
        f"subsets.v1.mounts: a mapping {NOT} a list of mounts",
    ),
    ("a mount as text", v1(mounts=["/a"]), f"subsets.v1.mounts[0]: a string {NOT} {MAPPING}"),
    (
        "a mount without a path",
        v1(mounts=[{"secret": "a"}]),
        f"subsets.v1.mounts[0].path: missing; allowed: {MOUNT_PATH}",
    ),
    *(
        (
            f"a mount's path that is {what}",
            mount(path=path, secret="a"),  # noqa: S106  (a Secret's name)
            f"subsets.v1.mounts[0].path: {path!r} {NOT} {MOUNT_PATH}",
        )
        for what, path in [
            ("relative", "a"),
            ("the root", "/"),
            ("with a colon", "/a:b"),
            ("with a way up", "/a/../b"),
            ("with an empty part", "/a//b"),
        ]
    ),
    (
        "two mounts in one place",
        v1(mounts=[{"path": "/a", "secret": "a"}, {"path": "/a", "claim": "b"}]),
        f"subsets.v1.mounts[1].path: '/a' {NOT} each path once",
    ),
    (
        "a mount of nothing",
        mount(),
        "subsets.v1.mounts[0]: nothing to mount; allowed: one of configMap, secret, emptyDir, claim",
    ),
    (
        "a mount of two things",
        mount(configMap="a", claim="b"),
        f"subsets.v1.mounts[0].claim: 'b' {NOT} nothing next to configMap: one source a mount",
    ),
    ("a claim with a space", mount(claim="a b"), f"subsets.v1.mounts[0].claim: 'a b' {NOT} {NAME}"),
    (
        "a part of a mount above it",
        mount(claim="a", subPath="../b"),
        f"subsets.v1.mounts[0].subPath: '../b' {NOT} {SUB_PATH}",
    ),
    (
        "a part of a mount that is absolute",
        mount(claim="a", subPath="/b"),
        f"subsets.v1.mounts[0].subPath: '/b' {NOT} {SUB_PATH}",
    ),
    (
        "read-only as text",
        mount(claim="a", readOnly="yes"),
        f"subsets.v1.mounts[0].readOnly: 'yes' {NOT} true or false",
    ),
    (
        "a directory of true",
        mount(emptyDir=True),
        f"subsets.v1.mounts[0].emptyDir: a boolean {NOT} {MAPPING}",
    ),
    (
        "a directory of half a byte",
        mount(emptyDir={"sizeLimit": "500m"}),
        f'subsets.v1.mounts[0].emptyDir.sizeLimit: \'500m\' {NOT} a whole number, such as "128Mi": "m" is a '
        "thousandth",
    ),
    (
        "a directory of a number",
        mount(emptyDir={"sizeLimit": 5}),
        f'subsets.v1.mounts[0].emptyDir.sizeLimit: 5 {NOT} a Kubernetes quantity as a string, such as "250m" or '
        '"128Mi"',
    ),
    (
        "pull secrets as Kubernetes lists them",
        v1(imagePullSecrets=[{"name": "a"}]),
        f"subsets.v1.imagePullSecrets[0]: a mapping {NOT} {SECRETS}",
    ),
    (
        "a pull secret twice",
        v1(imagePullSecrets=["a", "a"]),
        f"subsets.v1.imagePullSecrets[1]: 'a' {NOT} {SECRETS}",
    ),
    (
        "a node's label that is none",
        v1(nodeSelector={"a/b/c": "x"}),
        f"subsets.v1.nodeSelector: the name 'a/b/c' {NOT} {LABEL_KEY}",
    ),
    (
        "a node's label that is true",
        v1(nodeSelector={"gpu": True}),
        f"subsets.v1.nodeSelector.gpu: True {NOT} {LABEL_VALUE}",
    ),
    (
        "a toleration of every taint's value",
        toleration(value="a"),
        f"subsets.v1.tolerations[0].operator: 'Equal' {NOT} Exists where there is no key",
    ),
    (
        "a toleration of any value that has one",
        toleration(key="a", operator="Exists", value="b"),
        f"subsets.v1.tolerations[0].value: 'b' {NOT} nothing next to operator Exists",
    ),
    (
        "a toleration that ends without an effect",
        toleration(key="a", tolerationSeconds=5),
        f"subsets.v1.tolerations[0].tolerationSeconds: 5 {NOT} nothing unless effect is NoExecute",
    ),
    (
        "an effect that does not exist",
        toleration(key="a", effect="NoRun"),
        f"subsets.v1.tolerations[0].effect: 'NoRun' {NOT} NoSchedule or PreferNoSchedule or NoExecute",
    ),
    (
        "an operator that does not exist",
        toleration(key="a", operator="In"),
        f"subsets.v1.tolerations[0].operator: 'In' {NOT} Equal or Exists",
    ),
    (
        "a taint's key that is none",
        toleration(key="a b"),
        f"subsets.v1.tolerations[0].key: 'a b' {NOT} the key of a taint",
    ),
    (
        "a taint's value that is none",
        toleration(key="a", value="b c"),
        f"subsets.v1.tolerations[0].value: 'b c' {NOT} the value of a taint, at most 63 characters",
    ),
    (
        "a negative time",
        toleration(key="a", effect="NoExecute", tolerationSeconds=-1),
        f"subsets.v1.tolerations[0].tolerationSeconds: -1 {NOT} a whole number from 0 to 1000000000",
    ),
    (
        "privileged pods",
        v1(podSecurity="privileged"),
        f"subsets.v1.podSecurity: 'privileged' {NOT} baseline or restricted or image",
    ),
    ("the sidecar's user", v1(runAsUser=1337), f"subsets.v1.runAsUser: 1337 {NOT} {USER}"),
    ("a user by name", v1(runAsUser="nginx"), f"subsets.v1.runAsUser: 'nginx' {NOT} {USER}"),
    (
        "root where it must not be",
        v1(podSecurity="restricted", runAsUser=0),
        f"subsets.v1.runAsUser: 0 {NOT} a user other than root next to podSecurity restricted",
    ),
    *(
        (f"no {limit}", v1(mirrorLimits={limit: 0}), f"subsets.v1.mirrorLimits.{limit}: 0 {NOT} {MILLION}")
        for limit in ("connections", "pendingRequests", "requests", "requestsPerConnection")
    ),
    (
        "copies over HTTP/2 as text",
        v1(mirrorLimits={"http2": "yes"}),
        f"subsets.v1.mirrorLimits.http2: 'yes' {NOT} true or false",
    ),
    (
        "limits as a number",
        v1(mirrorLimits=1024),
        f"subsets.v1.mirrorLimits: a number {NOT} {MAPPING}",
    ),
    (
        "pods left out by true",
        v1(mirrorLimits={"outlierDetection": True}),
        f"subsets.v1.mirrorLimits.outlierDetection: a boolean {NOT} {MAPPING}",
    ),
    *(
        (
            f"pods left out after 0 {limit}",
            v1(mirrorLimits={"outlierDetection": {limit: 0}}),
            f"subsets.v1.mirrorLimits.outlierDetection.{limit}: 0 {NOT} a whole number from 1 to {most}",
        )
        for limit, most in [
            ("consecutiveErrors", 1_000_000),
            ("intervalSeconds", 86_400),
            ("ejectionSeconds", 86_400),
            ("maxEjectionPercent", 100),
        ]
    ),
    (
        "isolation that is switched on",
        v2(shadowIsolation=True),
        f"subsets.v2.shadowIsolation: a boolean {NOT} {MAPPING}",
    ),
    (
        "isolation that does not say from what",
        v2(shadowIsolation={}),
        f"subsets.v2.shadowIsolation.mayReach: missing; allowed: {HOSTS}",
    ),
    *(
        (
            f"a host that is {what}",
            isolated(mayReach=[host]),
            f"subsets.v2.shadowIsolation.mayReach[0]: {host!r} {NOT} {HOSTS}",
        )
        for what, host in [
            ("every host", "*"),
            ("not a full name", "db"),
            ("an address", "10.0.0.1"),
            ("one of Istio's spelling", "shop/db.shop.svc.cluster.local"),
            ("with a port", "db.example.org:5432"),
        ]
    ),
    (
        "a host twice",
        isolated(mayReach=["a.example", "a.example"]),
        f"subsets.v2.shadowIsolation.mayReach[1]: 'a.example' {NOT} {HOSTS}",
    ),
    (
        "workloads as a list",
        isolated(protects=[{"labels": {"app": "db"}}]),
        f"subsets.v2.shadowIsolation.protects: a list {NOT} workloads by a name",
    ),
    (
        "a workload's name that is no label",
        isolated(protects={"shop.db": {"labels": {"app": "db"}}}),
        f"subsets.v2.shadowIsolation.protects: the name 'shop.db' {NOT} {LABEL}",
    ),
    (
        "a workload without labels",
        protecting({"namespace": "data"}),
        f"subsets.v2.shadowIsolation.protects.db.labels: null {NOT} {WORKLOAD}",
    ),
    (
        "a workload that is a whole namespace",
        protecting({"labels": {}}),
        f"subsets.v2.shadowIsolation.protects.db.labels: an empty mapping {NOT} {WORKLOAD}",
    ),
    (
        "a workload's label with a wildcard",
        protecting({"labels": {"app": "*"}}),
        f"subsets.v2.shadowIsolation.protects.db.labels.app: '*' {NOT} {LABEL_VALUE}",
    ),
    (
        "a workload's namespace that is no label",
        protecting({"labels": {"app": "db"}, "namespace": "a/b"}),
        f"subsets.v2.shadowIsolation.protects.db.namespace: 'a/b' {NOT} {LABEL}",
    ),
    (
        "pods as a mapping",
        isolated(networkPolicy={"pods": {"db": {"labels": {"app": "db"}}}}),
        f"subsets.v2.shadowIsolation.networkPolicy.pods: a mapping {NOT} a list of workloads",
    ),
    (
        "pods without labels",
        isolated(networkPolicy={"pods": [{}]}),
        f"subsets.v2.shadowIsolation.networkPolicy.pods[0].labels: null {NOT} {WORKLOAD}",
    ),
    *(
        (
            f"a range that is {what}",
            isolated(networkPolicy={"cidrs": [cidr]}),
            f"subsets.v2.shadowIsolation.networkPolicy.cidrs[0]: {cidr!r} {NOT} {RANGES}",
        )
        for what, cidr in [
            ("an address", "10.0.0.1"),
            ("an address within a range", "10.0.0.1/8"),
            ("too long", "10.0.0.0/33"),
            ("a name", "db.example.org"),
        ]
    ),
    (
        "an account that the live version has as well",
        with_account({"serviceAccount": "shop"}, {"serviceAccount": "shop"}),
        f"subsets.v2.serviceAccount: 'shop' {NOT} next to shadowIsolation.protects, a ServiceAccount that no "
        "live version has, as v1 has this one; leave it out, and one is made",
    ),
    (
        "the account that the live version has because none is named",
        with_account({}, {"serviceAccount": "default"}),
        f"subsets.v2.serviceAccount: 'default' {NOT} next to shadowIsolation.protects, a ServiceAccount that no "
        "live version has, as v1 has this one; leave it out, and one is made",
    ),
    (
        "a live version with the account that is made for the isolated one",
        with_account({"serviceAccount": "nginx-v2"}, {}),
        f"subsets.v2.serviceAccount: 'nginx-v2' {NOT} next to shadowIsolation.protects, a ServiceAccount that no "
        "live version has, as v1 has this one; leave it out, and one is made",
    ),
]


@pytest.mark.parametrize(("args", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_refuses(args: Any, message: str) -> None:
    assert problems(args) == (message,)
