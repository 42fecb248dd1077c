"""Paths of which there are more than anybody has routes: articles with names, and scanners."""

from __future__ import annotations

from pathlib import Path

from shadow_report.compare.run import Run
from tests.report.handmade import both, run


def many(directory: Path, number: int, path: str, shadow: int = 200) -> Run:
    """Two routes of the service's own, and that many paths."""
    own = [each for at in range(400) for each in both(at, f"own-{at}", path=("/cart", "/health")[at % 2])]
    others = [
        each
        for at in range(number)
        for each in both(at / number * 400, f"id-{at}", shadow=shadow, path=path.format(at))
    ]
    return run(directory, [*own, *others])


def test_forty_thousand_paths_of_a_scanner_are_one_route(tmp_path: Path) -> None:
    found = many(tmp_path, 40_000, "/x{}-wp-admin.php").shadow
    assert set(found.by_route) == {"", "GET /cart", "GET /health", "GET /{any}"}
    assert found.by_route["GET /{any}"].eligible == 40_000


def test_names_of_articles_are_folded_below_the_path_that_they_share(tmp_path: Path) -> None:
    found = many(tmp_path, 1000, "/shop/shoes/blue-suede-{}x/reviews").shadow
    assert found.by_route["GET /shop/shoes/{any}/reviews"].eligible == 1000
    assert "GET /cart" in found.by_route


def test_a_hundred_and_fifty_paths_of_one_service_are_not_folded(tmp_path: Path) -> None:
    found = many(tmp_path, 150, "/api/operation-{}x").shadow
    assert "GET /api/{any}" not in found.by_route
    assert found.by_route["(all other routes)"].eligible > 50


def test_what_fails_in_the_tail_is_judged_together(tmp_path: Path) -> None:
    found = many(tmp_path, 150, "/api/operation-{}x", shadow=500).shadow
    assert found.by_route["(all other routes)"].worse > 50
