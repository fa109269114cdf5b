"""Follow report exports and risk feedback through an Okta System Log."""

from importlib import import_module
from typing import TYPE_CHECKING

import pandas as pd

from .analysis.coverage import summarize_coverage
from .analysis.exports import correlate_exports
from .analysis.feedback import correlate_feedback, summarize_feedback
from .analysis.labels import read_known
from .analysis.movement import find_first_seen, find_travel
from .analysis.okta_names import to_okta_names
from .analysis.sessions import correlate_sessions, find_session_changes
from .analysis.summarize import summarize_actors, summarize_geo, summarize_proxy
from .analysis.surroundings import find_around, find_related
from .checks.exports import check_exports
from .checks.feedback import check_feedback
from .errors import ColumnError, InputError, OktakitError, ParameterError
from .figures.checks import plot_checks
from .figures.feedback import plot_feedback
from .figures.hours import plot_coverage, plot_hours
from .figures.movements import plot_movements
from .figures.places import plot_geo, plot_proxy
from .figures.sessions import plot_sessions
from .figures.style import describe
from .figures.timeline import plot_exports, plot_timeline
from .lab.caselog import CaseLog
from .lab.report import write_report
from .log.lake import write_events
from .log.log import Log
from .log.read import read_log, read_raw
from .samples.scenarios import make_log, write_log
from .schema import ANALYTICS, DOWNLOAD, EXPORTS, FEEDBACK, GENERATE, REQUEST

if TYPE_CHECKING:
    from .lab.explorer import EventExplorer
    from .lab.form import ParameterForm

# JupyterLab typesets $...$ in tables: a log could show text that is not there.
pd.set_option("display.html.use_mathjax", False)

__all__ = [
    "ANALYTICS",
    "DOWNLOAD",
    "EXPORTS",
    "FEEDBACK",
    "GENERATE",
    "REQUEST",
    "CaseLog",
    "ColumnError",
    "EventExplorer",
    "InputError",
    "Log",
    "OktakitError",
    "ParameterError",
    "ParameterForm",
    "check_exports",
    "check_feedback",
    "correlate_exports",
    "correlate_feedback",
    "correlate_sessions",
    "describe",
    "find_around",
    "find_first_seen",
    "find_related",
    "find_session_changes",
    "find_travel",
    "make_log",
    "plot_checks",
    "plot_coverage",
    "plot_exports",
    "plot_feedback",
    "plot_geo",
    "plot_hours",
    "plot_movements",
    "plot_proxy",
    "plot_sessions",
    "plot_timeline",
    "read_known",
    "read_log",
    "read_raw",
    "summarize_actors",
    "summarize_coverage",
    "summarize_feedback",
    "summarize_geo",
    "summarize_proxy",
    "to_okta_names",
    "write_events",
    "write_log",
    "write_report",
]

_LATER = {"EventExplorer": "lab.explorer", "ParameterForm": "lab.form"}


def __getattr__(name: str) -> object:
    """Load widgets when they are first used: they cost more than pandas."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATER[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
