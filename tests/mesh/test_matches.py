"""Only requests that match are copied, and every request is answered by the live version."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import requests

from lab.kit.check import access_log
from lab.kit.scratch import ScratchStack
from lab.kit.under_load import UnderLoad, assert_nothing_lost

SUBSETS = {
    "v1": {"image": "lab.local/nginx-v1:1", "weight": 100},
    "v2": {"image": "lab.local/nginx-v2:1", "mirrorPercent": 100},
}
TIMES = 5  # each request


class Sent(NamedTuple):
    """A request; `path` begins with the case's name."""

    method: str
    path: str
    headers: dict[str, str] = {}  # noqa: RUF012  (never changed)
    body: str = ""
    chunked: bool = False

    def data(self) -> str | Iterator[bytes]:
        """The body as requests takes it: a generator is sent in chunks, without its size."""
        return iter([self.body.encode()]) if self.chunked else self.body


MARKED = {"x-debug": "1"}
CASES: dict[str, tuple[dict[str, Any], list[Sent], list[Sent]]] = {
    "methods": ({"methods": ["POST"]}, [Sent("POST", "/a")], [Sent("GET", "/a"), Sent("PUT", "/a")]),
    "every-method": ({"methods": ["*"]}, [Sent("GET", "/a"), Sent("POST", "/b"), Sent("DELETE", "/c")], []),
    "paths": (
        {"paths": ["/paths/cart", "/paths/shop/*"]},
        [Sent("GET", "/cart"), Sent("GET", "/cart?item=1"), Sent("GET", "/shop/"), Sent("GET", "/shop/a/b")],
        [Sent("GET", "/cart/"), Sent("GET", "/carts"), Sent("GET", "/shop"), Sent("POST", "/cart")],
    ),
    "a-header": (
        {"headers": {"X-Debug": "1"}},
        [Sent("GET", "/a", MARKED), Sent("GET", "/b", {"X-DEBUG": "1"})],
        [Sent("GET", "/a"), Sent("GET", "/b", {"x-debug": "11"}), Sent("POST", "/c", MARKED)],
    ),
    "any-value": (
        {"headers": {"x-debug": "*"}},
        [Sent("GET", "/a", MARKED), Sent("GET", "/b", {"x-debug": "anything else"})],
        [Sent("GET", "/a"), Sent("GET", "/b", {"x-debugging": "1"})],
    ),
    "together": (
        {"methods": ["GET", "POST"], "paths": ["/together/a", "/together/b/*"], "headers": {"x-debug": "1"}},
        [Sent("GET", "/a", MARKED), Sent("POST", "/a", MARKED), Sent("POST", "/b/c", MARKED)],
        [
            Sent("GET", "/a"),
            Sent("POST", "/b/c"),
            Sent("GET", "/c", MARKED),
            Sent("DELETE", "/a", MARKED),
            Sent("GET", "/a", {"x-debug": "2"}),
        ],
    ),
    "small-bodies": (
        {"methods": ["*"], "maxBodyBytes": 10},
        [Sent("GET", "/a"), Sent("POST", "/b", body="x" * 10), Sent("DELETE", "/c"), Sent("POST", "/d")],
        [Sent("POST", "/e", body="x" * 11), Sent("PUT", "/f", body="x", chunked=True)],
    ),
    "every-method-of-a-path": (
        {"methods": ["*"], "paths": ["/every-method-of-a-path/a"], "headers": {"x-debug": "*"}},
        [Sent("GET", "/a", MARKED), Sent("PATCH", "/a", MARKED)],
        [Sent("PATCH", "/a"), Sent("PATCH", "/b", MARKED)],
    ),
}


@pytest.fixture(scope="module")
def under_load(deploy: Callable[[], ScratchStack]) -> UnderLoad:
    return UnderLoad(deploy())


def seen(deployed: ScratchStack, version: str, name: str) -> Counter[tuple[str, str]]:
    logged = access_log(deployed.lab, deployed.service, version, f"/{name}/")
    return Counter((line["method"], line["path"]) for line in logged)


def expected(name: str, sent: list[Sent]) -> Counter[tuple[str, str]]:
    return Counter({(each.method, f"/{name}{each.path.partition('?')[0]}"): 0 for each in sent}) + Counter(
        (each.method, f"/{name}{each.path.partition('?')[0]}") for each in sent for _ in range(TIMES)
    )


@pytest.mark.parametrize("name", CASES)
def test_what_matches_is_copied_and_nothing_else(under_load: UnderLoad, name: str) -> None:
    deployed = under_load.deployed
    match, copied, others = CASES[name]
    deployed.deploy(SUBSETS, mirrorMatch=match)
    with requests.Session() as session:
        session.trust_env = False
        for sent in [*copied, *others] * TIMES:
            url = f"{deployed.lab.gateway_url}/{name}{sent.path}"
            headers = {"Host": deployed.host, **sent.headers}
            answer = session.request(sent.method, url, headers=headers, data=sent.data(), timeout=10)
            assert (answer.status_code, answer.text.split()[1]) == (200, "v1")
    give_up = time.monotonic() + 20
    while seen(deployed, "v2", name) != expected(name, copied) and time.monotonic() < give_up:
        time.sleep(0.3)
    time.sleep(1)  # for copies that should not be there
    assert seen(deployed, "v2", name) == expected(name, copied)
    assert seen(deployed, "v1", name) == expected(name, [*copied, *others])


def test_nothing_is_lost_when_what_is_copied_changes(under_load: UnderLoad) -> None:
    under_load.begin_with(SUBSETS)
    for match in ({"paths": ["/lo*"]}, {"headers": {"x-debug": "*"}}, {"methods": ["*"]}):
        assert_nothing_lost(under_load.change_to(SUBSETS, mirrorMatch=match), {"v1"})
