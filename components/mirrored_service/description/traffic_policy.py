"""How live requests reach the pods of a version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Modes in which a pod's app ends TLS itself: its sidecar passes the connection on as it is.
_ENDED_BY_THE_APP = ("SIMPLE", "MUTUAL")


@dataclass(frozen=True)
class TrafficPolicy:
    spec: Mapping[str, Any]  # Istio's TrafficPolicy; empty: what the mesh says

    @property
    def by_port(self) -> list[Mapping[str, Any]]:
        """Settings of single ports; such a port has nothing of what holds for the others."""
        return list(self.spec.get("portLevelSettings", ()))

    @property
    def tls_modes(self) -> dict[str, str]:
        """The TLS modes that it names, by the property that names them."""
        found = {"trafficPolicy": self.spec}
        found |= {
            f"trafficPolicy.portLevelSettings[{place}]": each for place, each in enumerate(self.by_port)
        }
        tls = {name: each["tls"] for name, each in found.items() if isinstance(each.get("tls"), Mapping)}
        return {
            f"{name}.tls.mode": each["mode"]
            for name, each in tls.items()
            if isinstance(each.get("mode"), str)
        }

    @property
    def ends_at_sidecars(self) -> bool:
        """Do sidecars, where there are any, read the requests?"""
        return not set(self.tls_modes.values()) & set(_ENDED_BY_THE_APP)
