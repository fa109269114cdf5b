"""Follow report exports and risk feedback through an Okta System Log."""

from .check import check_exports
from .correlate import correlate_feedback, related
from .errors import ColumnError, InputError, OktakitError, ParameterError
from .exports import correlate_exports
from .load import read_log, read_raw
from .log import Log
from .schema import ANALYTICS, DOWNLOAD, EXPORTS, FEEDBACK, GENERATE, REQUEST
from .summarize import summarize_actors, summarize_geo, summarize_proxy

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
    "correlate_exports",
    "correlate_feedback",
    "read_log",
    "read_raw",
    "related",
    "summarize_actors",
    "summarize_geo",
    "summarize_proxy",
]
