"""Reads the service of another environment that copies go to."""

from __future__ import annotations

from typing import Any

import pulumi

from .. import args as public
from ..description.mirror_to import SUFFIX, MirrorTo, MirrorToTls
from ..description.service import Service
from . import copies, syntax
from .fields import MISSING, Fields, Problems, whole

_HOST_TEXT = 'a host name with a dot or an IPv4 address, such as "shop.staging.svc.cluster.local"'
_PORT_TEXT = "a whole number from 1 to 65535"
_FILE_TEXT = 'the absolute path of a file in the proxies, such as "/etc/ssl/certs/ca-certificates.crt"'
_MODES = ("simple", "mesh")


def read(fields: Fields, protocol: str | None) -> MirrorTo | None:
    """The other service, if copies go to one; `protocol` is what both speak."""
    section = fields.section("mirrorTo", public.MirrorToArgs)
    if section.readable and not section.values:
        return None
    return MirrorTo(
        host=section.text_or_output("host", MISSING, _HOST_TEXT, _is_one_host),
        port=section.value("port", MISSING, _PORT_TEXT, _port),
        percent=copies.percent(section, "percent", MISSING),
        tls=_tls(section),
        mirror_limits=copies.limits(section, [protocol], sidecars=False),
    )


def _is_one_host(raw: str) -> bool:
    return "*" not in raw and syntax.is_host(raw)


def _port(raw: Any) -> Any:
    return raw if isinstance(raw, pulumi.Output) else whole(raw, 1, 65535)


def _tls(fields: Fields) -> MirrorToTls | None:
    section = fields.optional_section("tls", public.MirrorToTlsArgs)
    if section is None:
        return None
    tls = MirrorToTls(
        mode=section.choice("mode", "simple", _MODES),
        ca_certificates=section.text("caCertificates", None, _FILE_TEXT, syntax.is_mount_path),
    )
    if tls.mode == "mesh" and tls.ca_certificates:
        section.refuse(
            ("caCertificates",), tls.ca_certificates, "nothing next to mode mesh, which has its own"
        )
    return tls


def check(service: Service, problems: Problems) -> None:
    """Copies to the service itself would come back as requests; its objects need names of their own."""
    target = service.mirror_to
    if target is None or problems.below("mirrorTo"):
        return
    if target.host in (service.host, service.versions_host):
        problems.add(
            ("mirrorTo", "host"),
            f"{target.host!r} is not allowed; allowed: another service than this one; give a version of this one "
            "a mirrorPercent",
        )
    if any(subset.name == SUFFIX for subset in service.subsets):
        problems.add(
            ("subsets",),
            f"the name {SUFFIX!r} is not allowed; allowed: next to mirrorTo, another one, as its objects are "
            "called so",
        )
