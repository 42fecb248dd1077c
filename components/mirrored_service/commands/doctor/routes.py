"""Who else routes requests of the service's hosts, and who answers which of them. Pure.

Istio puts the routes of all VirtualServices of one host behind a gateway one after the other, the oldest first;
only routes that take every path, and look at nothing else, go to the end (SortVHostRoutes in
pilot/pkg/networking/core/route/route.go). Callers in the mesh follow the oldest VirtualService of a host alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ...description.routes import MESH
from . import names
from .finding import DANGER, NOTE, WARNING, Finding, NotChecked
from .seen import Seen
from .subject import Object, bound_to, doors, key, said

Findings = Iterator[Finding | NotChecked]

_NEWEST = "9999"  # a VirtualService that is not there yet becomes the newest
_MANY = 4


@dataclass(frozen=True)
class Match:
    """One alternative of a route: which requests it takes."""

    owner: tuple[str, str, str]
    kind: str  # prefix, exact or regex
    path: str
    method: str  # "": every one
    more: bool  # asks for headers and the like as well

    @property
    def every_path(self) -> bool:
        return (self.kind, self.path) in (("prefix", "/"), ("regex", ".*"))

    @property
    def catches_all(self) -> bool:
        return self.every_path and not self.method and not self.more

    def meets(self, other: Match) -> bool:
        """May one request be among those of both? Regular expressions may take any path."""
        if self.method and other.method and self.method != other.method:
            return False
        if "regex" in (self.kind, other.kind):
            return True
        if self.kind == other.kind == "exact":
            return self.path == other.path
        if self.kind == "exact":
            return self.path.startswith(other.path)
        if other.kind == "exact":
            return other.path.startswith(self.path)
        return self.path.startswith(other.path) or other.path.startswith(self.path)


def shared_hosts(seen: Seen) -> Findings:
    """Other VirtualServices on the service's hosts behind the same gateways."""
    everything = seen.everywhere("VirtualService")
    yield from seen.gaps("VirtualService")
    for ours in seen.subject.of("VirtualService"):
        ours_now = next((found for found in everything if key(found) == key(ours)), ours)
        for other in seen.others(everything):
            if not _share_a_gateway(seen, ours, other):
                continue
            same = set(ours["spec"].get("hosts") or ()) & set(other["spec"].get("hosts") or ())
            if same:
                yield from _on_one_host(ours, ours_now, other, sorted(same))
            else:
                yield from _on_wider_hosts(ours, other)


def _on_one_host(ours: Object, ours_now: Object, other: Object, hosts: list[str]) -> Findings:
    first, second = (ours, other) if _age(ours_now) < _age(other) else (other, ours)
    ordered = [*_matches(first), *_matches(second)]
    ordered = [
        *(match for match in ordered if not match.catches_all),
        *(match for match in ordered if match.catches_all),
    ]
    mine = key(ours)
    taken: list[str] = []
    lost: list[str] = []
    everything = False
    for place, later in enumerate(ordered):
        for earlier in ordered[:place]:
            if earlier.owner == later.owner or not earlier.meets(later):
                continue
            if earlier.owner == mine:
                taken.append(_both(earlier, later))
            else:
                lost.append(_both(earlier, later))
                everything = everything or earlier.catches_all
    if not taken and not lost:
        return
    where = f"{said(other)} has routes for {', '.join(hosts)} too"
    if taken:
        yield Finding(
            DANGER,
            f"{where}, and this service's answer {_listed(taken)} of it"
            + (f"; its answer {_listed(lost)} of this service's" if lost else ""),
            "routes that ask for a method or a header stand before all routes of newer VirtualServices: "
            "with copies on, this service answers requests of another, and with copies off it does not",
            "give this service paths of its own (routes), or let the host's owner delegate to it "
            "(gateway.delegate), "
            'or copy every method (mirrorMatch: {methods: ["*"]}) if the shadow may carry out what it is asked',
        )
    else:
        yield Finding(
            DANGER if everything else WARNING,
            f"{where}, and its answer {_listed(lost)} of this service's",
            "it stands before this service's routes: these requests never come here, and are not copied",
            "take the paths out of one of them, or delete it if it is left from before"
            if everything
            else "nothing, if these paths are meant to be its; else take them out of one of the two",
        )


def _on_wider_hosts(ours: Object, other: Object) -> Findings:
    """Of a host name and a pattern that covers it, proxies follow the closer one alone."""
    for mine in ours["spec"].get("hosts") or ():
        for theirs in other["spec"].get("hosts") or ():
            if names.covers(mine, theirs):
                yield Finding(
                    NOTE,
                    f"{said(other)} has routes for {theirs}, which is among {mine}",
                    f"requests for {theirs} go by its routes alone, and are not copied",
                    "nothing, if that is meant; else take the host out of one of the two",
                )
            elif names.covers(theirs, mine):
                yield Finding(
                    NOTE,
                    f"{said(other)} has routes for {theirs}, which covers {mine}",
                    f"requests for {mine} go by this service's routes alone; its paths there are answered here",
                    "nothing, if that is meant; else see that no path of it is missed",
                )


def mesh_hosts(seen: Seen) -> Findings:
    """Other VirtualServices for callers in the mesh: proxies follow the oldest of a host alone."""
    everything = seen.everywhere("VirtualService")
    yield from seen.gaps("VirtualService")
    ours = next((found for found in seen.subject.of("VirtualService") if MESH in bound_to(found)), None)
    if ours is None:
        return
    ours = next((found for found in everything if key(found) == key(ours)), ours)
    for other in seen.others(everything):
        hosts = [
            names.full(host, key(other)[1], seen.subject.domain) for host in other["spec"].get("hosts") or ()
        ]
        if MESH not in bound_to(other) or seen.subject.host not in hosts:
            continue
        wins, loses = ("it", "this service's") if _age(other) < _age(ours) else ("this service's", "it")
        yield Finding(
            DANGER,
            f"{said(other)} routes what callers in the mesh send to {seen.subject.host} too",
            f"proxies follow the older one alone, which is {wins}: of {loses} no route is used"
            + (", so nothing that callers in the mesh send is copied" if wins == "it" else ""),
            f"delete {said(other)}, or take the gateway mesh and the host out of it",
        )


def routed_past(seen: Seen) -> Findings:
    """VirtualServices of others that lead requests to versions that are not live."""
    everything = seen.everywhere("VirtualService")
    yield from seen.gaps("VirtualService")
    live = {version.name for version in seen.subject.versions if version.live}
    for other in seen.others(everything):
        for destination in _destinations(other):
            host = names.full(destination.get("host", ""), key(other)[1], seen.subject.domain)
            subset = destination.get("subset")
            if host == seen.subject.versions_host and subset not in live:
                yield Finding(
                    DANGER,
                    f"{said(other)} leads requests to {subset or 'all versions'} of {seen.subject.versions_host}",
                    "live requests are answered by a version that is not live",
                    f"lead them to {seen.subject.host}, which is answered by live versions only",
                )
                break


def gateways(seen: Seen) -> Findings:
    """The Gateways that the routes name: there, and open for the service's hosts?"""
    for ours in seen.subject.of("VirtualService"):
        hosts = ours["spec"].get("hosts") or ()
        if not hosts:
            yield from _delegated(seen, ours)
        for named in bound_to(ours):
            if named == MESH or any(_gateway_name(found) == named for found in seen.subject.of("Gateway")):
                continue
            there = seen.everywhere("Gateway")
            found = next((each for each in there if _gateway_name(each) == named), None)
            if found is None and not any(True for _ in seen.gaps("Gateway")):
                yield Finding(
                    DANGER,
                    f"there is no Gateway {named}",
                    f"{said(ours)} is bound to nothing: no request from outside comes in",
                    "make it, or name another one in gateway.existing",
                )
            elif found is None:
                yield from seen.gaps("Gateway")
            else:
                for host in hosts:
                    if not any(names.meet(host, open_) for open_ in _open_hosts(found, key(ours)[1])):
                        yield Finding(
                            DANGER,
                            f"{said(found)} is not open for {host}",
                            f"requests for {host} get 404 from the gateway, whatever the routes say",
                            f"add {host} to the hosts of one of its servers, or take it out of hosts",
                        )


def _delegated(seen: Seen, ours: Object) -> Findings:
    """Routes without hosts are used where a VirtualService with hosts delegates to them."""
    _, namespace, name = key(ours)
    for other in seen.everywhere("VirtualService"):
        for route in other["spec"].get("http") or ():
            delegate = route.get("delegate") or {}
            if delegate.get("name") == name and (delegate.get("namespace") or key(other)[1]) == namespace:
                return
    gaps = list(seen.gaps("VirtualService"))
    yield from gaps
    if not gaps:
        yield Finding(
            DANGER,
            f"no VirtualService delegates to {said(ours)}",
            "gateway.delegate leaves the host to another VirtualService: without it nothing comes in from there",
            f"ask the host's owner for a route with delegate: {{name: {name}, namespace: {namespace}}}",
        )


def _matches(found: Object) -> list[Match]:
    """All alternatives of a VirtualService, in its order."""
    return list(chain.from_iterable(_of_route(found, route) for route in found["spec"].get("http") or ()))


def _of_route(found: Object, route: Mapping[str, Any]) -> list[Match]:
    alternatives: list[Mapping[str, Any]] = route.get("match") or [{}]
    return [_match(found, alternative) for alternative in alternatives]


def _match(found: Object, asked: Mapping[str, Any]) -> Match:
    kind, path = next(iter((asked.get("uri") or {"prefix": "/"}).items()))
    method = (asked.get("method") or {}).get("exact", "")
    more = bool(set(asked) - {"uri", "method", "name", "ignoreUriCase", "gateways", "port"})
    return Match(key(found), kind, path, method, more or ("method" in asked and not method))


def _both(earlier: Match, later: Match) -> str:
    """What both take, as far as it can be said."""
    closer = later if earlier.every_path or len(later.path) > len(earlier.path) else earlier
    method = earlier.method or later.method
    end = "*" if closer.kind == "prefix" else ""
    return (
        f"{method or 'everything'} under {closer.path}"
        if end
        else f"{method or 'everything'} of {closer.path}"
    )


def _listed(found: list[str]) -> str:
    unlike = list(dict.fromkeys(found))
    more = f" and {len(unlike) - _MANY} more" if len(unlike) > _MANY else ""
    return ", ".join(unlike[:_MANY]) + more


def _age(found: Object) -> tuple[str, str, str]:
    """Istio's order: by creation, then by name."""
    metadata = found["metadata"]
    return metadata.get("creationTimestamp") or _NEWEST, metadata["name"], metadata.get("namespace", "")


def _gateway_name(found: Object) -> str:
    return "/".join(key(found)[1:])


def _share_a_gateway(seen: Seen, ours: Object, other: Object) -> bool:
    """Are both bound to one Gateway, or to two that open the same port of the same proxies?"""
    mine, theirs = (set(doors(found)) for found in (ours, other))
    if mine & theirs:
        return True
    there = {
        _gateway_name(found): found for found in [*seen.everywhere("Gateway"), *seen.subject.of("Gateway")]
    }
    return any(
        _one_door(there[one], there[another])
        for one in mine
        for another in theirs
        if one in there and another in there
    )


def _one_door(one: Object, other: Object) -> bool:
    same = one["spec"].get("selector") == other["spec"].get("selector")
    return same and bool(_ports(one) & _ports(other))


def _ports(gateway: Object) -> set[int]:
    return {server["port"]["number"] for server in gateway["spec"].get("servers") or ()}


def _open_hosts(gateway: Object, namespace: str) -> list[str]:
    """Those that VirtualServices of the namespace may use."""
    named = [host for server in gateway["spec"].get("servers") or () for host in server.get("hosts") or ()]
    found = []
    for host in named:
        where, slash, name = host.rpartition("/")
        here = (
            not slash or where == "*" or where == namespace or (where == "." and key(gateway)[1] == namespace)
        )
        found += [name] if here else []
    return found


def _destinations(found: Object) -> list[Mapping[str, Any]]:
    http = found["spec"].get("http") or ()
    return [member.get("destination") or {} for route in http for member in route.get("route") or ()]
