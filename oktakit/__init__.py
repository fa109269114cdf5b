"""Follow report exports and risk feedback through an Okta System Log."""

from importlib import import_module
from typing import TYPE_CHECKING

import pandas as pd

from .around import find_around
from .caselog import CaseLog
from .check import check_exports
from .check_feedback import check_feedback
from .correlate import correlate_feedback, related
from .coverage import summarize_coverage
from .errors import ColumnError, InputError, OktakitError, ParameterError
from .exports import correlate_exports
from .figure import describe
from .find import find_first_seen, find_travel
from .known import read_known
from .load import read_log, read_raw
from .log import Log
from .okta_names import to_okta_names
from .parquet import write_events
from .plot import plot_exports, plot_timeline
from .plot_cards import plot_card
from .plot_places import plot_geo, plot_proxy
from .plot_strips import plot_sessions
from .plot_times import plot_coverage, plot_hours
from .plot_verdicts import plot_feedback
from .plot_ways import plot_movements
from .report import write_report
from .scenarios import make_log, write_log
from .schema import ANALYTICS, DOWNLOAD, EXPORTS, FEEDBACK, GENERATE, REQUEST
from .sessions import correlate_sessions, find_session_changes
from .summarize import summarize_actors, summarize_geo, summarize_proxy
from .triage import summarize_feedback

if TYPE_CHECKING:
    from .explorer import EventExplorer
    from .widgets import CaseForm

# JupyterLab typesets $...$ in tables: a log could show text that is not there.
pd.set_option("display.html.use_mathjax", False)

__all__ = [
    "ANALYTICS",
    "DOWNLOAD",
    "EXPORTS",
    "FEEDBACK",
    "GENERATE",
    "REQUEST",
    "CaseForm",
    "CaseLog",
    "ColumnError",
    "EventExplorer",
    "InputError",
    "Log",
    "OktakitError",
    "ParameterError",
    "check_exports",
    "check_feedback",
    "correlate_exports",
    "correlate_feedback",
    "correlate_sessions",
    "describe",
    "find_around",
    "find_first_seen",
    "find_session_changes",
    "find_travel",
    "make_log",
    "plot_card",
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
    "related",
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

_LATER = {"EventExplorer": "explorer", "CaseForm": "widgets"}


def __getattr__(name: str) -> object:
    """Load widgets when they are first used: they cost more than pandas."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATER[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
