"""HTTPS at the gateway: what is made of it, where it leads, what is refused."""

from typing import Any

import pulumi
import pytest

from mirrored_service.reading.service import parse
from mirrored_service.rendering import entry, routes
from tests.refusals import NOT, PORT, problems
from tests.services import service_args

HTTP: dict[str, Any] = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["a.example"]}
NAME = "the name of a Kubernetes object: a-z, 0-9, '-' and '.', at most 253"


def with_tls(http_port: int = 80, **tls: Any) -> Any:
    gateway = {"port": http_port, "tls": {"credentialName": "shop-cert", **tls}}
    return service_args(hosts=["a.example"], gateway=gateway)


def servers(args: Any) -> Any:
    return entry.gateway(parse(args))["spec"]["servers"]


def test_https_is_served_with_the_certificate_and_http_leads_there() -> None:
    assert servers(with_tls()) == [
        {**HTTP, "tls": {"httpsRedirect": True}},
        {
            "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
            "hosts": ["a.example"],
            "tls": {"mode": "SIMPLE", "credentialName": "shop-cert", "minProtocolVersion": "TLSV1_2"},
        },
    ]


def test_http_is_served_as_well_while_callers_move() -> None:
    http, https = servers(with_tls(redirect=False))
    assert http == HTTP
    assert https["port"]["protocol"] == "HTTPS"


def test_without_tls_nothing_speaks_https() -> None:
    assert servers(service_args(hosts=["a.example"])) == [HTTP]


def test_routes_are_the_same_with_and_without_https() -> None:
    plain = parse(service_args(hosts=["a.example"]))
    secure = parse(with_tls())
    assert routes.ingress_virtual_service(plain) == routes.ingress_virtual_service(secure)


def test_a_certificate_may_be_the_output_of_another_resource() -> None:
    name = pulumi.Output.from_input("made-cert")
    assert servers(with_tls(credentialName=name))[1]["tls"]["credentialName"] is name


@pytest.mark.parametrize(
    ("args", "url"),
    [
        (service_args(hosts=["a.example"]), "http://a.example/"),
        (service_args(hosts=["a.example"], gateway={"port": 8080}), "http://a.example:8080/"),
        (with_tls(), "https://a.example/"),
        (with_tls(redirect=False), "https://a.example/"),
        (with_tls(http_port=8080, redirect=False), "https://a.example/"),
        (with_tls(port=8443, redirect=False), "https://a.example:8443/"),
    ],
)
def test_urls_say_how_the_service_is_reached(args: Any, url: str) -> None:
    assert parse(args).urls() == [url]


def gateway_args(**gateway: Any) -> Any:
    return service_args(gateway=gateway)


REFUSED: list[tuple[str, Any, str]] = [
    (
        "HTTPS without a certificate",
        gateway_args(tls={}),
        f"gateway.tls.credentialName: missing; allowed: {NAME}",
    ),
    (
        "a certificate that is no object's name",
        gateway_args(tls={"credentialName": "kubernetes://shop"}),
        f"gateway.tls.credentialName: 'kubernetes://shop' {NOT} {NAME}",
    ),
    (
        "a certificate instead of its name",
        gateway_args(tls={"credentialName": "c", "certificate": "PEM"}),
        "gateway.tls.certificate: unknown, allowed: credentialName, port, redirect",
    ),
    (
        "a port of the proxy",
        gateway_args(tls={"credentialName": "c", "port": 15021}),
        f"gateway.tls.port: 15021 {NOT} {PORT}",
    ),
    (
        "HTTP and HTTPS on one port",
        gateway_args(port=8443, tls={"credentialName": "c", "port": 8443, "redirect": False}),
        f"gateway.tls.port: 8443 {NOT} another port than gateway.port, which is 8443 for HTTP",
    ),
    (
        "a redirect that would lead to another port",
        gateway_args(tls={"credentialName": "c", "port": 8443}),
        f"gateway.tls.redirect: True {NOT} false next to ports 80 and 8443, as a redirect names no port: it "
        "leads from port 80 to port 443",
    ),
    (
        "redirect as text",
        gateway_args(tls={"credentialName": "c", "redirect": "no"}),
        f"gateway.tls.redirect: 'no' {NOT} true or false",
    ),
    (
        "HTTPS for an existing gateway",
        gateway_args(existing="a/b", tls={"credentialName": "c"}),
        f"gateway.tls: a mapping {NOT} nothing next to existing, whose owner sets it",
    ),
]


@pytest.mark.parametrize(("args", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_refuses(args: Any, message: str) -> None:
    assert problems(args) == (message,)
