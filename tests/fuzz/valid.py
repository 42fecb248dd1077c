"""Generates valid arguments that cover every property."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from mirrored_service import model, syntax

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
# Without weight and mirrorPercent, which depend on the other versions.
VERSION: dict[str, st.SearchStrategy[Any]] = {
    "replicas": floats_too(st.integers(1, 10_000)),
    "containerPort": floats_too(ports),
    "env": st.dictionaries(env_names, texts, max_size=3),
    "resources": resources(),
    "command": st.lists(texts, max_size=3),
    "args": st.lists(texts, max_size=3),
    "probe": fuzzed({}, PROBE),
    "rollout": rollouts(),
    "stop": stops(),
}
versions = fuzzed({"image": images}, VERSION)
percentages = st.one_of(
    st.just(0),
    floats_too(st.integers(1, 1000)),
    st.floats(model.LEAST_PERCENT, 1000),
    st.sampled_from([model.LEAST_PERCENT, 0.00015, 99.99999, 100.00001, 999.99999]),
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
        found[name] = {**draw(versions), **role}
    return found


gateways = st.one_of(
    fuzzed({}, {"existing": st.builds("{}/{}".format, labels(63), labels(63))}),
    fuzzed(
        {},
        {
            "selector": st.dictionaries(label_keys, st.one_of(st.just(""), tags()), min_size=1, max_size=3),
            "port": floats_too(ports),
        },
    ),
)
providers = st.lists(names("aZ09-_.", 253), min_size=1, max_size=3, unique=True)
methods = st.one_of(st.just(["*"]), st.lists(st.sampled_from(model.METHODS), min_size=1, max_size=9))
SERVICE: dict[str, st.SearchStrategy[Any]] = {
    "createNamespace": st.booleans(),
    "keepOnDestroy": st.booleans(),
    "port": floats_too(ports),
    "protocol": st.sampled_from(["http", "http2"]),
    "hosts": hosts(),
    "gateway": gateways,
    "mirrorMatch": fuzzed({}, {"methods": methods}),
    "accessLog": fuzzed({}, {"providers": providers}),
    "settleSeconds": st.floats(0, 300),
    "expectedRequestsPerSecond": st.floats(0, 1_000_000),
}
arguments = fuzzed(
    {
        "name": service_names(32),
        # The first part keeps it apart from the namespaces that exist.
        "namespace": labels(58).map("fuzz-{}".format),
        "subsets": subsets(),
    },
    SERVICE,
)
grpc_arguments = st.builds(
    lambda args, chosen: {**args, "protocol": "grpc", "mirrorMatch": {"methods": chosen}},
    arguments,
    st.sampled_from([["*"], ["POST"], ["GET", "POST"]]),
)
everything: st.SearchStrategy[Args] = st.one_of(arguments, grpc_arguments)
