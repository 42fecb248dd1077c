"""Headers taken off copies never reach the shadow's app, and live requests keep them, whichever version is "
"live."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from lab.kit.scratch import ScratchStack
from tests.mesh import echo
from tests.mesh.faults import wait_until
from tests.mesh.meanwhile import meanwhile

pytestmark = pytest.mark.thorough

SECRETS = {"authorization": "Bearer hush", "cookie": "session=hush"}
CHANGED: dict[str, Any] = {"set": {"x-copy": "true"}, "remove": ["authorization", "cookie"]}
Seen = dict[str, list[tuple[str, dict[str, str]]]]  # by path: version and headers of each request


def roles(live: str, shadow: str) -> dict[str, Any]:
    """Both versions, in an order of names that does not depend on their roles."""
    return {live: echo.version(weight=100), shadow: echo.version(mirrorPercent=100)}


@pytest.fixture(scope="module")
def deployed(deploy: Callable[[], ScratchStack]) -> ScratchStack:
    found = deploy()
    echo.deploy(found)
    change(found, roles("v1", "v2"))
    return found


def change(deployed: ScratchStack, subsets: dict[str, Any]) -> None:
    deployed.deploy(subsets, name="echo", mirrorMatch={"methods": ["*"]}, mirrorHeaders=CHANGED)


@contextmanager
def requests_with_secrets(deployed: ScratchStack, run: str) -> Iterator[list[str]]:
    """Sends requests with secrets during the block, and a little before and after; the list has their paths."""
    sent: list[str] = []
    with requests.Session() as session:
        session.trust_env = False

        def send() -> None:
            path = f"/{run}/{len(sent)}"
            headers = {"Host": deployed.host, **SECRETS}
            answer = session.get(deployed.lab.gateway_url + path, headers=headers, timeout=10)
            assert answer.status_code == 200, (path, answer.status_code, answer.text, time.time())
            sent.append(path)

        with meanwhile(send, every=0.02):
            time.sleep(1)
            yield sent
            time.sleep(2)


def seen(deployed: ScratchStack, run: str) -> Seen:
    """What both versions' apps got of a run."""
    found: Seen = defaultdict(list)
    for version in ("v1", "v2"):
        pods = (f"--selector=app=echo,version={version}", "--container=echo", "--tail=-1")
        for line in deployed.kubectl("logs", *pods).splitlines():
            request = json.loads(line)
            if request["path"].startswith(f"/{run}/"):
                headers = {name.lower(): value for name, value in request["headers"].items()}
                found[request["path"]].append((version, headers))
    return found


def assert_secrets_were_kept_from_copies(sent: list[str], found: Seen) -> int:
    """Of each request one app got everything, and any other one a copy without secrets; returns how many "
    "copies."""
    assert len(sent) > 50
    copies = 0
    for path in sent:
        whole = [headers for _, headers in found[path] if SECRETS.items() <= headers.items()]
        changed = [headers for _, headers in found[path] if headers.get("x-copy") == "true"]
        assert (len(whole), "x-copy" in whole[0] if whole else None) == (1, False), (path, found[path])
        assert len(whole) + len(changed) == len(found[path]) <= 2, (path, found[path])
        assert not any("hush" in value for headers in changed for value in headers.values())
        copies += len(changed)
    return copies


def test_copies_are_marked_and_have_no_secrets_while_live_requests_are_whole(deployed: ScratchStack) -> None:
    with requests_with_secrets(deployed, "still") as sent:
        time.sleep(2)
    wait_until(lambda: len(seen(deployed, "still")[sent[-1]]) == 2, "the last copy is logged")
    assert assert_secrets_were_kept_from_copies(sent, seen(deployed, "still")) == len(sent)


@pytest.mark.parametrize(("live", "shadow"), [("v2", "v1"), ("v1", "v2")], ids=["promotion", "rollback"])
def test_so_it_is_while_versions_change_their_roles(deployed: ScratchStack, live: str, shadow: str) -> None:
    run = f"to-{live}"
    with requests_with_secrets(deployed, run) as sent:
        change(deployed, roles(live, shadow))
    wait_until(lambda: len(seen(deployed, run)[sent[-1]]) == 2, "the last copy is logged")
    assert assert_secrets_were_kept_from_copies(sent, seen(deployed, run)) > 20
    assert {version for version, headers in seen(deployed, run)[sent[-1]] if "x-copy" in headers} == {shadow}


def test_without_it_copies_are_as_the_requests(deployed: ScratchStack) -> None:
    deployed.deploy(roles("v1", "v2"), name="echo", mirrorMatch={"methods": ["*"]})
    assert deployed.kubectl("get", "envoyfilters", "--output=name") == ""

    def copied_whole() -> bool:
        with requests_with_secrets(deployed, "off") as sent:
            pass
        found = seen(deployed, "off")[sent[-1]]
        return sorted(version for version, headers in found if SECRETS.items() <= headers.items()) == [
            "v1",
            "v2",
        ]

    wait_until(copied_whole, "copies have all headers again")
