"""docs/settings.md names every property, and quotes what is really printed."""

import ast
import inspect
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_type_hints, is_typeddict

import pulumi
import pytest

from mirrored_service import InvalidArgsError, MirroredServiceArgs, SubsetArgs
from mirrored_service.reading.service import parse
from tests.services import service_args

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()


def properties(typed_dict: type = MirroredServiceArgs, prefix: str = "") -> Iterator[str]:
    """Every property as the page's tables name it: those of a version without the version, those of members of
    lists and mappings as if there were one."""
    for name, hint in get_type_hints(typed_dict, localns=vars(pulumi.output)).items():
        members = [member for member in get_args(hint) if is_typeddict(member)]
        if is_typeddict(hint):
            yield from properties(hint, f"{prefix}{name}.")
        else:
            yield prefix + name
        for member in members:
            yield from properties(member, "" if member is SubsetArgs else f"{prefix}{name}.")


@pytest.mark.parametrize("name", list(properties()))
def test_every_property_is_in_a_table(name: str) -> None:
    assert f"`{name}`" in "".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `"))


def test_the_message_on_the_page_is_what_is_printed() -> None:
    subsets: dict[str, Any] = {
        "v1": {"image": "shop:1", "weight": 120},
        "v2": {"image": "shop:2", "mirrorPercnt": 100},
    }
    with pytest.raises(InvalidArgsError) as refused:
        parse(service_args(subsets, hosts=["*", "shop.example.org"]))
    assert f"$ pulumi preview\n{refused.value}\n```" in PAGE


def told(name: str) -> str | None:
    """The default of a property as its docstring tells it, if that is a plain value."""
    parts = name.split(".")
    shape: type = MirroredServiceArgs if parts[0] in MirroredServiceArgs.__annotations__ else SubsetArgs
    for part in parts[:-1]:
        shape = next(found for found in _shapes(get_type_hints(shape, localns=vars(pulumi.output))[part]))
    source = " ".join(ast.unparse(_docstring(shape, parts[-1])).split())
    found = re.search(r"Default (true|false|[0-9]+|\[.*?\]|\{.*?\}|[a-z]+)[.:;,]", source)
    return found.group(1) if found else None


def _shapes(hint: Any) -> Iterator[type]:
    if is_typeddict(hint):
        yield hint
    for member in get_args(hint):
        yield from _shapes(member)


def _docstring(shape: type, name: str) -> ast.expr:
    """What stands under a field."""
    body = ast.parse(inspect.getsource(shape)).body[0]
    assert isinstance(body, ast.ClassDef)
    for field, text in pairwise(body.body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and field.target.id == name
        ):
            assert isinstance(text, ast.Expr)
            return text.value
    raise KeyError(name)


def shown_defaults() -> dict[str, str]:
    """The second column of the page's tables, by property."""
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| `")]
    rows = [row for row in rows if len(row) == 5]  # those of three columns
    return {name: row[2].replace("`", "").strip() for row in rows for name in re.findall("`([^`]+)`", row[1])}


DEFAULTS = {name: told(name) for name in properties() if told(name) and name in shown_defaults()}


def test_most_properties_have_a_default_that_can_be_compared() -> None:
    assert len(DEFAULTS) > 25


@pytest.mark.parametrize("name", [name for name in DEFAULTS if not name.startswith("mirrorTo.mirrorLimits")])
def test_the_page_tells_the_default_that_the_docstring_tells(name: str) -> None:
    assert str(DEFAULTS[name]).strip('[]{}"') in shown_defaults()[name]
