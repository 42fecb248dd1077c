"""What was read of the cluster, and what was not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .finding import NotChecked, NotReadError
from .selectors import Labels, by_labels
from .subject import Object, Subject, Version, labels

HERE = "in the service's namespace"
EVERYWHERE = "in all namespaces"
MESH = "in Istio's namespace"
CLUSTER = "in the cluster"
Place = tuple[str, str]  # kind, and where it was looked for


@dataclass(frozen=True)
class Seen:
    """Objects by kind and place; for what could not be read, why."""

    subject: Subject
    root: str  # Istio's namespace, whose policies are the mesh's
    read: Mapping[Place, Sequence[Object]] = field(default_factory=dict)
    unread: Mapping[Place, str] = field(default_factory=dict)
    refused: Sequence[str] = ()  # what the user may not do that `up` of the config needs

    def here(self, kind: str) -> Sequence[Object]:
        return self._of(kind, HERE)

    def mesh(self, kind: str) -> Sequence[Object]:
        return self._of(kind, MESH)

    def cluster(self, kind: str) -> Sequence[Object]:
        return self._of(kind, CLUSTER)

    def everywhere(self, kind: str) -> Sequence[Object]:
        """In all namespaces; in the service's alone where no others may be read, which `gaps` tells of."""
        place = HERE if (kind, EVERYWHERE) in self.unread else EVERYWHERE
        return self._of(kind, place)

    def gaps(self, *kinds: str) -> Iterator[NotChecked]:
        """Which of these kinds could not be read in other namespaces."""
        for kind in kinds:
            if (kind, EVERYWHERE) in self.unread and (kind, HERE) in self.read:
                yield NotChecked(f"{kind}s of other namespaces: {self.unread[kind, EVERYWHERE]}")

    def policies(self, kind: str) -> list[Object]:
        """Of the namespace, and of Istio's, which hold for the whole mesh."""
        found = list(self.here(kind))
        return found if self.root == self.subject.namespace else [*found, *self.mesh(kind)]

    def others(self, found: Sequence[Object]) -> list[Object]:
        """Those that are not the service's."""
        return [each for each in found if not self.subject.owns(each)]

    @property
    def namespace(self) -> Object | None:
        """None: there is none yet."""
        return next(iter(self.cluster("Namespace")), None)

    def pods(self, version: Version) -> list[Object]:
        """Those that run, or are about to."""
        over = ("Succeeded", "Failed")
        return [
            pod
            for pod in self.here("Pod")
            if by_labels(version.selector, labels(pod))
            and pod.get("status", {}).get("phase") not in over
            and "deletionTimestamp" not in pod["metadata"]
        ]

    def label_sets(self, version: Version) -> list[Labels]:
        """All labels of the version's pods: of those that the component makes, else of those that are there."""
        if version.template is not None:
            return [version.template]
        return [labels(pod) for pod in self.pods(version)] or [version.selector]

    def _of(self, kind: str, where: str) -> Sequence[Object]:
        if (kind, where) in self.unread:
            raise NotReadError(f"{kind}s {where}: {self.unread[kind, where]}")
        return self.read.get((kind, where), ())
