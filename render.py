"""`make render STACK=prod`: the YAML of what `pulumi up` would apply, for whoever applies it by other means.

One file for each object, numbered in the order in which they can be applied. The objects are rendered by the
functions that the component registers them by, from the stack's config. Neither the cluster nor the stack's state
is read.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import yaml

import mirrored_service
import settings
from mirrored_service import InvalidArgsError, MirroredServiceArgs
from mirrored_service.rendering import Manifest

CHECKOUT = Path(__file__).resolve().parent
# What these say is said to Pulumi's provider, and to nobody else.
PULUMI = "pulumi.com/"
# The first line of each file: files that start otherwise are not ours to remove.
MARK = "# Rendered by mirrored-service; the next rendering replaces it.\n"


class RenderError(Exception):
    """Nothing was written; the message says why, and what to do."""


def render(project: Path, stack: str, directory: Path, show_secrets: bool = False) -> list[Path]:
    """Writes the files and returns them; files of an earlier time are removed."""
    secret, args = _read(project, stack, show_secrets)
    return write(plain(mirrored_service.render(args)), directory, secret)


def _read(project: Path, stack: str, show_secrets: bool) -> tuple[bool, MirroredServiceArgs]:
    """Does the config hold secrets, and what does it describe?"""
    config = _config(project, stack)
    secret = sorted(key for key, entry in config.items() if entry.get("secret"))
    if secret and not show_secrets:
        raise RenderError(
            f"the config of the stack {stack} holds secrets ({', '.join(secret)}), which would stand in the "
            "files in plain text. Name entries of Kubernetes Secrets in podTemplate instead of values in env, or "
            "ask for it with --show-secrets (make render STACK=... SECRETS=plain)"
        )
    if secret:
        config = _config(project, stack, "--show-secrets")
    values = settings.read({key: entry["value"] for key, entry in config.items()})
    settings.check(values, secret)
    args = settings.with_target(values, lambda other: _target(project, other, values))
    return bool(secret), cast(MirroredServiceArgs, args)


def _config(project: Path, stack: str, *options: str) -> dict[str, Any]:
    """The keys of the project, without its prefix."""
    found = json.loads(_pulumi(project, "config", "--json", "--stack", stack, *options))
    prefix = yaml.safe_load((project / "Pulumi.yaml").read_text())["name"] + ":"
    return {key.removeprefix(prefix): entry for key, entry in found.items() if key.startswith(prefix)}


def _target(project: Path, stack: str, values: dict[str, Any]) -> dict[str, Any]:
    told = json.loads(_pulumi(project, "stack", "output", "--json", "--stack", stack))
    return settings.checked(stack, told, values.get("protocol", "http"))


def _pulumi(project: Path, *arguments: str) -> str:
    command = ["pulumi", *arguments, "--cwd", str(project), "--non-interactive"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    except FileNotFoundError:
        raise RenderError('pulumi is not on PATH; for the lab run `eval "$(make -s env)"` first') from None
    if ran.returncode:
        raise RenderError(ran.stderr.strip() or ran.stdout.strip())
    return ran.stdout


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


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m render", description="The YAML that `pulumi up` would apply."
    )
    parser.add_argument("--stack", required=True)
    parser.add_argument("--out", type=Path, help="the directory to write to (default: rendered/STACK)")
    parser.add_argument("--show-secrets", action="store_true", help="write secrets in plain text")
    options = parser.parse_args()
    directory = options.out or CHECKOUT / "rendered" / options.stack
    try:
        paths = render(CHECKOUT, options.stack, directory, options.show_secrets)
    except (RenderError, InvalidArgsError) as problem:
        print(problem, file=sys.stderr)
        return 1
    print("".join(f"{path}\n" for path in paths), end="")
    if options.show_secrets:
        print(f"{directory}: readable by you alone, as secrets may be in it in plain text", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
