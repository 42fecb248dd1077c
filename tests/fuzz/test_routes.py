"""Which route answers a request does not depend on what is copied, and copied is what both kinds of conditions
take: the lab's gateway, an Envoy with routes from istiod, decides.

Each generated list of routes is under three hosts: as it is without copies, as it is with them, and, to be asked
what is to be copied, mirrorMatch alone. Every route answers by itself with its number: nothing runs behind it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any, NamedTuple

import pytest
import requests
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter

from lab import Lab
from mirrored_service.description.routes import Route
from mirrored_service.reading.service import parse
from mirrored_service.rendering import copies, routes
from tests.services import service_args

pytestmark = pytest.mark.thorough

LISTS = 30
AT_ONCE = 8
SHADOW = {"v1": {"image": "shop:1", "weight": 100}, "v2": {"image": "shop:2", "mirrorPercent": 100}}
GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: front, namespace: {namespace}}}
spec:
  selector: {{istio: ingressgateway}}
  servers: [{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: ["./*.{namespace}.example"]}}]
"""
_uris = st.sampled_from(
    [
        {"prefix": "/"},
        {"prefix": "/a"},
        {"prefix": "/a/b"},
        {"exact": "/a"},
        {"exact": "/a/b/c"},
        {"prefix": "/c/"},
    ]
)
_values = st.sampled_from([{}, {"exact": "1"}, {"prefix": "1"}])
_matches = st.fixed_dictionaries(
    {},
    optional={
        "uri": _uris,
        "method": st.sampled_from(
            [{"exact": "GET"}, {"exact": "POST"}, {"prefix": "P"}, {"regex": "GET|PUT"}]
        ),
        "headers": st.fixed_dictionaries({}, optional={"X-A": _values, "x-b": _values}).filter(bool),
        "withoutHeaders": st.fixed_dictionaries({"x-b": _values}),
        "queryParams": st.fixed_dictionaries({"q": st.sampled_from([{}, {"exact": "1"}])}),
    },
).filter(bool)
_lists = st.tuples(
    st.lists(
        st.builds(
            lambda match, mirror: {"match": match, "mirror": mirror},
            st.lists(_matches, min_size=1, max_size=2),
            st.sampled_from([True, True, False]),
        ),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
)
_copied = st.fixed_dictionaries(
    {},
    optional={
        "methods": st.sampled_from([["*"], ["GET"], ["POST", "PUT"]]),
        "paths": st.lists(st.sampled_from(["/a", "/a/*", "/a/b*", "/c/*", "/*"]), min_size=1, max_size=2),
        "headers": st.fixed_dictionaries(
            {}, optional={"x-a": st.sampled_from(["1", "12", "*"]), "x-c": st.just("*")}
        ),
        "maxBodyBytes": st.sampled_from([0, 3]),
    },
)


class Asked(NamedTuple):
    method: str
    path: str
    a: str | None  # the value of X-A
    b: str | None


GRID = [
    Asked(*each)
    for each in product(
        ("GET", "POST", "PUT"), ("/", "/a", "/a/b?q=1", "/a/b/c", "/c/d"), (None, "1", "12"), (None, "1")
    )
]


def sound(own: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Up to the first route for everything: one before others is refused."""
    for place, route in enumerate(own):
        if Route(tuple(route["match"]), {}, True).is_last:
            return own[: place + 1]
    return own


def generated() -> list[tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Lists of routes, each with what is copied."""
    found: list[tuple[list[dict[str, Any]], dict[str, Any]]] = []

    @seed(14)
    @settings(
        max_examples=LISTS,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(_lists, _copied)
    def gather(listed: tuple[list[dict[str, Any]], bool], copied: dict[str, Any]) -> None:
        own, rest = listed
        found.append((sound([*own, *([{"match": [{"uri": {"prefix": "/"}}]}] if rest else [])]), copied))

    gather()
    return found


def answering(http: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The routes, each with an answer in place of destinations: its number, and whether it copies."""
    numbers: dict[str, str] = {}
    made = []
    for route in http:
        number = numbers.setdefault(route["name"], route["name"])
        marks = {"x-route": number, "x-copied": str("mirrors" in route)}
        kept = {key: route[key] for key in route if key not in ("route", "mirrors", "name")}
        made.append({**kept, "headers": {"response": {"set": marks}}, "directResponse": {"status": 200}})
    return made


class Decided:
    """The gateway, with each list under its hosts."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.namespace = lab, f"fuzz-{uuid.uuid4().hex[:6]}"
        lab.kubectl("create", "namespace", self.namespace)
        self.lists = generated()
        objects = [yaml.safe_load(GATEWAY.format(namespace=self.namespace))]
        for number, (own, copied) in enumerate(self.lists):
            named = [{**route, "name": f"r{place}"} for place, route in enumerate(own)]
            alone = {"v1": SHADOW["v1"]}
            for kind, subsets in (("plain", alone), ("copied", SHADOW)):
                described = parse(service_args(subsets, routes=named, mirrorMatch=copied))
                http = routes.ingress_virtual_service(described)["spec"]["http"]
                objects.append(self._object(kind, number, answering(http)))
            wanted = copies.matches(described.mirror_match)
            asking: list[dict[str, Any]] = [{"match": wanted, "name": "r0", "mirrors": []}, {"name": "r1"}]
            objects.append(self._object("wanted", number, answering(asking)))
        lab.kubectl("apply", "--filename=-", input=yaml.safe_dump_all(objects))
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("http://", HTTPAdapter(pool_maxsize=AT_ONCE))

    def _object(self, kind: str, number: int, http: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": f"{kind}-{number}", "namespace": self.namespace},
            "spec": {"hosts": [self.host(kind, number)], "gateways": ["front"], "http": http},
        }

    def host(self, kind: str, number: int) -> str:
        return f"{kind}-{number}.{self.namespace}.example"

    def ask(self, kind: str, number: int, asked: Asked) -> tuple[int, str | None, str | None]:
        """The status, the route's number, and whether it copies."""
        given_headers = {"X-A": asked.a, "x-b": asked.b, "x-c": asked.b}
        headers = {name: value for name, value in given_headers.items() if value is not None}
        answer = self.session.request(
            asked.method,
            self.lab.gateway_url + asked.path,
            headers={"Host": self.host(kind, number), **headers},
            data="12345" if asked.method == "PUT" else None,
            timeout=10,
        )
        return answer.status_code, answer.headers.get("x-route"), answer.headers.get("x-copied")

    def wait(self) -> None:
        """Until the gateway knows the last list."""
        give_up = time.monotonic() + 60
        while self.ask("wanted", len(self.lists) - 1, GRID[0])[0] != 200:
            assert time.monotonic() < give_up
            time.sleep(0.5)
        time.sleep(3)


@pytest.fixture(scope="module")
def decided(lab: Lab) -> Iterator[Decided]:
    found = Decided(lab)
    found.wait()
    yield found
    lab.kubectl("delete", "namespace", found.namespace, "--wait=false")


def test_the_same_route_answers_and_what_is_to_be_copied_is(decided: Decided) -> None:
    cases = list(product(range(len(decided.lists)), GRID))

    def difference(case: tuple[int, Asked]) -> Any:
        number, asked = case
        plain, copied, wanted = (decided.ask(kind, number, asked) for kind in ("plain", "copied", "wanted"))
        own, match = decided.lists[number]
        may = plain[1] is not None and own[int(plain[1][1:])].get("mirror", True)
        as_wanted = copied[2] == (str(bool(may) and wanted[2] == "True") if plain[1] is not None else None)
        same = plain[:2] == copied[:2] and as_wanted
        return None if same else (asked, own, match, plain, copied, wanted)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        odd = [found for found in threads.map(difference, cases) if found]
    assert odd == [], f"{len(odd)} of {len(cases)}, the first: {odd[0]}"
    answers = [decided.ask("copied", number, asked) for number, asked in cases[:: len(cases) // 500]]
    kinds = {(status, copied) for status, _, copied in answers}
    assert kinds == {(200, "True"), (200, "False"), (404, None)}
