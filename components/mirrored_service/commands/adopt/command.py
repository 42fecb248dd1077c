"""`mirrored-service adopt`: its options, and what it writes and prints."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import yaml

from ...reading.fields import InvalidArgsError
from .. import which
from ..kill_switch.errors import CommandError
from ..kill_switch.stack import named
from ..kubectl import Kubectl
from ..progress import progress
from . import files, gathering, report, running, steps
from .adoption import adopt
from .world import World

SUMMARY = "Writes the config and the steps by which a service that runs already becomes a stack's."
PROJECT = "mirrored-service"
EXPRESSED, NOT_ALL, NOTHING = 0, 1, 2
_STACK = re.compile(r"[A-Za-z0-9_.-]{1,100}")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--service", required=True, metavar=which.NAME, help="its Service, or its Deployment")
    parser.add_argument("--stack", required=True, help="the stack that is to be: it need not exist")
    parser.add_argument("--out", required=True, type=Path, help="the directory to write to")
    parser.add_argument(
        "--from",
        dest="sources",
        action="append",
        default=[],
        metavar="FILE",
        help="read objects from a file, from all YAML and JSON files of a directory, or from stdin (-), and "
        "not from the cluster; may be given more than once",
    )
    parser.add_argument(
        "--context", help="kubectl's context (default: the current one); the config names it too"
    )
    parser.add_argument(
        "--pods",
        choices=(running.TAKE, running.LEAVE),
        help="take: the stack runs the pods. leave: they stay whose they are (default: those of Helm, Argo CD "
        "and Flux, take others)",
    )
    parser.add_argument(
        "--version", help="what the version that runs is to be called (default: as its pods say, or v1)"
    )
    parser.add_argument("--cluster-domain", default="cluster.local", help="default: cluster.local")
    which.program(parser)
    parser.add_argument("--force", action="store_true", help="replace files that are there already")
    parser.add_argument("--json", action="store_true", help="for programs")


def execute(options: argparse.Namespace) -> int:
    """0: all of it can be expressed; 1: not all; 2: nothing was written."""
    try:
        if not _STACK.fullmatch(options.stack):
            raise CommandError(
                f"--stack {options.stack!r} is not allowed; allowed: a name of letters, digits, '_', '-' and '.'"
            )
        asked = named(options.service)
        world = _world(options, asked.namespace)
        found = adopt(
            world,
            running.find(
                world,
                asked.namespace,
                asked.name,
                pods=options.pods,
                version=options.version,
                domain=options.cluster_domain,
            ),
        )
        name = f"Pulumi.{options.stack}.yaml"
        before = files.existing(options.out, name) if options.force else None
        config = files.config_text(found.settings, _project(options.cwd), options.context, before)
        way = steps.way(
            found,
            options.stack,
            name,
            str(options.out),
            options.context,
            live=world.live,
            in_place=options.out.resolve() == options.cwd.resolve(),
        )
        written = {name: config, **way.files, "steps.md": steps.as_markdown(found, way)}
        paths = files.write(options.out, written, force=options.force)
    except (CommandError, InvalidArgsError) as problem:
        print(problem, file=sys.stderr)
        return NOTHING
    status = EXPRESSED if found.expressed else NOT_ALL
    print((report.as_json if options.json else report.as_text)(found, way, paths, status))
    return status


def _world(options: argparse.Namespace, namespace: str) -> World:
    if options.sources:
        return gathering.of_files(options.sources, namespace, progress)
    access = (f"--context={options.context}",) if options.context else ()
    return gathering.of_cluster(Kubectl(access), namespace, progress)


def _project(directory: Path) -> str:
    """What the keys of the config begin with."""
    file = directory / "Pulumi.yaml"
    return str(yaml.safe_load(file.read_text())["name"]) if file.is_file() else PROJECT
