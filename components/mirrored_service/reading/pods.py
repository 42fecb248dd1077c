"""Reads what runs in a version's pods, how it starts and stops, and in which surroundings."""

from __future__ import annotations

from typing import Any

import pulumi

from .. import args as public
from ..description.pods import EmptyDir, Mount, Probe, Rollout, SecretKey, Stop, Toleration
from . import syntax
from .fields import MISSING, Fields, fits, whole

_NAME_TEXT = "the name of a Kubernetes object: a-z, 0-9, '-' and '.', at most 253"

_IMAGE_TEXT = 'a container image, such as "registry.example/shop:1"'
_VARIABLE_TEXT = "letters, digits, '_', '-' and '.', not starting with a digit"
_ENV_TEXT = "variables whose values are strings without NUL (put numbers in quotes)"
_QUANTITY_TEXT = 'a Kubernetes quantity as a string, such as "250m" or "128Mi"'
_WHOLE_TEXT = 'a whole number, such as "128Mi": "m" is a thousandth'
_RESOURCE_TEXT = 'cpu, memory, ephemeral-storage, or an extended resource such as "example.org/gpu"'
_SOURCES = ("configMap", "secret", "emptyDir", "claim")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def object_name(fields: Fields, key: str, default: Any = None) -> Any:
    """The name of a Kubernetes object, in plain text."""
    return fields.text(key, default, _NAME_TEXT, syntax.OBJECT_NAME)


def object_input(fields: Fields, key: str, default: Any = None) -> Any:
    """The name of a Kubernetes object, which may be the output of another resource."""
    return fields.text_or_output(key, default, _NAME_TEXT, syntax.OBJECT_NAME)


def image(fields: Fields) -> pulumi.Input[str]:
    """The image; "" where others run the pods."""
    default = MISSING if fields.values.get("podLabels") is None else ""
    found: pulumi.Input[str] = fields.text_or_output("image", default, _IMAGE_TEXT, syntax.is_image)
    return found


def env(fields: Fields) -> dict[str, pulumi.Input[str]]:
    env = fields.entries("env", _ENV_TEXT)
    for name, value in env.items():
        if not fits(syntax.ENV_NAME, name):
            fields.refuse_name("env", name, _VARIABLE_TEXT)
        elif not (isinstance(value, pulumi.Output) or syntax.is_text(value)):
            fields.refuse(("env", name), value, _ENV_TEXT, secret=True)
    return env


def secret_env(fields: Fields) -> dict[str, SecretKey]:
    variables = fields.named_sections(
        "secretEnv", public.SecretKeyArgs, "variables by name", syntax.ENV_NAME, _VARIABLE_TEXT
    )
    return {
        name: SecretKey(
            secret=object_input(entry, "secret", MISSING),
            key=entry.text(
                "key", MISSING, "the key of a Secret: letters, digits, '-', '_' and '.'", syntax.SECRET_KEY
            ),
        )
        for name, entry in variables.items()
    }


def mounts(fields: Fields) -> tuple[Mount, ...]:
    mounts = fields.listed_sections("mounts", public.MountArgs, "a list of mounts")
    found = tuple(_mount(mount) for mount in mounts)
    for place, mount in enumerate(found):
        if mount.path is not MISSING and mount.path in (earlier.path for earlier in found[:place]):
            mounts[place].refuse(("path",), mount.path, "each path once")
    return found


def _mount(fields: Fields) -> Mount:
    mount = Mount(
        path=fields.text(
            "path",
            MISSING,
            'an absolute path, such as "/etc/shop", without ":" and ".."',
            syntax.is_mount_path,
        ),
        config_map=object_input(fields, "configMap"),
        secret=object_input(fields, "secret"),
        empty_dir=_empty_dir(fields),
        claim=object_input(fields, "claim"),
        read_only=fields.flag("readOnly", False),
        sub_path=fields.text(
            "subPath",
            None,
            'a relative path, such as "live/shop.conf", without ".."',
            syntax.is_sub_path,
        ),
    )
    given = [source for source in _SOURCES if fields.values.get(source) is not None]
    if fields.sound and not given:
        fields.problems.add(fields.path, f"nothing to mount; allowed: one of {', '.join(_SOURCES)}")
    for source in given[1:]:
        fields.refuse((source,), fields.values[source], f"nothing next to {given[0]}: one source a mount")
    return mount


def _empty_dir(fields: Fields) -> EmptyDir | None:
    section = fields.optional_section("emptyDir", public.EmptyDirArgs)
    if section is None:
        return None
    size = section.values.get("sizeLimit")
    if size is not None:
        _check_whole(section, ("sizeLimit",), size)
    return EmptyDir(size)


def image_pull_secrets(fields: Fields) -> tuple[str, ...]:
    allowed = "a list of names of Secrets, each once"
    secrets = fields.texts("imagePullSecrets", (), allowed, syntax.OBJECT_NAME)
    return fields.each_once("imagePullSecrets", secrets, allowed)


def tolerations(fields: Fields) -> tuple[Toleration, ...]:
    members = fields.listed_sections("tolerations", public.TolerationArgs, "a list of tolerations")
    return tuple(_toleration(member) for member in members)


def _toleration(fields: Fields) -> Toleration:
    toleration = Toleration(
        key=fields.text("key", None, "the key of a taint", syntax.is_label_key),
        operator=fields.choice("operator", "Equal", ("Equal", "Exists")),
        value=fields.text("value", None, "the value of a taint, at most 63 characters", syntax.LABEL_VALUE),
        effect=fields.choice("effect", None, _EFFECTS),
        toleration_seconds=fields.whole("tolerationSeconds", None, 0, 1_000_000_000),
    )
    if fields.sound:
        _check_toleration(fields, toleration)
    return toleration


def _check_toleration(fields: Fields, toleration: Toleration) -> None:
    if toleration.key is None and toleration.operator != "Exists":
        fields.refuse(("operator",), toleration.operator, "Exists where there is no key")
    if toleration.operator == "Exists" and toleration.value:
        fields.refuse(("value",), toleration.value, "nothing next to operator Exists")
    if toleration.toleration_seconds is not None and toleration.effect != "NoExecute":
        fields.refuse(
            ("tolerationSeconds",), toleration.toleration_seconds, "nothing unless effect is NoExecute"
        )


def run_as_user(fields: Fields) -> int | None:
    def accept(raw: Any) -> int | None:
        user = whole(raw, 0, 2**31 - 1)
        return None if user == syntax.PROXY_USER else user

    allowed = (
        f"a whole number from 0 to {2**31 - 1}, but not {syntax.PROXY_USER}: what that user sends does not pass "
        "Istio's sidecar"
    )
    return fields.value("runAsUser", None, allowed, accept)


def command(fields: Fields, key: str) -> tuple[pulumi.Input[str], ...]:
    return fields.texts(key, (), "a list of strings without NUL", secret=True, outputs=True)


def resources(fields: Fields) -> tuple[dict[str, str], dict[str, str]]:
    section = fields.section("resources", public.ResourcesArgs)
    requests, limits = _quantities(section, "requests"), _quantities(section, "limits")
    for name, request in requests.items() if section.sound else ():
        _check_limit(section, name, request, limits.get(name))
    for name, default in (("cpu", "100m"), ("memory", "128Mi")):
        # With a limit and no request, Kubernetes requests the limit; a default above it would be refused.
        if name not in requests and name not in limits:
            requests[name] = default
    return requests, limits


def _quantities(section: Fields, key: str) -> dict[str, str]:
    quantities = section.entries(key, "quantities by resource")
    for name, raw in quantities.items():
        if not (isinstance(name, str) and syntax.is_resource(name)):
            section.refuse_name(key, name, _RESOURCE_TEXT)
        elif name != "cpu":
            _check_whole(section, (key, name), raw)
        elif syntax.quantity(raw) is None:
            section.refuse((key, name), raw, _QUANTITY_TEXT)
    return quantities


def _check_whole(section: Fields, below: tuple[str, ...], raw: Any) -> None:
    value = syntax.quantity(raw)
    if value is None:
        section.refuse(below, raw, _QUANTITY_TEXT)
    elif value % 1:
        section.refuse(below, raw, _WHOLE_TEXT)


def _check_limit(section: Fields, name: str, request: str, limit: str | None) -> None:
    asked, most = syntax.quantity(request), syntax.quantity(limit)
    if syntax.is_extended_resource(name) and asked != most:
        section.refuse(("limits", name), limit, f"the same as the request, {request}: it is never shared")
    elif asked is not None and most is not None and most < asked:
        section.refuse(("limits", name), limit, f"at least the request, which is {request}")


def probe(fields: Fields, protocol: str) -> Probe:
    probe = fields.section("probe", public.ProbeArgs)
    return Probe(
        path=probe.text(
            "path",
            "/" if protocol == "http" else None,
            'a path, such as "/healthz"',
            syntax.PROBE_PATH,
        ),
        period_seconds=probe.whole("periodSeconds", 2, 1, 3600),
        timeout_seconds=probe.whole("timeoutSeconds", 1, 1, 3600),
        failure_threshold=probe.whole("failureThreshold", 3, 1, 1000),
    )


def rollout(fields: Fields) -> Rollout:
    section = fields.section("rollout", public.RolloutArgs)
    rollout = Rollout(
        max_surge=section.whole("maxSurge", 1, 0, 10_000),
        max_unavailable=section.whole("maxUnavailable", 0, 0, 10_000),
        deadline_seconds=section.whole("deadlineSeconds", 300, 5, 86_400),
    )
    if section.sound and rollout.max_surge == rollout.max_unavailable == 0:
        section.refuse(("maxSurge",), 0, "at least 1 next to maxUnavailable 0, or no pod could be exchanged")
    return rollout


def stop(fields: Fields) -> Stop:
    section = fields.section("stop", public.StopArgs)
    delay = section.whole("delaySeconds", 15, 0, 3600)
    grace = section.whole("graceSeconds", 45, 1, 7200)
    if section.sound and grace <= delay:
        section.refuse(("graceSeconds",), grace, f"more than delaySeconds, which is {delay}")
    return Stop(delay, grace)
