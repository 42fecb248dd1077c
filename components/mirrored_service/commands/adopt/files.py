"""Writes what was found out. Nothing is overwritten unasked, and nothing is written unless all of it can be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from ...args import MirroredServiceArgs
from ...reading import stack_config
from ...reading.service import parse
from ..kill_switch.errors import CommandError
from .secret import Secret

_HEAD = "# Written by `mirrored-service adopt`; steps.md says what to do with it.\n"
_HIDDEN = "# `false` in env stands for what may be secret, until the commands in steps.md have set it.\n"
# What Pulumi adds to the file of a stack, and what is about another program: it stays.
_CONFIG = "config"


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(Secret, lambda dumper, _: dumper.represent_bool(False))


def config_text(settings: Mapping[str, Any], project: str, context: str | None, before: str | None) -> str:
    """The file of the stack; `before` is what is in it, of which everything about other things is kept.

    Raises InvalidArgsError if the config does not say what it is to say.
    """
    old: dict[str, Any] = yaml.safe_load(before or "") or {}
    keys = {f"{project}:{name}": value for name, value in settings.items()}
    others = {
        name: value for name, value in (old.get(_CONFIG) or {}).items() if not name.startswith(f"{project}:")
    }
    if context:
        others["kubernetes:context"] = context
    rest = {name: value for name, value in old.items() if name != _CONFIG}
    document = {_CONFIG: {**others, **keys}, **rest}
    hidden = _HIDDEN if _secret(settings) else ""
    text = _HEAD + hidden + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=110)
    _check(text, project, settings)
    return text


def _check(text: str, project: str, settings: Mapping[str, Any]) -> None:
    """Reads the file as the program will."""
    prefix = f"{project}:"
    written = {
        name.removeprefix(prefix): value
        for name, value in yaml.safe_load(text)[_CONFIG].items()
        if name.startswith(prefix)
    }
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in written.items()}
    read = {name: _revealed(value, settings.get(name)) for name, value in stack_config.read(texts).items()}
    parse(cast(MirroredServiceArgs, read))


def _revealed(read: Any, known: Any) -> Any:
    """What was read, with the values that were not written."""
    if isinstance(known, Secret):
        return str(known) if read is False else read
    if isinstance(read, dict) and isinstance(known, Mapping):
        return {name: _revealed(value, known.get(name)) for name, value in read.items()}
    if isinstance(read, list) and isinstance(known, list) and len(read) == len(known):
        return [_revealed(value, each) for value, each in zip(read, known, strict=True)]
    return read


def _secret(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_secret, value.values()))
    return any(map(_secret, value)) if isinstance(value, list) else isinstance(value, Secret)


def existing(directory: Path, name: str) -> str | None:
    """What is in a file that is there already."""
    path = directory / name
    return path.read_text() if path.is_file() else None


def write(directory: Path, files: Mapping[str, str], *, force: bool) -> list[Path]:
    """Raises CommandError, and writes nothing, where a file is there already and may not be overwritten."""
    there = [name for name in files if (directory / name).exists()]
    if there and not force:
        raise CommandError(
            f"{directory} has {', '.join(there)} already; nothing was written. Name another directory with "
            "--out, or say --force to replace them"
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (directory / name).write_text(text)
    except OSError as problem:
        raise CommandError(f"{directory} cannot be written: {problem}") from None
    return [directory / name for name in files]
