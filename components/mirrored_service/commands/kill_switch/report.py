"""What the kill switch did, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from .stack import ELSEWHERE, path


@dataclass(frozen=True)
class Report:
    """What was done, and when, in seconds since the command began."""

    stack: str  # empty: not known
    service: str
    namespace: str
    percentages: Mapping[str, float]  # as the config had them
    cut: tuple[str, ...]  # VirtualServices and HTTPRoutes that copied
    routes_changed: float
    last_copy: float | None  # none arrived later; None: no proxy counts any
    proxies: tuple[str, ...]  # pods whose proxies said so
    unread: Mapping[str, str]  # what could not be read, and why
    problems: tuple[str, ...]  # copies that still arrive, routes that copy again, a config that says so

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=2)

    def as_text(self) -> str:
        stack = f", stack {self.stack}" if self.stack else ""
        lines = [f"service {self.service} in namespace {self.namespace}{stack}"]
        lines += [f"{version}: {share} % before, 0 % now" for version, share in self.percentages.items()]
        lines += [self._cut(), self._last_copy()]
        if ELSEWHERE in self.percentages:
            lines.append("copies to the service of another environment are counted by nobody here")
        lines += [f"NOT MEASURED at {pod}: {why}" for pod, why in self.unread.items()]
        lines += [f"PROBLEM: {problem}" for problem in self.problems]
        if not self.stack:
            lines += [
                "",
                "Set the percentages to 0 in its program too, or its next `pulumi up` copies again.",
            ]
        elif self.percentages:
            lines += ["", *self._afterwards()]
        return "\n".join(lines)

    def _cut(self) -> str:
        if not self.cut:
            return f"no route copied anything: {self.routes_changed:.1f} s after the command began"
        return f"routes changed {self.routes_changed:.1f} s after the command began: {', '.join(self.cut)}"

    def _last_copy(self) -> str:
        if self.unread and not self.proxies:
            return "when the last copy arrived was not measured"
        if not self.proxies:
            return "no pod of a shadow that counts copies was found; pods that others run are not looked for"
        seen = f"(counted by the proxies of {', '.join(self.proxies)})"
        if self.last_copy is None:
            return f"no copy arrived {seen}"
        later = self.last_copy - self.routes_changed
        when = f"{later:.1f} s after the routes changed" if later > 0 else "before the routes changed"
        return f"last copy {self.last_copy:.1f} s after the command began, {when} {seen}"

    def _afterwards(self) -> list[str]:
        settings = " ".join(f"--plaintext {path(name)}={share}" for name, share in self.percentages.items())
        return [
            f"Pulumi.{self.stack}.yaml says 0 now. Commit it: a pipeline that runs `pulumi up` with the old file",
            "copies again. To copy again yourself:",
            f"  pulumi config set-all --stack {self.stack} --path {settings}",
            f"  pulumi up --stack {self.stack}",
        ]
