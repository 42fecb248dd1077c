"""What is filled in, and how problems are gathered; what is refused has tests of its own."""

import pytest

from mirrored_service import InvalidArgsError
from mirrored_service.reading.service import parse
from tests.refusals import V1, problems, v1, v2
from tests.services import service_args


def test_every_problem_is_reported_at_once() -> None:
    subsets = {"v1": V1, "v2": {"weight": 3, "image": ""}}
    with pytest.raises(ValueError, match="nothing was changed") as refused:
        parse(service_args(subsets, createNamespace="no", hosts=["shop", "*"]))
    assert str(refused.value).splitlines() == [
        "mirrored service 'nginx': 4 problems, nothing was changed",
        "  createNamespace: 'no' is not allowed; allowed: true or false",
        "  hosts[0]: 'shop' is not allowed; allowed: a list of host names, such as \"shop.example.org\", "
        '"*.example.org" or "*", each once',
        "  subsets.v2.image: '' is not allowed; allowed: a container image, such as \"registry.example/shop:1\"",
        "  subsets: the weights sum to 103 (v1 100, v2 3); allowed: a sum of 100",
    ]


def test_a_sum_is_not_reported_next_to_the_weight_that_spoils_it() -> None:
    assert len(problems(service_args({"v1": {"image": "shop:1", "wieght": 100}}))) == 1
    assert len(problems(service_args({"v1": {"image": "shop:1", "weight": "100"}}))) == 1


def test_a_name_that_is_missing_is_not_in_the_message() -> None:
    with pytest.raises(InvalidArgsError, match=r"^mirrored service: "):
        parse(service_args(name=None))


def test_whole_numbers_that_arrive_as_floats_become_whole_again() -> None:
    described = parse(v2(mirrorPercent=50.0, replicas=3.0))
    assert repr(described.shadows[0].mirror_percent) == "50"
    assert repr(described.shadows[0].replicas) == "3"


@pytest.mark.parametrize(
    ("percent", "shares"),
    [
        (0.0001, [0.0001]),
        (50, [50]),
        (100, [100]),
        (100.5, [100, 0.5]),
        (250, [100, 100, 50]),
        (1000, [100] * 10),
        (100.00001, [100]),
    ],
)
def test_a_percentage_is_split_into_mirrors_of_at_most_100(percent: float, shares: list[float]) -> None:
    assert parse(v2(mirrorPercent=percent)).shadows[0].mirror_shares() == shares


def test_a_limit_alone_leaves_the_request_to_kubernetes() -> None:
    limited = parse(v1(resources={"limits": {"memory": "64Mi"}})).main
    assert dict(limited.requests) == {"cpu": "100m"}


@pytest.mark.parametrize(
    "image",
    ["nginx", "nginx:1.27", "r.example:5000/a/b_c:V1", "localhost/a", "10.0.0.1/a", "a@sha256:" + "0f" * 32],
)
def test_an_image_is_what_container_runtimes_take(image: str) -> None:
    assert parse(v1(image=image)).main.image == image


@pytest.mark.parametrize(
    ("low", "high"), [("100m", "0.1"), ("1Ki", "1024"), ("1e3", "1k"), ("1000u", "1m"), ("1M", "1Mi")]
)
def test_quantities_are_compared_by_value(low: str, high: str) -> None:
    limited = parse(v1(resources={"requests": {"cpu": low}, "limits": {"cpu": high}})).main
    assert limited.limits == {"cpu": high}


def test_a_device_is_requested_and_limited_alike() -> None:
    gpus = {"requests": {"a.example/gpu": "1"}, "limits": {"a.example/gpu": "1"}}
    assert parse(v1(resources=gpus)).main.limits == {"a.example/gpu": "1"}


def test_hosts_that_share_a_domain_may_stand_side_by_side() -> None:
    hosts = ["example.org", "*.example.org", "10.0.0.1"]
    assert parse(service_args(hosts=hosts)).hosts == tuple(hosts)


def test_a_gateway_port_other_than_80_is_in_the_url() -> None:
    hosts = ["shop.example.org", "*.other.example"]
    assert parse(service_args(hosts=hosts)).urls() == ["http://shop.example.org/"]
    assert parse(service_args(hosts=hosts, gateway={"port": 8080})).urls() == [
        "http://shop.example.org:8080/"
    ]
    assert parse(service_args(hosts=hosts, gateway={"existing": "a/b"})).urls() == []
