"""What all tests share."""

import os
import shutil
from collections.abc import Callable

import pytest


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
