"""Follow report exports and risk feedback through an Okta System Log."""

import pandas as pd

from .around import find_around
from .check import check_exports
from .check_feedback import check_feedback
from .correlate import correlate_feedback, related
from .coverage import summarize_coverage
from .errors import ColumnError, InputError, OktakitError, ParameterError
from .exports import correlate_exports
from .find import find_first_seen, find_travel
from .known import read_known
from .load import read_log, read_raw
from .log import Log
from .okta_names import to_okta_names
from .parquet import write_events
from .plot import describe, plot_exports, plot_geo, plot_proxy, plot_timeline
from .report import write_report
from .scenarios import make_log, write_log
from .schema import ANALYTICS, DOWNLOAD, EXPORTS, FEEDBACK, GENERATE, REQUEST
from .sessions import correlate_sessions, find_session_changes
from .summarize import summarize_actors, summarize_geo, summarize_proxy
from .triage import summarize_feedback

# JupyterLab typesets $...$ in tables: a log could show text that is not there.
pd.set_option("display.html.use_mathjax", False)

__all__ = [
    "ANALYTICS",
    "DOWNLOAD",
    "EXPORTS",
    "FEEDBACK",
    "GENERATE",
    "REQUEST",
    "ColumnError",
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
    "plot_exports",
    "plot_geo",
    "plot_proxy",
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
