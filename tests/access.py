"""The permissions in deploy/, read and given to a service account of the lab."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from lab import Lab
from lab.cluster.audit import NAMESPACE, Asked
from lab.cluster.layout import CHECKOUT

DEPLOY = CHECKOUT / "deploy"


def objects(file: str, namespaces: Mapping[str, str]) -> list[dict[str, Any]]:
    """The objects of a file, in other namespaces than those it names."""
    found = [entry for entry in yaml.safe_load_all((DEPLOY / file).read_text()) if entry]
    for entry in found:
        if "namespace" in entry["metadata"]:
            name = entry["metadata"]["namespace"]
            entry["metadata"]["namespace"] = namespaces.get(name, name)
    return found


def granted(role: Mapping[str, Any]) -> set[Asked]:
    """The single permissions of a role."""
    return {
        Asked(group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def roles(file: str) -> dict[str, set[Asked]]:
    """The permissions of each role of a file, by its name."""
    return {entry["metadata"]["name"]: granted(entry) for entry in objects(file, {}) if "rules" in entry}


def apply(lab: Lab, *found: Mapping[str, Any]) -> None:
    lab.kubectl("apply", "--filename=-", input=yaml.safe_dump_all(found))


def namespace(name: str) -> dict[str, Any]:
    """With sidecars, as the component would make it."""
    metadata = {"name": name, "labels": {"istio-injection": "enabled"}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def kubeconfig(lab: Lab, account: str, directory: Path) -> Path:
    """For whoever has only the permissions of this service account."""
    config = yaml.safe_load(lab.kubeconfig.read_text())
    token = lab.kubectl("create", "token", account, f"--namespace={NAMESPACE}", "--duration=1h").strip()
    for user in config["users"]:
        user["user"] = {"token": token}
    file = directory / f"{account}.kubeconfig"
    file.write_text(yaml.safe_dump(config))
    return file


def without(role: Mapping[str, Any], missing: Asked) -> dict[str, Any]:
    """The same role with one permission less."""
    return {**role, "rules": list(_rules_without(role["rules"], missing))}


def _rules_without(rules: list[dict[str, Any]], missing: Asked) -> Iterator[dict[str, Any]]:
    for rule in rules:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                same = (group, resource) == (missing.group, missing.resource)
                verbs = [verb for verb in rule["verbs"] if not (same and verb == missing.verb)]
                yield {"apiGroups": [group], "resources": [resource], "verbs": verbs}
