"""docs/settings.md: its tables are the component's arguments, and it quotes what is really printed.

The tables are written anew by `python -m tests.unit.test_settings_page`.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

import pulumi
import pytest

from mirrored_service import InvalidArgsError, MirroredServiceArgs, SubsetArgs
from mirrored_service.reading.service import parse
from tests.services import service_args

FILE = Path(__file__).parents[2] / "docs" / "settings.md"
# Each stands below its heading, from the first line of a table to the next empty line.
TABLES = {"## The service": MirroredServiceArgs, "## A version": SubsetArgs}
HEAD = "| key | value | meaning |\n|---|---|---|\n"


def written(page: str) -> str:
    """The page with its tables as the arguments are now."""
    for heading, shape in TABLES.items():
        begin = page.index(HEAD, page.index(heading + "\n"))
        end = page.index("\n\n", begin)
        page = page[:begin] + HEAD + "\n".join(rows(shape)) + page[end:]
    return page


def rows(shape: type, prefix: str = "") -> Iterator[str]:
    """A row for each property, those of sections, of members of lists and of named entries after their own: keys
    without places and names."""
    for name, hint in get_type_hints(shape, localns=vars(pulumi.output), include_extras=True).items():
        needed = "" if get_origin(hint) is NotRequired else ", needed"
        found = [part for part in _parts(hint) if is_typeddict(part)]
        same = [part for part in found if prefix and part in _shapes_of_a_version()]
        also = " As of a version." if same and shape not in _shapes_of_a_version() else ""
        meaning = _text(shape, name).replace("|", "\\|") + also
        yield f"| `{prefix}{name}` | {kind(hint)}{needed} | {meaning} |"
        for part in found if not also else ():
            if part is not SubsetArgs:
                yield from rows(part, f"{prefix}{name}.")


def kind(hint: Any) -> str:
    """What a person calls the type."""
    if get_origin(hint) is NotRequired:
        return kind(get_args(hint)[0])
    named = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    if hint in named:
        return named[hint]
    if is_typeddict(hint):
        return "mapping"
    members = get_args(hint)
    if get_origin(hint) is list:
        return f"list of {kind(members[0])}s"
    if hint == dict[str, Any]:
        return "mapping"
    if get_origin(hint) is dict:
        return f"{kind(members[1])}s by name"
    return kind(members[0])  # an input is the plain value, or what gives it later


def _parts(hint: Any) -> Iterator[Any]:
    yield hint
    for member in get_args(hint):
        yield from _parts(member)


def _shapes_of_a_version() -> set[Any]:
    hints = get_type_hints(SubsetArgs, localns=vars(pulumi.output)).values()
    return {part for hint in hints for part in _parts(hint) if is_typeddict(part)}


def _text(shape: type, name: str) -> str:
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
            return " ".join(ast.literal_eval(text.value).split())
    raise KeyError(f"{shape.__name__}.{name} has no docstring")


def test_the_tables_are_the_arguments() -> None:
    page = FILE.read_text()
    assert page == written(page), "meant? python -m tests.unit.test_settings_page"


def test_every_link_within_the_page_leads_somewhere() -> None:
    page = FILE.read_text()
    headings = {
        re.sub("[^a-z0-9 -]", "", line.lower()).strip().replace(" ", "-")
        for line in page.splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= headings


@pytest.mark.parametrize("key", ["gateway.tls.port", "mirrorMatch.methods", "mirrorTo.tls.mode", "weight"])
def test_a_property_at_any_depth_has_a_row(key: str) -> None:
    assert sum(line.startswith(f"| `{key}` |") for line in FILE.read_text().splitlines()) == 1


def test_the_message_on_the_page_is_what_is_printed() -> None:
    subsets: dict[str, Any] = {
        "v1": {"image": "shop:1", "weight": 120},
        "v2": {"image": "shop:2", "mirrorPercnt": 100},
    }
    with pytest.raises(InvalidArgsError) as refused:
        parse(service_args(subsets, hosts=["*", "shop.example.org"]))
    assert f"$ pulumi preview\n{refused.value}\n```" in FILE.read_text()


if __name__ == "__main__":
    FILE.write_text(written(FILE.read_text()))
