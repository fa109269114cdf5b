"""What else happened around one event, why each neighbour is there, and which of them matter."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any, Final

import narwhals.stable.v2 as nw
import pandas as pd

from ..errors import InputError
from ..log.keys import TEXT, known_only, outcomes, ties, were_done
from ..log.log import Events
from ..schema import ANALYTICS, EVENT_COLUMNS, RELATED, is_sign, meaning_of, types_of
from .actors import SYSTEM
from .engines import collect, in_order, pick, rows, table
from .words import microseconds, span

_LINKS = {
    "session": "external_session_id",
    "root_session": "root_session_id",
    "ip": "ip_address",
    "job": "job_id",
    "transaction": "transaction_id",
}

_PEOPLE = ("actor_id", "target_user_id")

_SHOWN = (
    *("uuid", "published", "event_type", "display_message", "actor_id", "actor_type", "actor_alternate_id"),
    *("outcome_result", "outcome_reason", "target_user_id", "target_user_alternate_id", "report_name"),
    *("ip_address", "country", "is_proxy", "ip_categories", "raw_user_agent", *_LINKS.values(), "api_token_id"),
)

_FIRST = ("actor_alternate_id", "event_type", "published", "lag", "reason", "matters")
AROUND_COLUMNS: Final = (*_FIRST, *(name for name in EVENT_COLUMNS if name in {*_SHOWN} - {*_FIRST}))

PHISHING: Final = "FastPass declined a phishing attempt"
_UUIDS = ("uuid", "downloaded_uuid", "generated_uuid", "requested_uuid", "feedback_uuid", "to_uuid")


def find_around(events: Events, uuid_or_row: Any, window: str | pd.Timedelta = "1h") -> pd.DataFrame:
    """Return one row per event around another that shares its people, session, address, job or transaction.

    Okta's system as an actor ties nothing, nor do keys that say "unknown".

    Parameters
    ----------
    events : Log or table
        In any of the forms that the guide names.
    uuid_or_row : str or row of a table
        The event in the middle: its uuid, or a row that names one (of the events, exports, feedback, session changes,
        travel or firsts; of an export the last step that is known).
    window : str or Timedelta
        How far to look before and after it.

    Returns
    -------
    DataFrame
        The columns of the events that matter, then `reason` (why the event is there, blank-separated, out of actor
        target session root_session ip job transaction), `lag` (time since the event in the middle, negative before it)
        and `matters` (what makes such an event worth a look, and whether it was but an attempt; else missing), sorted
        by `published`, then `uuid`. `actor` is the same actor; `target` is the same user as a target, as the target of
        the one and the actor of the other. The event in the middle is there too, with lag 0.

    Raises
    ------
    ColumnError
        If a column is missing.
    InputError
        If the log has no such event, the row names none, or `window` is no length of time.

    Source
    ------
    Panther's session audit looks at the hour around; the events that matter are those of Okta's catalogue by which
    people gain rights, change factors, policies and tokens, or take data out.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> log = make_log("stolen_report")
    >>> around = find_around(read_log(log.records).events, log.truth["planted"][0]["uuids"]["detection"], "10min")
    >>> list(around["matters"].dropna().unique())
    ['the session changed its context', 'risk detection']
    """
    within = span(window, "window")
    uuid = _uuid(uuid_or_row)
    middle = rows(events, "find_around", _SHOWN, nw.col("uuid") == uuid)
    if middle.empty or pd.isna(middle["published"][0]):
        raise InputError(f"find_around needs an event of this log that has a time; none has the uuid {uuid!r}.")
    event = known_only(middle.iloc[:1], [*_PEOPLE, *_LINKS.values()]).iloc[0]
    ties, reach = _ties(event), within // pd.Timedelta("1us")
    at = microseconds(event["published"])
    near = (nw.col("published_us") >= at - reach) & (nw.col("published_us") <= at + reach)
    tied = reduce(or_, (nw.col(column).is_in(values) for _, column, values in ties), nw.col("uuid") == uuid)
    neighbours = rows(events, "find_around", _SHOWN, near & tied)
    meanings_by_type = {kind: matters(kind) for kind in neighbours["event_type"].dropna().unique()}
    meanings = neighbours["event_type"].map(meanings_by_type).astype(TEXT)
    tried = "attempt " + outcomes(neighbours["outcome_result"]) + ": " + meanings
    phishing = neighbours["outcome_reason"].map(is_phishing).astype(bool)
    tried = tried.mask(phishing, PHISHING)
    sure = were_done(neighbours["outcome_result"]) | neighbours["event_type"].map(is_sign, na_action="ignore").eq(True)
    why = {"reason": _reason(neighbours, ties), "matters": meanings.where(sure & ~phishing, tried)}
    return neighbours.assign(**why, lag=neighbours["published"] - event["published"])[[*AROUND_COLUMNS]]


def _uuid(uuid_or_row: Any) -> str:
    """Return the uuid that was given, or the one that a row names."""
    if isinstance(uuid_or_row, str):
        return uuid_or_row
    row = uuid_or_row._asdict() if hasattr(uuid_or_row, "_asdict") else uuid_or_row
    for name in _UUIDS if isinstance(row, Mapping | pd.Series) else ():
        if isinstance(row.get(name), str):
            return str(row[name])
    raise InputError(f"find_around needs a uuid, or a row with one of {', '.join(_UUIDS)}; it got {uuid_or_row!r:.80}.")


def _ties(event: pd.Series) -> list[tuple[str, str, list[str]]]:
    """Return what ties other events to this one: the reason, the column, the values it has to have."""
    actor = None if event["actor_type"] in SYSTEM else event["actor_id"]
    target = event["target_user_id"]
    ties = [
        ("actor", "actor_id", [actor]),
        ("target", "target_user_id", [target, actor]),
        ("target", "actor_id", [target]),
    ]
    ties += [(reason, column, [event[column]]) for reason, column in _LINKS.items()]
    clean = [(reason, column, [value for value in values if pd.notna(value)]) for reason, column, values in ties]
    return [tie for tie in clean if tie[2]]


def _reason(neighbours: pd.DataFrame, ties: list[tuple[str, str, list[str]]]) -> pd.Series:
    """Return why each event is there, each reason once."""
    hits = {reason: pd.Series(False, neighbours.index) for reason, _, _ in ties}
    for reason, column, values in ties:
        hits[reason] |= neighbours[column].isin(values)
    words = (hit.map({True: f" {reason}", False: ""}).astype(TEXT) for reason, hit in hits.items())
    return reduce(lambda text, word: text + word, words, pd.Series("", neighbours.index, dtype=TEXT)).str.strip()


def matters(event_type: str) -> str | None:
    """Return why events of a type are worth a look, if they are.

    >>> matters("policy.rule.update"), matters("policy.rule.action.execute")
    ('policy changed', None)
    """
    return None if event_type.startswith(types_of("routine")) else meaning_of(event_type, "matters")


def is_phishing(reason: object) -> bool:
    """Return whether a sign-in was refused because its page was not Okta's; only the reason of the outcome says so.

    >>> is_phishing("FastPass declined phishing attempt"), is_phishing("INVALID_CREDENTIALS")
    (True, False)
    """
    return isinstance(reason, str) and "phishing" in reason.lower()


def find_related(events: Events, event_types: tuple[str, ...] = ANALYTICS) -> pd.DataFrame:
    """Return the events of some types and everything tied to them.

    Tied are events of the same session, root session, transaction, export job or chain of risk events, and the
    detections that feedback judged. Keys that say "unknown" tie nothing.

    Parameters
    ----------
    events : Log or table
        In any of the forms that the guide names.
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
    >>> list(find_related(log.events)["uuid"])
    ['1', '2']
    """
    is_core = nw.col("event_type").is_in(event_types)
    core = rows(events, "find_related", ("event_type", "judged_uuid", *RELATED), is_core)
    tied = [nw.col(key).is_in(values) for key, values in ties(core).items() if values]
    frame = table(events, "find_related", ("event_type", *RELATED), every_time=True)
    wanted = [name for name in EVENT_COLUMNS if name in frame.collect_schema().names() and name != "published"]
    related = in_order(collect(pick(frame, (*wanted, "published_us"), reduce(or_, tied, is_core))))
    return related[[name for name in EVENT_COLUMNS if name in related]]
