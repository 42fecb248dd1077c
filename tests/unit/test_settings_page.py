"""docs/settings.md names every property, and quotes what is really printed."""

from collections.abc import Iterator
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
