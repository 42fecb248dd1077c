"""examples/orders: a service that writes is mirrored, and no order is written twice where it counts."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from lab import Lab, LabError
from lab.demos.orders import Orders
from lab.kit.scratch import end_pods
from tests.mesh.faults import wait_until


@pytest.fixture(scope="module")
def orders(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orders]:
    example = Orders(lab, tmp_path_factory.mktemp("orders"), "test-orders")
    yield example
    end_pods(lab, example.namespace, f"{example.namespace}-data")
    example.stack.destroy()
    example.stack.output("stack", "rm", example.stack.name, "--yes")


def refused(example: Orders, version: str) -> set[str]:
    """The orders that a version could not store, going by its log."""
    return set(re.findall(r"CANNOT store order (\S+):", example.logs(version)))


def test_500_orders_are_500_rows_in_each_database_and_none_is_there_twice(orders: Orders) -> None:
    orders.stack.up()
    ids, statuses = orders.send(500)
    assert statuses == {"201": 500}
    for database in ("live", "shadow"):
        rows = orders.rows(database, ids, wanted=500)
        assert (rows.total(), set(rows)) == (500, ids)
    assert refused(orders, "v1") == refused(orders, "v2") == set()


def test_a_shadow_that_is_told_to_use_the_live_database_cannot_and_says_so(orders: Orders) -> None:
    orders.configure(shadowDatabase="live")
    orders.stack.up()
    ids, statuses = orders.send(100)
    assert statuses == {"201": 100}
    wait_until(lambda: refused(orders, "v2") >= ids, "v2's log names every order that it could not store")
    rows = orders.rows("live", ids)
    assert (rows.total(), set(rows)) == (100, ids)
    assert orders.rows("shadow", ids).total() == 0
    assert not refused(orders, "v1") & ids


def test_the_shadow_becomes_live_and_every_order_is_still_one_row(orders: Orders) -> None:
    orders.configure(mirrorPercent=0, shadowDatabase="shadow")
    orders.stack.up()
    orders.configure(live="v2")
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(orders.send, 750)
        orders.stack.up()
        ids, statuses = sending.result()
    more, answers = orders.send(25)
    assert (statuses, answers) == ({"201": 750}, {"201": 25})
    rows = orders.rows("live", ids | more)
    assert (rows.total(), set(rows)) == (775, ids | more)
    assert orders.rows("shadow", ids | more).total() == 0
    assert orders.logs("v2").count("POST /orders") >= 25


def test_the_version_that_was_live_can_be_the_shadow_then(orders: Orders) -> None:
    orders.configure(mirrorPercent=100)
    orders.stack.up()
    ids, statuses = orders.send(50)
    assert statuses == {"201": 50}
    for database in ("live", "shadow"):
        rows = orders.rows(database, ids, wanted=50)
        assert (rows.total(), set(rows)) == (50, ids)


RESTRICTED = """
apiVersion: v1
kind: Namespace
metadata:
  name: test-restricted
  labels: {pod-security.kubernetes.io/enforce: restricted}
"""


def test_the_pods_keep_to_the_restricted_profile_apart_from_istios_own_containers(orders: Orders) -> None:
    lab = orders.lab
    lab.kubectl("apply", "--filename=-", input=RESTRICTED)
    try:
        for place in (orders.namespace, f"{orders.namespace}-data"):
            items = json.loads(lab.kubectl("get", "deployments", f"--namespace={place}", "--output=json"))[
                "items"
            ]
            assert len(items) == 2
            for item in items:
                judge(lab, item["metadata"]["name"], item["spec"]["template"]["spec"])
        with pytest.raises(LabError, match="violates PodSecurity"):
            judge(lab, "careless", {"containers": [{"name": "any", "image": "lab.local/orders:1"}]})
    finally:
        lab.kubectl("delete", "namespace", "test-restricted", "--wait=false")


def judge(lab: Lab, name: str, spec: dict[str, object]) -> None:
    """Has the API server check a pod against the profile, without running it; LabError if it refuses."""
    plain = {key: value for key, value in spec.items() if not key.startswith("serviceAccount")}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": plain}
    dry_run = ("--namespace=test-restricted", "--dry-run=server", "--filename=-")
    lab.kubectl("create", *dry_run, input=yaml.safe_dump(pod))
