"""What an update would change: the live object, cut down to what the program once set, against the new inputs.

Comparing with the live object instead of the old inputs is what lets drift show after a refresh; cutting it down
keeps defaults and other controllers' fields out of the diff.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from .paths import covers, lookup, parse_path, path_text
from .rules import Path, replaces, replacing_paths
from .values import UNKNOWN, Object

Kind = Literal["ADD", "DELETE", "UPDATE"]
_ABSENT = object()
_QUANTITY_FIELDS = ("requests", "limits", "capacity", "hard")
_UNITS = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
}
# Set by the API server; an input that carries them (from an import, say) is not compared.
_READ_ONLY = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)


@dataclass(frozen=True)
class Change:
    """One property that differs."""

    path: Path
    kind: Kind
    replaces: bool

    @property
    def text(self) -> str:
        """The path as the engine shows it."""
        return path_text(self.path)


def changes(
    live: Object, old_inputs: Object, new_inputs: Object, ignored: Iterable[str] = ()
) -> list[Change]:
    """Every difference between the object as it is and the new inputs, innermost property each."""
    old, new = normalised(old_inputs), normalised(new_inputs)
    ignored_paths = [parse_path(text) for text in ignored]
    rules = replacing_paths(new_inputs)
    found = []
    for path, kind, value in _differences((), prune(live, old), new, old):
        if not any(covers(outer, path) for outer in ignored_paths):
            shown = _as_written(path, new_inputs)
            found.append(Change(shown, kind, replaces(shown, value, rules)))
    return found


def refreshed_inputs(live: Any, inputs: Any) -> Any:
    """What the program's inputs would have to be to describe the live object: where drift shows."""
    if isinstance(live, dict) and isinstance(inputs, dict):
        kept = {key: refreshed_inputs(live[key], value) for key, value in inputs.items() if key in live}
        dropped = {key: value for key, value in inputs.items() if key not in live and _is_empty(value)}
        return {**kept, **dropped}
    if isinstance(live, list) and isinstance(inputs, list):
        paired = zip(live, inputs, strict=False)
        return [refreshed_inputs(item, wanted) for item, wanted in paired] + live[len(inputs) :]
    return live


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | dict) and not value)


def prune(live: Any, shape: Any) -> Any:
    """The part of `live` that `shape` has too."""
    if isinstance(live, dict) and isinstance(shape, dict):
        return {key: prune(live[key], shape[key]) for key in live if key in shape}
    if isinstance(live, list) and isinstance(shape, list):
        return [prune(item, part) for item, part in zip(live, shape, strict=False)]
    return live


def normalised(obj: Object) -> Object:
    """Inputs in the form in which the API server returns them."""
    result = dict(obj)
    if isinstance(result.get("metadata"), dict):
        kept = {key: value for key, value in result["metadata"].items() if key not in _READ_ONLY}
        result["metadata"] = kept
    if result.get("kind") == "Secret" and isinstance(result.get("stringData"), dict):
        written = {key: _encoded(value) for key, value in result.pop("stringData").items()}
        result["data"] = {**(result.get("data") or {}), **written}
    return result


def _encoded(value: Any) -> Any:
    return value if value is UNKNOWN else base64.b64encode(str(value).encode()).decode()


def _as_written(path: Path, inputs: Object) -> Path:
    """A Secret's data as the program wrote it: under stringData, if it is there."""
    if (
        inputs.get("kind") == "Secret"
        and path[:1] == ("data",)
        and lookup(inputs, ("stringData", *path[1:]))[0]
    ):
        return ("stringData", *path[1:])
    return path


def _differences(path: Path, old: Any, new: Any, old_input: Any) -> Iterator[tuple[Path, Kind, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            before = old_input.get(key, _ABSENT) if isinstance(old_input, dict) else _ABSENT
            yield from _differences((*path, key), old.get(key, _ABSENT), new.get(key, _ABSENT), before)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _differences(
                (*path, index), _item(old, index), _item(new, index), _item(old_input, index)
            )
    elif new is _ABSENT:
        yield path, "DELETE", old
    elif old is _ABSENT:
        # The API server drops empty values: what it never kept has not changed.
        if not (_is_empty(new) and new == old_input):
            yield path, "ADD", new
    elif not _same(path, old, new):
        yield path, "UPDATE", new


def _item(values: Any, index: int) -> Any:
    return values[index] if isinstance(values, list) and index < len(values) else _ABSENT


def _same(path: Path, old: Any, new: Any) -> bool:
    if old == new:
        return isinstance(old, bool) == isinstance(new, bool)
    # "0.5" cores come back as "500m".
    if any(step in _QUANTITY_FIELDS for step in path[:-1]):
        left, right = quantity(old), quantity(new)
        return left is not None and left == right
    return False


def quantity(value: Any) -> Decimal | None:
    """A Kubernetes quantity as a number; None if it is none."""
    text = str(value)
    unit = next((unit for unit in sorted(_UNITS, key=len, reverse=True) if text.endswith(unit)), "")
    try:
        return Decimal(text.removesuffix(unit)) * _UNITS.get(unit, Decimal(1))
    except InvalidOperation:
        return None
