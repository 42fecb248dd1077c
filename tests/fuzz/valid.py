"""Generates valid arguments that cover every property."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from mirrored_service.description.copies import METHODS
from mirrored_service.reading import copies, subset, syntax, tagging
from mirrored_service.reading.route_rules import RETRY_ON

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
own_keys = label_keys.filter(lambda key: not syntax.is_reserved(key) and key not in tagging.OWN_LABELS)
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
    for host in draw(st.lists(candidates, max_size=4)):
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
    chosen |= draw(fuzzed({}, {"deadlineSeconds": st.integers(5, 86_400)}))
    ready = st.integers(0, chosen.get("deadlineSeconds", 300) - 1)
    return {**chosen, **draw(fuzzed({}, {"minReadySeconds": ready}))}


# Long names are generated by length and not by letter: the server only looks at what they may hold.
object_names = st.one_of(
    labels(63), st.builds("{}.{}".format, labels(63), labels(63)), st.just("a" * 253), st.just("0.a-0")
)
node_labels = st.dictionaries(label_keys, st.one_of(st.just(""), tags()), min_size=1, max_size=2)
_parts = st.text("aZ0._-", min_size=1, max_size=8).filter(lambda part: part not in (".", ".."))
paths = st.lists(_parts, min_size=1, max_size=3).map("/".join).map("/{}".format)
commands = fuzzed({"command": st.lists(texts.filter(bool), min_size=1, max_size=2)}, {})
requests = fuzzed(
    {"port": st.one_of(ports, st.just("app"))}, {"path": paths, "scheme": st.sampled_from(["HTTP", "HTTPS"])}
)
PROBE: dict[str, st.SearchStrategy[Any]] = {
    "periodSeconds": floats_too(st.integers(1, 3600)),
    "timeoutSeconds": st.integers(1, 3600),
    "failureThreshold": st.integers(1, 1000),
    "initialDelaySeconds": st.integers(0, 1000),
}
handlers: st.SearchStrategy[Args] = st.one_of(
    st.builds(dict, exec=commands),
    st.builds(dict, httpGet=requests),
    st.builds(dict, tcpSocket=fuzzed({"port": ports}, {})),
    st.builds(dict, grpc=fuzzed({"port": ports}, {"service": tags()})),
)
probes = st.builds(lambda does, how: {**does, **how}, handlers, fuzzed({}, PROBE))
secret_keys = fuzzed({"name": object_names, "key": st.sampled_from([".a", "_", "a" * 253, "password"])}, {})
sources = st.one_of(
    st.builds(dict, emptyDir=fuzzed({}, {"sizeLimit": st.sampled_from(["64Mi", 1, "1e9"])})),
    st.builds(dict, configMap=fuzzed({"name": object_names}, {"optional": st.booleans()})),
    st.builds(dict, secret=fuzzed({"secretName": object_names}, {"defaultMode": st.integers(0, 0o777)})),
    st.builds(dict, persistentVolumeClaim=fuzzed({"claimName": object_names}, {"readOnly": st.booleans()})),
    st.builds(
        lambda seconds: {
            "projected": {
                "sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": seconds}}]
            }
        },
        st.integers(600, 2**32),
    ),
)
selectors = fuzzed({"matchLabels": node_labels}, {})
POD: dict[str, st.SearchStrategy[Any]] = {
    "imagePullSecrets": st.lists(object_names, max_size=2, unique=True).map(
        lambda found: [{"name": name} for name in found]
    ),
    "nodeSelector": node_labels,
    "tolerations": st.lists(
        st.one_of(
            st.just({"operator": "Exists"}),
            fuzzed(
                {"key": label_keys}, {"value": tags(), "effect": st.sampled_from(["NoSchedule", "NoExecute"])}
            ),
        ),
        max_size=2,
    ),
    "topologySpreadConstraints": st.builds(
        lambda key, skew, labels: [
            {
                "topologyKey": key,
                "maxSkew": skew,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": labels,
            }
        ],
        label_keys,
        st.integers(1, 9),
        selectors,
    ),
    "affinity": st.builds(
        lambda key, labels: {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": key, "labelSelector": labels}
                ]
            }
        },
        label_keys,
        selectors,
    ),
    "hostAliases": st.builds(
        lambda ip, names: [{"ip": ip, "hostnames": names}],
        st.ip_addresses(v=4).map(str),
        st.lists(domains.filter(lambda name: len(name) < 254), max_size=2),
    ),
    "dnsPolicy": st.sampled_from(["ClusterFirst", "Default"]),
    "automountServiceAccountToken": st.booleans(),
    "shareProcessNamespace": st.booleans(),
    "enableServiceLinks": st.booleans(),
    "securityContext": fuzzed(
        {},
        {"fsGroup": st.integers(0, 2**31 - 1), "supplementalGroups": st.lists(st.integers(0, 9), max_size=2)},
    ),
}
CONTAINER: dict[str, st.SearchStrategy[Any]] = {
    "command": st.lists(texts, max_size=3),
    "args": st.lists(texts, max_size=3),
    "workingDir": paths,
    "imagePullPolicy": st.sampled_from(["Always", "IfNotPresent", "Never"]),
    "livenessProbe": probes,
    "startupProbe": probes,
    "readinessProbe": st.one_of(probes, fuzzed({}, PROBE), st.none()),
    "lifecycle": st.one_of(st.builds(dict, postStart=st.builds(dict, exec=commands)), st.none()),
    "envFrom": st.lists(st.builds(dict, configMapRef=fuzzed({"name": object_names}, {})), max_size=2),
    "ports": st.lists(ports.filter(lambda port: port > 15100), min_size=1, max_size=2, unique=True).map(
        lambda found: [{"containerPort": port, "protocol": "UDP"} for port in found]
    ),
    "terminationMessagePath": paths,
}


@st.composite
def templates(draw: st.DrawFn, service: str, plain: Args, level: str) -> Args:
    """A pod template for a service of this name, for a version with these variables."""
    mounted = draw(st.lists(st.tuples(paths, sources), max_size=3, unique_by=lambda each: each[0]))
    container = draw(fuzzed({"name": st.just(service)}, CONTAINER))
    container["volumeMounts"] = [
        {"name": f"volume-{place}", "mountPath": path} for place, (path, _) in enumerate(mounted)
    ]
    variables: Args = draw(st.dictionaries(env_names, st.builds(dict, secretKeyRef=secret_keys), max_size=2))
    container["env"] = [
        {"name": name, "valueFrom": value} for name, value in variables.items() if name not in plain
    ]
    users = st.integers(1 if level == "restricted" else 0, 2**31 - 1).filter(
        lambda user: user != syntax.PROXY_USER
    )
    if draw(st.booleans()):
        container["securityContext"] = draw(
            fuzzed({}, {"runAsUser": users, "readOnlyRootFilesystem": st.booleans()})
        )
    pod = {
        **draw(fuzzed({}, POD)),
        "containers": [container],
        "volumes": [{"name": f"volume-{place}", **source} for place, (_, source) in enumerate(mounted)],
    }
    if draw(st.booleans()):
        pod["containers"].append({"name": "zz-sidecar", "image": draw(images), "livenessProbe": draw(probes)})
        pod["initContainers"] = [
            {
                "name": "zz-first",
                **draw(fuzzed({"image": images}, {"command": texts.map(lambda text: [text])})),
            }
        ]
    metadata = draw(fuzzed({}, {"annotations": st.dictionaries(own_keys, texts, max_size=2)}))
    labels = draw(st.dictionaries(own_keys, tags(), max_size=2))
    return {"metadata": {**metadata, "labels": labels}, "spec": pod}


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


# Without weight and mirrorPercent, which depend on the other versions.
VERSION: dict[str, st.SearchStrategy[Any]] = {
    "containerPort": floats_too(ports),
    "mirrorLimits": fuzzed({}, LIMITS),
    "shadowIsolation": isolations,
    "resources": resources(),
    "env": st.dictionaries(env_names, texts, max_size=3),
    "podSecurity": st.sampled_from(subset.POD_SECURITY),
    "rollout": rollouts(),
    "stop": stops(),
}


metrics = st.one_of(
    st.builds(
        lambda name, share: {
            "type": "Resource",
            "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": share}},
        },
        st.sampled_from(["cpu", "memory"]),
        st.integers(1, 200),
    ),
    st.builds(
        lambda name, value: {
            "type": "Pods",
            "pods": {"metric": {"name": name}, "target": {"type": "AverageValue", "averageValue": value}},
        },
        labels(20),
        st.sampled_from(["1", "100m", "1k"]),
    ),
)
AUTOSCALER: dict[str, st.SearchStrategy[Any]] = {
    "minReplicas": floats_too(st.integers(1, 10)),
    "metrics": st.lists(metrics, max_size=2),
    "behavior": st.builds(
        lambda seconds: {"scaleDown": {"stabilizationWindowSeconds": seconds}}, st.integers(0, 3600)
    ),
}
# Who counts the pods: one of these.
COUNTS: dict[str, st.SearchStrategy[Any]] = {
    "replicas": floats_too(st.integers(1, 10_000)),
    "autoscaling": fuzzed({"maxReplicas": floats_too(st.integers(10, 10_000))}, AUTOSCALER),
    "scaledByOthers": st.booleans(),
}
counts = st.one_of(*(fuzzed({}, {key: values}) for key, values in COUNTS.items()))


@st.composite
def whole_versions(draw: st.DrawFn, service: str) -> Args:
    """A version of the service of this name, with all that can stand next to each other."""
    found = {**draw(fuzzed({"image": images}, VERSION)), **draw(counts)}
    if draw(st.booleans()):
        level = found.get("podSecurity", "baseline")
        found["podTemplate"] = draw(templates(service, found.get("env", {}), level))
    return found


percentages = st.one_of(
    st.just(0),
    floats_too(st.integers(1, 1000)),
    st.floats(copies.LEAST_PERCENT, 1000),
    st.sampled_from([copies.LEAST_PERCENT, 0.00015, 99.99999, 100.00001, 999.99999]),
)


@st.composite
def subsets(draw: st.DrawFn, service: str) -> Args:
    """One to four versions: their weights sum to 100, the others are shadows or idle."""
    count = draw(st.integers(1, 4))
    chosen = draw(st.lists(labels(30), min_size=count, max_size=count, unique=True))
    cuts = sorted(draw(st.sets(st.integers(1, 99), max_size=draw(st.integers(0, count - 1)))))
    weights = [high - low for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]
    found = {}
    for place, name in enumerate(chosen):
        role = {"weight": weights[place]} if place < len(weights) else {"mirrorPercent": draw(percentages)}
        found[name] = {**draw(whole_versions(service)), **role}
        if "podTemplate" in found[name]:
            # No two versions have the same one: what must not be shared is refused.
            account = f"{place}.{draw(object_names)}"[:253]
            found[name]["podTemplate"]["spec"]["serviceAccountName"] = account.rstrip("-.")
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
gateways = st.one_of(
    own_gateways(),
    st.fixed_dictionaries({"tls": st.fixed_dictionaries(TLS)}, optional={"ownsHosts": st.booleans()}),
    fuzzed({}, {"existing": st.builds("{}/{}".format, labels(63), labels(63)), "ownsHosts": st.booleans()}),
    st.just({"delegate": True}),
)


def _different(named: Args) -> bool:
    """Are the names different to HTTP, too?"""
    return len({name.lower() for name in named}) == len(named)


methods = st.one_of(st.just(["*"]), st.lists(st.sampled_from(METHODS), min_size=1, max_size=9))
_path_ends = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?#*"), max_size=20
)
MATCH: dict[str, st.SearchStrategy[Any]] = {
    "methods": methods,
    "paths": st.lists(
        st.one_of(
            st.builds("/{}{}".format, _path_ends, st.sampled_from(["", "*"])),
            st.sampled_from(["/cart/*", "/cart/1", "/api/*", "/search", "/static/a*"]),
        ),
        min_size=1,
        max_size=3,
    ),
    "maxBodyBytes": floats_too(st.integers(0, 1_000_000_000)),
    "headers": st.dictionaries(
        st.text("aZ0-_", min_size=1, max_size=10).map("x{}".format),
        st.one_of(st.just("*"), names('aZ0 =;"', 20)),
        max_size=2,
    ).filter(_different),
}
# Headers of a route's own never have the names of those that are copied, x...: which of these can be combined,
# the unit tests ask.
_own_headers = st.text("aZ0-_", max_size=10).map("r{}".format)
_words = st.sampled_from(["a", "Z-9", "a b", "%41", "=;,", '"'])
_expressions = st.sampled_from(["a|b", "[a-z0-9]+", ".*", "(?i)x{1,9}", r"\d+\.\w*", "(?:a(?P<name>b))?"])
_conditions = st.one_of(
    *(st.fixed_dictionaries({kind: _words}) for kind in ("exact", "prefix")),
    st.fixed_dictionaries({"regex": _expressions}),
)
_conditions_or_any: st.SearchStrategy[Args] = st.one_of(st.just({}), _conditions)
_durations = st.sampled_from(["1ms", "0.5s", "3s", "1m30s", "8760h", "1h0.001s"])
_edited = st.sampled_from(["1", "", "100%%", "%REQ(x-a)%, %PROTOCOL%", "a b"])
MATCHES: dict[str, st.SearchStrategy[Any]] = {
    "method": st.one_of(
        st.builds(lambda method: {"exact": method}, st.sampled_from(METHODS)),
        st.sampled_from([{"prefix": "P"}, {"regex": "GET|HEAD"}]),
    ),
    "headers": st.dictionaries(_own_headers, _conditions_or_any, max_size=2).filter(_different),
    "withoutHeaders": st.dictionaries(_own_headers, _conditions_or_any, max_size=2).filter(_different),
    "queryParams": st.dictionaries(_words, _conditions_or_any, max_size=2),
    "authority": _conditions,
    "scheme": st.sampled_from([{"exact": "http"}, {"prefix": "h"}]),
    "port": floats_too(st.integers(1, 65535)),
    "sourceLabels": st.dictionaries(label_keys, tags(), max_size=1),
    "sourceNamespace": labels(63),
    "name": _words,
    "statPrefix": _words,
}
ROUTE: dict[str, st.SearchStrategy[Any]] = {
    "name": _words,
    "mirror": st.booleans(),
    "timeout": _durations,
    "retries": st.one_of(
        st.just({"attempts": 0}),
        fuzzed(
            {"attempts": floats_too(st.integers(1, 100))},
            {
                "perTryTimeout": _durations,
                "backoff": _durations,
                "retryOn": st.lists(st.sampled_from([*RETRY_ON, "503", "404"]), min_size=1, max_size=3).map(
                    ",".join
                ),
                "retryIgnorePreviousHosts": st.booleans(),
                "retryRemoteLocalities": st.booleans(),
            },
        ),
    ),
    "rewrite": st.one_of(
        st.sampled_from([{"uri": "/"}, {"authority": "other.example"}, {"uri": "/b", "authority": "a:80"}]),
        st.just({"uriRegexRewrite": {"match": "^/(a)(b)?", "rewrite": r"/\2\1\0\\"}}),
    ),
    "headers": fuzzed(
        {},
        {
            side: fuzzed(
                {},
                {
                    "set": st.dictionaries(_own_headers, _edited, max_size=2).filter(_different),
                    "add": st.dictionaries(_own_headers, _edited, max_size=2).filter(_different),
                    "remove": st.lists(_own_headers, max_size=2),
                },
            )
            for side in ("request", "response")
        },
    ),
    "corsPolicy": fuzzed(
        {},
        {
            "allowOrigins": st.lists(_conditions, max_size=2),
            "allowMethods": st.lists(st.sampled_from([*METHODS, "*"]), max_size=2),
            "allowHeaders": st.lists(st.one_of(_own_headers, st.just("*")), max_size=2),
            "exposeHeaders": st.lists(_own_headers, max_size=2),
            "maxAge": st.sampled_from(["1s", "24h"]),
            "allowCredentials": st.booleans(),
            "unmatchedPreflights": st.sampled_from(["UNSPECIFIED", "FORWARD", "IGNORE"]),
        },
    ),
    "fault": st.one_of(
        st.builds(lambda status: {"abort": {"httpStatus": status}}, st.integers(200, 599)),
        st.builds(
            lambda percent: {
                "abort": {"grpcStatus": "UNAVAILABLE", "percentage": {"value": percent}},
                "delay": {"fixedDelay": "1ms", "percentage": {"value": percent}},
            },
            st.one_of(st.just(0), st.floats(0.0001, 100)),
        ),
    ),
}
ANSWERS: dict[str, st.SearchStrategy[Any]] = {
    "redirect": st.one_of(
        st.sampled_from(
            [{"uri": "/b"}, {"authority": "other.example", "port": 8080}, {"derivePort": "FROM_REQUEST_PORT"}]
        ),
        st.builds(
            lambda code, scheme: {"prefixRewrite": "/b/", "redirectCode": code, "scheme": scheme},
            st.sampled_from([301, 302, 303, 307, 308]),
            st.sampled_from(["http", "https"]),
        ),
    ),
    "directResponse": st.builds(
        lambda status, body: {"status": status, **({"body": body} if body else {})},
        st.integers(200, 599),
        st.sampled_from([None, {"string": "gone"}, {"bytes": "Z29uZQ=="}]),
    ),
}
# None of which begins with another: Istio warns of routes that others may cover.
_paths = ["/cart/", "/api/v1/", "/api/v2/", "/search", "/static/", "/about", "/x/"]


@st.composite
def routes(draw: st.DrawFn) -> list[Args]:
    """Routes of different paths, and perhaps one for the rest."""
    found: list[Args] = []
    paths = draw(st.lists(st.sampled_from(_paths), max_size=4, unique=True))
    for path in paths:
        kind = draw(st.sampled_from(["prefix", "prefix", "exact", "regex"]))
        match = {"uri": {kind: path}, **draw(fuzzed({}, MATCHES))}
        found.append({"match": [match], **draw(route_rests(kind))})
    if not found or draw(st.booleans()):
        inside: Args = draw(st.sampled_from([{}, {"match": [{"gateways": ["mesh"]}]}] if found else [{}]))
        found.append({**inside, **draw(route_rests("prefix"))})
    return found


@st.composite
def route_rests(draw: st.DrawFn, kind: str) -> Args:
    """What a route is, besides its matches, whose path is of this kind."""
    rest: Args = draw(fuzzed({}, ROUTE))
    if kind == "regex" or "uri" in rest.get("rewrite", {}):
        return {**rest, "mirror": False}  # of those that are copied, paths may be asked for
    answer = draw(st.sampled_from([None, None, None, *ANSWERS]))
    if answer is None:
        return rest
    answered = {key: value for key, value in rest.items() if key not in ("mirror", "rewrite", "fault")}
    found = draw(ANSWERS[answer])
    if kind == "exact" and "prefixRewrite" in found:
        found = {"uri": "/b"}
    return {**answered, answer: found}


MIRROR_HEADERS: dict[str, st.SearchStrategy[Any]] = {
    "set": st.dictionaries(_own_headers, _edited, max_size=2).filter(_different),
    "remove": st.lists(
        st.sampled_from(["authorization", "Cookie", "x-a", "traceparent"]), max_size=2, unique=True
    ),
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


@st.composite
def service_ports(draw: st.DrawFn) -> list[Args]:
    """One to four ports: a routed one, and others, in any order."""
    others = ["http2", "grpc", "http-b", "tcp-c", "metrics", "dns"]
    names = ["http", *draw(st.lists(st.sampled_from(others), max_size=3, unique=True))]
    numbers = draw(st.lists(ports, min_size=len(names), max_size=len(names), unique=True))
    told: Args = {"metrics": {"appProtocol": "tcp"}, "dns": {"protocol": "UDP"}}
    found = [
        {"name": name, "port": number, **told.get(name, {})}
        for name, number in zip(names, numbers, strict=True)
    ]
    return draw(st.permutations(found))


more_services = fuzzed(
    {},
    {
        "type": st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer"]),
        "sessionAffinity": st.sampled_from(["None", "ClientIP"]),
        "internalTrafficPolicy": st.sampled_from(["Cluster", "Local"]),
        "annotations": st.dictionaries(own_keys, texts, max_size=2),
        "ports": st.one_of(
            st.builds(
                lambda port, to: [{"port": port, "targetPort": to}],
                floats_too(ports),
                st.sampled_from(["http", "x"]),
            ),
            st.builds(lambda port: [{"name": "a", "port": port, "targetPort": port}], ports),
        ),
    },
)
_seconds = st.integers(1, 3600).map("{}s".format)
_hashed_by: st.SearchStrategy[Args] = st.one_of(
    fuzzed({"httpHeaderName": st.sampled_from(["x-session", "Cookie"])}, {}),
    st.just({"useSourceIp": True}),
    fuzzed({"httpQueryParameterName": st.just("session")}, {"ringHash": st.just({"minimumRingSize": 64})}),
    fuzzed({"httpCookie": fuzzed({"name": st.just("session"), "ttl": _seconds}, {"path": st.just("/")})}, {}),
)
BALANCING: dict[str, st.SearchStrategy[Any]] = {
    "connectionPool": fuzzed(
        {"tcp": fuzzed({"maxConnections": floats_too(st.integers(1, 1000))}, {"connectTimeout": _seconds})},
        {"http": fuzzed({"http2MaxRequests": st.integers(1, 1000)}, {"idleTimeout": _seconds})},
    ),
    "loadBalancer": st.one_of(
        st.fixed_dictionaries({"simple": st.sampled_from(["RANDOM", "ROUND_ROBIN", "LEAST_REQUEST"])}),
        st.fixed_dictionaries({"consistentHash": _hashed_by}),
    ),
    "outlierDetection": fuzzed(
        {"consecutive5xxErrors": st.integers(0, 100)},
        {"interval": _seconds, "maxEjectionPercent": st.integers(0, 100)},
    ),
    "tls": st.one_of(
        st.fixed_dictionaries({"mode": st.sampled_from(["DISABLE", "ISTIO_MUTUAL"])}),
        st.just({"mode": "SIMPLE", "sni": "shop.example", "insecureSkipVerify": True}),
    ),
}
traffic_policies = fuzzed(
    {}, {**BALANCING, "retryBudget": fuzzed({"percent": floats_too(st.integers(1, 100))}, {})}
)
NAMESPACE: dict[str, st.SearchStrategy[Any]] = {
    "createNamespace": st.booleans(),
    "namespaceLabels": st.one_of(
        st.dictionaries(own_keys, tags(), max_size=2),
        st.builds(lambda rev: {"istio.io/rev": rev}, labels(20)),
        st.just({"istio-injection": "disabled", "pod-security.kubernetes.io/enforce": "baseline"}),
    ),
}
answer_digests = fuzzed(
    {"key": st.text("0123456789abcdefABCDEF", min_size=32, max_size=32)},
    {"oneOf": st.integers(1, 10_000), "maxJsonBytes": st.integers(1024, 262_144), "hideNames": st.booleans()},
)
SERVICE: dict[str, st.SearchStrategy[Any]] = {
    "clusterDomain": st.one_of(service_names(63), domains.filter(syntax.is_domain)),
    "disruptionBudget": st.one_of(
        fuzzed({"maxUnavailable": st.one_of(st.integers(0, 9), st.sampled_from(["0%", "50%"]))}, {}),
        fuzzed({"minAvailable": st.integers(0, 9)}, {"unhealthyPodEvictionPolicy": st.just("AlwaysAllow")}),
    ),
    "keepOnDestroy": st.booleans(),
    "ports": service_ports(),
    "hosts": hosts(),
    "gateway": gateways,
    "labels": st.dictionaries(st.one_of(own_keys, st.sampled_from(tagging.FREE_LABELS)), tags(), max_size=2),
    "annotations": st.dictionaries(own_keys, texts, max_size=2),
    "routes": routes(),
    "moreServices": st.dictionaries(service_names(20).map("{}-more".format), more_services, max_size=2),
    "trafficPolicy": traffic_policies,
    "mirrorMatch": fuzzed({}, MATCH),
    "mirrorHeaders": fuzzed({}, MIRROR_HEADERS),
    "accessLog": fuzzed({}, {"providers": providers}),
    "answerDigests": st.one_of(st.just({}), answer_digests),
    "mirrorTo": mirror_targets,
    "settleSeconds": st.floats(0, 300),
    "expectedRequestsPerSecond": st.floats(0, 1_000_000),
}


def apart(args: Args) -> Args:
    """The arguments without what makes two ports of a container one."""
    ports = args.get("ports", [])
    taken = {(port["port"], port.get("protocol")) for port in ports[1:]}
    own = ports[0].get("protocol") if ports else None
    versions = {
        name: {
            key: value
            for key, value in version.items()
            if key != "containerPort" or (value, own) not in taken
        }
        for name, version in args["subsets"].items()
    }
    return {**args, "subsets": versions}


@st.composite
def listening(draw: st.DrawFn, args: Args) -> Args:
    """The arguments, with pods that listen elsewhere in some versions for ports after the first."""
    names = [port["name"] for port in args.get("ports", [])[1:]]
    first = {value for port in args.get("ports", [])[:1] for value in port.values()}
    high = ports.filter(lambda port: port > 40_000)
    numbers = st.lists(high, min_size=len(names), max_size=len(names), unique=True)
    elsewhere: st.SearchStrategy[bool] = st.booleans()
    versions = {}
    for name, version in args["subsets"].items():
        here: Args = dict(zip(names, draw(numbers), strict=True))
        taken = first | {version.get("containerPort")}
        fits = "podLabels" not in version and taken.isdisjoint(here.values())
        own: Args = {"containerPorts": here} if fits and names and bool(draw(elsewhere)) else {}
        versions[name] = {**version, **own}
    return {**args, "subsets": versions}


@st.composite
def arguments_of(draw: st.DrawFn) -> Args:
    name = draw(service_names(32))
    versions = st.one_of(subsets(name), subsets(name), subsets(name), foreign_subsets())
    # The first part keeps it apart from the namespaces that exist.
    needed = {"name": st.just(name), "namespace": labels(58).map("fuzz-{}".format), "subsets": versions}
    namespace = draw(fuzzed({}, NAMESPACE))
    if namespace.get("createNamespace") is False:
        namespace = {"createNamespace": False}
    return {**draw(fuzzed(needed, SERVICE)), **namespace}


def _as_entered(args: Args) -> Args:
    """The arguments with a gateway that fits the hosts, and routes that fit the ways in."""
    found = dict(args)
    if found.get("gateway", {}).get("delegate"):
        found.pop("hosts", None)
    elif not found.get("hosts"):
        found.pop("gateway", None)
    outside = found.get("hosts") or found.get("gateway", {}).get("delegate")
    inside_only = all("gateways" in str(route.get("match")) for route in found.get("routes", [{}]))
    if outside and inside_only:
        found.pop("routes", None)
    matches = [match for route in found.get("routes", [{}]) for match in route.get("match", [{}])]
    left_out = [
        port
        for port in found.get("ports", [])
        if all(match.get("port") not in (None, port["port"]) for match in matches)
    ]
    if left_out and len(found["ports"]) > 1:
        found.pop("routes", None)
    return found


_arguments = arguments_of().map(_as_entered).map(apart)
arguments = _arguments.flatmap(listening)
grpc_arguments = st.builds(
    lambda args, chosen: {**args, "ports": [{"name": "grpc", "port": 80}], "mirrorMatch": chosen},
    _arguments,
    st.sampled_from([{"methods": ["*"]}, {"methods": ["GET", "POST"]}, {"grpcCalls": True}]),
)
everything: st.SearchStrategy[Args] = st.one_of(arguments, grpc_arguments)
