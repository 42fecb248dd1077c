"""The objects of docs/gitops.md agree with the files that they are used with."""

import re
from typing import Any

import yaml

from lab.cluster.layout import CHECKOUT


def objects(name: str) -> list[Any]:
    return list(yaml.safe_load_all((CHECKOUT / "deploy" / name).read_text()))


def of(kind: str, name: str) -> Any:
    return next(each for each in objects(name) if each["kind"] == kind)


def test_the_stack_is_one_of_this_program_and_runs_as_the_account_that_may() -> None:
    stack = of("Stack", "pulumi-operator.yaml")
    account = of("ServiceAccount", "rbac.yaml")["metadata"]
    assert (stack["spec"]["serviceAccountName"], stack["metadata"]["namespace"]) == (
        account["name"],
        account["namespace"],
    )
    project = yaml.safe_load((CHECKOUT / "Pulumi.yaml").read_text())["name"]
    _, named, of_stack = stack["spec"]["stack"].split("/")
    assert named == project
    assert (CHECKOUT / f"Pulumi.{of_stack}.yaml").exists()
    (subject,) = of("ClusterRoleBinding", "pulumi-operator.yaml")["subjects"]
    assert (subject["name"], subject["namespace"]) == (account["name"], account["namespace"])


def test_it_runs_with_the_pulumi_that_the_program_asks_for() -> None:
    (pinned,) = re.findall(r"^pulumi==(\S+)", (CHECKOUT / "requirements.txt").read_text(), re.MULTILINE)
    image = of("Stack", "pulumi-operator.yaml")["spec"]["workspaceTemplate"]["spec"]["image"]
    assert image == f"pulumi/pulumi:{pinned}-nonroot"


def test_to_delete_an_object_destroys_no_service() -> None:
    assert of("Stack", "pulumi-operator.yaml")["spec"]["destroyOnFinalize"] is False
    assert of("Application", "argocd.yaml")["spec"]["syncPolicy"]["automated"]["prune"] is False
    destination = of("Application", "argocd.yaml")["spec"]["destination"]
    assert destination["namespace"] == of("Stack", "pulumi-operator.yaml")["metadata"]["namespace"]
