"""`make orders`: the example examples/orders on the lab.

Orders go through the ingress gateway, and the rows of both databases are counted.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from lab.build import example_images
from lab.cluster.lab import Lab
from lab.cluster.layout import CHECKOUT
from lab.errors import LabError
from lab.kit.load import post_each
from lab.kit.scratch import write_project
from lab.kit.stack import Stack
from lab.progress import say

PROGRAM = CHECKOUT / "examples" / "orders"
RATE = 25
ARRIVAL_SECONDS = 30.0  # how long a copy may take to become a row
ROWS = ("psql", "--host=127.0.0.1", "--username=orders", "--tuples-only", "--no-align", "--command")


class Orders:
    """The example as a stack of its own; its config is in `directory`, not in the tree."""

    def __init__(self, lab: Lab, directory: Path, namespace: str) -> None:
        self.lab, self.namespace = lab, namespace
        self.host = f"{namespace}.example"
        directory.mkdir(parents=True, exist_ok=True)
        write_project(directory, PROGRAM)
        self._config_file = directory / f"Pulumi.{namespace}.yaml"
        self._config_file.touch()
        lab.add_images(example_images.recipes(say))
        self.stack = Stack(lab, namespace, directory)
        self.stack.select()
        self.configure(namespace=namespace, hosts=[self.host])
        if "databasePassword" not in self.stack.config():
            password = ("databasePassword", uuid.uuid4().hex)
            self.stack.output("config", "set", "--secret", *password, "--stack", namespace)

    def configure(self, **values: Any) -> None:
        """Sets some of the stack's config."""
        written = yaml.safe_load(self._config_file.read_text()) or {}
        config = {**written.get("config", {}), **{f"orders:{key}": values[key] for key in values}}
        self._config_file.write_text(yaml.safe_dump({**written, "config": config}))

    def send(self, count: int) -> tuple[set[str], dict[str, int]]:
        """Sends so many orders; returns their ids, and how many were answered with which status."""
        ids = [f"{uuid.uuid4().hex[:8]}-{number}" for number in range(count)]
        bodies = [json.dumps({"id": identity, "item": "tea"}).encode() for identity in ids]
        url = f"http://{self.lab.gateway_address}/orders"
        return set(ids), post_each(self.lab, url, self.host, bodies, RATE)

    def rows(self, database: str, of: set[str], wanted: int = 0) -> Counter[str]:
        """How often each of these orders is in a database, after waiting a while for so many rows."""
        give_up = time.monotonic() + ARRIVAL_SECONDS
        while True:
            place = (f"--namespace={self.namespace}-data", f"deployment/orders-{database}")
            ids = self.lab.kubectl("exec", *place, "--", *ROWS, "SELECT id FROM orders").split()
            found = Counter(identity for identity in ids if identity in of)
            if found.total() >= wanted or time.monotonic() > give_up:
                return found
            time.sleep(0.5)

    def logs(self, version: str) -> str:
        selector = f"--selector=app=orders,version={version}"
        place = (f"--namespace={self.namespace}", selector, "--container=orders")
        return self.lab.kubectl("logs", *place, "--tail=-1")


def main() -> int:
    lab = Lab()
    lab.up()
    example = Orders(lab, lab.layout.root / "orders", "orders")
    print("\npulumi up of examples/orders", flush=True)
    if status := example.stack.change("up", capture=False).returncode:
        return status
    ids, statuses = example.send(500)
    print(f"\n{len(ids)} orders sent through the ingress gateway; answers by status: {statuses}")
    right = statuses == {"201": len(ids)}
    for database in ("live", "shadow"):
        rows = example.rows(database, ids, len(ids))
        twice = sum(count > 1 for count in rows.values())
        print(f"{database} database: {rows.total()} rows, {twice} orders more than once")
        right = right and rows.total() == len(rows) == len(ids)
    return 0 if right else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
