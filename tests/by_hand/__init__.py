"""Four services that were set up by hand, each in a way of its own; what `adopt` is tried on.

The files say NAMESPACE where a test has a namespace of its own, and `shop.example` where it has a host.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mirrored_service.commands.adopt import documents

CHARTED, ROOTED, PORTS, OTHERS = "charted", "rooted", "ports", "others"
NAMES = (CHARTED, ROOTED, PORTS, OTHERS)


def manifest(name: str, namespace: str, host: str = "shop.example") -> str:
    text = Path(__file__).with_name(f"{name}.yaml").read_text()
    return text.replace("NAMESPACE", namespace).replace("shop.example", host)


def objects(name: str, namespace: str = "web") -> list[dict[str, Any]]:
    return documents.objects(manifest(name, namespace), name, namespace)
