"""Text from a log, made safe to show: a log line is written by whoever did the deed.

The data keeps every text as it came; only what is shown goes through here.
"""

import html as _html
import re
from typing import Final

from .errors import InputError

_HIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_LINK: Final = re.compile(r":(?=//)|(?<=\bwww)\.", re.IGNORECASE)
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
    shown = _HIDDEN.sub(lambda found: _escape(found[0]), str(value)[: limit + 1])
    shown = _LINK.sub(r"[\g<0>]", shown)
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


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
