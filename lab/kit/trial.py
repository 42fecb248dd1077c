"""A shop of two versions under load, its access logs collected and compared: what the shadow report finds."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lab.cluster.lab import Lab
from lab.cluster.layout import CHECKOUT
from lab.errors import LabError
from lab.kit import templates
from lab.kit.collection import Collection
from lab.kit.load import load, of_paths
from lab.kit.scratch import ScratchStack
from mirrored_service import MirroredServiceArgs

PROVIDER = "mirrored-service-json"  # lab/cluster/manifests/istio.yaml
PATHS = ("/cart", "/items/1", "/cart?step=2", "/items/2?colour=red", "/search?q=shoes")  # asked for in turn
FLUSH_SECONDS = 3.0  # Istio's proxies write their logs every second

Routes = Mapping[str, Mapping[str, Any]]  # see lab/build/modules/cluster/shop/main.go


@dataclass(frozen=True)
class Compared:
    """What `shadow-report compare` made of the logs."""

    status: int  # its exit status
    printed: str
    figures: dict[str, Any]

    @property
    def verdict(self) -> str:
        return str(self.figures["verdict"])

    def statements(self, result: str) -> list[tuple[str, str, str]]:
        """About what, of which route ("" for all), in which words: the statements with this result."""
        return [
            (each["about"], each["route"], each["text"])
            for each in self.figures["statements"]
            if each["result"] == result
        ]


class Trial:
    """The shop: v1 live, v2 its shadow, each told how to behave."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.lab, self.directory = lab, directory
        args: dict[str, Any] = {"name": "shop", "namespace": "", "subsets": {}}
        self.stack = ScratchStack(lab, directory, cast(MirroredServiceArgs, args))

    def deploy(
        self,
        live: Routes,
        shadow: Routes,
        mirror_percent: float = 100,
        digests: Mapping[str, Any] | None = None,
    ) -> None:
        """Deploys both versions, with the access log on, and with these digests of answers in it."""
        subsets = {
            "v1": {**_version("v1", live), "weight": 100},
            "v2": {**_version("v2", shadow), "mirrorPercent": mirror_percent},
        }
        logged = {"accessLog": {"providers": [PROVIDER]}, "answerDigests": dict(digests or {})}
        self.stack.deploy(subsets, **logged)

    @contextmanager
    def collecting(self, log: Path, rate: int, *more: str) -> Iterator[Collection]:
        """Load during the block, and a collector that writes to `log`."""
        stream = of_paths(self.lab, self.stack.host, PATHS, rate)
        with self.collector(log, *more) as collection, load(self.lab, [stream]):
            yield collection

    @contextmanager
    def collector(self, log: Path, *more: str) -> Iterator[Collection]:
        """A collector that writes to `log`, from which everything else goes before, until the block ends."""
        shutil.rmtree(log, ignore_errors=True)
        options = ("--namespace", self.stack.namespace, "--app", "shop", "--file-every", "5s", *more)
        collection = Collection(self.lab, log, *options)
        try:
            collection.wait_until_ready()
            yield collection
            time.sleep(FLUSH_SECONDS)
            collection.end()
        finally:
            collection.kill()

    def compare(self, log: Path, page: Path, *options: str) -> Compared:
        """What the report says of the logs; the page is written."""
        # A minute is enough here: nothing on the lab drifts.
        known = ("--live=v1", "--shadow=v2", f"--out={page}", "--edge=3", "--min-minutes=0")
        command = ["compare", str(log), *known, *options]
        ran = subprocess.run(
            [sys.executable, "-m", "shadow_report", *command], capture_output=True, text=True, cwd=CHECKOUT
        )
        if ran.returncode not in (0, 1, 3):
            raise LabError(f"shadow-report compare: exit status {ran.returncode}\n{ran.stdout}{ran.stderr}")
        return Compared(ran.returncode, ran.stdout, json.loads(page.with_suffix(".json").read_text()))

    def remove(self) -> None:
        self.stack.remove()


def _version(name: str, routes: Routes) -> dict[str, Any]:
    return {
        "image": "lab.local/shop:1",
        "env": {"VERSION": name, "ROUTES": json.dumps(routes)},
        **templates.probed(service="shop"),
        "stop": {"delaySeconds": 2},
    }
