"""`python -m benchmarks.answers.latency`: how much longer answers take on the mesh with digests of them.

From a pod with a sidecar to pods with sidecars, with mutual TLS. Four pods of the same app are asked in turn,
request by request, so that whatever else the machine does meets all alike: two make no digests, one does of 1
request of 10, one of every. Each round gives every pod another of these tasks, as one pod may be quicker than
another. How much the two without digests differ is what chance does."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.answers.bodies import body
from lab import Lab, LabError
from lab.kit import templates
from lab.kit.client_pods import run_load_pod
from lab.kit.digesting_proxy import KEY
from lab.kit.load import Counted, Stream, load
from lab.kit.scratch import ScratchStack
from lab.kit.trial import FLUSH_SECONDS, PROVIDER
from mirrored_service import MirroredServiceArgs
from mirrored_service.description.answer_digests import AnswerDigests
from mirrored_service.rendering.answer_digests import traffic_extension

SIZES = (1_000, 10_000, 100_000)
WITHOUT, AGAIN, SOME, EVERY = "without", "without, again", "1 of 10", "every answer"
TASKS = (WITHOUT, AGAIN, SOME, EVERY)  # of one pod each
ONE_OF = {SOME: 10, EVERY: 1}
PODS = ("v1", "v2", "v3", "v4")
WARM_SECONDS = 3.0  # connections, and the JIT's first passes
LIMIT_SECONDS = 60.0  # for the proxies to have a change
LOOKED_AT = 200  # of each log's last lines, to see that every pod does its task
SERVICE: MirroredServiceArgs = {"name": "shop", "namespace": "unused", "subsets": {}}


@dataclass(frozen=True)
class Round:
    """Latencies of one size by task, in ms."""

    size: int
    requests: int
    median: dict[str, float]
    p99: dict[str, float]


class Bench:
    def __init__(self, lab: Lab, directory: Path, rate: int, seconds: float) -> None:
        self.lab, self.rate, self.seconds = lab, rate, seconds
        self.stack = ScratchStack(lab, directory, SERVICE)

    def deploy(self) -> None:
        subsets = {name: _version({"weight": 100} if name == PODS[0] else {}) for name in PODS}
        namespace = self.stack.namespace
        self.lab.kubectl("create", "namespace", namespace)
        self.lab.kubectl("label", "namespace", namespace, "istio-injection=enabled")
        # Too large for a stack's config, which a program gets as a variable.
        holds = {f"/{size}": {"holds": json.loads(body(size))} for size in SIZES}
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop"}}
        self.create({**config, "data": {"routes": json.dumps(holds)}})
        logged = {"accessLog": {"providers": [PROVIDER]}}
        self.stack.deploy(subsets, createNamespace=False, **logged)
        strict = {
            "apiVersion": "security.istio.io/v1",
            "kind": "PeerAuthentication",
            "metadata": {"name": "all"},
        }
        self.create({**strict, "spec": {"mtls": {"mode": "STRICT"}}}, *map(_service, PODS))
        self.caller = run_load_pod(self.lab, self.stack.namespace)

    def create(self, *objects: dict[str, Any]) -> None:
        everything = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.stack.kubectl("create", "--filename=-", input=everything)

    def assign(self, tasks: dict[str, str]) -> None:
        """Gives every pod its task, and waits until it does it."""
        service = self.stack.service
        for subset in service.subsets:
            one_of = ONE_OF.get(tasks[subset.name])
            made = traffic_extension(
                service, subset, AnswerDigests(KEY, one_of or 1, 65_536, hide_names=False)
            )
            self.stack.kubectl("delete", f"trafficextension/{made['metadata']['name']}", "--ignore-not-found")
            if one_of:
                self.create(made)
        give_up = time.monotonic() + LIMIT_SECONDS
        while not all(self.does(name, task) for name, task in tasks.items()):
            if time.monotonic() > give_up:
                raise LabError(f"not within {LIMIT_SECONDS:g} s: every pod does its task of {tasks}")
            self.ask(SIZES[0], WARM_SECONDS)
            time.sleep(FLUSH_SECONDS)

    def does(self, name: str, task: str) -> bool:
        """Do the pod's last answers have as many digests as they should?"""
        least, most = {SOME: (0.02, 0.3), EVERY: (1.0, 1.0)}.get(task, (0.0, 0.0))
        return least <= self.digested(name) <= most

    def digested(self, name: str) -> float:
        """The share of a pod's last answers that have a digest."""
        lines = self.stack.kubectl(
            "logs",
            f"--selector=app=shop,version={name}",
            "--container=istio-proxy",
            f"--tail={LOOKED_AT}",
        ).splitlines()
        answers = [json.loads(line) for line in lines if line.startswith("{")]
        return sum(bool(each["answer_digest"]) for each in answers) / max(len(answers), 1)

    def ask(self, size: int, seconds: float) -> Counted:
        urls = [_url(name, size) for name in PODS]
        # Bodies are not kept: they would have to come out of the pod.
        stream = Stream(
            f"{size} bytes",
            urls[0],
            self.rate,
            keep_alive=True,
            pod=(self.stack.namespace, self.caller),
            more_urls=tuple(urls[1:]),
            options=("-max-body=0",),
        )
        with load(self.lab, [stream]) as counted:
            time.sleep(seconds)
        if counted[0].failures:
            raise LabError(f"requests failed: {counted[0].failures}")
        return counted[0]

    def measure(self, size: int, tasks: dict[str, str]) -> Round:
        found = self.ask(size, self.seconds)
        median, p99 = (
            {task: 1000 * found.percentile(percent, _url(name, size)) for name, task in tasks.items()}
            for percent in (50, 99)
        )
        return Round(size, found.sent, median, p99)


def _version(role: dict[str, Any]) -> dict[str, Any]:
    routes = {"name": "ROUTES", "valueFrom": {"configMapKeyRef": {"name": "shop", "key": "routes"}}}
    return {
        "image": "lab.local/shop:1",
        **templates.pod(service="shop", env=[routes], readinessProbe={"httpGet": {"path": "/healthz"}}),
        "stop": {"delaySeconds": 0},
        **role,
    }


def _service(version: str) -> dict[str, Any]:
    """One that leads to a single version, whatever its role."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"only-{version}"},
        "spec": {"selector": {"app": "shop", "version": version}, "ports": [{"name": "http", "port": 80}]},
    }


def _url(version: str, size: int) -> str:
    return f"http://only-{version}/{size}"


def rounds(bench: Bench, number: int) -> list[Round]:
    found = []
    for place in range(number):
        turned = [*TASKS[place % len(TASKS) :], *TASKS[: place % len(TASKS)]]
        tasks = dict(zip(PODS, turned, strict=True))
        bench.assign(tasks)
        for size in SIZES:
            found.append(bench.measure(size, tasks))
            print(f"[{place + 1}/{number}] {found[-1]}", file=sys.stderr, flush=True)
    return found


def table(found: Sequence[Round]) -> str:
    """Medians of the rounds, and of their ratios to the pod without digests, with the lowest and the highest."""
    heads = ("JSON of", "", WITHOUT, *(f"{task} to it" for task in TASKS[1:]))
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for size in SIZES:
        for name in ("median", "p99"):
            figures = [getattr(each, name) for each in found if each.size == size]
            cells = [
                f"{size / 1000:g} kB",
                name,
                f"{statistics.median(each[WITHOUT] for each in figures):.2f} ms",
            ]
            for task in TASKS[1:]:
                ratios = [each[task] / each[WITHOUT] for each in figures]
                cells.append(f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answers.latency")
    parser.add_argument("--rounds", type=int, default=4, help="each pod has each task once in 4 (default: 4)")
    parser.add_argument("--rate", type=int, default=200, help="requests/s to all four (default: 200)")
    parser.add_argument("--seconds", type=float, default=18, help="for each size and round (default: 18)")
    options = parser.parse_args()
    if min(options.rounds, options.rate, options.seconds) < 1:
        parser.error("--rounds, --rate and --seconds are numbers from 1 on")
    lab = Lab()
    lab.up()
    with tempfile.TemporaryDirectory() as directory, ExitStack() as cleanup:
        bench = Bench(lab, Path(directory), options.rate, options.seconds)
        cleanup.callback(bench.stack.remove)
        bench.deploy()
        print(table(rounds(bench, options.rounds)))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as problem:
        sys.exit(str(problem))
