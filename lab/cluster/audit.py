"""What service accounts of the namespace `deployers` asked of the API server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NAMESPACE = "deployers"
ALLOWED = range(100, 400)
FORBIDDEN = range(403, 404)


@dataclass(frozen=True)
class Asked:
    """One permission that was needed."""

    group: str
    resource: str
    verb: str


def asked(log: Path, namespace: str, status: range = ALLOWED) -> Iterator[Asked]:
    """What was asked for in a namespace and answered with such a status; discovery is not told."""
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        about = entry.get("objectRef", {})
        if about.get("namespace") == namespace and entry["responseStatus"]["code"] in status:
            part = f"/{about['subresource']}" if "subresource" in about else ""
            yield Asked(about.get("apiGroup", ""), about["resource"] + part, entry["verb"])
