"""What sections of the page are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

_MOST_ROWS = 100
REQUEST_ID = "{request_id}"


@dataclass(frozen=True)
class Section:
    """`parts` are made by `text`, `table` and `pictures`."""

    id: str
    title: str
    parts: Sequence[dict[str, Any]]


def text(sentence: str) -> dict[str, Any]:
    return {"kind": "text", "text": sentence}


def table(
    caption: str, heads: Sequence[str], rows: Sequence[Sequence[object]], numbers: Sequence[int] = ()
) -> dict[str, Any]:
    """`numbers` are the columns to be set to the right."""
    if not rows:
        return text(f"{caption}: none.")
    more = f" (the first {_MOST_ROWS} of {len(rows)})" if len(rows) > _MOST_ROWS else ""
    return {
        "kind": "table",
        "caption": caption + more,
        "heads": heads,
        "rows": rows[:_MOST_ROWS],
        "numbers": numbers,
    }


def pictures(*drawn: Markup) -> dict[str, Any]:
    return {"kind": "figures", "figures": drawn}


def trusted(own: str) -> Markup:
    """Text of the package itself, which must not be escaped."""
    return Markup(own)  # noqa: S704  # never given anything from a log


def linked(request_id: str, trace_link: str) -> str:
    """The request id, as a link if there is a template."""
    if not trace_link:
        return request_id
    address = trace_link.replace(REQUEST_ID, quote(request_id, safe=""))
    return Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, request_id)
