"""The docs, as they are built, in a browser without a network."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import Reader, read_page

ROOT = Path(__file__).parents[2]


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


def test_no_page_asks_for_anything_from_elsewhere(pages: Path, browser: Reader) -> None:
    """Every page opens from the disk alone, without an error in its scripts."""
    found = {}
    for path in pages.rglob("*.html"):
        sight = browser.visit(read_page(path))
        found[path.name] = [url for url in sight.elsewhere if not url.startswith("file://")] + sight.errors
    assert len(found) > 15
    assert {name: several for name, several in found.items() if several} == {}


def test_the_figures_of_a_notebook_are_drawn(pages: Path, browser: Reader, pictures: Path) -> None:
    """The stored figures of the first notebook are alive, with marks."""
    sight = browser.visit(read_page(pages / "generated/notebooks/01_follow_an_export.html", pictures=pictures))
    assert len(sight.figures) >= 2
    assert [figure["title"] for figure in sight.figures if figure["empty"] or not figure["marks"]] == []
