"""One JupyterLab and one browser for all tests that look at pages."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Lab, Reader, jupyter_lab

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def browser(need: Callable[[str, str], str]) -> Iterator[Reader]:
    """Return the browser."""
    reader = Reader(need("chromium", "apt-get install chromium"))
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return a JupyterLab that serves one copy of the notebooks to run, and one that stays as it was stored."""
    home = tmp_path_factory.mktemp("lab")
    folder = home / "project"
    shutil.copytree(ROOT / "sample_logs", folder / "sample_logs")
    for copy in ("notebooks", "stored"):
        shutil.copytree(ROOT / "notebooks", folder / copy)
    with jupyter_lab(home, folder) as lab:
        yield lab


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder for screenshots: OKTAKIT_SCREENSHOTS, or a temporary one."""
    folder = Path(os.environ.get("OKTAKIT_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
