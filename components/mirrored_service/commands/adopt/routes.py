"""Who routes requests to the service, and how the stack's routes answer as these do. Pure.

A VirtualService is taken over as a whole where the component can say all of it. Otherwise it stays, as the root
of its hosts, and delegates what led to the service to the stack's routes: its owner, its age and its order stay.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from ...description.routes import MESH
from ..doctor import names
from ..doctor.subject import Object, bound_to, doors, key, said
from . import owners
from .row import CANNOT, REPLACED, STAYS, Row
from .running import Running
from .world import World, age, destinations, http, led_to

Route = dict[str, Any]
_COPIES = ("mirror", "mirrorPercent", "mirrorPercentage", "mirror_percent", "mirrors")
_WHERE = ("route", *_COPIES)
# What a delegate's match by method is not within, so that Istio leaves its route out without a word.
_NO_COPIES_IN = ("method", "sourceNamespace", "ignoreUriCase")
_IN_MESH: Mapping[str, Any] = {"gateways": [MESH]}


@dataclass
class Routing:
    """What the stack's config says of routes, and what the steps do with the ones that are there."""

    settings: dict[str, Any] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    replaced: list[Object] = field(default_factory=list)  # VirtualServices to delete
    roots: list[tuple[Object, list[Route]]] = field(default_factory=list)  # with their new routes
    subsets: set[str] = field(default_factory=set)  # by which requests reach the pods today


def ports_led_to(world: World, running: Running) -> tuple[int | None, set[int]]:
    """The port that requests from outside are led to, if it is one; and all that HTTP routes lead to."""
    outside: set[int] = set()
    routed: set[int] = set()
    only = [port["port"] for service in running.services for port in service["spec"].get("ports") or ()]
    for virtual_service in world.of("VirtualService"):
        entered = bool(doors(virtual_service)) or not virtual_service["spec"].get("hosts")
        for route in http(virtual_service):
            for place, host in enumerate(led_to(virtual_service, route, running.domain)):
                if host in running.hosts:
                    port = _port(destinations(route)[place], only)
                    routed |= {port} if port else set()
                    outside |= {port} if port and entered else set()
    return (outside.pop() if len(outside) == 1 else None), routed


def _port(destination: Mapping[str, Any], only: list[int]) -> int | None:
    said_port = (destination.get("port") or {}).get("number")
    return said_port or (only[0] if len(set(only)) == 1 else None)


def read(world: World, running: Running, first: int) -> Routing:
    """`first` is the port of the service that requests from outside are for."""
    return _Reader(world, running, first).read()


class _Reader:
    def __init__(self, world: World, running: Running, first: int) -> None:
        self.world, self.running, self.first = world, running, first
        self.found = Routing()

    def read(self) -> Routing:
        for each in self.world.of("VirtualService"):
            self._look_at_connections(each)
        ours = [each for each in self.world.of("VirtualService") if self._leads_here(each)]
        delegates = [each for each in ours if not each["spec"].get("hosts")]
        entries = [each for each in ours if doors(each)]
        inside = sorted((each for each in ours if self._is_for_callers_inside(each)), key=age)
        for each in ours:
            self._look(each)
            if each not in delegates and each not in entries and each not in inside:
                self._row(
                    each,
                    STAYS,
                    "callers inside the mesh that ask for its hosts are led to the Service by it: the live "
                    "version answers, and nothing is copied",
                    "let them ask for the Service's own name where they are to be copied",
                )
        mesh = self._mesh(inside, entries)
        outside = self._outside(delegates, entries)
        self._put_together(mesh, outside)
        for each in [*self.found.replaced, *(root for root, _ in self.found.roots)]:
            self._look_at_other_callers(each)
        return self.found

    # Callers inside the mesh

    def _mesh(self, inside: list[Object], entries: list[Object]) -> list[Route]:
        """The routes for callers inside the mesh: those of the oldest VirtualService alone, as
        proxies have it."""
        if not inside:
            return [{}]
        used, *others = inside
        routes = []
        for route in http(used):
            left = _for_gateway(route, MESH)
            if left is None:
                continue
            if not self._only_here(used, left) and not _answers_itself(left):
                self._row(
                    used,
                    CANNOT,
                    f"its route {_named(left)} leads callers inside the mesh elsewhere, or to several versions",
                    "let it lead to this service's Service alone; the stack's routes lead to live versions only",
                )
                continue
            self._check_port(used, left)
            routes.append(self._plain(used, left))
        if used not in entries:
            self._replaced(
                used, "callers inside the mesh are routed by the stack's, which has the same routes"
            )
        for other in others:
            if other not in entries:
                self._replaced(other, f"proxies follow {said(used)} for these callers, which is older")
        return routes

    def _look_at_other_callers(self, virtual_service: Object) -> None:
        """What is bound to the mesh too, besides or instead of the service's own names."""
        if MESH not in bound_to(virtual_service):
            return
        elsewhere = [host for host in self._hosts(virtual_service) if host not in self.running.hosts]
        if virtual_service not in self.found.replaced:
            if len(elsewhere) < len(self._hosts(virtual_service)):
                self._row(
                    virtual_service,
                    STAYS,
                    "it is for callers inside the mesh too, and is older than the stack's routes for these",
                    "take the service's own names, or the gateway mesh, out of it after the first `up`",
                )
        elif elsewhere:
            self._row(
                virtual_service,
                CANNOT,
                f"it is for callers inside the mesh that ask for {', '.join(elsewhere)} too, and the stack's "
                "routes for these are for names of its Services only",
                "give these hosts a VirtualService of their own for the gateway mesh, before this one is deleted",
            )

    def _check_port(self, virtual_service: Object, route: Route) -> None:
        """Callers of a port are led to that port by the stack's routes."""
        ports = {port["port"] for port in self.running.services[0]["spec"].get("ports") or ()}
        wanted = (destinations(route) or [{}])[0].get("port", {}).get("number")
        asked = {match.get("port") for match in route.get("match") or [{}]}
        if wanted and len(ports) > 1 and asked != {wanted}:
            self._row(
                virtual_service,
                CANNOT,
                f"its route {_named(route)} leads callers of any port to port {wanted}; by the stack's routes "
                "they stay with the port that they call",
                "see that callers of other ports expect that; or give its matches port",
            )

    # Requests from outside

    def _outside(self, delegates: list[Object], entries: list[Object]) -> list[Route]:
        if delegates:
            return self._as_delegate(delegates, entries)
        if not entries:
            return []
        reason = self._why_not_whole(entries)
        if reason is None:
            return self._whole(entries[0])
        self.found.settings["gateway"] = {"delegate": True}
        for root in sorted(entries, key=age):
            self._root(root, reason)
        return [{}]

    def _whole(self, entry: Object) -> list[Route]:
        (door,) = doors(entry)
        hosts = [host for host in entry["spec"]["hosts"] if self._full(entry, host) not in self.running.hosts]
        self.found.settings |= {"hosts": hosts, "gateway": {"existing": door}}
        self._replaced(
            entry,
            "hosts and routes are the stack's; until it is deleted all its requests take it, as it is the older "
            "one of two that are equal",
        )
        gateway = self.world.find("Gateway", *door.split("/"))
        if gateway is not None:
            self.found.rows.append(
                Row(said(gateway), STAYS, "requests come in through it (gateway.existing)")
            )
        routes = [left for route in http(entry) if (left := _for_gateway(route, door)) is not None]
        return [self._plain(entry, route) for route in routes]

    def _why_not_whole(self, entries: list[Object]) -> str | None:
        """Why the component cannot say all of it; None: it can."""
        if len(entries) > 1:
            return f"{' and '.join(said(each) for each in entries)} lead here"
        (entry,) = entries
        if key(entry)[1] != self.running.namespace:
            return f"it is in the namespace {key(entry)[1]}, so somebody else looks after its hosts"
        if len(doors(entry)) > 1:
            return f"it is bound to several gateways: {', '.join(doors(entry))}"
        for key_ in ("tcp", "tls", "exportTo"):
            if entry["spec"].get(key_):
                return f"it has {key_}, which the stack's routes have not"
        elsewhere = [route for route in http(entry) if not self._is_ours(entry, route)]
        if elsewhere:
            return f"its route {_named(elsewhere[0])} leads elsewhere"
        gateway = self.world.find("Gateway", *doors(entry)[0].split("/"))
        if gateway is not None and not _open_for(gateway, self.running.namespace, entry["spec"]["hosts"]):
            return f"{said(gateway)} does not let the namespace {self.running.namespace} use its hosts"
        others = list(self._sharing(entry))
        if others:
            return (
                f"{', '.join(said(each) for each in others)} has routes for its hosts too, in an order by age"
            )
        return None

    def _sharing(self, entry: Object) -> Iterator[Object]:
        for other in self.world.of("VirtualService"):
            same_door = other is not entry and set(doors(other)) & set(doors(entry))
            if same_door and _share_a_host(entry, other):
                yield other

    def _root(self, root: Object, reason: str) -> None:
        routes, kept = [], 0
        for route in http(root):
            leads_here = any(host in self.running.hosts for host in self._led_to(root, route))
            if leads_here and self._is_ours(root, route):
                routes.append(self._delegated(root, route))
            else:
                routes.append(route)
                kept += leads_here
        if kept:
            self._row(
                root,
                CANNOT,
                f"{kept} of its routes to this service leads to several destinations or to another port than "
                f"{self.first}: it leads to the Service as before, whose live version answers, and is not copied",
                f"let it lead to port {self.first} of the Service alone, if it is to be copied",
            )
        if routes == http(root):
            return
        self.found.roots.append((root, routes))
        owner = owners.owner(root)
        self._row(
            root,
            STAYS,
            f"{reason}; so it stays, and delegates what led here to the stack's routes "
            f"({self.running.name}-vs): matches, rewrites, timeouts and order are its own as before",
            f"put the change into {owner}, which would take it back" if owner else "",
        )
        if any(_takes_from_others(route) for route in routes) and any(True for _ in self._sharing(root)):
            self._row(
                root,
                CANNOT,
                "its route for every path shares the hosts with other VirtualServices: while only some methods "
                "are copied, Istio puts their route before those of younger ones, and takes requests of them",
                'let this root delegate their paths too, or copy every method (mirrorMatch: {methods: ["*"]})',
            )

    def _delegated(self, root: Object, route: Route) -> Route:
        left = self._plain(root, route)
        conditions = {condition for match in route.get("match") or () for condition in match}
        hidden = [condition for condition in _NO_COPIES_IN if condition in conditions]
        if hidden:
            self._row(
                root,
                CANNOT,
                f"its route {_named(route)} asks for {', '.join(hidden)}, and Istio leaves copies by method out "
                "there: its requests are answered as before, and not copied",
                'take the condition out, or copy every method (mirrorMatch: {methods: ["*"]})',
            )
        target = {"name": f"{self.running.name}-vs", "namespace": self.running.namespace}
        return {**left, "delegate": target}

    def _as_delegate(self, delegates: list[Object], entries: list[Object]) -> list[Route]:
        """There is a root already, and what it delegates to is ours."""
        used, *others = delegates
        for other in [*others, *entries]:
            self._row(
                other,
                CANNOT,
                f"{said(used)} is taken over as the delegate, and there can be one",
                "let one VirtualService lead to this service from outside",
            )
        target = {"name": key(used)[2], "namespace": key(used)[1]}
        new = {"name": f"{self.running.name}-vs", "namespace": self.running.namespace}
        for root in self.world.of("VirtualService"):
            routes = [
                {**route, "delegate": new} if _delegate(root, route) == target else route
                for route in http(root)
            ]
            if routes != http(root):
                self.found.roots.append((root, routes))
                self._row(root, STAYS, f"it delegates to {self.running.name}-vs in place of {key(used)[2]}")
        self.found.settings["gateway"] = {"delegate": True}
        self._replaced(used, "it is a delegate, and the stack's has the same routes")
        for route in http(used):
            if not self._is_ours(used, route):
                self._row(
                    used,
                    CANNOT,
                    f"its route {_named(route)} leads elsewhere, to several versions or to another port than "
                    f"{self.first}",
                    "let the root lead these requests elsewhere itself",
                )
        return [self._plain(used, route) for route in http(used) if self._is_ours(used, route)]

    # Together

    def _put_together(self, mesh: list[Route], outside: list[Route]) -> None:
        """The component has one list for all callers: where they differ, what is for those inside comes first."""
        if not outside or mesh == outside:
            routes = mesh
        else:
            ends = bool(mesh) and not mesh[-1].get("match")
            # As Istio answers where no route is for a request.
            rest: list[Route] = [] if ends else [{"directResponse": {"status": 404}}]
            routes = [*map(_inside, [*mesh, *rest]), *outside]
        if routes != [{}]:
            self.found.settings["routes"] = routes

    # What VirtualServices say

    def _look(self, virtual_service: Object) -> None:
        for route in http(virtual_service):
            here = any(host in self.running.hosts for host in self._led_to(virtual_service, route))
            self.found.subsets |= {
                str(each["subset"]) for each in destinations(route) if here and each.get("subset")
            }
            if here and any(name in route for name in _COPIES):
                self._row(
                    virtual_service,
                    CANNOT,
                    f"its route {_named(route)} copies requests already",
                    "these copies end with it: give the version that gets them a mirrorPercent, or say mirrorTo",
                )

    def _look_at_connections(self, virtual_service: Object) -> None:
        for kind in ("tcp", "tls"):
            routes = virtual_service["spec"].get(kind) or ()
            if any(set(self._led_to(virtual_service, route)) & self.running.hosts for route in routes):
                why = f"its {kind} routes lead to the Service as before: the live version answers, uncopied"
                self._row(virtual_service, STAYS, why)

    def _plain(self, virtual_service: Object, route: Route) -> Route:
        """The route without where it leads to, which follows from the versions."""
        left = copy.deepcopy({name: value for name, value in route.items() if name not in _WHERE})
        (only,) = route.get("route") or [{}]
        edits = only.get("headers")
        if edits:
            both = {side: {**(left.get("headers") or {}).get(side, {}), **edits[side]} for side in edits}
            left["headers"] = {**(left.get("headers") or {}), **both}
        if left.get("match") and any(not match for match in left["match"]):
            del left["match"]  # an empty match is for everything
        return left

    def _is_ours(self, virtual_service: Object, route: Route) -> bool:
        """Can the stack answer what this route answers?"""
        if _answers_itself(route):
            return True
        return self._only_here(virtual_service, route) and self._wanted_port(route) in (None, self.first)

    def _only_here(self, virtual_service: Object, route: Route) -> bool:
        hosts = list(self._led_to(virtual_service, route))
        return len(hosts) == 1 and hosts[0] in self.running.hosts and "delegate" not in route

    @staticmethod
    def _wanted_port(route: Route) -> int | None:
        number: int | None = (destinations(route)[0].get("port") or {}).get("number")
        return number

    def _leads_here(self, virtual_service: Object) -> bool:
        return any(
            host in self.running.hosts
            for route in http(virtual_service)
            for host in self._led_to(virtual_service, route)
        )

    def _is_for_callers_inside(self, virtual_service: Object) -> bool:
        return MESH in bound_to(virtual_service) and any(
            host in self.running.hosts for host in self._hosts(virtual_service)
        )

    def _hosts(self, virtual_service: Object) -> list[str]:
        return [self._full(virtual_service, host) for host in virtual_service["spec"].get("hosts") or ()]

    def _full(self, virtual_service: Object, host: str) -> str:
        return names.full(host, key(virtual_service)[1], self.running.domain)

    def _led_to(self, virtual_service: Object, route: Route) -> Iterator[str]:
        return led_to(virtual_service, route, self.running.domain)

    def _replaced(self, virtual_service: Object, why: str) -> None:
        if virtual_service in self.found.replaced:
            return
        self.found.replaced.append(virtual_service)
        self._row(virtual_service, REPLACED, why, owners.take_out(virtual_service))

    def _row(self, found: Object, verdict: str, why: str, do: str = "") -> None:
        self.found.rows.append(Row(said(found), verdict, why, do))


def _share_a_host(one: Object, other: Object) -> bool:
    pairs = product(one["spec"]["hosts"], other["spec"]["hosts"])
    return any(names.meet(mine, theirs) for mine, theirs in pairs)


def _answers_itself(route: Route) -> bool:
    return "redirect" in route or "directResponse" in route


def _delegate(virtual_service: Object, route: Route) -> Mapping[str, Any] | None:
    found = route.get("delegate")
    if not found:
        return None
    return {"name": found.get("name"), "namespace": found.get("namespace") or key(virtual_service)[1]}


def _takes_from_others(route: Route) -> bool:
    """Is it for every path, and delegated?"""
    paths = [match.get("uri", {"prefix": "/"}) for match in route.get("match") or [{}]]
    return "delegate" in route and {"prefix": "/"} in paths


def _for_gateway(route: Route, gateway: str) -> Route | None:
    """The route as proxies of a gateway have it; None: it is not for them."""
    matches = route.get("match")
    if not matches:
        return route
    left = [
        {name: value for name, value in match.items() if name != "gateways"}
        for match in matches
        if not match.get("gateways") or _named_there(match["gateways"], gateway)
    ]
    if not left:
        return None
    rest = {name: value for name, value in route.items() if name != "match"}
    return {"match": left, **rest} if all(left) else rest


def _named_there(listed: list[str], gateway: str) -> bool:
    return any(name == gateway or gateway.endswith(f"/{name}") for name in listed)


def _inside(route: Route) -> Route:
    """The route for callers inside the mesh alone."""
    return {**route, "match": [{**match, **_IN_MESH} for match in route.get("match") or [{}]]}


def _open_for(gateway: Object, namespace: str, hosts: list[str]) -> bool:
    """May VirtualServices of the namespace use these hosts of the Gateway?"""
    own = key(gateway)[1]
    for server in gateway["spec"].get("servers") or ():
        for entry in server.get("hosts") or ():
            where, slash, host = entry.rpartition("/")
            allowed = not slash or where in ("*", namespace) or (where == "." and own == namespace)
            if allowed and all(names.meet(host, each) for each in hosts):
                return True
    return False


def _named(route: Route) -> str:
    """A route, as its owner finds it."""
    if route.get("name"):
        return str(route["name"])
    paths = [
        f"{kind} {path}" for match in route.get("match") or () for kind, path in match.get("uri", {}).items()
    ]
    return f"of {', '.join(paths[:3])}" if paths else "for everything"
