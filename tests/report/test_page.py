"""The page in a real browser: it loads nothing, complains of nothing, and fits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from lab.build import packages
from lab.kit.access_logs import START, Traffic, write
from shadow_report.cli import main
from shadow_report.collect.tally import SECOND, Gap
from tests.report.handmade import both

WIDTHS = (360, 768, 1280)
GAP = Gap("shop-v2-0", "v2", (START + 900) * SECOND, (START + 910) * SECOND, "the pod went", about=33)
HOSTILE = '/<script>alert(1)</script>/"onload="x'


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with everything on it: errors, a gap, a hostile path, a control, a log that was not had."""
    folder = tmp_path_factory.mktemp("page")
    traffic = Traffic(6000, failing_route="/search", failing=0.1, down=(0.5, 0.6), slower=1.3, control=True)
    logs = write(folder / "logs", traffic)
    hostile = [
        line for number in range(9) for line in both(60 + number, f"h{number}", shadow=500, path=HOSTILE)
    ]
    (folder / "logs" / "hostile.ndjson").write_text(
        "".join(json.dumps(line) + "\n" for line in hostile) + "garbage\n"
    )
    (folder / "logs" / "collected.json").write_text(json.dumps({"gaps": [GAP.as_json()]}))
    out = folder / "report.html"
    files = [*map(str, logs), str(folder / "logs" / "hostile.ndjson")]
    sides = ["--live", "v1", "--shadow", "v2", "--control", "v1b"]
    assert main(["compare", *files, *sides, "--out", str(out)]) == 1
    return out


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's browser: Playwright's own is downloaded from where not every machine may."""
    command = packages.browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=command, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_loads_nothing_and_raises_no_complaint(
    chromium: Browser, page: Path, width: int, scheme: str
) -> None:
    messages: list[str] = []
    requests: list[str] = []
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    tab = context.new_page()
    tab.on("console", lambda message: messages.append(message.text))
    tab.on("pageerror", lambda error: messages.append(str(error)))
    tab.on("request", lambda request: requests.append(request.url))
    tab.goto(page.as_uri())
    assert requests == [page.as_uri()]
    assert messages == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    for row in ("h1", ".verdict", "h2", "figure svg", "table"):
        for place in tab.locator(row).all():
            box = place.bounding_box()
            assert box is not None
            assert box["width"] > 40
            assert box["x"] >= 0
    back, front = tab.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert _contrast(back, front) > 7
    context.close()


def _contrast(one: str, other: str) -> float:
    """The ratio that WCAG defines."""
    lights = sorted(_light(each) for each in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _light(colour: str) -> float:
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_page_prints_on_paper(chromium: Browser, page: Path) -> None:
    tab = chromium.new_page()
    tab.goto(page.as_uri())
    assert tab.pdf(format="A4").startswith(b"%PDF-")
    tab.close()


def test_a_screen_reader_finds_headings_tables_and_what_pictures_show(chromium: Browser, page: Path) -> None:
    tab = chromium.new_page()
    tab.goto(page.as_uri())
    tree = tab.locator("body").aria_snapshot()
    print(tree)
    assert '- heading "Does v2 behave like v1?" [level=1]' in tree
    for name in ("Latency", "Routes, worst first", "Errors that only v2 has", "Timeline", "Thresholds"):
        assert f'- heading "{name}" [level=2]' in tree
    assert '- img "Share of requests answered within a time' in tree
    assert '- columnheader "route"' in tree
    assert "- rowheader" in tree
    tab.close()


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_what_logs_hold_is_never_markup(page: Path) -> None:
    text = page.read_text()
    parser = _Elements()
    parser.feed(text)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert not [tag for tag, _ in parser.found if tag in ("script", "iframe", "object", "link", "img")]
    assert not [
        name for _, attributes in parser.found for name in attributes if name.startswith(("on", "style"))
    ]
    links = [attributes.get("href") for tag, attributes in parser.found if tag == "a"]
    assert links
    assert all(link is not None and link.startswith("#") for link in links)
    assert not [
        name for _, attributes in parser.found for name in attributes if name in ("src", "xlink:href")
    ]


def test_every_part_of_the_report_is_on_the_page(page: Path) -> None:
    text = page.read_text()
    for part in (
        "FAIL",
        "GET /search",
        "200 -&gt; 503",
        "of 3 pods",
        "in blocks of 60 s",
        "lines that could not be read",
        "--max-slower-p99",
        "against the control",
        "without answer",
        "line 19: not JSON",
        "Logs of this time that the collector could not have",
        "shop-v2-0",
        "the pod went",
    ):
        assert part in text, part
