"""Text from a log, made safe to show: a log line is written by whoever did the deed.

The data keeps every text as it came; only what is shown goes through here.
"""

import html as _html
import json
import os
import re
import shutil
import sys
from contextlib import suppress
from errno import EACCES
from pathlib import Path
from typing import Any, Final

from .errors import InputError

_HIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e01ef]"
)

_LINK: Final = re.compile(r":(?=//)|(?<=\bwww)\.", re.IGNORECASE)

_MARKUP: Final = re.compile(r"[\\`*_\[\]#|~!]")

_FILE_NAME: Final = re.compile(r"(?!\.+$)[A-Za-z0-9._-]{1,64}")


def text(value: object, limit: int = 200) -> str:
    r"""Return `value` as text in which nothing hides, reorders or overwrites what is seen.

    Control, escape, bidirectional and zero-width characters become visible escapes, long texts end in an ellipsis.
    Notebooks and terminals make links of addresses, even in plain text: they are broken the way analysts do it.

    >>> text("moc.elpmaxe\u202e")
    'moc.elpmaxe\\u202e'
    >>> text("abcdef", limit=4)
    'abc…'
    >>> text("https://www.example.com/")
    'https[:]//www[.]example.com/'
    """
    shown = str(value)[: limit + 1]
    # Both patterns are slow where there is nothing to find, which is nearly everywhere.
    shown = shown if shown.isascii() and shown.isprintable() else _HIDDEN.sub(_escape, shown)
    shown = _LINK.sub(r"[\g<0>]", shown) if "//" in shown or "www" in shown.lower() else shown
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def html(value: object, limit: int = 200) -> str:
    """Return `value` as text for an HTML element or a quoted attribute.

    >>> html('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return _html.escape(text(value, limit))


def plot(value: object, limit: int = 200) -> str:
    """Return `value` as text for a figure: plotly would read tags, even those that load from elsewhere.

    >>> plot("<a href='x'>")
    "&lt;a href='x'&gt;"
    """
    return _html.escape(text(value, limit), quote=False)


def markdown(value: object, limit: int = 200) -> str:
    r"""Return `value` as text for Markdown: no tag, link, picture, table or emphasis.

    >>> markdown("[a](b) <img> **c**")
    '\\[a\\](b) &lt;img&gt; \\*\\*c\\*\\*'
    """
    return _MARKUP.sub(r"\\\g<0>", _html.escape(text(value, limit), quote=False))


def pretty(value: str, limit: int = 20_000) -> str:
    """Return JSON, indented, as text for an HTML element; nothing where it is none.

    >>> pretty('{"a": "<b>"}')
    '{\\n  &quot;a&quot;: &quot;&lt;b&gt;&quot;\\n}'
    """
    if not value.lstrip().startswith(("{", "[")):
        return ""
    try:
        lines = json.dumps(json.loads(value), indent=2, ensure_ascii=False).splitlines()
    except (ValueError, RecursionError):
        return ""
    return "\n".join(html(line, limit) for line in lines)


def rendered(table: str) -> str:
    r"""Return a table that pandas has drawn, as text or as HTML, with escapes for what hides in it.

    >>> rendered("actor\nad\u200bmin")
    'actor\nad\\u200bmin'
    """
    return "\n".join(_HIDDEN.sub(_escape, line) for line in table.split("\n"))


def guard_tables(*kinds: type) -> None:
    """Let IPython draw tables of these kinds with nothing hidden, where it runs; the tables keep every text."""
    if shell := "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
        formatters = shell.display_formatter.formatters
        for kind in kinds:
            formatters["text/plain"].for_type(kind, lambda table, printer, _: printer.text(rendered(repr(table))))
            formatters["text/html"].for_type(kind, _html_of)


def _html_of(table: Any) -> str | None:
    page = table._repr_html_() if hasattr(table, "_repr_html_") else None
    return page and rendered(page)


def filename(value: object) -> str:
    """Return `value` if it is a plain file name: 1 to 64 of the characters A-Z a-z 0-9 . _ - and not only dots.

    Raises
    ------
    InputError
        If `value` is anything else, such as a path.

    >>> filename("case-17.html")
    'case-17.html'
    """
    name = str(value)
    if not _FILE_NAME.fullmatch(name):
        raise InputError(
            f"A file name needs 1 to 64 of A-Z a-z 0-9 . _ - and not only dots; found: {text(name, 80)!r}."
            " Choose a shorter or simpler name."
        )
    return name


def _escape(hidden: re.Match[str]) -> str:
    code = ord(hidden[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


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
