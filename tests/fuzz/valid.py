"""Generates valid arguments that cover every property."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from mirrored_service.description.copies import METHODS
from mirrored_service.reading import copies, subset, syntax, tagging

Args = dict[str, Any]

_LETTERS = "abcxyz"


def fuzzed(wanted: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Args]:
    return st.fixed_dictionaries(wanted, optional=optional)


def names(alphabet: str, longest: int) -> st.SearchStrategy[str]:
    """Texts that start and end with a letter or digit. Made from one draw each, which is what takes the time."""
    return st.text(alphabet, min_size=1, max_size=longest).map(
        lambda text: text if text[0].isalnum() and text[-1].isalnum() else f"a{text[1:-1]}z"[:longest]
    )


def labels(longest: int) -> st.SearchStrategy[str]:
    """DNS labels."""
    return names(_LETTERS + "019-", longest)


def service_names(longest: int) -> st.SearchStrategy[str]:
    """DNS labels that start with a letter."""
    return st.builds("{}{}".format, st.sampled_from(_LETTERS), labels(longest - 1))


def tags(longest: int = 63) -> st.SearchStrategy[str]:
    """Values of Kubernetes labels, and the name part of their keys."""
    return names("aZ9-_.", longest)


domains = st.builds("{}.{}".format, labels(63), st.sampled_from(["example", "a.example", "0.x-y", "b9"]))
label_keys = st.one_of(tags(), st.builds("{}/{}".format, domains, tags()))
ports = st.one_of(
    st.integers(1, 65535), st.sampled_from([1, 80, 1023, 1024, 8080, 14999, 15002, 15443, 65535])
).filter(lambda port: port not in syntax.PROXY_PORTS)
# Every character that an argument can hold; those outside of Unicode's planes cannot be encoded.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
env_names = st.builds("".join, st.tuples(st.sampled_from("aZ_"), st.text("aZ0_.-", max_size=30)))


def floats_too(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[float]:
    """Whole numbers arrive as floats from other languages."""
    return st.one_of(numbers, numbers.map(float))


@st.composite
def hosts(draw: st.DrawFn) -> list[str]:
    """Host names, none of which stands for another."""
    found: list[str] = []
    addresses = st.ip_addresses(v=4).map(str)
    candidates = st.one_of(domains, domains.map("*.{}".format), addresses, st.just("*"))
    for host in draw(st.lists(candidates, min_size=1, max_size=4)):
        if not any(syntax.host_covers(a, b) for other in found for a, b in ((host, other), (other, host))):
            found.append(host)
    return found


_image_names = st.lists(
    st.sampled_from(["shop", "a", "0", "a.b", "a_b", "a__b", "a---b"]), min_size=1, max_size=3
).map("/".join)
images = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "lab.local/", "localhost:5000/", "Registry.Example:443/", "10.0.0.1/"]),
        _image_names,
        st.sampled_from(["", ":1", ":V1.2-rc_3", ":_", ":" + "a" * 128]),
        st.sampled_from(["", "@sha256:" + "0f" * 32]),
    ),
)


@st.composite
def resources(draw: st.DrawFn) -> Args:
    """Requests and limits, of which none is below its request."""
    pairs = {
        "cpu": ["0", "1m", "100m", "0.1", "0.25", "1", "1.5", "2e0", "3k"],
        "memory": ["0", "1", "64Mi", "128Mi", "0.5Gi", "1e9", "1G", "1Ti", "7Pi"],
        "ephemeral-storage": ["1Ki", "1M", "1Gi"],
    }
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}
    for name, rising in pairs.items():
        asked = draw(st.one_of(st.none(), st.integers(0, len(rising) - 1)))
        most = draw(st.one_of(st.none(), st.integers(asked or 0, len(rising) - 1)))
        if asked is not None:
            requests[name] = rising[asked]
        if most is not None:
            limits[name] = rising[most]
    if draw(st.booleans()):
        device, count = draw(st.builds("{}/{}".format, domains, tags())), draw(st.integers(0, 99).map(str))
        requests[device] = limits[device] = count
    sections = {"requests": requests, "limits": limits}
    kept = draw(st.sets(st.sampled_from(["requests", "limits"]))) if not limits else {"requests", "limits"}
    return {key: sections[key] for key in sorted(kept)}


@st.composite
def stops(draw: st.DrawFn) -> Args:
    delay = draw(st.integers(0, 3600))
    return {"delaySeconds": delay, "graceSeconds": draw(st.integers(delay + 1, 7200))}


@st.composite
def rollouts(draw: st.DrawFn) -> Args:
    surge = draw(st.integers(0, 10_000))
    chosen = {"maxSurge": surge, "maxUnavailable": draw(st.integers(0 if surge else 1, 10_000))}
    return {**chosen, **draw(fuzzed({}, {"deadlineSeconds": st.integers(5, 86_400)}))}


PROBE: dict[str, st.SearchStrategy[Any]] = {
    "path": st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30).map("/{}".format),
    "periodSeconds": floats_too(st.integers(1, 3600)),
    "timeoutSeconds": st.integers(1, 3600),
    "failureThreshold": st.integers(1, 1000),
}
# Long names are generated by length and not by letter: the server only looks at what they may hold.
object_names = st.one_of(
    labels(63), st.builds("{}.{}".format, labels(63), labels(63)), st.just("a" * 253), st.just("0.a-0")
)
SECRET_KEY: dict[str, st.SearchStrategy[Any]] = {
    "secret": object_names,
    "key": st.one_of(names("aZ9-_.", 20), st.sampled_from([".a", "_", "a" * 253])),
}
node_labels = st.dictionaries(label_keys, st.one_of(st.just(""), tags()), min_size=1, max_size=2)
quantities = st.sampled_from(["0", "1", "64Mi", "1e9", "1G", "2k"])
EMPTY_DIR: dict[str, st.SearchStrategy[Any]] = {"sizeLimit": quantities}
_parts = st.text("aZ0._- ", min_size=1, max_size=8).filter(lambda part: part not in (".", ".."))
SOURCES: dict[str, st.SearchStrategy[Any]] = {
    "configMap": object_names,
    "secret": object_names,
    "claim": object_names,
    "emptyDir": fuzzed({}, EMPTY_DIR),
}
MOUNT: dict[str, st.SearchStrategy[Any]] = {
    "path": st.lists(_parts, min_size=1, max_size=3).map("/".join).map("/{}".format),
    "readOnly": st.booleans(),
    "subPath": st.lists(_parts, min_size=1, max_size=3).map("/".join),
}


@st.composite
def mounts(draw: st.DrawFn) -> list[Args]:
    """Mounts in different places, each of one thing."""
    found = []
    for path in draw(st.lists(MOUNT["path"], max_size=3, unique=True)):
        source = draw(st.sampled_from(sorted(SOURCES)))
        optional = {key: MOUNT[key] for key in ("readOnly", "subPath")}
        found.append(draw(fuzzed({"path": st.just(path), source: SOURCES[source]}, optional)))
    return found


TOLERATION: dict[str, st.SearchStrategy[Any]] = {
    "key": label_keys,
    "operator": st.sampled_from(["Equal", "Exists"]),
    "value": tags(),
    "effect": st.sampled_from(["NoSchedule", "PreferNoSchedule", "NoExecute"]),
    "tolerationSeconds": st.integers(0, 1_000_000_000),
}


@st.composite
def tolerations(draw: st.DrawFn) -> Args:
    operator = draw(TOLERATION["operator"])
    found = draw(fuzzed({}, {"effect": TOLERATION["effect"]}))
    if operator == "Exists":
        found = {**found, "operator": operator, **draw(fuzzed({}, {"key": TOLERATION["key"]}))}
    else:
        found = {**found, **draw(fuzzed({"key": TOLERATION["key"]}, {"value": TOLERATION["value"]}))}
    if found.get("effect") == "NoExecute":
        found |= draw(fuzzed({}, {"tolerationSeconds": TOLERATION["tolerationSeconds"]}))
    return found


OUTLIER_DETECTION: dict[str, st.SearchStrategy[Any]] = {
    "consecutiveErrors": st.integers(1, 1_000_000),
    "intervalSeconds": st.integers(1, 86_400),
    "ejectionSeconds": st.integers(1, 86_400),
    "maxEjectionPercent": st.integers(1, 100),
}
LIMITS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(
        ("connections", "pendingRequests", "requests", "requestsPerConnection"),
        floats_too(st.integers(1, 1_000_000)),
    ),
    "http2": st.just(True),  # false is refused next to the protocols that are HTTP/2
    "outlierDetection": fuzzed({}, OUTLIER_DETECTION),
}
workloads = fuzzed({"labels": node_labels}, {"namespace": labels(63)})
ranges = st.one_of(
    st.ip_addresses(v=4).map("{}/32".format),
    st.ip_addresses(v=6).map("{}/128".format),
    st.sampled_from(["0.0.0.0/0", "10.20.0.0/16", "::/0", "fd00::/8"]),
)
NETWORK_POLICY: dict[str, st.SearchStrategy[Any]] = {
    "pods": st.lists(workloads, max_size=2),
    "cidrs": st.lists(ranges, max_size=2, unique=True),
}
ISOLATION: dict[str, st.SearchStrategy[Any]] = {
    "mayReach": st.lists(st.one_of(domains, domains.map("*.{}".format)), max_size=3, unique=True),
    "protects": st.dictionaries(labels(63), workloads, max_size=2),
    "networkPolicy": fuzzed({}, NETWORK_POLICY),
}
isolations = fuzzed(
    {"mayReach": ISOLATION["mayReach"]}, {key: ISOLATION[key] for key in ("protects", "networkPolicy")}
)


@st.composite
def environments(draw: st.DrawFn) -> tuple[Args, Args]:
    """Plain and secret variables, none of both kinds."""
    plain = draw(st.dictionaries(env_names, texts, max_size=3))
    secret = draw(st.dictionaries(env_names, fuzzed(SECRET_KEY, {}), max_size=2))
    return plain, {name: entry for name, entry in secret.items() if name not in plain}


@st.composite
def confinements(draw: st.DrawFn) -> Args:
    level = draw(st.sampled_from(subset.POD_SECURITY))
    users = st.integers(1 if level == "restricted" else 0, 2**31 - 1).filter(
        lambda user: user != syntax.PROXY_USER
    )
    return {"podSecurity": level, **draw(fuzzed({}, {"runAsUser": users}))}


# Without weight and mirrorPercent, which depend on the other versions.
VERSION: dict[str, st.SearchStrategy[Any]] = {
    "replicas": floats_too(st.integers(1, 10_000)),
    "containerPort": floats_too(ports),
    "serviceAccount": object_names,
    "mounts": mounts(),
    "imagePullSecrets": st.lists(object_names, max_size=2, unique=True),
    "nodeSelector": node_labels,
    "tolerations": st.lists(tolerations(), max_size=2),
    "mirrorLimits": fuzzed({}, LIMITS),
    "shadowIsolation": isolations,
    "resources": resources(),
    "command": st.lists(texts, max_size=3),
    "args": st.lists(texts, max_size=3),
    "probe": fuzzed({}, PROBE),
    "rollout": rollouts(),
    "stop": stops(),
}


@st.composite
def whole_versions(draw: st.DrawFn) -> Args:
    """A version with all that can stand next to each other."""
    plain, secret = draw(environments())
    together = {"env": plain, "secretEnv": secret, **draw(confinements())}
    kept = draw(st.sets(st.sampled_from(sorted(together))))
    return {
        **draw(fuzzed({"image": images}, VERSION)),
        **{key: together[key] for key in sorted(kept & set(together))},
    }


percentages = st.one_of(
    st.just(0),
    floats_too(st.integers(1, 1000)),
    st.floats(copies.LEAST_PERCENT, 1000),
    st.sampled_from([copies.LEAST_PERCENT, 0.00015, 99.99999, 100.00001, 999.99999]),
)


@st.composite
def subsets(draw: st.DrawFn) -> Args:
    """One to four versions: their weights sum to 100, the others are shadows or idle."""
    count = draw(st.integers(1, 4))
    chosen = draw(st.lists(labels(30), min_size=count, max_size=count, unique=True))
    cuts = sorted(draw(st.sets(st.integers(1, 99), max_size=draw(st.integers(0, count - 1)))))
    weights = [high - low for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]
    found = {}
    for place, name in enumerate(chosen):
        role = {"weight": weights[place]} if place < len(weights) else {"mirrorPercent": draw(percentages)}
        found[name] = {**draw(whole_versions()), **role}
        if "serviceAccount" in found[name]:
            # No two versions have the same one: what must not be shared is refused.
            found[name]["serviceAccount"] = f"{place}.{found[name]['serviceAccount']}"[:253]
    return found


@st.composite
def foreign_subsets(draw: st.DrawFn) -> Args:
    """Versions whose pods others run: told apart by one label, with another one in common."""
    shared, apart = draw(st.lists(label_keys, min_size=2, max_size=2, unique=True))
    common = draw(tags())
    values = draw(st.lists(tags(), min_size=2, max_size=3, unique=True))
    port = draw(floats_too(ports))
    found: Args = {}
    for place, value in enumerate(values):
        role = {"mirrorPercent": draw(percentages)} if place else {"weight": 100}
        about = {"podLabels": {shared: common, apart: value}, "containerPort": port}
        found[f"v{place}"] = {**about, **role, **draw(fuzzed({}, {"mirrorLimits": fuzzed({}, LIMITS)}))}
    return found


@st.composite
def own_gateways(draw: st.DrawFn) -> Args:
    """A Gateway of the service's own: HTTP, or HTTPS on another port."""
    selector = st.dictionaries(label_keys, st.one_of(st.just(""), tags()), min_size=1, max_size=3)
    http, https = draw(st.lists(ports, min_size=2, max_size=2, unique=True))
    tls = draw(
        st.one_of(
            st.none(),
            fuzzed({"credentialName": object_names, "port": st.just(https), "redirect": st.just(False)}, {}),
        )
    )
    found = {"port": http, **({"tls": tls} if tls else {})}
    return {**found, **draw(fuzzed({}, {"selector": selector}))}


TLS: dict[str, st.SearchStrategy[Any]] = {
    "credentialName": object_names,
    "port": st.sampled_from([443, 443.0]),
    "redirect": st.booleans(),
}
own_keys = label_keys.filter(lambda key: not syntax.is_reserved(key) and key not in tagging.OWN_LABELS)
gateways = st.one_of(
    own_gateways(),
    st.fixed_dictionaries({"tls": st.fixed_dictionaries(TLS)}),
    fuzzed({}, {"existing": st.builds("{}/{}".format, labels(63), labels(63))}),
)
methods = st.one_of(st.just(["*"]), st.lists(st.sampled_from(METHODS), min_size=1, max_size=9))
_path_ends = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?#*"), max_size=20
)
MATCH: dict[str, st.SearchStrategy[Any]] = {
    "methods": methods,
    "paths": st.lists(
        st.builds("/{}{}".format, _path_ends, st.sampled_from(["", "*"])), min_size=1, max_size=3
    ),
    "maxBodyBytes": floats_too(st.integers(0, 1_000_000_000)),
    "headers": st.dictionaries(
        st.text("aZ0-_", min_size=1, max_size=10).map("x{}".format),
        st.one_of(st.just("*"), names('aZ0 =;"', 20)),
        max_size=2,
    ).filter(lambda headers: len({name.lower() for name in headers}) == len(headers)),
}
providers = st.lists(names("aZ09-_.", 253), min_size=1, max_size=3, unique=True)
MIRROR_TO_TLS: dict[str, st.SearchStrategy[Any]] = {
    "mode": st.just("simple"),
    "caCertificates": st.sampled_from(["/etc/ssl/ca.pem", "/a b/c"]),
}
MIRROR_TO: dict[str, st.SearchStrategy[Any]] = {
    "host": st.one_of(domains, st.ip_addresses(v=4).map(str)),
    "port": floats_too(st.integers(1, 65535)),
    "percent": percentages,
    "tls": st.one_of(fuzzed({}, MIRROR_TO_TLS), st.just({"mode": "mesh"})),
    "mirrorLimits": fuzzed({}, LIMITS),
}
_needed = ("host", "port", "percent")
mirror_targets: st.SearchStrategy[Args] = st.one_of(
    st.just({}),
    fuzzed(
        {key: MIRROR_TO[key] for key in _needed},
        {key: values for key, values in MIRROR_TO.items() if key not in _needed},
    ),
)
SERVICE: dict[str, st.SearchStrategy[Any]] = {
    "createNamespace": st.booleans(),
    "keepOnDestroy": st.booleans(),
    "port": floats_too(ports),
    "protocol": st.sampled_from(["http", "http2"]),
    "hosts": hosts(),
    "gateway": gateways,
    "labels": st.dictionaries(st.one_of(own_keys, st.sampled_from(tagging.FREE_LABELS)), tags(), max_size=2),
    "annotations": st.dictionaries(own_keys, texts, max_size=2),
    "mirrorMatch": fuzzed({}, MATCH),
    "accessLog": fuzzed({}, {"providers": providers}),
    "mirrorTo": mirror_targets,
    "settleSeconds": st.floats(0, 300),
    "expectedRequestsPerSecond": st.floats(0, 1_000_000),
}
arguments = fuzzed(
    {
        "name": service_names(32),
        # The first part keeps it apart from the namespaces that exist.
        "namespace": labels(58).map("fuzz-{}".format),
        "subsets": st.one_of(subsets(), subsets(), subsets(), foreign_subsets()),
    },
    SERVICE,
)
grpc_arguments = st.builds(
    lambda args, chosen: {**args, "protocol": "grpc", "mirrorMatch": {"methods": chosen}},
    arguments,
    st.sampled_from([["*"], ["POST"], ["GET", "POST"]]),
)
everything: st.SearchStrategy[Args] = st.one_of(arguments, grpc_arguments)
