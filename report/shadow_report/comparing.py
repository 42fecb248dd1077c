"""`shadow-report compare`: reads logs, writes the page and the JSON beside it, prints a summary."""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from shadow_report import json_logs
from shadow_report.collect import summary
from shadow_report.collect.summary import Summary
from shadow_report.compare import engine, files, formats, on_duckdb, on_spark, tables, templates
from shadow_report.compare.formats import Layout
from shadow_report.compare.records import Comparing
from shadow_report.compare.run import Run
from shadow_report.compare.settings import MEMORY_MIB, Settings
from shadow_report.errors import STATUSES, ReportError
from shadow_report.judge import limits
from shadow_report.judge.statements import EXIT_STATUS
from shadow_report.judge.thresholds import Thresholds, settings
from shadow_report.judge.verdict import judge
from shadow_report.output import document, junit, markdown, page, terminal, writing
from shadow_report.output.writing import Output

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
STDOUT = "-"
ENGINES = ("duckdb", "spark")
STACK_OUTPUTS = ("liveVersions", "shadowVersions", "mirrorPercents", "mirrorMethods")
Outputs = dict[str, Output]  # the files to be written, by what they hold
_METHOD = re.compile(r"[A-Z]{1,20}|\*")


def add(commands: Any) -> None:
    """Adds the command to the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "compare",
        help="compare the logs of two versions",
        description="Compares the access logs of a live version and of its shadow.",
        epilog=STATUSES,
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a log, a directory of logs, or VERSION=FILE; with Spark table:NAME, parquet:PATH or json:PATH",
    )
    parser.add_argument(
        "--inside", default="", metavar="KEY", help="where the line is in JSON around it, such as log or a.b"
    )
    parser.add_argument(
        "--keys", action="append", default=[], metavar="COLUMN=KEY,...", help="what JSON keys are called"
    )
    parser.add_argument("--live", metavar="V", help="the live version; several with commas")
    parser.add_argument("--shadow", metavar="V", help="the shadow version")
    parser.add_argument(
        "--control", metavar="V", help="a second copy of the live version, mirrored to as well"
    )
    parser.add_argument(
        "--stack", type=Path, metavar="FILE", help="`pulumi stack output --json`, for what is not given"
    )
    parser.add_argument("--mirror-percent", type=float, metavar="P", help="as configured (default: 100)")
    parser.add_argument("--methods", metavar="M", help="as configured (default: GET,HEAD,OPTIONS; all: '*')")
    parser.add_argument(
        "--template", action="append", default=[], metavar="T", help="a path such as /users/{name}"
    )
    parser.add_argument(
        "--from", dest="first", type=_moment, metavar="TIME", help="ISO 8601; UTC without a zone"
    )
    parser.add_argument(
        "--to", dest="last", type=_moment, metavar="TIME", help="ISO 8601; UTC without a zone"
    )
    parser.add_argument(
        "--edge", type=float, default=10.0, metavar="S", help="seconds cut off at both ends (10)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("shadow-report.html"), metavar="FILE", help="the page"
    )
    parser.add_argument(
        "--json", metavar="FILE", help="the figures (default: beside the page); - to print them"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="the summary for a pipeline's run")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="the statements as tests, in JUnit's XML")
    parser.add_argument(
        "--trace-link", default="", metavar="URL", help="where a request's trace is, with {request_id} in it"
    )
    parser.add_argument(
        "--thresholds", type=Path, metavar="FILE", help="thresholds of single routes, and limits, as TOML"
    )
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default=ENGINES[0],
        help="where the work is done (default: here, by DuckDB)",
    )
    parser.add_argument("--spark", metavar="URL", help="sc://HOST:PORT, or a master such as local[2]")
    parser.add_argument("--memory", type=int, metavar="MIB", help=f"DuckDB's memory ({MEMORY_MIB})")
    parser.add_argument("--threads", type=int, metavar="N", help="DuckDB's threads (default: all cores)")
    parser.add_argument(
        "--scratch", type=Path, metavar="DIR", help="where DuckDB may spill (temporary files)"
    )
    for each in settings():
        flag = f"--{each.name.replace('_', '-')}"
        help_text = f"{each.metadata['meaning']} ({each.default:g})"
        parser.add_argument(flag, type=float, default=each.default, metavar="N", help=help_text)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compares, writes and prints; the exit status tells the verdict."""
    given = Thresholds(**{each.name: getattr(options, each.name) for each in settings()})
    rules = limits.read(options.thresholds, given) if options.thresholds else limits.Rules(given)
    thresholds = rules.thresholds
    how = _settings(options)
    outputs = _outputs(options)
    trace_link = _trace_link(options.trace_link)
    found = _with_spark(options, how, outputs) if options.engine == "spark" else _here(options, how, outputs)
    verdict = limits.hold(judge(found, thresholds), found, rules)
    figures = json.dumps(document.document(found, verdict, thresholds), indent=2) + "\n"
    made = {
        "page": lambda: page.render(found, verdict, thresholds, trace_link),
        "json": lambda: figures,
        "markdown": lambda: markdown.summary(found, verdict),
        "junit": lambda: junit.document(found, verdict),
    }
    writing.write({output.path: made[kind]() for kind, output in outputs.items()})
    summary_to = sys.stdout
    if options.json == STDOUT:
        print(figures, end="")
        summary_to = sys.stderr
    print(terminal.summary(found, verdict), file=summary_to)
    print(f"page: {options.out.resolve().as_uri()}", file=summary_to)
    return EXIT_STATUS[verdict.result]


def _here(options: argparse.Namespace, how: Settings, outputs: Outputs) -> Run:
    """With DuckDB, which reads the files of this machine."""
    if options.spark:
        raise ReportError("--spark is for --engine spark")
    layout = Layout(options.inside, json_logs.parse_keys(options.keys))
    logs = files.inputs(options.files)
    _check(
        outputs, [each.path for each in logs], {each.directory for each in logs if each.directory}, options
    )
    with on_duckdb.scratch(how) as scratch:
        known = [formats.recognise(each, layout) for each in files.copied(logs, scratch)]
        told = summary.beside({each.path.parent for each in logs})
        return _told(engine.compare(known, how), told)


def _with_spark(options: argparse.Namespace, how: Settings, outputs: Outputs) -> Run:
    """With Spark, which reads what it can reach."""
    if only_here := [name for name in ("memory", "threads", "scratch") if getattr(options, name) is not None]:
        raise ReportError(f"--{only_here[0]} is DuckDB's: Spark has its own settings (docs/report.md)")
    url = on_spark.check(options.spark)
    keys = json_logs.parse_keys(options.keys)
    tables.check_layout(options.inside, keys)
    given = tables.given(options.files)
    local = [each.local for each in given if each.local]
    _check(outputs, local, {path for path in local if path.is_dir()}, options)
    with on_spark.connected(url) as spark:
        logs = tables.Tables(spark, given, keys, how.comparing)
        sources = logs.store()
        return _told(engine.run(spark, how, sources, logs.versions), logs.summaries())


def _told(found: Run, summaries: list[Summary]) -> Run:
    """With what collectors say of the window."""
    if not summaries:
        return found
    gaps = sorted(chain(*(each.gaps for each in summaries)), key=lambda gap: (gap.begin, gap.pod))
    restarts = sorted(chain(*(each.restarts for each in summaries)), key=lambda each: (each.at, each.pod))
    return replace(
        found,
        not_collected=tuple(filter(found.concerns, gaps)),
        restarts=tuple(filter(found.saw, restarts))
        if all(each.knows_restarts for each in summaries)
        else None,
    )


def _trace_link(template: str) -> str:
    if template and not (template.startswith(("http://", "https://")) and page.REQUEST_ID in template):
        raise ReportError(
            f"--trace-link {template!r}: an address that begins with http:// or https:// and has "
            f"{page.REQUEST_ID} in it is allowed"
        )
    return template


def _outputs(options: argparse.Namespace) -> Outputs:
    outputs = {"page": Output("--out", options.out)}
    if options.json != STDOUT:
        outputs["json"] = Output("--json", Path(options.json or options.out.with_suffix(".json")))
    for kind in ("markdown", "junit"):
        if path := getattr(options, kind):
            outputs[kind] = Output(f"--{kind}", path)
    return outputs


def _check(outputs: Outputs, logs: list[Path], directories: set[Path], options: argparse.Namespace) -> None:
    read = [*logs, *(each for each in (options.stack, options.thresholds) if each)]
    writing.check(list(outputs.values()), read, directories)


def _settings(options: argparse.Namespace) -> Settings:
    stack = _stack(options.stack) if options.stack else {}
    versions = {
        "live": _versions(options.live or stack.get("liveVersions"), "--live"),
        "shadow": _versions(options.shadow or _only_shadow(stack, options.control), "--shadow"),
    }
    if options.control:
        versions["control"] = _versions(options.control, "--control")
    everything = [name for names in versions.values() for name in names]
    for name in everything:
        if everything.count(name) > 1:
            raise ReportError(f"{name!r} is named more than once among --live, --shadow and --control")
    percent = options.mirror_percent
    if percent is None:
        percent = _percent_of(stack, versions["shadow"][0])
    templates.check(options.template)
    settings = Settings(
        Comparing(versions, _methods(options.methods or stack.get("mirrorMethods")), tuple(options.template)),
        mirror_percent=_within("--mirror-percent", percent, 0.0001, 1000),
        edge_seconds=_within("--edge", options.edge, 0, 3600),
        first=options.first,
        last=options.last,
        memory_mib=MEMORY_MIB
        if options.memory is None
        else int(_within("--memory", options.memory, 100, 1 << 20)),
        threads=None if options.threads is None else int(_within("--threads", options.threads, 1, 1024)),
        scratch=options.scratch,
    )
    if settings.scratch and not settings.scratch.is_dir():
        raise ReportError(f"--scratch {settings.scratch} is no directory")
    return settings


def _stack(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ReportError(f"--stack {path}: {problem}: write it with `pulumi stack output --json`") from None
    if not isinstance(values, dict):
        raise ReportError(
            f"--stack {path} holds no outputs by name: write it with `pulumi stack output --json`"
        )
    return {each: values[each] for each in STACK_OUTPUTS if values.get(each) is not None}


def _percent_of(stack: dict[str, Any], shadow: str) -> object:
    percents = stack.get("mirrorPercents", {})
    if not isinstance(percents, dict):
        raise ReportError(f"--stack: mirrorPercents is {percents!r}: percentages by version are allowed")
    if percents and shadow not in percents:
        raise ReportError(
            f"the stack copies nothing to {shadow}, but to {', '.join(map(str, percents))}: give the percentage "
            "of these logs with --mirror-percent"
        )
    return percents.get(shadow, 100)


def _only_shadow(stack: dict[str, Any], control: str | None) -> object:
    """The stack's shadow, next to the control; of several, none is meant more than another."""
    given = stack.get("shadowVersions")
    if not isinstance(given, list):
        return given
    shadows = [each for each in given if each != control]
    if len(shadows) > 1:
        raise ReportError(
            f"the stack has several shadows, {', '.join(map(str, shadows))}: name one with --shadow"
        )
    return shadows


def _versions(given: object, flag: str) -> tuple[str, ...]:
    names = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, list) or not names or not all(isinstance(each, str) and each for each in names):
        raise ReportError(
            f"{flag} is missing: name the version, such as v1, or give the stack's outputs with --stack"
        )
    return tuple(names)


def _methods(given: object) -> tuple[str, ...]:
    names = given.split(",") if isinstance(given, str) else SAFE_METHODS if given is None else given
    if not isinstance(names, list | tuple) or not all(
        isinstance(each, str) and _METHOD.fullmatch(each) for each in names
    ):
        raise ReportError(f"--methods is {given!r}: methods such as GET,HEAD or '*' are allowed")
    return tuple(names)


def _within(flag: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ReportError(f"{flag} is {value!r}: a number from {low:g} to {high:g} is allowed")
    return float(value)


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-11-23T10:00:00") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
