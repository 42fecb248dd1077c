"""What we accept, Kubernetes and Istio accept; and the judge really judges."""

import copy
from typing import Any

from hypothesis import event, given, settings

from mirrored_service import (
    GatewayTlsArgs,
    MirroredServiceArgs,
    MirrorHeadersArgs,
    MirrorLimitsArgs,
    MirrorMatchArgs,
    MirrorToArgs,
    MirrorToTlsArgs,
    NetworkPolicyArgs,
    OutlierDetectionArgs,
    ShadowIsolationArgs,
    SubsetArgs,
)
from mirrored_service.reading.service import parse
from mirrored_service.rendering import Manifest, routes
from tests.fuzz import by_gateway_api, valid
from tests.fuzz.judge import Judge, rendered
from tests.services import service_args


def virtual_service() -> Manifest:
    return routes.mesh_virtual_service(parse(service_args()))


def test_an_unknown_field_is_refused_and_not_pruned(judge: Judge) -> None:
    misspelt = copy.deepcopy(virtual_service())
    misspelt["spec"]["http"][0]["mirrors"][0]["percentge"] = {"value": 1}
    (refusal,) = judge.refusals([misspelt])
    assert 'unknown field "spec.http[0].mirrors[0].percentge"' in refusal


def test_the_webhook_of_istio_judges_dry_runs(judge: Judge) -> None:
    (refusal,) = judge.refusals(
        [{**virtual_service(), "spec": {**virtual_service()["spec"], "hosts": ["*"]}}]
    )
    assert 'admission webhook "validation.istio.io" denied the request' in refusal


def test_pods_are_judged_with_the_sidecar_injected(judge: Judge) -> None:
    service = parse(service_args(createNamespace=False))
    pod = next(thing for thing in rendered(service) if thing["kind"] == "Pod")
    pod["metadata"]["annotations"] = {"sidecar.istio.io/proxyCPU": "much"}
    (refusal,) = judge.refusals([pod])
    assert "sidecar" in refusal


def test_every_property_is_generated() -> None:
    # In Gateway API's words it is another test.
    assert {*valid.SERVICE, *valid.NAMESPACE, "api"} == MirroredServiceArgs.__optional_keys__
    elsewhere = {"image", "containerPorts", "podLabels", "weight", "mirrorPercent", "podTemplate"}
    assert {*valid.VERSION, *valid.COUNTS, *elsewhere} == SubsetArgs.__optional_keys__
    for generated, shape in (
        (valid.TLS, GatewayTlsArgs),
        (valid.MIRROR_TO, MirrorToArgs),
        (valid.MIRROR_TO_TLS, MirrorToTlsArgs),
        ({*valid.MATCH, "grpcCalls"}, MirrorMatchArgs),  # which grpc_arguments have
        (valid.MIRROR_HEADERS, MirrorHeadersArgs),
        (valid.LIMITS, MirrorLimitsArgs),
        (valid.OUTLIER_DETECTION, OutlierDetectionArgs),
        (valid.ISOLATION, ShadowIsolationArgs),
        (valid.NETWORK_POLICY, NetworkPolicyArgs),
    ):
        assert set(generated) == set(shape.__annotations__)


@given(valid.everything)
def test_the_cluster_takes_whatever_we_accept(judge: Judge, args: Any) -> None:
    service = parse(args)
    event(f"{len(service.live)} live, {len(service.shadows)} shadows")
    assert judge.refusals(rendered(service)) == []


# What differs are few objects, of the same sources.
@settings(max_examples=settings().max_examples // 3)
@given(by_gateway_api.everything())
def test_the_cluster_takes_whatever_we_accept_by_gateway_api(judge: Judge, args: Any) -> None:
    service = parse(args)
    event(f"{len(service.routes)} routes")
    assert judge.refusals(rendered(service)) == []
