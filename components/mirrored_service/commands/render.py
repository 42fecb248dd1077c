"""`render`: the YAML of what `pulumi up` would apply, for whoever applies it by other means.

One file for each object, numbered in the order in which they can be applied. The objects are rendered by the
functions that the component registers them by, from the stack's config. Neither the cluster nor the stack's state
is read.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from .. import plan
from ..reading.fields import InvalidArgsError
from ..rendering import Manifest
from . import which
from .kill_switch.errors import CommandError
from .stack import Stack

SUMMARY = "Writes the YAML that `pulumi up` would apply."
# What these say is said to Pulumi's provider, and to nobody else.
PULUMI = "pulumi.com/"
# The first line of each file: files that start otherwise are not ours to remove.
MARK = "# Rendered by mirrored-service; the next rendering replaces it.\n"


def render(project: Path, stack: str, directory: Path, show_secrets: bool = False) -> list[Path]:
    """Writes the files and returns them; files of an earlier time are removed."""
    described = Stack(stack, project)
    secret = described.secrets()
    if secret and not show_secrets:
        raise CommandError(
            f"the config of the stack {stack} holds secrets ({', '.join(secret)}), which would stand in the "
            "files in plain text. Name entries of Kubernetes Secrets in podTemplate instead of values in env, or "
            "ask for it with --show-secrets (make render STACK=... SECRETS=plain)"
        )
    return write(plain(plan.render(described.args())), directory, bool(secret))


def plain(objects: list[Manifest]) -> list[Manifest]:
    """The objects without what concerns Pulumi alone."""
    return [{**made, "metadata": _without_pulumi(made["metadata"])} for made in objects]


def _without_pulumi(metadata: Manifest) -> Manifest:
    rest = {key: value for key, value in metadata.items() if key != "annotations"}
    kept = {
        key: value for key, value in metadata.get("annotations", {}).items() if not key.startswith(PULUMI)
    }
    return {**rest, "annotations": kept} if kept else rest


def write(objects: list[Manifest], directory: Path, secret: bool) -> list[Path]:
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("*.yaml"):
        if old.is_file() and old.read_bytes().startswith(MARK.encode()):
            old.unlink()
    width = max(2, len(str(len(objects))))  # so that the order of names is the order of numbers
    paths = []
    for number, made in enumerate(objects, 1):
        path = directory / f"{number:0{width}}-{made['kind'].lower()}-{made['metadata']['name']}.yaml"
        path.touch(mode=0o600 if secret else 0o644)
        path.write_text(MARK + yaml.dump(made, Dumper=_Dumper, sort_keys=False))
        paths.append(path)
    return paths


class _Dumper(yaml.SafeDumper):
    """Writes what stands in two places twice: an anchor is harder to review than the lines themselves."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stack", required=True)
    which.program(parser)
    parser.add_argument("--out", type=Path, help="the directory to write to (default: rendered/STACK in it)")
    parser.add_argument("--show-secrets", action="store_true", help="write secrets in plain text")


def execute(options: argparse.Namespace) -> int:
    """0: written; 1: nothing was written."""
    directory = options.out or options.cwd / "rendered" / options.stack
    try:
        paths = render(options.cwd, options.stack, directory, options.show_secrets)
    except (CommandError, InvalidArgsError) as problem:
        print(problem, file=sys.stderr)
        return 1
    print("".join(f"{path}\n" for path in paths), end="")
    if options.show_secrets:
        print(f"{directory}: readable by you alone, as secrets may be in it in plain text", file=sys.stderr)
    return 0
