"""The verdict as JUnit XML, which pipelines show as tests: each statement is one."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from shadow_report.compare.run import Run
from shadow_report.judge.statements import Result, Statement, Verdict

_ELEMENTS = {Result.FAIL: "failure", Result.INCONCLUSIVE: "skipped"}
# What XML 1.0 cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(run: Run, verdict: Verdict) -> str:
    """FAIL is a failure; INCONCLUSIVE is skipped, as JUnit knows no third result."""
    results = [each.result for each in verdict.statements]
    suite = ElementTree.Element(
        "testsuite",
        name=_clean(f"shadow-report: {run.sides['shadow'].name} against {run.sides['live'].name}"),
        tests=str(len(results)),
        failures=str(results.count(Result.FAIL)),
        skipped=str(results.count(Result.INCONCLUSIVE)),
        errors="0",
        time=f"{run.seconds:.3f}",
    )
    for statement in verdict.statements:
        suite.append(_case(statement))
    whole = ElementTree.Element("testsuites")
    whole.append(suite)
    ElementTree.indent(whole)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(whole, encoding="unicode") + "\n"


def _case(statement: Statement) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase", name=statement.about, classname=_clean(statement.route or "all requests")
    )
    if element := _ELEMENTS.get(statement.result):
        ElementTree.SubElement(case, element, message=_clean(statement.text))
    return case


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
