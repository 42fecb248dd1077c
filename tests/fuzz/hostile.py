"""Mutates one argument of a valid configuration to something hostile, with and without our checks."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, get_args, get_type_hints, is_typeddict

import pulumi
from hypothesis import strategies as st

from mirrored_service import MirroredServiceArgs
from mirrored_service.description.routes import Route
from mirrored_service.description.service import Service
from mirrored_service.reading.others import ABOUT_OTHERS
from tests.fuzz.valid import Args

Path = tuple[str | int, ...]
MUTATED = "v2"

LIMITS: Args = {
    "connections": 10,
    "pendingRequests": 10,
    "requests": 10,
    "requestsPerConnection": 10,
    "http2": True,
    "outlierDetection": {
        "consecutiveErrors": 5,
        "intervalSeconds": 10,
        "ejectionSeconds": 30,
        "maxEjectionPercent": 50,
    },
}

TEMPLATE: Args = {
    "metadata": {"annotations": {"example.org/a": "b"}, "labels": {"team": "shop"}},
    "spec": {
        "serviceAccountName": "shadow",
        "imagePullSecrets": [{"name": "registry"}],
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "a", "value": "b", "effect": "NoExecute", "tolerationSeconds": 60}],
        "volumes": [
            {"name": "c", "configMap": {"name": "c"}},
            {"name": "e", "emptyDir": {"sizeLimit": "1Mi"}},
        ],
        "containers": [
            {
                "name": "shop",
                "env": [{"name": "B", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "b"}}}],
                "volumeMounts": [{"name": "c", "mountPath": "/c", "readOnly": True}],
                "securityContext": {"runAsUser": 1000},
                "command": ["serve"],
                "livenessProbe": {"httpGet": {"path": "/ready", "port": 9090}, "periodSeconds": 2},
            }
        ],
    },
}

# Every property is written out, so that each can be mutated next to its neighbours.
FULL: Args = {
    "name": "shop",
    "namespace": "fuzz-shop",
    "createNamespace": True,
    "ports": [
        {"name": "http", "port": 80, "targetPort": 8080},
        {"name": "metrics", "port": 9090, "appProtocol": "tcp"},
    ],
    "hosts": ["shop.example.org", "*.shop.example"],
    "gateway": {
        "selector": {"istio": "ingressgateway"},
        "port": 80,
        "tls": {"credentialName": "shop", "port": 443, "redirect": False},
    },
    "labels": {"team": "shop"},
    "annotations": {"example.org/owner": "me"},
    "routes": [
        {
            "name": "cart",
            "mirror": True,
            "match": [
                {
                    "name": "own",
                    "uri": {"prefix": "/b/c"},
                    "method": {"exact": "GET"},
                    "authority": {"exact": "shop"},
                    "scheme": {"regex": "https?"},
                    "headers": {"r-a": {"prefix": "1"}},
                    "withoutHeaders": {"r-b": {"exact": "1"}},
                    "queryParams": {"q": {"regex": "[0-9]+"}},
                    "port": 80,
                    "sourceLabels": {"app": "web"},
                    "sourceNamespace": "web",
                    "ignoreUriCase": False,
                    "statPrefix": "cart",
                }
            ],
            "timeout": "3s",
            "retries": {
                "attempts": 2,
                "perTryTimeout": "1s",
                "retryOn": "5xx,503",
                "backoff": "25ms",
                "retryIgnorePreviousHosts": True,
                "retryRemoteLocalities": False,
            },
            "rewrite": {
                "uriRegexRewrite": {"match": "^/b/(.*)", "rewrite": r"/\1"},
                "authority": "other.example",
            },
            "headers": {
                "request": {"set": {"r-a": "1"}, "add": {"r-b": "%PROTOCOL%"}, "remove": ["r-c"]},
                "response": {"set": {"r-a": "1"}, "add": {"r-b": "1"}, "remove": ["r-c"]},
            },
            "corsPolicy": {
                "allowOrigins": [{"exact": "https://shop.example.org"}],
                "allowMethods": ["GET"],
                "allowHeaders": ["r-a"],
                "exposeHeaders": ["r-b"],
                "maxAge": "24h",
                "allowCredentials": True,
                "unmatchedPreflights": "IGNORE",
            },
            "fault": {
                "abort": {"httpStatus": 503, "percentage": {"value": 1}},
                "delay": {"fixedDelay": "1s", "percentage": {"value": 1}},
            },
        },
        {
            "match": [{"uri": {"prefix": "/old/"}}],
            "redirect": {
                "prefixRewrite": "/new/",
                "scheme": "https",
                "port": 8443,
                "redirectCode": 308,
                "authority": "a",
            },
        },
        {
            "match": [{"uri": {"exact": "/gone"}}],
            "directResponse": {"status": 404, "body": {"string": "gone"}},
        },
        {"match": [{"uri": {"prefix": "/in/"}, "gateways": ["mesh"]}], "rewrite": {"uri": "/"}},
        {"timeout": "10s"},
    ],
    "mirrorHeaders": {"set": {"x-copy": "true"}, "remove": ["cookie"]},
    "moreServices": {"old": {"type": "NodePort", "ports": [{"port": 8000, "targetPort": "http"}]}},
    "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}, "outlierDetection": {"interval": "10s"}},
    "mirrorMatch": {
        "methods": ["GET", "POST"],
        "paths": ["/a", "/b/*"],
        "headers": {"x-debug": "1"},
        "maxBodyBytes": 1000,
    },
    "accessLog": {"providers": ["mirrored-service-json", "envoy"]},
    "answerDigests": {
        "key": "000102030405060708090a0b0c0d0e0f",
        "oneOf": 5,
        "maxJsonBytes": 4096,
        "hideNames": True,
    },
    "mirrorTo": {
        "host": "shop.staging.svc.cluster.local",
        "port": 8080,
        "percent": 50,
        "tls": {"mode": "simple", "caCertificates": "/etc/ca.pem"},
        "mirrorLimits": LIMITS,
    },
    "namespaceLabels": {"team": "shop"},
    "clusterDomain": "cluster.local",
    "disruptionBudget": {"maxUnavailable": 1},
    "settleSeconds": 2,
    "expectedRequestsPerSecond": 10,
    "subsets": {
        "v1": {"image": "shop:1", "weight": 60, "stop": {"delaySeconds": 10, "graceSeconds": 20}},
        "v2": {
            "image": "shop:2",
            "weight": 0,
            "mirrorPercent": 50,
            "replicas": 2,
            "containerPort": 8081,
            "containerPorts": {"metrics": 9100},
            "env": {"A": "1"},
            "podTemplate": TEMPLATE,
            "podSecurity": "baseline",
            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}},
            "rollout": {"maxSurge": 1, "maxUnavailable": 0, "deadlineSeconds": 300, "minReadySeconds": 5},
            "stop": {"delaySeconds": 5, "graceSeconds": 30},
            "mirrorLimits": LIMITS,
            "shadowIsolation": {
                "mayReach": ["db.shop.svc.cluster.local"],
                "protects": {"db": {"labels": {"app": "db"}, "namespace": "data"}},
                "networkPolicy": {
                    "pods": [{"labels": {"app": "db"}, "namespace": "data"}],
                    "cidrs": ["10.0.0.0/8"],
                },
            },
        },
        "v3": {"image": "shop:3", "weight": 40},
    },
}
EXISTING_GATEWAY: Args = {
    **{key: value for key, value in FULL.items() if key != "namespaceLabels"},
    "gateway": {"existing": "shared/web"},
    "createNamespace": False,
}
OTHERS: Args = {
    **FULL,
    "subsets": {
        "v1": {"image": "shop:1", "weight": 100},
        "v2": {
            "podLabels": {"app": "shop", "version": "2.0"},
            "weight": 0,
            "mirrorPercent": 50,
            "containerPort": 8080,
            "containerPorts": {"metrics": 9090},
            "mirrorLimits": LIMITS,
        },
    },
}

_ODD_TEXTS = [
    *[
        "",
        " ",
        "-",
        "a-",
        "-a",
        "A",
        "a_b",
        "a.b",
        ".a",
        "a..b",
        "a.",
        "..",
        "1",
        "0",
        "-1",
        "a" * 63,
        "a" * 64,
    ],
    *[
        "a." * 126 + "bc",
        "a." * 127 + "bc",
        "x\n",
        "a b",
        "\u00e4",
        "\0",
        "\U0001f4a5",
        "\ud800",
        "*",
        "*.",
        "*.*",
    ],
    *[
        "a.*",
        "*a.example",
        "*.example",
        "*.shop.example",
        "x.shop.example",
        "1.2.3.4",
        "999.1.1.1",
        "1.2.3",
        "a.1",
    ],
    *[
        "::1",
        "http",
        "grpc",
        "true",
        "null",
        "1e99",
        "1e-9",
        "100m",
        "1n",
        "8Ei",
        "9E",
        "1Zi",
        ".5",
        "5.",
        "1e1e1",
    ],
    *["a/b", "/", "//", "/a", "a/", "a/b.c", "a/b/c", "A/b", "istio-proxy", "mesh", "default", "kube-system"],
    *[
        "kubernetes.io/x",
        "a.example/gpu",
        "requests.a/b",
        "hugepages-2Mi",
        "cpu",
        "pods",
        "$(X)",
        "=",
        "A=1",
        "1A",
    ],
    *[
        "get",
        "GET ",
        "a:b",
        "a:b:c",
        "a@b",
        "a@sha256:0",
        ":1",
        "a" * 300,
        "?",
        "/%zz",
        "/\u00e4",
        "a,b",
        "'",
        '"',
    ],
]
_ODD_NUMBERS = [
    0,
    -1,
    1,
    2,
    99,
    100,
    101,
    250,
    1000,
    1001,
    4,
    5,
    10_000,
    10_001,
    15021,
    65535,
    65536,
    2**31,
    2**63,
]
_ODD_FLOATS = [0.5, -0.5, 1.5, 3.0, 1e-5, 0.0001, 100.5, 1e308, math.nan, math.inf, -0.0]
scalars = st.one_of(
    st.sampled_from(_ODD_TEXTS),
    st.sampled_from(_ODD_TEXTS),
    st.sampled_from(_ODD_NUMBERS),
    st.sampled_from(_ODD_FLOATS),
    st.sampled_from([True, False, None, [], {}, [None], {"a": None}, ["a"], {"": ""}]),
    st.text(max_size=8),
    st.integers(),
    st.floats(),
)
_keys = st.one_of(st.sampled_from(_ODD_TEXTS), st.text(max_size=8))
_lists = st.lists(scalars, max_size=3)
_mappings = st.one_of(
    st.dictionaries(_keys, scalars, max_size=2),
    st.dictionaries(_keys, st.sampled_from(["1", "x", ""]), max_size=2),
    st.dictionaries(st.sampled_from(["cpu", "memory", "A", "a"]), scalars, min_size=1, max_size=2),
)


# Pulumi writes the type of inputs with names of its own module.
_PULUMI = vars(pulumi.output)


class Mutation(NamedTuple):
    """One property and its new value."""

    path: Path
    value: Any


def leaves(typed_dict: type = MirroredServiceArgs) -> Iterator[tuple[Path, Any]]:
    """Every property with its type, those of sections and of members too: a new one is found without being
    listed."""
    for name, hint in get_type_hints(typed_dict, localns=_PULUMI).items():
        yield from _leaves_of(name, hint, (), FULL)


def _leaves_of(name: str, hint: Any, path: Path, there: Any) -> Iterator[tuple[Path, Any]]:
    """The property itself, unless it is a section, and what is below it; `there` is its level in FULL."""
    if is_typeddict(hint):
        for below, its_hint in get_type_hints(hint, localns=_PULUMI).items():
            yield from _leaves_of(below, its_hint, (*path, name), there.get(name, {}))
    elif name != "subsets":
        yield (*path, name), hint
    for member in filter(is_typeddict, get_args(hint)):
        for below, its_hint in get_type_hints(member, localns=_PULUMI).items():
            key = _member_with(there[name], below)
            yield from _leaves_of(below, its_hint, (*path, name, key), there[name][key])


def _member_with(members: Any, name: str) -> str | int:
    """The member of a list or mapping to mutate: v2 of the versions, else the first that has the property, as the
    mount of a Secret has no directory."""
    keys = list(range(len(members))) if isinstance(members, list) else list(members)
    return MUTATED if MUTATED in keys else next((key for key in keys if name in members[key]), keys[0])


def _of_its_shape(hint: Any) -> st.SearchStrategy[Any]:
    shapes = {"list": _lists, "dict": _mappings}
    return next((values for name, values in shapes.items() if str(hint).startswith(name)), scalars)


def _mutations_of(leaf: tuple[Path, Any]) -> st.SearchStrategy[Mutation]:
    path, hint = leaf
    values = st.one_of(_of_its_shape(hint), _of_its_shape(hint), scalars)
    # No value at all is the default, for us; for the cluster, past our checks, it would be another thing.
    return st.builds(Mutation, st.just(path), values.filter(lambda value: value is not None))


renames = st.builds(
    Mutation, st.just(("subsets", MUTATED)), _keys.filter(lambda key: key not in FULL["subsets"])
)
mutations: st.SearchStrategy[Mutation] = st.one_of(
    st.sampled_from(list(leaves())).flatmap(_mutations_of), renames
)


def route_leaves(there: Any = None, path: Path = ("routes",)) -> Iterator[tuple[Path, Any]]:
    """Every value in the routes of FULL, which are in Istio's words and have no class, and every mapping "
    "and list."""
    there = FULL["routes"] if there is None else there
    if path != ("routes",):
        yield path, type(there).__name__  # dict and list have shapes of their own
    members = (
        there.items() if isinstance(there, dict) else enumerate(there) if isinstance(there, list) else ()
    )
    for key, member in members:
        yield from route_leaves(member, (*path, key))


_about_routes = st.tuples(st.just(FULL), st.sampled_from(list(route_leaves())).flatmap(_mutations_of))
_about_others = [leaf for leaf in leaves() if leaf[0][0] == "subsets" and leaf[0][2] in ABOUT_OTHERS]
_usual = st.tuples(st.sampled_from([FULL, EXISTING_GATEWAY]), mutations)
cases: st.SearchStrategy[tuple[Args, Mutation]] = st.one_of(
    _usual,
    _usual,
    _usual,
    _about_routes,
    st.tuples(st.just(OTHERS), st.sampled_from(_about_others).flatmap(_mutations_of)),
)


def mutated(args: Args, mutation: Mutation) -> Args:
    """The arguments with the new value."""
    changed = copy.deepcopy(args)
    *above, last = mutation.path
    level: Any = changed
    for key in above:
        level = level[int(key)] if isinstance(level, list) else level.setdefault(key, {})
    if mutation.path == ("subsets", MUTATED):
        level[mutation.value] = level.pop(MUTATED)
    else:
        level[last] = mutation.value
    return changed


def forced(service: Service, mutation: Mutation) -> Service:
    """The checked service with the new value put in unchecked."""
    path, value = mutation
    if path[0] == "routes" and len(path) > 1:
        raw = mutated(FULL, mutation)["routes"]
        return replace(service, routes=tuple(_unchecked(route) for route in raw))
    if path[0] != "subsets":
        changed: Service = _put(service, path, value)
        return changed
    subsets = tuple(
        _put(subset, path[2:] or ("name",), value) if subset.name == MUTATED else subset
        for subset in service.subsets
    )
    return replace(service, subsets=subsets)


def _unchecked(raw: Any) -> Route:
    rest = {key: value for key, value in raw.items() if key not in ("match", "mirror")}
    return Route(tuple(raw.get("match", ())), rest, raw.get("mirror", True))


def _put(described: Any, path: Path, value: Any) -> Any:
    """Model and arguments are spelt alike, but for capitals and two names."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(described, tuple):
        return tuple(
            _put(member, rest, value) if place == step else member for place, member in enumerate(described)
        )
    if isinstance(described, Mapping):
        return {**described, step: _put(described[step], rest, value)}
    if step == "resources":
        return _put(described, rest, value)
    name = {"expectedRequestsPerSecond": "requests_per_second"}.get(
        str(step), re.sub("([A-Z])", r"_\1", str(step)).lower()
    )
    return replace(described, **{name: _put(getattr(described, name), rest, value)})


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every part of a value, by its path."""
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, member in members:
        yield (*path, key)
        yield from places(member, (*path, key))


def changed_template(place: Path, key: str | None, value: Any) -> Args:
    """The template with another value there, or with the value under another key."""
    changed = copy.deepcopy(TEMPLATE)
    level: Any = changed
    for step in place[:-1]:
        level = level[step]
    if key is None or isinstance(level, list):
        level[place[-1]] = value
    else:
        level[key] = level.pop(place[-1])
    return changed


templates: st.SearchStrategy[Args] = st.builds(
    changed_template, st.sampled_from(list(places(TEMPLATE))), st.one_of(st.none(), _keys), scalars
)
