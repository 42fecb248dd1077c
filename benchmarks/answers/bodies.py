"""What the benchmarks let an app answer."""

from __future__ import annotations

import json


def body(size: int) -> bytes:
    """JSON of about so many bytes."""
    item = {"id": 1, "name": "a thing with a name", "price": 12.5, "tags": ["a", "b"], "stock": None}
    one = len(json.dumps(item)) + 2
    items = [{**item, "id": place} for place in range(max(1, size // one))]
    return json.dumps({"total": size, "items": items}).encode()
