"""What can go wrong between the plugin and the cluster."""

from __future__ import annotations

from .values import Object


class ClusterError(Exception):
    """Anything that ends an operation with a message for the user."""


class BadKubeconfigError(ClusterError):
    """There is no usable kubeconfig."""


class UnreachableError(ClusterError):
    """No answer from the API server."""


class NoSuchKindError(ClusterError):
    """The API server does not know this apiVersion and kind."""


class ApiError(ClusterError):
    """The API server refused a request."""

    def __init__(self, code: int, reason: str, message: str, target_kind: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.target_kind = target_kind

    @property
    def is_missing_namespace(self) -> bool:
        """Was it refused because its namespace does not exist?"""
        return self.code == 404 and self.target_kind == "namespaces"


class UnreadyError(ClusterError):
    """The object is in the cluster, but did not become ready; `reasons` says why, `live` is what is there."""

    def __init__(self, message: str, reasons: list[str], live: Object) -> None:
        super().__init__(message)
        self.reasons = reasons
        self.live = live
