"""Reads what runs: from the cluster, or from files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..doctor.subject import Key, Object, key
from ..kill_switch.errors import CommandError
from ..kubectl import Kubectl
from . import documents
from .world import World

OF_NAMESPACE = (
    "AuthorizationPolicy",
    "Deployment",
    "EnvoyFilter",
    "HTTPRoute",
    "HorizontalPodAutoscaler",
    "Ingress",
    "NetworkPolicy",
    "PeerAuthentication",
    "PodDisruptionBudget",
    "RequestAuthentication",
    "Service",
    "ServiceAccount",
    "Sidecar",
    "Telemetry",
)
# Without these nothing can be said.
NEEDED = ("Deployment", "DestinationRule", "Service", "VirtualService")
OF_ALL = ("DestinationRule", "Gateway", "VirtualService")
_ENDINGS = (".json", ".yaml", ".yml")
STDIN = "-"


def of_cluster(kubectl: Kubectl, namespace: str, progress: Callable[[str], None]) -> World:
    """What is in the namespace, and the routes, rules and Gateways of all namespaces.

    Raises CommandError where what is needed cannot be read: a part that is not known might be what is lost.
    """
    here = f"--namespace={namespace}"
    progress(f"reading the namespace {namespace}, and the routes of all namespaces")
    with ThreadPoolExecutor(2) as pool:
        own = pool.submit(kubectl.lists, OF_NAMESPACE, here)
        everywhere = pool.submit(kubectl.lists, OF_ALL, "--all-namespaces")
        found, unread = own.result()
        shared, why = everywhere.result()
    if why:
        # Whoever may read one namespace only is told so, and goes on.
        mine, mine_unread = kubectl.lists(why, here)
        shared |= mine
        unread = {**unread, **mine_unread}
    missing = {kind: text for kind, text in unread.items() if kind in NEEDED}
    if missing:
        listed = "; ".join(f"{kind}s: {text}" for kind, text in missing.items())
        raise CommandError(f"not to be read in the namespace {namespace}: {listed}")
    objects = [each for items in (*found.values(), *shared.values()) for each in items]
    gaps = {f"{kind}s of other namespaces": text for kind, text in why.items() if kind not in unread}
    gaps |= {f"{kind}s of namespace {namespace}": text for kind, text in unread.items()}
    return World(objects, live=True, unread=gaps)


def of_files(sources: Sequence[str], namespace: str, progress: Callable[[str], None]) -> World:
    """The objects of files, of all YAML and JSON files of directories, and of "-", which is stdin.
    Of an object that is there twice the last one counts, as for `kubectl apply`."""
    found: dict[Key, Object] = {}
    for source in sources:
        for name, text in _texts(source):
            progress(f"reading {name}")
            found |= {key(each): each for each in documents.objects(text, name, namespace)}
    if not found:
        raise CommandError(f"no objects in {', '.join(sources)}")
    return World(list(found.values()), live=False)


def _texts(source: str) -> list[tuple[str, str]]:
    if source == STDIN:
        return [("stdin", sys.stdin.read())]
    path = Path(source)
    try:
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.suffix in _ENDINGS and each.is_file())
            return [(str(each), each.read_text()) for each in inside]
        return [(source, path.read_text())]
    except (OSError, UnicodeDecodeError) as problem:
        raise CommandError(f"{source} cannot be read: {problem}") from None
