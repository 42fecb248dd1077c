"""What is to be done, in the order that loses nothing; and the way out. Pure."""

from __future__ import annotations

import copy
import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from ..doctor.subject import Object, key
from ..kubectl import RESOURCES
from .adoption import Adoption
from .world import http

COMPONENT = "mirrored-service:index:MirroredService"
_NOT_KEPT = "kubectl.kubernetes.io/last-applied-configuration"
_SECONDS = 15  # in which proxies learn of a change: istiod tells them 10 s late at most


@dataclass(frozen=True)
class Step:
    title: str
    why: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Way:
    """The steps in and out, and the files that they use, by name."""

    steps: list[Step]
    out: list[Step]
    files: dict[str, str]


def way(
    found: Adoption,
    stack: str,
    config: str,
    directory: str,
    context: str | None,
    *,
    live: bool,
    in_place: bool,
) -> Way:
    """`config` is the name of the stack's file, `directory` is where the files are, `context` is kubectl's.

    :param live: What was found is in the cluster, and not in files.
    :param in_place: The directory is the program's.
    """
    writer = _Writer(found, stack, directory, context, live=live, in_place=in_place)
    steps = list(writer.steps(config))
    out = list(writer.out())
    return Way(steps, out, writer.files)


class _Writer:
    def __init__(
        self,
        found: Adoption,
        stack: str,
        directory: str,
        context: str | None,
        *,
        live: bool,
        in_place: bool,
    ) -> None:
        self.found, self.running, self.stack, self.directory = found, found.running, stack, directory
        self._kubectl = "kubectl" + (f" --context {shlex.quote(context)}" if context else "")
        self.files: dict[str, str] = {}
        self.unfit = set(found.rules.unfit)
        self.live, self.in_place = live, in_place

    def steps(self, config: str) -> Iterator[Step]:
        select = f"pulumi stack select --create {self.stack}"
        yield Step(
            "The stack",
            f"{config} belongs beside Pulumi.yaml of the program.",
            (select,) if self.in_place else (f"cp {self._path(config)} .", select),
        )
        if self.found.secrets:
            yield Step(
                "What may be secret",
                "These variables look like secrets, so their values were not written: `false` stands for each, "
                "which `preview` and `up` refuse. `pulumi config set` asks for a value that is not handed to it.",
                tuple(map(self._set_secret, self.found.secrets)),
            )
        if self.unfit:
            yield from self._without_subsets()
        if not self.running.left:
            yield self._before()
        yield self._import()
        yield Step(
            "The stack's own objects",
            "The Service for callers leads to the stack's pods when they are ready, and the routes come last."
            if not self.running.left
            else "Nothing about the pods changes; the routes come last.",
            (f"pulumi preview --stack {self.stack}", f"pulumi up --stack {self.stack}"),
        )
        yield from self._routes()
        yield from self._clean_up()
        yield Step(
            "A look at it",
            "What it tells of is to be seen to before anything is copied.",
            (f"mirrored-service doctor --stack {self.stack}",),
        )
        yield self._copies()

    def _set_secret(self, path: str) -> str:
        command = f"pulumi config set --stack {self.stack} --secret --path {shlex.quote(path)}"
        variable = path.removeprefix(f"subsets.{self.running.version}.env.")
        if variable == path or not self.live or self.running.deployment is None:
            return command
        where = (
            f'{{.spec.template.spec.containers[?(@.name=="{self.found.container}")]'
            f'.env[?(@.name=="{variable}")].value}}'
        )
        _, namespace, name = key(self.running.deployment)
        get = f"{self._kubectl} get deployments.apps {name} --namespace {namespace}"
        return f"{get} --output=jsonpath={shlex.quote(where)} | {command}"

    def _without_subsets(self) -> Iterator[Step]:
        commands = []
        for each in [*self.found.routing.replaced, *(root for root, _ in self.found.routing.roots)]:
            if self._stripped(http(each)) != http(each):
                name = f"subsets-{_named(each)}.json"
                self.files[name] = _patch(http(each), self._stripped(http(each)))
                commands.append(self._patch_command(each, name))
        if commands:
            yield Step(
                "Routes without subsets",
                f"The subset {', '.join(sorted(self.unfit))} is of pods with a label that the stack's have not: "
                "the routes would lead nowhere when these answer. Without it they lead to the same pods.",
                tuple(commands),
            )

    def _before(self) -> Step:
        name = f"{self.running.name}-before"
        ports: dict[tuple[str, int], dict[str, Any]] = {}
        for service in self.running.services:
            for port in service["spec"].get("ports") or ():
                transport = port.get("protocol", "TCP")
                ports.setdefault(
                    (transport, port["port"]),
                    {
                        "name": port.get("name") or f"port-{port['port']}",
                        "protocol": transport,
                        "port": port["port"],
                        "targetPort": port.get("targetPort", port["port"]),
                    },
                )
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": self.running.namespace},
            "spec": {"selector": self.running.selector, "ports": _apart(list(ports.values()))},
        }
        self.files["before.yaml"] = yaml.safe_dump(service, sort_keys=False)
        return Step(
            "A Service for the pods that run now",
            "They answer requests that are on their way to them only while some Service leads to them.",
            (f"{self._kubectl} apply --filename {self._path('before.yaml')}",),
        )

    def _import(self) -> Step:
        name = self.running.name
        resources: list[dict[str, Any]] = [{"type": COMPONENT, "name": name, "component": True}]
        for suffix, service in self.found.imported:
            resources.append(
                {
                    "type": "kubernetes:core/v1:Service",
                    "name": f"{name}-{suffix}",
                    "id": f"{self.running.namespace}/{key(service)[2]}",
                    "parent": name,
                }
            )
        if len(resources) == 1:
            return Step("Nothing to import", "No Service becomes the stack's.")
        self.files["import.json"] = json.dumps({"resources": resources}, indent=2) + "\n"
        listed = ", ".join(key(service)[2] for _, service in self.found.imported)
        return Step(
            "Services become the stack's",
            f"Pulumi refuses to create what exists ({listed}). Their addresses stay.",
            (
                f"pulumi import --stack {self.stack} --file {self._path('import.json')} --protect=false "
                "--generate-code=false",
            ),
        )

    def _routes(self) -> Iterator[Step]:
        for root, new in self.found.routing.roots:
            old = self._stripped(http(root)) if self.unfit else http(root)
            new = self._stripped(new) if self.unfit else new
            name = f"root-{_named(root)}.json"
            self.files[name] = _patch(old, new)
            yield Step(
                f"{key(root)[2]} delegates to the stack",
                f"VirtualService {key(root)[1]}/{key(root)[2]} stays its owner's, who makes this change. It is "
                "refused if somebody changed the routes since they were read: run adopt again then.",
                (self._patch_command(root, name),),
            )
        if self.found.routing.replaced:
            yield Step(
                "The routes that were there before",
                "The stack's are the same, and are used from now on, for every request at the same time.",
                tuple(self._delete(each) for each in self.found.routing.replaced),
            )

    def _clean_up(self) -> Iterator[Step]:
        gone = self.found.replaced
        if gone:
            yield Step(
                "Who counted the pods, and guarded them",
                "The stack's do that for its own pods.",
                tuple(self._delete(each) for each in gone),
            )
        if not self.running.left and self.running.deployment is not None:
            yield Step(
                "The Deployment that was there before",
                "It gets no requests any more; the Service goes when its last pod has ended.",
                (
                    f"{self._delete(self.running.deployment)} --cascade=foreground --wait",
                    f"{self._kubectl} delete service {self.running.name}-before "
                    f"--namespace {self.running.namespace}",
                ),
            )
        if self.found.rules.replaced:
            yield Step(
                "Rules that nothing uses any more",
                f"Not before {_SECONDS} s after the routes, as proxies must have forgotten these.",
                (f"sleep {_SECONDS}", *(self._delete(each) for each in self.found.rules.replaced)),
            )
        version = self.running.version
        if self.found.then_least is not None:
            path = f"subsets.{version}.autoscaling.minReplicas"
            yield Step(
                "As few pods as before",
                "The autoscaler has counted under load by now.",
                (
                    f"pulumi config set --stack {self.stack} --path {path} {self.found.then_least}",
                    f"pulumi up --stack {self.stack}",
                ),
            )
        if self.found.then_others is not None:
            yield Step(
                "Who counts the pods",
                f"Then point {self.found.then_others} to Deployment {self.running.name}-{version}.",
                (
                    f"pulumi config rm --stack {self.stack} --path subsets.{version}.replicas",
                    f"pulumi config set --stack {self.stack} --path subsets.{version}.scaledByOthers true",
                    f"pulumi up --stack {self.stack}",
                ),
            )

    def _copies(self) -> Step:
        version = self.running.version
        how = (
            "podLabels of its pods and `mirrorPercent: 10`"
            if self.running.left
            else f"what {version} has, another image, and `mirrorPercent: 10` in place of the weight"
        )
        return Step(
            "Copies",
            f"Give the version to try out an entry of its own beside {version} in the config's subsets: {how}.",
            (f"pulumi up --stack {self.stack}", f"mirrored-service status --stack {self.stack} --expect"),
        )

    def out(self) -> Iterator[Step]:
        yield Step(
            "Keep what answers",
            "The live version's pods, the Services, and nothing else, are to stay.",
            (
                f"pulumi config set --stack {self.stack} keepOnDestroy true",
                f"pulumi up --stack {self.stack}",
            ),
        )
        back = [self._as_it_was(each) for each in [*self.found.rules.replaced, *self.found.routing.replaced]]
        commands = []
        if back:
            self.files["way-out.yaml"] = yaml.safe_dump_all(back, sort_keys=False)
            commands.append(f"{self._kubectl} apply --filename {self._path('way-out.yaml')}")
        for root, new in self.found.routing.roots:
            name = f"root-{_named(root)}-back.json"
            new = self._stripped(new) if self.unfit else new
            self.files[name] = _patch(new, self._to_services(http(root)))
            commands.append(self._patch_command(root, name))
        if commands:
            yield Step(
                "The routes that were there before",
                "They lead to the Services, which lead to the live version, whatever it is; so they "
                "name no subsets.",
                tuple(commands),
            )
        yield Step(
            "The stack",
            "The program runs, so that Pulumi waits until proxies have forgotten the versions.",
            (f"pulumi destroy --stack {self.stack} --run-program",),
        )
        if self.running.left:
            yield Step("The Services", "Give them back to their owner: let it apply them again.")
        else:
            yield self._own_pods()

    def _own_pods(self) -> Step:
        commands = [f"{self._kubectl} rollout status deployment YOURS --namespace {self.running.namespace}"]
        for _, service in self.found.imported:
            # The ports too: the stack's lead to a name that only its own pods give.
            there = {"selector": service["spec"]["selector"], "ports": self._ports(service)}
            patch = [
                {"op": "replace", "path": f"/spec/{part}", "value": value} for part, value in there.items()
            ]
            commands.append(
                f"{self._kubectl} patch service {key(service)[2]} --namespace {self.running.namespace} "
                f"--type=json --patch {shlex.quote(json.dumps(patch))}"
            )
        commands.append(f"sleep {_SECONDS}")
        commands.append(
            f"{self._kubectl} delete deployment {self.running.name}-LIVE --namespace {self.running.namespace}"
        )
        return Step(
            "A Deployment of your own again, if you want one",
            "Apply it; YOURS is its name, and LIVE the version that was live. When its pods are ready the "
            "Services lead to them as they did; when proxies know that, the stack's last Deployment goes.",
            tuple(commands),
        )

    def _ports(self, service: Object) -> list[dict[str, Any]]:
        """As they were, and what they speak as the stack says it: proxies that have to find out from then on make
        another listener, and lose requests while they do."""
        spoken = {
            port["port"]: {"appProtocol": port["appProtocol"]}
            for port in self.found.settings["ports"]
            if key(service)[2] == self.running.name and "appProtocol" in port
        }
        return [{**spoken.get(port["port"], {}), **port} for port in service["spec"]["ports"]]

    def _as_it_was(self, found: Object) -> dict[str, Any]:
        """The object without what the cluster adds, and without subsets, whose labels no pod may have."""
        metadata = found["metadata"]
        kept: dict[str, Any] = {"name": metadata["name"], "namespace": metadata["namespace"]}
        for part in ("labels", "annotations"):
            left = {name: value for name, value in (metadata.get(part) or {}).items() if name != _NOT_KEPT}
            if left:
                kept[part] = left
        spec = {name: value for name, value in found["spec"].items() if name != "subsets"}
        if found["kind"] == "DestinationRule" and "trafficPolicy" in self.found.settings:
            spec["trafficPolicy"] = self.found.settings["trafficPolicy"]  # a subset may have said it
        if found["kind"] == "VirtualService":
            spec["http"] = self._to_services(http(found))
        return copy.deepcopy(
            {"apiVersion": found["apiVersion"], "kind": found["kind"], "metadata": kept, "spec": spec}
        )

    def _to_services(self, routes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return _strip(routes, None, self.running.hosts, self.running)

    def _stripped(self, routes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return _strip(routes, self.unfit, self.running.hosts, self.running)

    def _delete(self, found: Object) -> str:
        kind, namespace, name = key(found)
        return f"{self._kubectl} delete {RESOURCES[kind]} {name} --namespace {namespace}"

    def _patch_command(self, found: Object, file: str) -> str:
        _, namespace, name = key(found)
        return (
            f"{self._kubectl} patch {RESOURCES['VirtualService']} {name} --namespace {namespace} --type=json "
            f"--patch-file {self._path(file)}"
        )

    def _path(self, name: str) -> str:
        return shlex.quote(f"{self.directory}/{name}")


def _named(found: Object) -> str:
    return "-".join(key(found)[1:])


def _patch(old: list[Any], new: list[Any]) -> str:
    """As long as nobody changed the routes meanwhile."""
    patch = [
        {"op": "test", "path": "/spec/http", "value": old},
        {"op": "replace", "path": "/spec/http", "value": new},
    ]
    return json.dumps(patch, indent=2) + "\n"


def _strip(
    routes: list[dict[str, Any]], subsets: set[str] | None, hosts: frozenset[str], running: Any
) -> list[dict[str, Any]]:
    """The routes without these subsets of the service, or without any."""
    found = copy.deepcopy(routes)
    short = {name for host in hosts for name in (host, host.partition(".")[0])}
    for route in found:
        for member in route.get("route") or ():
            destination: dict[str, Any] = member.get("destination") or {}
            named = destination.get("subset")
            if destination.get("host") in short and named and (subsets is None or named in subsets):
                del destination["subset"]
    return found


def _apart(ports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With names that are there once: Services may call two ports alike."""
    seen: set[str] = set()
    for port in ports:
        if port["name"] in seen:
            port["name"] = f"port-{port['port']}"
        seen.add(port["name"])
    return ports


def as_markdown(found: Adoption, way: Way) -> str:
    running = found.running
    lines = [f"# {running.namespace}/{running.name}: steps", ""]
    first = [row for row in found.rows if row.do]
    if first:
        lines += ["Before anything else, see to this:", ""]
        lines += [f"- {row.what} ({row.verdict}): {row.why}. {_sentence(row.do)}" for row in first]
        lines.append("")
    lines += ["## In", "", *_numbered(way.steps), "## The way out", "", *_numbered(way.out)]
    return "\n".join(lines)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _numbered(steps: list[Step]) -> Iterator[str]:
    for number, step in enumerate(steps, 1):
        yield from (f"{number}. **{step.title}.** {step.why}", "")
        if step.commands:
            yield from ("   ```sh", *(f"   {command}" for command in step.commands), "   ```", "")


def as_json(step: Step) -> Mapping[str, Any]:
    return {"title": step.title, "why": step.why, "commands": list(step.commands)}
