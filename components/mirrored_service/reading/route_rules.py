"""What Istio's webhook, or a proxy, would refuse of a route that is well-formed.

`render` has no webhook to ask, and what only a proxy refuses is worse: it keeps its old routes, of every
service, and nobody is told. Sources: validateHTTPRoute in pkg/config/validation/virtualservice.go of Istio, and
the rules of RouteAction in api/envoy/config/route/v3/route_components.proto of Envoy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pulumi

from ..description import durations
from ..description.routes import MESH
from . import syntax
from .copies import LEAST_PERCENT
from .fields import Path, Problems, fits, shown
from .refusals import Refusals, below, of_parts

Value = Mapping[str, Any]

_DURATION_TEXT = (
    "a duration from 1 millisecond to 8760 hours, in whole milliseconds, such as 3s, 1.5s or 200ms"
)
_REGEX_TEXT = (
    "a regular expression of RE2 of at most 1024 printable ASCII characters: no looking around, no references to "
    "groups, no possessive or more than 1000 repetitions"
)
_PATH_TEXT = (
    'a path that starts with "/", printable ASCII without "?", "#" and "*", which would be taken literally'
)
_HEADER_TEXT = "a header's name: letters, digits, '-' and '_'"
_VALUE_TEXT = (
    'printable ASCII; "%" as "%%", or one of Envoy\'s variables such as %REQ(x-request-id)% or '
    "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"
)
_PERCENT_TEXT = f"0, or a number from {LEAST_PERCENT} to 100"
_STATUS_TEXT = "a status from 200 to 599"
_PORT_TEXT = "a port from 1 to 65535"
_NAME_TEXT = "a string of at most 200 printable ASCII characters"

PSEUDO_HEADERS = (":authority", ":method", ":path", ":scheme")
_CLAIMS = "@request.auth.claims"
RETRY_ON = (
    "5xx",
    "cancelled",
    "connect-failure",
    "deadline-exceeded",
    "envoy-ratelimited",
    "gateway-error",
    "http3-post-connect-failure",
    "internal",
    "refused-stream",
    "reset",
    "reset-before-request",
    "resource-exhausted",
    "retriable-4xx",
    "retriable-headers",
    "retriable-status-codes",
    "unavailable",
)
GRPC_STATUSES = (
    "ABORTED",
    "ALREADY_EXISTS",
    "CANCELLED",
    "DATA_LOSS",
    "DEADLINE_EXCEEDED",
    "FAILED_PRECONDITION",
    "INTERNAL",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "OUT_OF_RANGE",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "UNAUTHENTICATED",
    "UNAVAILABLE",
    "UNIMPLEMENTED",
    "UNKNOWN",
)
_REDIRECT_CODES = (301, 302, 303, 307, 308)
_CORS_METHODS = ("*", "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
_MOST_BODY = 100_000
_MOST_ATTEMPTS = 100


def check(problems: Problems, path: Path, route: Value) -> None:
    """Notes what is wrong with a route, of which names and types of fields are right."""
    for place, value, allowed in list(_outputs(route)) or _of_route(route):
        # What edits, or asks for, a header may be a password.
        secret = "headers" in place or isinstance(value, Mapping | list)
        problems.add((*path, *place), f"{shown(value, secret=secret)} is not allowed; allowed: {allowed}")


def _outputs(value: Any, path: Path = ()) -> Refusals:
    """What is not known yet, where it must be."""
    if isinstance(value, pulumi.Output):
        if path[:1] != ("headers",) and path[:2] != ("directResponse", "body"):
            yield path, value, "a plain value; outputs in headers and directResponse.body only"
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield from _outputs(member, (*path, key))
    elif isinstance(value, list):
        for place, member in enumerate(value):
            yield from _outputs(member, (*path, place))


def _of_route(route: Value) -> Refusals:
    if "name" in route and not fits(syntax.ROUTE_NAME, route["name"]):
        yield ("name",), route["name"], _NAME_TEXT
    for place, match in enumerate(route.get("match", ())):
        yield from below(("match", place), _of_match(match))
    yield from _beside(route)
    yield from _duration(route, "timeout")
    parts = {
        "retries": _of_retries,
        "rewrite": _of_rewrite,
        "redirect": _of_redirect,
        "directResponse": _of_direct_response,
        "corsPolicy": _of_cors,
        "fault": _of_fault,
        "headers": _of_headers,
    }
    yield from of_parts(route, parts)
    yield from _of_two(route)


def _beside(route: Value) -> Refusals:
    for key in ("redirect", "directResponse"):
        for other in ("directResponse", "fault", "rewrite"):
            if key in route and other in route and key != other:
                yield (other,), route[other], f"nothing next to {key}"


def _of_two(route: Value) -> Refusals:
    """What depends on two parts of the route."""
    names = [
        name
        for edit in ("set", "add")
        for name in route.get("headers", {}).get("request", {}).get(edit, {})
        if name.lower() in ("host", ":authority")
    ]
    if len(names) + ("authority" in route.get("rewrite", {})) > 1:
        yield (
            ("headers", "request"),
            names,
            "one new host name of the request, also next to rewrite.authority",
        )
    if "prefixRewrite" in route.get("redirect", {}):
        for place, match in enumerate(route.get("match", ())):
            if "uri" in match and "prefix" not in match["uri"]:
                yield ("match", place, "uri"), match["uri"], "prefix only next to redirect.prefixRewrite"


def _of_match(match: Value) -> Refusals:
    if not match:
        yield (), match, "at least one condition; leave match out for every request"
    gateways = match.get("gateways")
    if gateways is not None and gateways != [MESH]:
        yield (
            ("gateways",),
            gateways,
            f'["{MESH}"], for callers inside the mesh only; all other routes are for both, as hosts and gateway '
            "say",
        )
    for key in ("uri", "method", "authority", "scheme"):
        if key in match:
            yield from below((key,), _of_condition(match[key], empty=False))
    for kind in ("exact", "prefix"):
        path = match.get("uri", {}).get(kind)
        if path and not fits(syntax.ROUTE_PATH, path):
            yield ("uri", kind), path, _PATH_TEXT
    for key in ("headers", "withoutHeaders", "queryParams"):
        for name, condition in match.get(key, {}).items():
            yield from below((key, name), _of_condition(condition, empty=True))
    yield from _of_header_names(match)
    if "" in match.get("queryParams", {}):
        yield ("queryParams",), "", "names that are not empty"
    yield from _of_callers(match)


def _of_condition(condition: Value, *, empty: bool) -> Refusals:
    """Istio's StringMatch; an empty one asks only that there is a value."""
    if len(condition) > 1 or (not condition and not empty):
        yield (
            (),
            condition,
            f"one of exact, prefix and regex{', or an empty mapping for any value' if empty else ''}",
        )
    for kind, value in condition.items():
        if kind == "regex":
            if not (empty and value == "*") and not syntax.is_regex(value):
                yield (kind,), value, _REGEX_TEXT
        elif not fits(syntax.CONDITION, value):
            yield (kind,), value, "1 to 1000 printable ASCII characters"


def _of_header_names(match: Value) -> Refusals:
    for key in ("headers", "withoutHeaders"):
        seen: set[str] = set()
        for name in match.get(key, {}):
            if name.startswith(_CLAIMS):
                yield (key, name), match[key][name], "no claims, which Istio takes at gateways only"
            elif name.lower() in syntax.UNMATCHED_HEADERS:
                yield (
                    (key, name),
                    match[key][name],
                    "none that Istio does not match by: use method, uri, authority",
                )
            elif name.lower() in seen:
                yield (key, name), match[key][name], "each header once; capitals make no difference"
            elif name not in PSEUDO_HEADERS and not fits(syntax.HEADER_NAME, name):
                yield (key, name), match[key][name], f"{_HEADER_TEXT}, or one of {', '.join(PSEUDO_HEADERS)}"
            seen.add(name.lower())


def _of_callers(match: Value) -> Refusals:
    if "port" in match and not 1 <= match["port"] <= 65535:
        yield ("port",), match["port"], _PORT_TEXT
    for name, value in match.get("sourceLabels", {}).items():
        if not (syntax.is_label_key(name) and fits(syntax.LABEL_VALUE, value)):
            yield ("sourceLabels", name), value, "a label of Kubernetes"
    if "sourceNamespace" in match and not fits(syntax.LABEL, match["sourceNamespace"]):
        yield ("sourceNamespace",), match["sourceNamespace"], "a namespace's name"
    for key in ("name", "statPrefix"):
        if key in match and not fits(syntax.ROUTE_NAME, match[key]):
            yield (key,), match[key], _NAME_TEXT


def _duration(values: Value, key: str) -> Refusals:
    if key in values and durations.milliseconds(values[key]) is None:
        yield (key,), values[key], _DURATION_TEXT


def _of_retries(retries: Value) -> Refusals:
    attempts = retries.get("attempts", 0)
    if not 0 <= attempts <= _MOST_ATTEMPTS:
        yield ("attempts",), attempts, f"a whole number from 0 to {_MOST_ATTEMPTS}"
    for key in ("perTryTimeout", "retryOn", "retryRemoteLocalities"):
        if attempts == 0 and key in retries:
            yield (key,), retries[key], "nothing unless attempts are 1 or more; 0 is no retries"
    for condition in retries.get("retryOn", "").split(",") if retries.get("retryOn") else ():
        if condition not in RETRY_ON and not _is_status(condition):
            yield (
                ("retryOn",),
                condition,
                f"{', '.join(RETRY_ON)} or HTTP statuses, with commas and no spaces",
            )
    yield from _duration(retries, "perTryTimeout")
    yield from _duration(retries, "backoff")


def _is_status(raw: str) -> bool:
    return raw in syntax.HTTP_STATUSES


def _of_rewrite(rewrite: Value) -> Refusals:
    regex = rewrite.get("uriRegexRewrite")
    if not rewrite.get("uri") and not regex and not rewrite.get("authority"):
        yield (), rewrite, "uri, uriRegexRewrite or authority"
    if "uri" in rewrite and regex is not None:
        yield ("uri",), rewrite["uri"], "nothing next to uriRegexRewrite"
    for key in ("uri", "authority"):
        if key in rewrite and not fits(syntax.CONDITION, rewrite[key]):
            yield (key,), rewrite[key], "1 to 1000 printable ASCII characters"
    if regex is not None:
        match, to = regex.get("match", ""), regex.get("rewrite", "")
        if not syntax.is_regex(match):
            yield ("uriRegexRewrite", "match"), match, _REGEX_TEXT
        elif not syntax.is_substitution(to, re.compile(match).groups):
            yield (
                ("uriRegexRewrite", "rewrite"),
                to,
                r"printable ASCII, not empty; \1 to \9 for groups that the expression has, \0 for all, \\ for \ "
                "itself",
            )


def _of_redirect(redirect: Value) -> Refusals:
    if "uri" in redirect and "prefixRewrite" in redirect:
        yield ("uri",), redirect["uri"], "nothing next to prefixRewrite"
    if "port" in redirect and "derivePort" in redirect:
        yield ("port",), redirect["port"], "nothing next to derivePort"
    if not any(
        redirect.get(key) for key in ("uri", "prefixRewrite", "authority", "port", "derivePort", "scheme")
    ):
        yield (), redirect, "uri, prefixRewrite, authority, port, derivePort or scheme"
    if "port" in redirect and not 1 <= redirect["port"] <= 65535:
        yield ("port",), redirect["port"], _PORT_TEXT
    if redirect.get("redirectCode", 301) not in _REDIRECT_CODES:
        yield ("redirectCode",), redirect["redirectCode"], " or ".join(map(str, _REDIRECT_CODES))
    if redirect.get("scheme", "http") not in ("http", "https"):
        yield ("scheme",), redirect["scheme"], "http or https"
    for key in ("uri", "prefixRewrite", "authority"):
        if key in redirect and not fits(syntax.CONDITION, redirect[key]):
            yield (key,), redirect[key], "1 to 1000 printable ASCII characters"


def _of_direct_response(response: Value) -> Refusals:
    if not 200 <= response["status"] <= 599:
        yield ("status",), response["status"], _STATUS_TEXT
    body = response.get("body", {})
    if len(body) > 1:
        yield ("body",), body, "string or bytes"
    for key, value in body.items():
        if not isinstance(value, pulumi.Output) and len(value.encode(errors="replace")) > _MOST_BODY:
            yield ("body", key), value, f"at most {_MOST_BODY} bytes"
    encoded = body.get("bytes", "")
    if not isinstance(encoded, pulumi.Output) and not fits(syntax.BASE64, encoded):
        yield ("body", "bytes"), encoded, "base64"


def _of_cors(policy: Value) -> Refusals:
    for place, origin in enumerate(policy.get("allowOrigins", ())):
        yield from below(("allowOrigins", place), _of_condition(origin, empty=False))
    for place, method in enumerate(policy.get("allowMethods", ())):
        if method not in _CORS_METHODS:
            yield ("allowMethods", place), method, f"one of {', '.join(_CORS_METHODS)}"
    for key in ("allowHeaders", "exposeHeaders"):
        for place, name in enumerate(policy.get(key, ())):
            if name != "*" and not fits(syntax.HEADER_NAME, name):
                yield (key, place), name, f'{_HEADER_TEXT}, or "*"'
    for place, origin in enumerate(policy.get("allowOrigin", ())):
        if not fits(syntax.CONDITION, origin):
            yield ("allowOrigin", place), origin, "1 to 1000 printable ASCII characters"
    yield from _duration(policy, "maxAge")
    if (durations.milliseconds(policy.get("maxAge")) or 0) % 1000:
        yield ("maxAge",), policy["maxAge"], "whole seconds"


def _of_fault(fault: Value) -> Refusals:
    if "abort" not in fault and "delay" not in fault:
        yield (), fault, "abort, delay or both"
    for kind, parts in (("abort", ("httpStatus", "grpcStatus")), ("delay", ("fixedDelay",))):
        if kind in fault:
            yield from below((kind,), _of_one_fault(fault[kind], parts))
    abort, delay = fault.get("abort", {}), fault.get("delay", {})
    if not 200 <= abort.get("httpStatus", 200) <= 599:
        yield ("abort", "httpStatus"), abort["httpStatus"], _STATUS_TEXT
    if abort.get("grpcStatus", "UNKNOWN") not in GRPC_STATUSES:
        yield ("abort", "grpcStatus"), abort["grpcStatus"], f"one of {', '.join(GRPC_STATUSES)}"
    yield from below(("delay",), _duration(delay, "fixedDelay"))


def _of_one_fault(fault: Value, parts: tuple[str, ...]) -> Refusals:
    known = (*parts, "percentage")
    for key in fault:
        if key not in known:
            yield (
                (key,),
                fault[key],
                f"nothing, as Istio does not support it, or not any more: use {' or '.join(known)}",
            )
    if sum(part in fault for part in parts) != 1:
        yield (), fault, f"one of {' and '.join(parts)}" if len(parts) > 1 else parts[0]
    percent = fault.get("percentage", {}).get("value", 0)
    if percent != 0 and not LEAST_PERCENT <= percent <= 100:
        yield ("percentage", "value"), percent, _PERCENT_TEXT


def _of_headers(headers: Value) -> Refusals:
    for side in ("request", "response"):
        edits = headers.get(side, {})
        for edit in ("set", "add"):
            for name, value in edits.get(edit, {}).items():
                host = side == "request" and name.lower() in ("host", ":authority")
                if not host and (name.lower() == "host" or not fits(syntax.HEADER_NAME, name)):
                    yield (side, edit, name), value, f"{_HEADER_TEXT}; host and :authority in request only"
                elif not isinstance(value, pulumi.Output) and not fits(syntax.EDITED_VALUE, value):
                    yield (side, edit, name), value, _VALUE_TEXT
        for place, name in enumerate(edits.get("remove", ())):
            if (
                isinstance(name, pulumi.Output)
                or name.lower() == "host"
                or not fits(syntax.HEADER_NAME, name)
            ):
                yield (side, "remove", place), name, f"{_HEADER_TEXT}; not host"
