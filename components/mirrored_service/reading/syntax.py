"""How names, hosts, images and quantities are spelt: what Kubernetes, Istio and container runtimes take.

The API server checks only some of this. An image that no runtime can parse, or a NUL in a variable, is accepted
there and ends as a pod that never starts.
"""

from __future__ import annotations

import ipaddress
import re
import warnings
from decimal import Decimal
from http import HTTPStatus

from ..description.mirror_to import is_address

# The kernel takes 128 KiB for one argument or variable; the name of a variable and "=" are part of it.
LONGEST_TEXT = 130_000
# Where the sidecar or the gateway's proxy listens or may listen, and 15008, which the sidecar never intercepts:
# it is kept for tunnels between proxies. https://istio.io/latest/docs/ops/deployment/application-requirements/
PROXY_PORTS = (15000, 15001, 15002, 15004, 15006, 15008, 15020, 15021, 15053, 15090)
# Containers that sidecar injection adds to the pod.
INJECTED_CONTAINERS = ("istio-init", "istio-proxy", "istio-validation")
# The user that Istio's proxy runs as. What it sends is not led through the proxy, whoever else uses it.
PROXY_USER = 1337
# Istio ignores matches of headers with these names: they are properties of their own.
UNMATCHED_HEADERS = ("authority", "method", "scheme", "uri")
# Namespaces of every cluster.
PRESENT_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")

_RESERVED_DOMAINS = ("kubernetes.io", "k8s.io", "istio.io", "pulumi.com")

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_TAG = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"  # the value of a Kubernetes label
LABEL = re.compile(_LABEL)
SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")  # older clusters want a letter first
GATEWAY = re.compile(f"{_LABEL}/{_LABEL}")
PROVIDER = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
LABEL_VALUE = re.compile(f"({_TAG})?")
# Names of Secrets, ConfigMaps, ServiceAccounts and claims: DNS names, whose labels may be longer than in DNS.
OBJECT_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
# Parts that are ".", ".." or empty lead elsewhere than it seems; ":" is the container runtimes' own separator.
_MOUNT_PATH = re.compile(r"(?=.{1,1000}\Z)(/(?!\.{1,2}(/|\Z))[^/:\x00-\x1f\x7f]+)+")
MATCH_PATH = re.compile(r"/[!-\"$-)+->@-~]{0,1000}\*?")  # without "?", "#", and "*" before the end
HEADER_NAME = re.compile(r"[-_A-Za-z0-9]{1,100}")
HEADER_VALUE = re.compile(r"[!-~]([ -~]{0,1000}[!-~])?")
ROUTE_PATH = re.compile(MATCH_PATH.pattern.removesuffix(r"\*?"))
ROUTE_NAME = re.compile(r"[!-~]([ -~]{0,198}[!-~])?")
CONDITION = re.compile(r"[ -~]{1,1000}")  # a value that another one is compared with
BASE64 = re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
# An unknown variable of Envoy's would make a proxy refuse the routes of all services.
_VARIABLES = (
    "CONNECTION_ID",
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS",
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT",
    "DOWNSTREAM_LOCAL_ADDRESS",
    "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT",
    "DOWNSTREAM_LOCAL_PORT",
    "DOWNSTREAM_PEER_SUBJECT",
    "DOWNSTREAM_PEER_URI_SAN",
    "DOWNSTREAM_REMOTE_ADDRESS",
    "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
    "DOWNSTREAM_TLS_CIPHER",
    "DOWNSTREAM_TLS_VERSION",
    "HOSTNAME",
    "PROTOCOL",
    "REQUESTED_SERVER_NAME",
    "RESPONSE_CODE",
    "START_TIME",
    "UPSTREAM_CLUSTER",
    "UPSTREAM_HOST",
)
EDITED_VALUE = re.compile(
    rf"(?=[ -~]{{0,1000}}\Z)([^%]|%%|%({'|'.join(_VARIABLES)})%|%REQ\([-_A-Za-z0-9]{{1,100}}\)%)*"
)
HTTP_STATUSES = frozenset(str(int(status)) for status in HTTPStatus)
_LABEL_NAME = re.compile(_TAG)
_HOST = re.compile(rf"(\*\.)?({_LABEL}\.)*{_LABEL}")
_QUANTITY = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)(?:[eE]([+-]?[0-9]{1,2})|(n|u|m|k|Ki|[MGTPE]i?)?)")
# The grammar of github.com/distribution/reference, which the kubelet uses.
_IMAGE_NAME = (
    r"([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*(:[0-9]+)?/)?"
    r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"
)
_IMAGE = re.compile(
    rf"(?P<name>{_IMAGE_NAME})(:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(@sha256:[0-9a-f]{{64}})?"
)
_STEPS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


def is_text(raw: object) -> bool:
    """Can a process be given this as argument or variable?"""
    if not isinstance(raw, str) or "\0" in raw:
        return False
    try:
        return len(raw.encode()) <= LONGEST_TEXT
    except UnicodeEncodeError:  # half of a pair of surrogates
        return False


def is_mount_path(raw: str) -> bool:
    """An absolute path in a container, without parts that lead elsewhere than it seems."""
    return is_text(raw) and _MOUNT_PATH.fullmatch(raw) is not None


def is_host(raw: str) -> bool:
    """A host as a Gateway takes it: a DNS name with a dot, "*", "*.domain" or an IPv4 address."""
    if raw == "*":
        return True
    # Istio takes a name without a dot for one inside the cluster and appends the namespace.
    if len(raw) > 253 or "." not in raw or _HOST.fullmatch(raw) is None:
        return False
    return not raw.rsplit(".", 1)[1].isdecimal() or is_address(raw)


def host_covers(wide: str, narrow: str) -> bool:
    """Does one of two hosts stand for the other too? Istio calls that a duplicate."""
    return wide == narrow or (wide.startswith("*") and narrow.removeprefix("*").endswith(wide[1:]))


def is_domain(raw: str) -> bool:
    """A DNS name, of one label or more, the last of which is no number."""
    # What comes before it in a full name takes up the rest.
    return _is_prefix(raw, 120) and not raw.rsplit(".", 1)[-1].isdecimal()


def is_mesh_host(raw: str) -> bool:
    """A host as the mesh knows services by: a DNS name with a dot, or "*.domain"."""
    return raw != "*" and is_host(raw) and not is_address(raw)


def is_range(raw: str) -> bool:
    """A range of addresses in its plain spelling: no bits set beyond its length."""
    try:
        return str(ipaddress.ip_network(raw)) == raw
    except ValueError:
        return False


def path_covers(wide: str, narrow: str) -> bool:
    """Does another path that requests are matched by stand for this one too?"""
    return wide != narrow and wide.endswith("*") and narrow.startswith(wide[:-1])


def is_image(raw: str) -> bool:
    found = _IMAGE.fullmatch(raw)
    # 64 hexadecimal digits alone would be the id of an image, which cannot be pulled.
    return found is not None and len(found["name"]) <= 255 and re.fullmatch("[0-9a-f]{64}", raw) is None


def is_label_key(raw: str) -> bool:
    """The key of a Kubernetes label: a name, or a DNS name, a slash and a name."""
    prefix, slash, name = raw.rpartition("/")
    return _LABEL_NAME.fullmatch(name) is not None and (not slash or _is_prefix(prefix, 253))


def is_reserved(raw: str) -> bool:
    """Does the key of a label or annotation belong to Kubernetes, Istio or Pulumi?"""
    prefix, slash, name = raw.rpartition("/")
    if not slash:
        return name == "istio-injection"
    return any(prefix == domain or prefix.endswith(f".{domain}") for domain in _RESERVED_DOMAINS)


def is_resource(raw: str) -> bool:
    """What a container can request: the standard resources, or an extended one with its domain."""
    return raw in ("cpu", "memory", "ephemeral-storage") or is_extended_resource(raw)


def is_extended_resource(raw: str) -> bool:
    """A resource of a device plugin: counted in whole pieces and never shared."""
    prefix, slash, _ = raw.rpartition("/")
    return (
        bool(slash)
        and is_label_key(raw)
        and _is_prefix(prefix, 253 - len("requests."))
        and "kubernetes.io/" not in raw
        and not raw.startswith("requests.")
    )


# What RE2 and Python may not take alike.
_REGEX_ODD = re.compile(
    r"\(\?(?!:|i\)|i:|s\)|s:|P<[A-Za-z_][A-Za-z0-9_]*>)"  # looking around, references, flags
    r"|\\(?![dDwWsSntrfv]|[!-/:-@\[-^`{-~]|x[0-9A-Fa-f]{2})"  # escapes
    r"|[*+?}][+]"  # possessive
    r"|\{,"  # {,3} is a repetition in Python only
    r"|\[\[:"  # a class of POSIX, in RE2 only
)
_REPEATED = re.compile(r"\{([0-9]{1,9})(?:,([0-9]{0,9}))?\}")
_MOST_REPEATED = 1000


def is_regex(raw: object) -> bool:
    """A regular expression that RE2, by which Envoy matches, takes in any case."""
    if not isinstance(raw, str) or re.fullmatch("[ -~]{1,1024}", raw) is None or _REGEX_ODD.search(raw):
        return False
    times = 1
    for least, most in _REPEATED.findall(raw):
        times *= max(int(least), int(most or 0), 1)
    if times > _MOST_REPEATED:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of what may mean something else one day
            re.compile(raw)
    except (re.error, FutureWarning, RecursionError, OverflowError):
        return False
    return True


def is_substitution(raw: object, groups: int) -> bool:
    """What a match of an expression with so many groups is replaced by, as RE2 takes it."""
    if not isinstance(raw, str) or re.fullmatch("[ -~]{1,1000}", raw) is None:
        return False
    parts = re.findall(r"\\(.?)", raw.replace("\\\\", ""))
    return all(part.isdecimal() and int(part) <= groups for part in parts)


def quantity(raw: object) -> Decimal | None:
    """The value of a Kubernetes quantity; None if it is none, or too large to count its thousandths."""
    found = _QUANTITY.fullmatch(raw) if isinstance(raw, str) else None
    if found is None:
        return None
    digits, exponent, suffix = found[1], found[2], found[3] or ""
    if suffix.endswith("i"):
        value = Decimal(digits) * 1024 ** ("KMGTPE".index(suffix[0]) + 1)
    else:
        value = Decimal(digits).scaleb(int(exponent) if exponent else _STEPS[suffix])
    return value if value * 1000 < 2**63 else None


def _is_prefix(raw: str, longest: int) -> bool:
    return len(raw) <= longest and re.fullmatch(rf"({_LABEL}\.)*{_LABEL}", raw) is not None
