"""Events that belong together, on one row: related events, export jobs and verdicts.

Evidence is never mixed: whole events are joined by their uuid, and every join says how it was made.
"""

from functools import reduce
from operator import or_
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ..frames import collect, first_known, in_order, known_only, known_values, pick, rows, same, table, ties
from ..schema import ANALYTICS, EVENT_COLUMNS, FEEDBACK, RELATED

VERDICTS = {"true_positive": "confirmed", "false_positive": "dismissed", "false_negative": "missed"}
_JUDGED = ("event_type", "published", "risk_level", "detection_name")


def related(events: Any, event_types: tuple[str, ...] = ANALYTICS) -> pd.DataFrame:
    """Return the events of some types and everything tied to them.

    Tied are events of the same session, root session, transaction, export job or chain of risk events, and the
    detections that feedback judged. Keys that say "unknown" tie nothing.

    Parameters
    ----------
    events : frame with the columns of `log.events`
        pandas, Polars or any lazy table that narwhals knows.
    event_types : tuple of str
        The types to start from.

    Returns
    -------
    DataFrame
        The rows of `events` that belong to the case, in the order of `published`, then `uuid`.

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> from oktakit import read_log
    >>> report = {"type": "Report", "id": "mfa", "displayName": "MFA Usage"}
    >>> session = {"authenticationContext": {"externalSessionId": "102a"}}
    >>> log = read_log([
    ...     {"uuid": "1", "eventType": "user.session.start", **session},
    ...     {"uuid": "2", "eventType": "analytics.reports.export.request", "target": [report], **session},
    ...     {"uuid": "3", "eventType": "user.session.start"},
    ... ])
    >>> list(related(log.events)["uuid"])
    ['1', '2']
    """
    is_core = nw.col("event_type").is_in(event_types)
    core = rows(events, "related", ("event_type", "judged_uuid", *RELATED), is_core)
    tied = [nw.col(key).is_in(values) for key, values in ties(core).items() if values]
    frame = table(events, "related", ("event_type", *RELATED))
    wanted = [name for name in EVENT_COLUMNS if name in frame.collect_schema().names() and name != "published"]
    found = in_order(collect(pick(frame, (*wanted, "published_us"), reduce(or_, tied, is_core))))
    return found[[name for name in EVENT_COLUMNS if name in found]]


def correlate_feedback(events: Any) -> pd.DataFrame:
    """Return one row per verdict that an admin gave, beside the detection it judged.

    Parameters
    ----------
    events : frame with the columns of `log.events`
        pandas, Polars or any lazy table that narwhals knows.

    Returns
    -------
    DataFrame
        `feedback_uuid given_at given_by given_by_id given_from given_country given_is_proxy given_session about_user
        about_user_id label verdict reason judged_uuid judged_type judged_at judged_risk_level judged_detection
        judged_in_log time_to_verdict self_feedback contradicted`. `verdict` is confirmed, dismissed, missed or other;
        `label` is as logged. `judged_in_log` False is no error: detections may be hidden from the exporting admin.
        `self_feedback` is missing where the log does not name the user who was judged.

    Raises
    ------
    ColumnError
        If a column is missing.

    Source
    ------
    Okta documents `debugData.eventUuid` as the uuid of the judged event.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> verdicts = correlate_feedback(read_log(make_log("feedback").records).events)
    >>> sorted(verdicts["verdict"].unique())
    ['confirmed', 'dismissed', 'missed']
    """
    given = rows(events, "correlate_feedback", [*_GIVEN, *_DETAILS], nw.col("event_type") == FEEDBACK)
    judged = rows(events, "correlate_feedback", _JUDGED, nw.col("uuid").is_in(known_values(given, "judged_uuid")))
    judged = judged.drop_duplicates("uuid").rename(columns=_BESIDE).assign(judged_in_log=True)
    found = given.rename(columns=_GIVEN | _DETAILS).merge(judged, how="left", on="judged_uuid")
    found["judged_in_log"] = found["judged_in_log"].astype("boolean").fillna(False)
    found["judged_type"] = first_known(found, "judged_type", "judged_type_noted")
    found["verdict"] = found["label"].str.lower().map(VERDICTS).fillna("other").astype(found["label"].dtype)
    found["time_to_verdict"] = found["given_at"] - found["judged_at"]
    found["self_feedback"] = same(found["given_by_id"], found["about_user_id"])
    found["contradicted"] = _contradicted(found)
    return found[list(FEEDBACK_COLUMNS)]


def _contradicted(found: pd.DataFrame) -> pd.Series:
    """Return whether another verdict on the same detection says the opposite."""
    threat = found["verdict"].map({"confirmed": 1.0, "missed": 1.0, "dismissed": 0.0})
    judged = known_only(found, ["judged_uuid"])["judged_uuid"]
    by_detection = threat.groupby(judged)
    opposed = by_detection.transform("max") > by_detection.transform("min")
    return (opposed & threat.notna()).astype("boolean").mask(judged.isna())


_GIVEN = {
    "uuid": "feedback_uuid",
    "published": "given_at",
    "actor_alternate_id": "given_by",
    "actor_id": "given_by_id",
    "ip_address": "given_from",
    "country": "given_country",
    "is_proxy": "given_is_proxy",
    "external_session_id": "given_session",
}
_DETAILS = {
    "target_user_alternate_id": "about_user",
    "target_user_id": "about_user_id",
    "feedback_label": "label",
    "feedback_reason": "reason",
    "judged_uuid": "judged_uuid",
    "judged_type": "judged_type_noted",
}
_BESIDE = {
    "uuid": "judged_uuid",
    "event_type": "judged_type",
    "published": "judged_at",
    "risk_level": "judged_risk_level",
    "detection_name": "judged_detection",
}
FEEDBACK_COLUMNS = (
    *_GIVEN.values(),
    *("about_user", "about_user_id", "label", "verdict", "reason", "judged_uuid"),
    *("judged_type", "judged_at", "judged_risk_level", "judged_detection", "judged_in_log"),
    *("time_to_verdict", "self_feedback", "contradicted"),
)
