"""What all tests share: programs from outside, one JupyterLab and one browser."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness import Lab, Reader

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def need() -> Callable[[str, str], str]:
    """Return a function that finds a program, or skips the test and says how to install it.

    With OKTAKIT_REQUIRE_ALL=1 a missing program fails the test instead: a run that promises everything skips nothing.
    """
    return _find


def _find(program: str, install: str) -> str:
    path = shutil.which(program)
    if path:
        return path
    reason = f"{program} is needed and not on the PATH; install it: {install}"
    if os.environ.get("OKTAKIT_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser(need: Callable[[str, str], str]) -> "Iterator[Reader]":
    """Return the browser."""
    chromium = need("chromium", "apt-get install chromium")
    from harness import Reader

    reader = Reader(chromium)
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Lab]":
    """Return a JupyterLab that serves one copy of the notebooks to run, and one that stays as it was stored."""
    from harness import jupyter_lab

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
