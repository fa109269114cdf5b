"""The docs, as they are built, in a browser without a network."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser

from harness import Reader, Sight, read_page

ROOT = Path(__file__).parents[2]
PLOTLY = "application/vnd.plotly.v1+json"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the pages, built with every warning an error."""
    if importlib.util.find_spec("myst_nb") is None:
        reason = 'Sphinx is needed; install it: pip install -e ".[docs]"'
        pytest.fail(reason) if os.environ.get("OKTAKIT_REQUIRE_ALL") == "1" else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("docs") / "html"
    run = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", str(ROOT / "docs"), str(folder)]
    subprocess.run(run, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    return folder


@pytest.fixture(scope="module")
def sights(pages: Path, browser: Reader) -> dict[str, Sight]:
    """Return what is seen on each page, by its place."""
    paths = sorted(pages.rglob("*.html"))
    return {path.relative_to(pages).as_posix(): browser.visit(read_page(path, home=pages)) for path in paths}


def test_no_page_asks_for_anything_from_elsewhere(sights: dict[str, Sight]) -> None:
    """Every page opens from its own folder alone, without an error in its scripts."""
    assert len(sights) > 15
    assert {name: (*one.elsewhere, *one.errors) for name, one in sights.items() if one.elsewhere or one.errors} == {}


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_stored_figure_is_drawn(path: Path, sights: dict[str, Sight]) -> None:
    """The page of a notebook draws each figure that is stored in it, with marks."""
    outputs = [output for cell in nbformat.read(path, 4).cells for output in cell.get("outputs", [])]
    figures = sights[f"generated/notebooks/{path.stem}.html"].figures
    assert len(figures) == sum(PLOTLY in output.get("data", {}) for output in outputs)
    assert [figure["title"] for figure in figures if figure["empty"] or not figure["marks"]] == []


@pytest.mark.parametrize("width", [1400, 800])
@pytest.mark.parametrize("name", ["index", "reading", "generated/tables", "generated/notebooks/01_follow_an_export"])
def test_a_page_is_not_wider_than_its_window(name: str, width: int, pages: Path, browser: Reader) -> None:
    """What is wider than the window scrolls by itself."""

    def visit(chromium: Browser) -> int:
        page = chromium.new_page(viewport={"width": width, "height": 1000})
        page.goto((pages / f"{name}.html").as_uri())
        wider: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        page.close()
        return wider

    assert browser.visit(visit) <= 0
