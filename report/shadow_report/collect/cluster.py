"""The Kubernetes API, as far as the collector needs it: which pods there are, and their logs.

The official client knows how to get at a cluster (kubeconfig, credential plugins, tokens that are renewed). Its
calls for logs know no `sinceTime`, so requests are put together here.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from shadow_report.collect.follow import InterruptedReadingError, NoLogError
from shadow_report.collect.pods import Watched, watched
from shadow_report.collect.tally import SECOND
from shadow_report.errors import ReportError

LONGEST_LINE = 1 << 20
CONNECT_SECONDS = 10.0
# A connection over which nothing came for so long may be dead without anybody having said so: it is made anew.
SILENT_SECONDS = 60.0
_MOST_PODS_A_LIST = 500


class Cluster:
    """One kind of container in one namespace's pods. Raises ReportError where trying again does not help."""

    def __init__(
        self, namespace: str, selector: str, container: str, kubeconfig: Path | None, context: str | None
    ):
        """`kubeconfig`, `context`: None for what kubectl takes, or the service account of the pod we run in."""
        self.namespace = namespace
        self.selector = selector
        self.container = container
        self._kubeconfig = kubeconfig
        self._context = context
        self._clients: list[Any] = []

    async def connect(self) -> None:
        """Reads the credentials, anew if called again."""
        # By name: the client's 700 modules of generated classes are none of the type checker's business.
        config = importlib.import_module("kubernetes.aio.config")
        client = importlib.import_module("kubernetes.aio.client")
        settings = client.Configuration()
        settings.connection_pool_maxsize = 0  # no limit: each log that is followed holds a connection
        try:
            await _load(config, settings, self._kubeconfig, self._context)
        except Exception as problem:  # whatever its parsers and credential plugins raise
            said = " ".join(str(problem).split()) or type(problem).__name__
            raise ReportError(f"no way to the cluster: {said}; see --kubeconfig and --context") from None
        self._clients.append(client.ApiClient(settings))

    async def close(self) -> None:
        for client in self._clients:
            await client.close()

    async def changes(self) -> AsyncGenerator[dict[str, Watched]]:
        """All pods with the container, by the name of their log, each time that something changed with them."""
        answered = False
        while True:
            try:
                async for pods in self._watch():
                    answered = True
                    yield pods
            except (InterruptedReadingError, NoLogError) as problem:  # the latter: what we know is too old
                if not answered:
                    raise ReportError(f"the cluster does not answer: {problem}") from None
                await asyncio.sleep(1)

    async def _watch(self) -> AsyncGenerator[dict[str, Watched]]:
        pods, version = await self._list()
        yield pods
        query = {"labelSelector": self.selector, "watch": "true", "resourceVersion": version}
        async with self._get(self._pods_path, {**query, "allowWatchBookmarks": "true"}) as response:
            async for line in _lines(response, longest=None):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return  # what we know is too old: the list is read anew
                if event["type"] == "BOOKMARK":
                    continue
                pod = watched(event["object"], self.container)
                if pod is None:
                    continue
                pods = {name: other for name, other in pods.items() if name != pod.log}
                if event["type"] != "DELETED":
                    pods[pod.log] = pod
                yield pods

    async def _list(self) -> tuple[dict[str, Watched], str]:
        pods: dict[str, Watched] = {}
        query = {"labelSelector": self.selector, "limit": str(_MOST_PODS_A_LIST)}
        while True:
            found = await self._json(self._pods_path, query)
            known = (watched(pod, self.container) for pod in found["items"])
            pods |= {pod.log: pod for pod in known if pod is not None}
            if not found["metadata"].get("continue"):
                return pods, found["metadata"]["resourceVersion"]
            query["continue"] = found["metadata"]["continue"]

    async def pod(self, name: str) -> Watched | None:
        """The pod as it is now; None if it is gone. Raises InterruptedReadingError."""
        try:
            return watched(await self._json(f"{self._pods_path}/{name}", {}), self.container)
        except NoLogError:
            return None

    async def log(self, pod: str, since: int, *, previous: bool = False) -> AsyncGenerator[bytes]:
        """See `follow.Logs`."""
        query = {"container": self.container, "timestamps": "true"}
        query |= {"previous": "true"} if previous else {"follow": "true"}
        if since:
            query["sinceTime"] = _whole_second(since)
        async with self._get(f"{self._pods_path}/{pod}/log", query) as response:
            async for line in _lines(response, LONGEST_LINE):
                yield line

    @property
    def _pods_path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods"

    async def _json(self, path: str, query: dict[str, str]) -> Any:
        async with self._get(path, query) as response:
            return json.loads(await response.read())

    @asynccontextmanager
    async def _get(self, path: str, query: dict[str, str]) -> AsyncGenerator[aiohttp.ClientResponse]:
        try:
            response = await self._request(path, query)
            if response.status == 401:
                response.release()
                await self.connect()  # credentials may have run out, or were exchanged
                response = await self._request(path, query)
            try:
                await _check(response, path)
                yield response
            finally:
                response.close()
        except ssl.SSLCertVerificationError as problem:
            raise ReportError(f"the cluster's certificate is not trusted: {problem}") from None
        except aiohttp.ClientConnectorCertificateError as problem:
            raise ReportError(f"the cluster's certificate is not trusted: {problem}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            raise InterruptedReadingError(str(problem)) from None

    async def _request(self, path: str, query: dict[str, str]) -> aiohttp.ClientResponse:
        client = self._clients[-1]
        asked = await client.param_serialize(
            "GET", path, query_params=list(query.items()), header_params={}, auth_settings=["BearerToken"]
        )
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=SILENT_SECONDS)
        answered = await client.call_api(*asked, _request_timeout=timeout)
        response: aiohttp.ClientResponse = answered.response
        return response


async def _load(config: Any, settings: Any, kubeconfig: Path | None, context: str | None) -> None:
    places = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    given = kubeconfig is not None or "KUBECONFIG" in os.environ or Path(places).exists()
    if not given and "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config(client_configuration=settings)
        return
    await config.load_kube_config(
        config_file=str(kubeconfig or places),
        context=context,
        client_configuration=settings,
        persist_config=False,
    )


async def _check(response: aiohttp.ClientResponse, path: str) -> None:
    """Raises what a refusal means."""
    if response.status < 400:
        return
    text = (await response.content.read(10_000)).decode(errors="replace")
    try:
        said = str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        said = text.strip()[:300]
    if response.status in (401, 403):
        raise ReportError(
            f"the cluster refuses {path}: {said} (needed: get, list and watch of pods, and get of pods/log)"
        )
    if response.status in (400, 404, 410):
        raise NoLogError(said)
    raise InterruptedReadingError(f"{response.status}: {said}")


async def _lines(response: aiohttp.ClientResponse, longest: int | None) -> AsyncGenerator[bytes]:
    """The whole lines of an answer; of one that is too long the beginning. What has no end yet is left out: it
    comes again when the answer is read anew."""
    begun = b""
    async for piece in response.content.iter_any():
        *whole, rest = (begun + piece).split(b"\n")
        for line in whole:
            yield line if longest is None else line[:longest]
        begun = rest if longest is None else rest[: longest + 1]


def _whole_second(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
