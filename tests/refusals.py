"""What is wrong with arguments, as the tests of refusals ask for it."""

from typing import Any

import pytest

from mirrored_service import InvalidArgsError, MirroredServiceArgs
from mirrored_service.reading.service import parse
from tests.services import service_args

V1 = {"image": "shop:1", "weight": 100}
NOT = "is not allowed; allowed:"
PORT = (
    "a whole number from 1 to 65535, and none of 15000, 15001, 15002, 15004, 15006, 15008, 15020, 15021, "
    "15053, 15090, which belong to Istio's proxy"
)
LABEL = "a DNS label: a-z, 0-9 and '-', at most 63"
MAPPING = "a mapping of properties"


def v1(**changes: Any) -> MirroredServiceArgs:
    """Arguments with one version, which is live."""
    return service_args({"v1": {**V1, **changes}})


def v2(**changes: Any) -> MirroredServiceArgs:
    """Arguments with a live version and another one."""
    return service_args({"v1": V1, "v2": {"image": "shop:2", **changes}})


def problems(args: Any) -> tuple[str, ...]:
    with pytest.raises(InvalidArgsError) as refused:
        parse(args)
    return refused.value.problems
