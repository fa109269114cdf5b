"""Write a file in one step, so that nobody finds half of it."""

import os
import shutil
from contextlib import suppress
from errno import EACCES
from pathlib import Path

from .errors import InputError


def write_file(path: Path, content: str | bytes) -> Path:
    """Write bytes, or a text as UTF-8, and return the path; its folder is made when it is missing.

    A file that is replaced keeps its permissions, and stays as it was when something goes wrong or it is read-only.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.stat().st_mode & 0o222:
            raise PermissionError(EACCES, "it is read-only")
        with part.open("wb") as file:
            if path.exists():
                shutil.copymode(path, part)
            # Half a character, which UTF-8 has no bytes for, becomes the escape that JSON has for it.
            file.write(content if isinstance(content, bytes) else content.encode(errors="backslashreplace"))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise InputError(f"A file that can be written is needed; {path}: {error.strerror}.") from error
    return path
