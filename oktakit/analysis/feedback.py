"""Feedback: each verdict beside the detection that it judges, and how good the triage is."""

import json
from math import sqrt
from typing import Any, Final

import narwhals.stable.v2 as nw
import pandas as pd

from ..log.keys import TEXT, bare_uuid, known_only, known_values, outcomes, same, uuid_spellings, were_done
from ..log.log import Events
from ..schema import FEEDBACK, types_of
from .engines import first_known, rows
from .labels import LABELLED, count_labels, plain, told_by

VERDICTS = {"truepositive": "confirmed", "falsepositive": "dismissed", "falsenegative": "missed"}
"""What the labels mean, by their letters alone."""
GIVEN: Final = ("confirmed", "dismissed", "missed", "other")
"""The verdicts that were given; what was refused or not decided is none."""

_JUDGED = ("event_type", "published", "risk_level", "detection_name", "target_user_id", "target_user_alternate_id")


def correlate_feedback(events: Events) -> pd.DataFrame:
    """Return one row per verdict that an admin gave, beside the detection it judged.

    Parameters
    ----------
    events : Log or table
        In any of the forms that the guide names.

    Returns
    -------
    DataFrame
        `feedback_uuid given_at given_by given_by_id given_from given_country given_is_proxy given_session about_user
        about_user_id label verdict reason judged_uuid judged_type judged_at judged_risk_level judged_detection
        judged_in_log time_to_verdict self_feedback contradicted`. `verdict` is confirmed, dismissed, missed, other (a
        label that is not understood), refused or undecided (the feedback was not given); `label` is as logged.
        `judged_in_log` False is no error: detections may be hidden from the exporting admin. `self_feedback` is missing
        where the log does not name the user who was judged.

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
    named = uuid_spellings(known_values(given, "judged_uuid"))
    judged = rows(events, "correlate_feedback", _JUDGED, nw.col("uuid").is_in(named))
    judged = judged.assign(_uuid=judged["uuid"].map(bare_uuid).astype(TEXT), judged_in_log=True).drop_duplicates(
        "_uuid"
    )
    given["_uuid"] = given["judged_uuid"].map(bare_uuid, na_action="ignore").astype(TEXT)
    verdicts = given.rename(columns=_GIVEN | _DETAILS).merge(judged.rename(columns=_BESIDE), how="left", on="_uuid")
    verdicts["judged_uuid"] = first_known(verdicts, "judged_uuid", "judged_uuid_noted")
    verdicts = _of_one_user(verdicts)
    verdicts["judged_in_log"] = verdicts["judged_in_log"].astype("boolean").fillna(False)
    verdicts["judged_type"] = first_known(verdicts, "judged_type", "judged_type_noted")
    verdicts["verdict"] = _verdict(verdicts)
    verdicts["time_to_verdict"] = verdicts["given_at"] - verdicts["judged_at"]
    verdicts["self_feedback"] = same(verdicts["given_by_id"], verdicts["about_user_id"])
    verdicts["contradicted"] = _contradicted(verdicts)
    return verdicts[list(FEEDBACK_COLUMNS)]


def _of_one_user(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return the verdicts about one user each: of several that an event names, the one whom its detection names."""
    users = verdicts["targets"].map(_users)
    several = users.map(len) > 1
    named = several & pd.Series([one in all_ for one, all_ in zip(verdicts["judged_user_id"], users, strict=True)])
    for name in ("user", "user_id"):
        verdicts[f"about_{name}"] = verdicts[f"about_{name}"].mask(several).mask(named, verdicts[f"judged_{name}"])
    return verdicts


def _users(targets: Any) -> set[str]:
    listed = json.loads(targets) if isinstance(targets, str) else []
    return {str(one["id"]) for one in listed if isinstance(one, dict) and one.get("type") == "User" and one.get("id")}


def _verdict(given: pd.DataFrame) -> pd.Series:
    """Return what each label means; what was refused or not decided is no verdict."""
    labels = {label: VERDICTS.get(plain(label), "other") for label in given["label"].dropna().unique()}
    verdicts = pd.Series([labels.get(label, "other") for label in given["label"]], given.index, dtype=TEXT)
    return verdicts.mask(~were_done(given["outcome_result"]), outcomes(given["outcome_result"]))


def _contradicted(verdicts: pd.DataFrame) -> pd.Series:
    """Return whether another verdict on the same detection says the opposite."""
    threat = verdicts["verdict"].map({"confirmed": 1.0, "missed": 1.0, "dismissed": 0.0})
    judged = known_only(verdicts, ["_uuid"])["_uuid"]
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
    "judged_uuid": "judged_uuid_noted",
    "judged_type": "judged_type_noted",
    "outcome_result": "outcome_result",
    "targets": "targets",
}

_BESIDE = {
    "uuid": "judged_uuid",
    "event_type": "judged_type",
    "published": "judged_at",
    "risk_level": "judged_risk_level",
    "detection_name": "judged_detection",
    "target_user_id": "judged_user_id",
    "target_user_alternate_id": "judged_user",
}

FEEDBACK_COLUMNS = (
    *("given_by", "verdict", "about_user", "given_at", "judged_detection", "judged_risk_level", "judged_at"),
    *("time_to_verdict", "given_country", "given_from", "given_is_proxy", "self_feedback", "contradicted"),
    *("judged_in_log", "reason", "label", "judged_type"),
    *("feedback_uuid", "judged_uuid", "given_by_id", "about_user_id", "given_session"),
)

_KIND = ["event_type", "detection_name"]

_COUNTS = ("detections", "judged", "verdicts", "dismissed", "contradicted", "reviewers", "open_high")

FEEDBACK_SUMMARY_COLUMNS: Final = (
    *(*_KIND, "detections", "judged", "share_judged", "verdicts", "dismissed", "share_dismissed"),
    *("share_dismissed_from", "share_dismissed_to", "contradicted", "reviewers", "median_time_to_verdict", "open_high"),
)


def summarize_feedback(events: Events, *, known: Any = None, watch: Any = None) -> pd.DataFrame:
    """Return one row per kind of detection: how many were judged, dismissed and left open, by whom and how fast.

    Parameters
    ----------
    events : Log or table
        In any of the forms that the guide names.
    known, watch : str, Path or DataFrame, optional
        Labels to count beside each row, as the guide says.

    Returns
    -------
    DataFrame
        `event_type detection_name detections judged share_judged verdicts dismissed share_dismissed
        share_dismissed_from share_dismissed_to contradicted reviewers median_time_to_verdict open_high`, most
        detections first. `judged` are detections with a verdict, `verdicts` all that was said about them and not
        refused; a share of nothing is missing. The share dismissed has its 95 % Wilson interval beside it: of three
        verdicts it says next to nothing. `open_high` are HIGH detections without any verdict. Verdicts on detections
        that the log does not have are counted in a row of their own, whose `detection_name` is missing and whose
        `detections` are 0.

    Raises
    ------
    ColumnError
        If a column is missing.

    Source
    ------
    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> triage = summarize_feedback(read_log(make_log("stolen_report").records).events)
    >>> triage.loc[triage["dismissed"] > 0, ["event_type", "dismissed", "reviewers"]].to_dict("records")
    [{'event_type': 'user.risk.detect', 'dismissed': 3, 'reviewers': 3}]
    """
    needed = ("event_type", "detection_name", "risk_level")
    is_detection = nw.col("event_type").is_in(types_of("detection"))
    detections = rows(events, "summarize_feedback", needed, is_detection).drop_duplicates("uuid")
    labels, every = told_by(known, watch), correlate_feedback(events)
    verdicts = every[every["verdict"].isin(GIVEN)]
    beside = verdicts.merge(detections.add_prefix("judged_"), how="left", on="judged_uuid")
    beside = beside.assign(event_type=beside["judged_type"], detection_name=beside["judged_detection_name"])
    both = [_of_detections(detections, set(verdicts["judged_uuid"].dropna())), _of_verdicts(beside)]
    joined = both[0].reset_index().merge(both[1].reset_index(), how="outer", on=_KIND)
    for name in _COUNTS:
        joined[name] = joined[name].fillna(0).astype("int64")
    typed = _shares(joined).astype(dict.fromkeys(_KIND, TEXT))
    typed["median_time_to_verdict"] = typed["median_time_to_verdict"].astype("timedelta64[us]")
    order = typed.sort_values(["detections", *_KIND], ascending=[False, True, True], ignore_index=True)
    given = rows(events, "summarize_feedback", LABELLED if labels else (), nw.col("event_type") == FEEDBACK)
    seen = beside[["feedback_uuid", *_KIND]].merge(given.rename(columns={"uuid": "feedback_uuid"})).assign(events=1)
    return count_labels(order[list(FEEDBACK_SUMMARY_COLUMNS)], seen, _KIND, labels)


def wilson(hits: int, number: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share; of nothing, both ends are missing.

    >>> [round(end, 3) for end in wilson(8, 10)]
    [0.49, 0.943]
    """
    if not number:
        return float("nan"), float("nan")
    share, z = hits / number, 1.959964
    middle = share + z * z / (2 * number)
    reach = z * sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    below, above = ((middle + sign * reach) / (1 + z * z / number) for sign in (-1, 1))
    return max(below, 0.0), min(above, 1.0)


def _of_detections(detections: pd.DataFrame, judged: set[str]) -> pd.DataFrame:
    """Return for each kind of detection how many there are, have a verdict, and are HIGH without one."""
    has = detections["uuid"].isin(judged)
    high = detections["risk_level"].str.upper().eq("HIGH").fillna(False).astype(bool)
    marked = detections.assign(detections=1, judged=has.astype("int64"), open_high=(high & ~has).astype("int64"))
    return marked.groupby(_KIND, dropna=False)[["detections", "judged", "open_high"]].sum()


def _of_verdicts(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return for each kind of detection what was said, by how many and how fast."""
    dismissed = verdicts["verdict"].eq("dismissed").astype("int64")
    opposed = verdicts["judged_uuid"].where(verdicts["contradicted"].fillna(False).astype(bool))
    groups = verdicts.assign(verdicts=1, dismissed=dismissed, opposed=opposed).groupby(_KIND, dropna=False)
    return groups.agg(
        verdicts=("verdicts", "sum"),
        dismissed=("dismissed", "sum"),
        contradicted=("opposed", "nunique"),
        reviewers=("given_by_id", "nunique"),
        median_time_to_verdict=("time_to_verdict", "median"),
    )


def _shares(counted: pd.DataFrame) -> pd.DataFrame:
    """Return the counts with their shares."""
    pairs = list(zip(counted["dismissed"].tolist(), counted["verdicts"].tolist(), strict=True))
    ends = [wilson(*pair) for pair in pairs]
    judged, dismissed = counted["judged"], counted["dismissed"]
    return counted.assign(
        share_judged=(judged / counted["detections"].where(counted["detections"] > 0)).astype("float64"),
        share_dismissed=(dismissed / counted["verdicts"].where(counted["verdicts"] > 0)).astype("float64"),
        share_dismissed_from=pd.Series([low for low, _ in ends], counted.index, dtype="float64"),
        share_dismissed_to=pd.Series([high for _, high in ends], counted.index, dtype="float64"),
    )
