"""Sphinx: the pages of docs/ and those that `generate.py` writes from the package, with nothing fetched or executed."""

import shutil
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import generate  # noqa: E402 - lies beside this file

import oktakit  # noqa: E402, F401 - the package of this checkout, before any that is installed

generate.write_pages(HERE / "generated")
generate.write_notebooks(HERE.parent / "notebooks", HERE / "generated" / "notebooks")
generate.copy_scripts(HERE / "generated" / "static")

project = "oktakit"
author = "The oktakit maintainers"
copyright = "The oktakit maintainers, Apache-2.0"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "generated/static"]
html_theme = "furo"
html_title = "oktakit"
html_static_path = ["static", "generated/static"]
html_css_files = ["oktakit.css"]
html_copy_source = False
html_show_sourcelink = False
templates_path: list[str] = []

# Stored outputs are shown; nothing is run and no script is loaded from elsewhere.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, Any] = {}
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["mystnb.unknown_mime_type"]

default_role = "py:obj"  # a name in a docstring is code, and a link where it is one of ours
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_custom_sections = ["Source"]
napoleon_use_ivar = True
napoleon_use_rtype = False


def add_scripts(app: Any, page: str, template: str, context: Any, doctree: Any) -> None:
    """Load plotly, which is large, on the pages that draw."""
    if page.startswith("generated/notebooks/"):
        app.add_js_file("plotly.min.js", loading_method="defer")
        app.add_js_file("draw.js", loading_method="defer")


def clean(app: Any, failure: Any) -> None:
    """Remove what was generated: it would be found by linters and searches."""
    shutil.rmtree(HERE / "generated", ignore_errors=True)


def setup(app: Any) -> None:
    """Tell Sphinx about the hooks."""
    app.connect("html-page-context", add_scripts)
    app.connect("build-finished", clean)
