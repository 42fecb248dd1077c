"""Reads how the headers of copies differ from those of the requests."""

from __future__ import annotations

from .. import args as public
from ..description.mirror_headers import MirrorHeaders
from . import syntax
from .fields import Fields, fits

# A request would end elsewhere, or not at all, without them; and the shadow report pairs by x-request-id.
KEPT = (
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "te",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
)
_NAME_TEXT = f"a header's name: letters, digits, '-' and '_', and none of {', '.join(KEPT)}"
_VALUE_TEXT = (
    'printable ASCII; "%" as "%%", or one of Envoy\'s variables such as %REQ(x-request-id)% or '
    "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"
)
_LIST_TEXT = (
    f"a list of headers' names, each once: letters, digits, '-' and '_', and none of {', '.join(KEPT)}"
)


def read(fields: Fields) -> MirrorHeaders | None:
    """The differences, if there are any."""
    section = fields.section("mirrorHeaders", public.MirrorHeadersArgs)
    removed = section.texts("remove", (), _LIST_TEXT, _may_change)
    section.each_once("remove", tuple(name.lower() for name in removed), _LIST_TEXT)
    written = section.entries("set", "header names and their values")
    seen = {name.lower(): "remove" for name in removed}
    for name, value in written.items():
        if not (isinstance(name, str) and _may_change(name)):
            section.refuse_name("set", name, _NAME_TEXT)
        elif name.lower() in seen:
            section.refuse_name(
                "set", name, f"each header once in set and remove; {seen[name.lower()]} has it already"
            )
        elif not fits(syntax.EDITED_VALUE, value):
            section.refuse(("set", name), value, _VALUE_TEXT, secret=True)
        else:
            seen[name.lower()] = "set"
    return MirrorHeaders(written, removed) if written or removed else None


def _may_change(name: str) -> bool:
    return fits(syntax.HEADER_NAME, name) and name.lower() not in KEPT
