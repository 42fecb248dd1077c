"""What `make render` writes, and that it writes no secret unasked."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

import mirrored_service
from mirrored_service.commands import render, stack
from mirrored_service.commands.kill_switch.errors import CommandError
from tests.services import WALKTHROUGH, service_args

TO_STACK = {"mirrorTo": {"stack": "acme/mirrored-service/staging", "percent": 5}}
SECRET = {
    "v1": {"image": "shop:1", "weight": 100, "env": {"PASSWORD": "hush"}},
    "v2": {"image": "shop:2", "mirrorPercent": 10},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose `pulumi` answers from config.json: keys, and which of them are secret."""
    (tmp_path / "Pulumi.yaml").write_text("name: mirrored-service\n")
    configure(tmp_path, WALKTHROUGH)

    def answer(project: Path, *arguments: str) -> str:
        if arguments[:2] == ("stack", "output"):
            return json.dumps({"mirrorTarget": {"host": "shop.far.example", "port": 80, "protocol": "http"}})
        config = json.loads((project / "config.json").read_text())
        if "--show-secrets" not in arguments:
            for entry in config.values():
                entry["value"] = "[secret]" if entry["secret"] else entry["value"]
        return json.dumps(config)

    monkeypatch.setattr(stack, "pulumi", answer)
    return tmp_path


def configure(project: Path, args: Any, secret: tuple[str, ...] = ()) -> None:
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in args.items()}
    entries = {f"mirrored-service:{key}": {"value": texts[key], "secret": key in secret} for key in texts}
    other = {"kubernetes:context": {"value": "prod", "secret": False}}
    (project / "config.json").write_text(json.dumps({**entries, **other}))


def rendered(project: Path, **options: Any) -> list[Path]:
    return render.render(project, "prod", project / "out", **options)


def test_the_files_are_numbered_in_the_order_in_which_they_can_be_applied(project: Path) -> None:
    assert [path.name for path in rendered(project)] == [
        "01-namespace-istio-project.yaml",
        "02-service-nginx-versions.yaml",
        "03-destinationrule-nginx-v1.yaml",
        "04-deployment-nginx-v1.yaml",
        "05-service-nginx.yaml",
        "06-gateway-nginx-gateway.yaml",
        "07-virtualservice-nginx-vs.yaml",
        "08-virtualservice-nginx-mesh.yaml",
        "09-deployment-nginx-v2.yaml",
        "10-destinationrule-nginx-v2.yaml",
    ]


def test_the_files_hold_the_objects_that_up_applies_but_for_what_concerns_pulumi(project: Path) -> None:
    objects = mirrored_service.render(service_args())
    written = [yaml.safe_load(path.read_text()) for path in rendered(project)]
    assert "pulumi.com" in json.dumps(objects)
    assert "pulumi" not in json.dumps(written)
    for made, read in zip(objects, written, strict=True):
        assert {**read, "metadata": {**read["metadata"], "annotations": None}} == {
            **made,
            "metadata": {**made["metadata"], "annotations": None},
        }


def test_annotations_of_the_users_stay(project: Path) -> None:
    configure(project, {**WALKTHROUGH, "annotations": {"owner": "me"}})
    for path in rendered(project):
        assert yaml.safe_load(path.read_text())["metadata"]["annotations"] == {"owner": "me"}


def test_what_is_no_longer_wanted_is_removed_and_what_is_not_ours_stays(project: Path) -> None:
    before = rendered(project)
    (project / "out" / "kustomization.yaml").write_text("mine")
    configure(project, {**WALKTHROUGH, "subsets": {"v1": {"image": "shop:1", "weight": 100}}})
    after = rendered(project)
    assert len(after) == len(before) - 2
    assert {path.name for path in (project / "out").iterdir()} == {
        "kustomization.yaml",
        *(path.name for path in after),
    }


def test_a_file_of_the_users_stays_whatever_it_is_called(project: Path) -> None:
    (project / "out").mkdir()
    mine = project / "out" / "01-mine.yaml"
    mine.write_text("kind: ConfigMap\n")
    rendered(project)
    rendered(project)
    assert mine.read_text() == "kind: ConfigMap\n"


def test_more_files_than_two_digits_count_stay_in_order_and_leave_nothing_behind(project: Path) -> None:
    many = {f"v{number}": {"image": "shop:1"} for number in range(60)}
    configure(project, {**WALKTHROUGH, "subsets": {**many, "v0": {"image": "shop:1", "weight": 100}}})
    paths = rendered(project)
    assert len(paths) > 99
    assert sorted(paths) == paths
    configure(project, WALKTHROUGH)
    fewer = set(rendered(project))
    assert set((project / "out").iterdir()) == fewer


def test_what_stands_in_two_places_is_written_twice_and_not_as_an_anchor(project: Path) -> None:
    written = "".join(path.read_text() for path in rendered(project))
    assert "&id" not in written
    assert "*id" not in written


def test_the_service_of_another_stack_is_the_one_that_it_tells_of(project: Path) -> None:
    configure(project, {**WALKTHROUGH, **TO_STACK})
    (entry,) = [path for path in rendered(project) if "serviceentry" in path.name]
    assert yaml.safe_load(entry.read_text())["spec"]["endpoints"] == [{"address": "shop.far.example"}]


def test_secrets_are_not_written_unasked(project: Path) -> None:
    configure(project, {**WALKTHROUGH, "subsets": SECRET}, secret=("subsets",))
    with pytest.raises(CommandError) as refused:
        rendered(project)
    assert "holds secrets (subsets), which would stand in the files in plain text" in str(refused.value)
    assert not (project / "out").exists()


def test_secrets_are_written_when_asked_for_and_nobody_else_can_read_them(project: Path) -> None:
    configure(project, {**WALKTHROUGH, "subsets": SECRET}, secret=("subsets",))
    paths = rendered(project, show_secrets=True)
    assert "hush" in "".join(path.read_text() for path in paths)
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}


def test_a_wrong_config_writes_nothing(project: Path) -> None:
    configure(project, {**WALKTHROUGH, "settleSeconds": -1})
    with pytest.raises(ValueError, match="settleSeconds: -1 is not allowed"):
        rendered(project)
    assert not (project / "out").exists()


def test_without_pulumi_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="pulumi is not on PATH"):
        rendered(tmp_path)
