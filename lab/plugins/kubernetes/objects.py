"""The life of one object in the cluster: create, update, read, delete, as the engine asks for it."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass

from .client import Cluster
from .diff import normalised, refreshed_inputs
from .errors import ApiError, ClusterError, NoSuchKindError, UnreadyError
from .ownership import CREATOR, forces, keep_ignored, take_over
from .rules import Path
from .state import (
    DELETION_PROPAGATION,
    PATCH_FORCE,
    State,
    annotation,
    describe,
    manager_of,
    metadata,
    without,
)
from .values import Object, has_unknown, plain
from .waits import Tell, Waiter, time_limit

_CREATE_RETRIES = 5
_CONFLICT_HELP = (
    "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/"
    "managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources"
)
_EXISTS_HELP = """

The resource already exists in the cluster. It can be adopted with `pulumi import`, or with the resource
option import_. A renamed Pulumi resource needs an alias, or delete_before_replace if it is to be replaced.
The provider's option upsertExistingObjects makes creation update what exists."""
# What an import leaves out: written by the cluster, not by a program.
_NOT_INPUT: tuple[Path, ...] = (
    ("status",),
    ("metadata", "annotations", "deployment.kubernetes.io/revision"),
    ("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"),
)


class PartialError(ClusterError):
    """The object exists but the operation did not end well: the engine keeps `state` and repairs it next time."""

    def __init__(self, message: str, reasons: list[str], state: State, inputs: Object | None = None) -> None:
        super().__init__(message)
        self.reasons = reasons
        self.state = state
        self.inputs = inputs


@dataclass(frozen=True)
class Options:
    """The provider's settings that change how objects are written."""

    force_all: bool = False
    upsert: bool = False


@dataclass(frozen=True)
class Request:
    """One operation: what for, how long at most, only as a dry run or not, whom to tell."""

    urn: str
    limit: float
    preview: bool
    tell: Tell


class Objects:
    """Operations on the objects of one cluster."""

    def __init__(self, cluster: Cluster, options: Options, cancelled: threading.Event) -> None:
        self.cluster = cluster
        self._options = options
        self._cancelled = cancelled
        self._waiter = Waiter(cluster, cancelled)

    def create(self, request: Request, inputs: Object) -> State | None:
        """A new object, ready; None if a preview cannot tell what it would look like."""
        wanted = plain(inputs)
        if request.preview and (has_unknown(wanted) or not self.cluster.knows(wanted)):
            return None
        manager = manager_of(wanted, f"pulumi-kubernetes-{secrets.token_hex(4)}")
        try:
            live = self._create(request, wanted, manager)
        except ApiError as error:
            if request.preview and _is_no_preview(error):
                return None
            hint = _EXISTS_HELP if error.reason == "AlreadyExists" else ""
            message = (
                f"resource {request.urn!r} was not successfully created by the Kubernetes API server: {error}"
            )
            raise ClusterError(message + hint) from error
        except NoSuchKindError as error:
            raise ClusterError(
                f"creation of resource {request.urn!r} failed because the Kubernetes API server reported that "
                "the apiVersion for this resource does not exist. Verify that any required CRDs have been "
                f"created: {error}"
            ) from error
        state = State(wanted, live, manager, wanted["apiVersion"])
        return self._finished(request, state, f"resource {request.urn!r} was successfully created, but")

    def _create(self, request: Request, wanted: Object, manager: str) -> Object:
        """Tolerates things in the wrong order, such as an object before its namespace, for half a minute."""
        for attempt in range(_CREATE_RETRIES + 1):
            try:
                if self._options.upsert:
                    return self.cluster.apply(wanted, manager, dry_run=request.preview, force=request.preview)
                return self.cluster.create(wanted, CREATOR, dry_run=request.preview)
            except (ApiError, NoSuchKindError) as error:
                missing = isinstance(error, NoSuchKindError) or error.code == 404
                if not missing or request.preview or attempt == _CREATE_RETRIES:
                    raise
                request.tell(f"Retry #{attempt + 1}; creation failed: {error}")
                if self._cancelled.wait(2**attempt):
                    raise
        raise AssertionError("the last attempt returns or raises")

    def update(self, request: Request, old: State, inputs: Object, ignored: list[str]) -> State | None:
        """The object changed in place, ready; None if a preview cannot tell."""
        wanted = plain(inputs)
        if request.preview and (has_unknown(wanted) or not self.cluster.knows(wanted)):
            return None
        manager = manager_of(wanted, old.manager)
        state = State(wanted, old.live, manager, old.initial_api_version)
        try:
            live = self._update(request, normalised(wanted), old, manager, ignored)
        except (ApiError, NoSuchKindError) as error:
            if request.preview and isinstance(error, ApiError) and error.code == 403:
                return None
            found = None if request.preview else self.cluster.find(old.live)
            message = f"update of resource {request.urn!r} failed: {_explained(error, manager)}"
            if found is None:
                raise ClusterError(message) from error
            state = State(wanted, found, manager, old.initial_api_version)
            raise PartialError(message, [_explained(error, manager)], state) from error
        state = State(wanted, live, manager, old.initial_api_version)
        done = self._finished(request, state, f"the Kubernetes API server reported that {describe(live)}")
        if manager != old.manager and not request.preview:
            self._relinquish(live, old.manager)
        return done

    def _update(
        self, request: Request, wanted: Object, old: State, manager: str, ignored: list[str]
    ) -> Object:
        live = self.cluster.get(_identity(wanted, old.live))
        if wanted["kind"] == "CustomResourceDefinition":
            version = {**wanted["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}
            return self.cluster.replace({**wanted, "metadata": version}, manager, dry_run=request.preview)
        if not request.preview and (operations := take_over(live, manager)):
            live = self.cluster.patch(live, operations)
        force = forces(wanted, live, force_all=self._options.force_all, preview=request.preview)
        kept = keep_ignored(wanted, live, manager, ignored)
        return self.cluster.apply(kept, manager, dry_run=request.preview, force=force)

    def _relinquish(self, live: Object, manager: str) -> None:
        """Gives up what an earlier field manager owns, by applying nothing under its name."""
        nothing = {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": _name(live)}
        self.cluster.apply(nothing, manager, dry_run=False, force=False)

    def _finished(self, request: Request, state: State, subject: str) -> State:
        """The state once the object is ready."""
        if request.preview:
            return State(
                state.inputs, without(state.live, ("status",)), state.manager, state.initial_api_version
            )
        if state.live["kind"] == "CustomResourceDefinition":
            self.cluster.forget_kinds()
        limit = time_limit(state.inputs, request.limit)
        try:
            live = self._waiter.until_ready(state.inputs, state.live, limit, request.tell)
        except ClusterError as error:
            # Whatever ended the wait: the object exists, and the engine must not forget it.
            found, reasons = (
                (error.live, error.reasons) if isinstance(error, UnreadyError) else (state.live, [])
            )
            failed = State(state.inputs, found, state.manager, state.initial_api_version)
            message = f"{subject} failed to fully initialize or become live: {error}"
            raise PartialError(message, [str(error), *reasons], failed) from error
        request.tell("")
        return State(state.inputs, live, state.manager, state.initial_api_version)

    def read(self, wanted: Object, old: State) -> State | None:
        """The object as it is now, and the inputs that would describe it; None if it is gone."""
        inputs = normalised(wanted)
        live = self.cluster.find(wanted)
        if live is None:
            return None
        now = refreshed_inputs(live, inputs)
        state = State(now, live, manager_of(inputs, old.manager), old.initial_api_version)
        try:
            self._waiter.check_ready(inputs, live)
        except UnreadyError as error:
            raise PartialError(str(error), [str(error), *error.reasons], state, now) from error
        return state

    def adopt(self, identity: Object) -> State | None:
        """An object that Pulumi has not known so far, for an import; None if there is none."""
        live = self.cluster.find(identity)
        if live is None:
            return None
        inputs = normalised(live)
        for path in _NOT_INPUT:
            inputs = without(inputs, path)
        if not metadata(inputs).get("annotations"):
            inputs = without(inputs, ("metadata", "annotations"))
        return State(inputs, live, f"pulumi-kubernetes-{secrets.token_hex(4)}", live["apiVersion"])

    def delete(self, request: Request, old: State) -> None:
        """Deletes the object and waits until it is gone."""
        policy = annotation(old.inputs, DELETION_PROPAGATION).lower()
        propagation = {"orphan": "Orphan", "background": "Background"}.get(policy, "Foreground")
        self.cluster.delete(old.live, propagation)
        try:
            self._waiter.until_gone(old.inputs, old.live, time_limit(old.inputs, request.limit), request.tell)
        except UnreadyError as error:
            state = State(old.inputs, error.live, old.manager, old.initial_api_version)
            raise PartialError(str(error), error.reasons, state) from error
        request.tell("")


def _name(obj: Object) -> Object:
    found = metadata(obj)
    return {key: found[key] for key in ("name", "namespace") if found.get(key)}


def _identity(wanted: Object, live: Object) -> Object:
    """Where to find the live object that is to become `wanted`."""
    return {"apiVersion": wanted["apiVersion"], "kind": wanted["kind"], "metadata": _name(live)}


def _is_no_preview(error: ApiError) -> bool:
    """Refusals of a dry run that say nothing about the update: it may run under other conditions."""
    refuses_dry_run = error.code == 400 and "does not support dry run" in str(error)
    return (
        error.code == 403 or error.is_missing_namespace or error.reason == "AlreadyExists" or refuses_dry_run
    )


def _explained(error: ClusterError, manager: str) -> str:
    if not isinstance(error, ApiError) or error.code != 409:
        return str(error)
    return (
        f"server-side apply field conflict detected, see {_CONFLICT_HELP} for troubleshooting help. "
        f"The resource managed by field manager {manager!r} had an apply conflict: {error}. "
        f'The annotation {PATCH_FORCE}: "true" takes the fields over.'
    )
