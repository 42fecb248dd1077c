"""A small client of the Kubernetes API: any kind, by plain JSON objects."""

from __future__ import annotations

import json
import os
import threading
import warnings
from typing import Any
from urllib.parse import quote

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from . import kubeconfig
from .errors import ApiError, NoSuchKindError, UnreachableError
from .rules import api_group
from .state import metadata
from .values import Object

_APPLY = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"
_CONNECT_SECONDS, _ANSWER_SECONDS = 5, 60


class Cluster:
    """The API server of one kubeconfig context. Safe to use from several threads."""

    def __init__(self, config: str = "", context: str = "") -> None:
        self._access = kubeconfig.load(config, context)
        self.namespace = self._access.namespace
        self._sessions = threading.local()
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}
        self._kinds_lock = threading.Lock()

    def close(self) -> None:
        """Forgets the credentials."""
        for descriptor in self._access.descriptors:
            os.close(descriptor)

    def check(self) -> str:
        """The server's version; raises if there is no answer."""
        return str(self._request("GET", "/version")["gitVersion"])

    def is_namespaced(self, obj: Object) -> bool:
        """Do objects of this kind live in a namespace?"""
        return self._kind(obj)[1]

    def knows(self, obj: Object) -> bool:
        """Does the API server have this apiVersion and kind?"""
        try:
            self._kind(obj)
        except NoSuchKindError:
            return False
        return True

    def get(self, obj: Object) -> Object:
        """The live object of this kind and name; ApiError 404 if there is none."""
        return self._request("GET", self._path(obj))

    def find(self, obj: Object) -> Object | None:
        """Like get, but None if there is no such object."""
        try:
            return self.get(obj)
        except NoSuchKindError:
            return None
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def create(self, obj: Object, manager: str, *, dry_run: bool) -> Object:
        """A new object; ApiError 409 if it exists."""
        return self._request("POST", self._path(obj, named=False), _options(manager, dry_run), obj)

    def apply(self, obj: Object, manager: str, *, dry_run: bool, force: bool) -> Object:
        """Server-side apply; ApiError 409 if another manager owns a field that would change."""
        options = {**_options(manager, dry_run), "force": json.dumps(force)}
        return self._request("PATCH", self._path(obj), options, obj, _APPLY)

    def replace(self, obj: Object, manager: str, *, dry_run: bool) -> Object:
        """Puts the whole object in place of the old one."""
        return self._request("PUT", self._path(obj), _options(manager, dry_run), obj)

    def patch(self, obj: Object, operations: list[Object]) -> Object:
        """JSON patch."""
        return self._request("PATCH", self._path(obj), {}, operations, _JSON_PATCH)

    def delete(self, obj: Object, propagation: str) -> None:
        """Asks for the object's deletion; one that is gone already is fine."""
        try:
            self._request("DELETE", self._path(obj), {"propagationPolicy": propagation})
        except NoSuchKindError:
            return
        except ApiError as error:
            if error.code != 404:
                raise

    def list(self, api_version: str, kind: str, namespace: str, **selectors: str) -> list[Object]:
        """All objects of a kind in a namespace; selectors are labelSelector and fieldSelector."""
        example = {"apiVersion": api_version, "kind": kind, "metadata": {"namespace": namespace}}
        items: list[Object] = self._request("GET", self._path(example, named=False), selectors)["items"]
        return items

    def forget_kinds(self) -> None:
        """A new CustomResourceDefinition changes what there is."""
        with self._kinds_lock:
            self._kinds.clear()

    def _path(self, obj: Object, *, named: bool = True) -> str:
        plural, namespaced = self._kind(obj)
        found = metadata(obj)
        root = _api_root(obj["apiVersion"])
        folder = f"/namespaces/{found.get('namespace') or self.namespace}" if namespaced else ""
        return f"{root}{folder}/{plural}" + (f"/{quote(found['name'], safe='')}" if named else "")

    def _kind(self, obj: Object) -> tuple[str, bool]:
        """The plural name of the object's kind, and whether it is namespaced."""
        api_version, kind = obj.get("apiVersion", ""), obj.get("kind", "")
        with self._kinds_lock:
            known = self._kinds.get((api_version, kind))
        if known is None:
            found = self._discover(api_version)
            with self._kinds_lock:
                self._kinds.update(found)
            known = found.get((api_version, kind))
        if known is None:
            raise NoSuchKindError(f'no matches for kind "{kind}" in version "{api_version}"')
        return known

    def _discover(self, api_version: str) -> dict[tuple[str, str], tuple[str, bool]]:
        try:
            listed = self._request("GET", _api_root(api_version))["resources"]
        except ApiError as error:
            if error.code == 404:
                return {}
            raise
        return {
            (api_version, entry["kind"]): (entry["name"], entry["namespaced"])
            for entry in listed
            if "/" not in entry["name"]
        }

    def _request(
        self,
        method: str,
        path: str,
        options: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Object:
        try:
            answer = self._session().request(
                method,
                self._access.server + path,
                params=options,
                data=None if body is None else json.dumps(body),
                headers={"Content-Type": content_type},
                timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS),
            )
        except requests.RequestException as error:
            raise UnreachableError(
                f"the API server {self._access.server} does not answer: {error}"
            ) from error
        if answer.ok:
            result: Object = answer.json()
            return result
        raise _refusal(answer)

    def _session(self) -> requests.Session:
        """This thread's connections: a Session is not made for sharing."""
        if not hasattr(self._sessions, "session"):
            self._sessions.session = _new_session(self._access)
        session: requests.Session = self._sessions.session
        return session


def _new_session(access: kubeconfig.Access) -> requests.Session:
    session = requests.Session()
    # REQUESTS_CA_BUNDLE and proxies of the environment are for other servers than the user's cluster.
    session.trust_env = False
    session.verify = access.verify
    session.cert = access.certificate
    if access.token:
        session.headers["Authorization"] = f"Bearer {access.token}"
    if access.verify is False:
        warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
    # An API server that is busy answers 429 and says when to come back.
    busy = Retry(
        total=5,
        connect=0,
        read=0,
        other=0,
        status_forcelist=(429,),
        allowed_methods=None,
        raise_on_status=False,
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=busy))
    return session


def _api_root(api_version: str) -> str:
    return f"/apis/{api_version}" if api_group(api_version) else f"/api/{api_version}"


def _options(manager: str, dry_run: bool) -> dict[str, str]:
    return {"fieldManager": manager, **({"dryRun": "All"} if dry_run else {})}


def _refusal(answer: requests.Response) -> ApiError:
    try:
        status = answer.json()
    except requests.JSONDecodeError:
        return ApiError(
            answer.status_code, "", f"{answer.status_code} {answer.reason}: {answer.text.strip()}"
        )
    target = (status.get("details") or {}).get("kind", "")
    message = status.get("message") or f"{answer.status_code} {answer.reason}"
    return ApiError(answer.status_code, status.get("reason", ""), message, target)
