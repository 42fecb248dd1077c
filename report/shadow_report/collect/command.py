"""The command line of `shadow-report collect`."""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import time
from pathlib import Path
from typing import Any

from shadow_report.collect.lines import READERS
from shadow_report.collect.show import Show
from shadow_report.collect.tally import SECOND

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SIZES = {"M": 10**6, "G": 10**9, "Mi": 2**20, "Gi": 2**30}


def add(commands: Any) -> None:
    """Adds `collect` to the command line."""
    collect = commands.add_parser(
        "collect",
        help="follow the access logs of all versions into Parquet files",
        description="Follows the access logs of all versions of a service until --duration is over or it is "
        "told to end (Ctrl-C, SIGTERM). Started again with the same --output, it goes on where it ended.",
    )
    collect.add_argument("--namespace", required=True, help="of the service's pods")
    collect.add_argument("--app", required=True, help="name of the service: the pods' label app")
    collect.add_argument("--output", required=True, type=Path, metavar="DIR", help="where the files go")
    collect.add_argument(
        "--duration", type=duration, metavar="TIME", help="such as 30m or 24h; default: no end"
    )
    collect.add_argument(
        "--since",
        type=duration,
        default=0.0,
        metavar="TIME",
        help="take up what was logged before too, such as 10m",
    )
    collect.add_argument(
        "--max-disk",
        type=size,
        default=size("10G"),
        metavar="SIZE",
        help="oldest files go above it (default: 10G)",
    )
    collect.add_argument(
        "--file-every",
        type=duration,
        default=30.0,
        metavar="TIME",
        help="a file for each such time (default: 30s)",
    )
    collect.add_argument(
        "--container", default="istio-proxy", help="whose log to read (default: istio-proxy)"
    )
    collect.add_argument(
        "--format",
        choices=READERS,
        default="json",
        help="of the log: json as docs/collect.md has it, or as Istio or Envoy Gateway write it; text: Istio's "
        "or Envoy's default, or nginx's combined format",
    )
    collect.add_argument("--kubeconfig", type=Path, help="default: as kubectl")
    collect.add_argument("--context", help="of the kubeconfig (default: its current one)")
    collect.add_argument("--json", action="store_true", help="events for programs, one JSON object a line")
    collect.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Exit status 0; what goes wrong is a ReportError."""
    return asyncio.run(_collect(options))


async def _collect(options: argparse.Namespace) -> int:
    # Only here: `compare` need not wait for the clients of Kubernetes and Parquet to be imported.
    from shadow_report.collect.cluster import Cluster
    from shadow_report.collect.collector import Collector, Plan
    from shadow_report.collect.store import Store

    show = Show(as_json=options.json)
    store = Store(options.output, options.max_disk)
    selector = f"app={options.app}"
    cluster = Cluster(options.namespace, selector, options.container, options.kubeconfig, options.context)
    begin = time.time_ns() - int(options.since * SECOND)
    plan = Plan(begin, options.duration, options.file_every, READERS[options.format])
    collector = Collector(cluster, store, plan, show.event)
    for asked in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(asked, collector.end)
    try:
        await cluster.connect()
        await collector.run()
    finally:
        await cluster.close()
        store.close()
    show.event("done", collector.summary())
    return 0


def duration(text: str) -> float:
    """Seconds of a time such as 90s, 30m, 24h or 7d."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smhd])", text, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time; allowed: a number and s, m, h or d, such as 30m"
        )
    return float(found[1]) * _UNITS[found[2]]


def size(text: str) -> int:
    """Bytes of a size such as 500M, 10G or 2Gi."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([MG]i?)", text, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size; allowed: a number and M, G, Mi or Gi, such as 10G"
        )
    return int(float(found[1]) * _SIZES[found[2]])
