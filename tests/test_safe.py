"""Text made safe to show."""

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from oktakit import safe
from oktakit.errors import InputError


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("alice\x1b[8m", "alice\\x1b[8m"),
        ("a\r\nb\tc\0", "a\\x0d\\x0ab\\x09c\\x00"),
        ("\x9b31m", "\\x9b31m"),
        ("user\u202efdp.exe", "user\\u202efdp.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("ad\u200bmin\ufeff", "ad\\u200bmin\\ufeff"),
        ("ad\u034fmin\u3164 ad\ufe0fmin", "ad\\u034fmin\\u3164 ad\\ufe0fmin"),
        ("\ud83d", "\\ud83d"),
        ("\U000e0041", "\\U000e0041"),
        ("Zoë 東京 😀", "Zoë 東京 😀"),
        ("see http://192.0.2.1/ or WWW.example.com", "see http[:]//192.0.2.1/ or WWW[.]example.com"),
        ("10:30 // awww.x", "10:30 // awww.x"),
        (None, "None"),
    ],
)
def test_what_hides_becomes_visible_and_the_rest_stays(raw, seen):
    """Controls, escapes, bidirectional and zero-width characters are shown as escapes."""
    assert safe.text(raw) == seen


def test_a_long_text_is_cut_and_says_so():
    """A text is at most as long as the limit, the ellipsis counted, also when escapes make it grow."""
    assert safe.text("x" * 200) == "x" * 200
    assert safe.text("x" * 201) == "x" * 199 + "…"
    assert safe.text("\x00" * 9, limit=6) == "\\x00\\…"


def test_html_escapes_tags_and_quotes():
    """Neither an element nor an attribute can be left."""
    assert safe.html("<img src=x onerror='a'>\"&") == "&lt;img src=x onerror=&#x27;a&#x27;&gt;&quot;&amp;"


def test_a_figure_gets_no_tags_but_plain_quotes():
    """Plotly reads tags and entities; quotes are drawn as they are."""
    assert safe.plot('<a href="x">it\'s</a>') == '&lt;a href="x"&gt;it\'s&lt;/a&gt;'


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "a b", "x" * 65, "é", "a\n", "a\0"])
def test_a_path_is_no_file_name(name):
    """A name from outside can never point elsewhere."""
    with pytest.raises(InputError, match="A file name needs"):
        safe.filename(name)


def test_a_plain_file_name_passes():
    """Letters, digits, dot, underscore and hyphen, up to 64."""
    assert safe.filename("Case_17-a.html") == "Case_17-a.html"
    assert safe.filename("x" * 64) == "x" * 64


@pytest.mark.parametrize("kind", ["text/plain", "text/html"])
def test_tables_in_a_notebook_hide_nothing(kind):
    """What looks like two admins is two texts, in a frame and in a column; the frame keeps both as they came."""
    shell = InteractiveShell.instance()
    safe.guard_tables(pd.DataFrame, pd.Series)
    frame = pd.DataFrame({"actor": ["admin", "ad\u200bmin", "\u202enimda"]}, index=[1, 2, 3])
    for table in (frame, frame["actor"]):
        shown = shell.display_formatter.format(table, include=[kind])[0].get(kind, "")
        assert not set(shown) & {"\u200b", "\u202e"}
        assert (kind, type(table)) == ("text/html", pd.Series) or "ad\\u200bmin" in shown
    assert frame["actor"].tolist() == ["admin", "ad\u200bmin", "\u202enimda"]
    InteractiveShell.clear_instance()
