"""The names: event types, and the only map between Okta's fields and our columns.

A new field is one new line in `COLUMNS` and nothing else; a new event type one line in `event_types.csv`.
"""

import csv
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

REQUEST: Final = "analytics.reports.export.request"
GENERATE: Final = "analytics.reports.export.generate"
DOWNLOAD: Final = "analytics.reports.export.download"
FEEDBACK: Final = "analytics.feedback.provide"
CONSOLE: Final = "user.session.access_admin_app"
SIGN_ON: Final = "policy.evaluate_sign_on"
EXPORTS: Final = (REQUEST, GENERATE, DOWNLOAD)
ANALYTICS: Final = (*EXPORTS, FEEDBACK)

SENTINELS: Final = (
    *("", "unknown", "null", "none", "nil", "undefined", "unspecified", "nan", "nat", "n/a", "n.a.", "not available"),
    *("(null)", "(none)", "(empty)", "(blank)", "(unknown)", "(not set)", "<na>", "<null>", "<none>", "<unset>"),
    *("#n/a", "#null!", "#value!", "#ref!", "\\n", "-", "--", "---", "?", "[]", "{}", '""', "''"),
    *("not set", "not reported", "missing", "[null]", "00000000-0000-0000-0000-000000000000"),
    *("#na", "#n/a n/a", "#name?", "#num!", "#div/0!", "-nan", "-1.#ind", "-1.#qnan", "1.#ind", "1.#qnan", "n\\a"),
    *("not applicable", "not known", "no value", "no data", "(undefined)", "(missing)", "(n/a)", "(no value)"),
    *("<n/a>", "<nan>", "<nil>", "<empty>", "<blank>", "<missing>", "<undefined>", "<unknown>", "<not set>"),
    *('"null"', "'null'", "\u2013", "\u2014"),
)
"""Texts, in lower case, that stand for "not known", as SIEMs, pandas, SQL and spreadsheets write it.

They are kept as they are, but never join two events. NA alone is none of them: it is Namibia.
"""

_SENTINELS = frozenset(SENTINELS)


def is_sentinel(value: object) -> bool:
    """Return whether a text stands for "not known", in whatever case and between whatever blanks.

    >>> [is_sentinel(text) for text in (" (Null) ", "", "NA", None)]
    [True, True, False, False]
    """
    return isinstance(value, str) and value.strip().lower() in _SENTINELS


RELATED: Final = ("external_session_id", "root_session_id", "transaction_id", "job_id", "trace_id")
"""The columns that tie an event to its neighbours, wherever they are known."""


class Column(NamedTuple):
    """One column of a table: its name, where Okta keeps it, what it holds and what it means.

    `kind` is one of text, time (UTC), bool (nullable), int (nullable), float and json (text).
    `path` is the dotted Okta path; a path in brackets is worked out from several places.
    """

    name: str
    path: str
    kind: str
    meaning: str


_D = "debugContext.debugData."
_GEO = "client.geographicalContext."
_AUTH = "authenticationContext."
_SEC = "securityContext."

COLUMNS: Final = (
    Column("actor_alternate_id", "actor.alternateId", "text", "who did it: login or e-mail"),
    Column("event_type", "eventType", "text", "what happened, as Okta's dotted id"),
    Column("published", "published", "time", "when it happened, UTC"),
    Column("outcome_result", "outcome.result", "text", "SUCCESS, FAILURE, ALLOW, DENY ..."),
    Column("country", _GEO + "country", "text", "country of the address, Okta's English name"),
    Column("city", _GEO + "city", "text", "city of the address"),
    Column("ip_address", "client.ipAddress", "text", "the client's address as Okta judged it"),
    Column("is_proxy", _SEC + "isProxy", "bool", "does Okta know the address as a proxy; missing is not False"),
    Column("ip_categories", "[ipDetails, tunnels, proxyType, anonymizerStatus]", "text", "all other proxy evidence"),
    Column("report_name", "target[type=Report].displayName", "text", "name of the report"),
    Column("target_user_alternate_id", "target[type=User].alternateId", "text", "login or e-mail of that user"),
    Column("risk_level", "[securityContext.risk.level, " + _D + "risk]", "text", "LOW, MEDIUM or HIGH"),
    Column(
        "detection_name", "[securityContext.risk.detectionName, " + _D + "detectionName]", "text", "what was detected"
    ),
    Column(
        "behaviors", "[securityContext.userBehaviors, " + _D + "behaviors]", "text", "unusual behavior that was found"
    ),
    Column("feedback_label", "[" + _D + "label, feedback only]", "text", "feedback: the verdict as logged"),
    Column("feedback_reason", "[" + _D + "reason, feedback only]", "text", "feedback: the admin's own words"),
    Column("threat_suspected", _D + "threatSuspected", "bool", "did Okta suspect a threat"),
    Column("display_message", "displayMessage", "text", "what happened, for people; no contract"),
    Column("severity", "severity", "text", "DEBUG, INFO, WARN or ERROR"),
    Column("outcome_reason", "outcome.reason", "text", "why, in Okta's words"),
    Column("actor_display_name", "actor.displayName", "text", "who did it: shown name"),
    Column("actor_type", "actor.type", "text", "User, SystemPrincipal, PublicClientApp ..."),
    Column("browser", "client.userAgent.browser", "text", "browser, from the user agent"),
    Column("os", "client.userAgent.os", "text", "operating system, from the user agent"),
    Column("device", "client.device", "text", "Computer, Mobile ..."),
    Column("raw_user_agent", "client.userAgent.rawUserAgent", "text", "the client's own word about itself"),
    Column("zone", "client.zone", "text", "network zone; often the text null"),
    Column("state", _GEO + "state", "text", "state or region of the address"),
    Column("postal_code", _GEO + "postalCode", "text", "postal code of the address"),
    Column("lat", _GEO + "geolocation.lat", "float", "latitude of the address, degrees"),
    Column("lon", _GEO + "geolocation.lon", "float", "longitude of the address, degrees"),
    Column("as_number", _SEC + "asNumber", "int", "number of the autonomous system"),
    Column("as_org", _SEC + "asOrg", "text", "owner of the autonomous system"),
    Column("isp", _SEC + "isp", "text", "internet provider"),
    Column("domain", _SEC + "domain", "text", "domain of the address"),
    Column("device_managed", "device.managed", "bool", "is the device managed"),
    Column("device_registered", "device.registered", "bool", "is the device registered"),
    Column("credential_type", _AUTH + "credentialType", "text", "PASSWORD, OTP, ASSERTION ..."),
    Column("judged_type", _D + "eventType", "text", "feedback: event type of the detection"),
    Column("export_columns", "target[type=Report].detailEntry.columns", "text", "columns that were exported"),
    Column(
        "export_filter", "target[type=Report].detailEntry.filter", "text", "filter of the export; empty is everything"
    ),
    Column("export_type", "target[type=Report].detailEntry.exportType", "text", "CSV or JSON"),
    Column("uuid", "uuid", "text", "id of the event"),
    Column("actor_id", "actor.id", "text", "who did it: the id that never changes"),
    Column("client_id", "client.id", "text", "OAuth client or agent"),
    Column("device_id", "device.id", "text", "the enrolled device"),
    Column("external_session_id", _AUTH + "externalSessionId", "text", "sign-in session"),
    Column("root_session_id", _AUTH + "rootSessionId", "text", "session on whose behalf it happened"),
    Column("transaction_id", "transaction.id", "text", "one operation, as a rule one web request"),
    Column("transaction_type", "transaction.type", "text", "WEB or JOB; a JOB has no client"),
    Column(
        "api_token_id", "transaction.detail.requestApiTokenId", "text", "API token that was used, or on whose behalf"
    ),
    Column("job_id", "[" + _D + "jobId, requestUri]", "text", "export job: what ties request, generate and download"),
    Column("request_uri", _D + "requestUri", "text", "path of the web request"),
    Column("trace_id", _D + "traceId", "text", "chain of risk events"),
    Column("dt_hash", _D + "dtHash", "text", "hash of the device token"),
    Column("judged_uuid", _D + "eventUuid", "text", "feedback: uuid of the detection it judges"),
    Column("report_id", "target[type=Report].id", "text", "which report, not which run"),
    Column("target_user_id", "target[type=User].id", "text", "the first user it was done to"),
    Column("targets", "target", "json", "every target"),
    Column("debug_data", "debugContext.debugData", "json", "all debug data"),
    Column("ip_chain", "request.ipChain", "json", "addresses the request came through"),
    Column("extra", "[everything else]", "json", "what no other column holds"),
    Column("organization", "[envelope]", "text", "whose log it is, where the delivery says so; the event does not"),
    Column("received", "[envelope]", "time", "when the delivery received it, UTC, where it says so"),
    Column("source", "", "text", "file, below the inputs' common parent"),
    Column("record", "", "count", "1-based: line, element or row in that file"),
    Column("issues", "", "text", "flags about this record, blank-separated; empty when none"),
)
EVENT_COLUMNS: Final = tuple(column.name for column in COLUMNS)

TARGET_COLUMNS: Final = (
    Column("target_alternate_id", "target[].alternateId", "text", "login, e-mail or the text unknown"),
    Column("target_display_name", "target[].displayName", "text", "shown name"),
    Column("target_type", "target[].type", "text", "User, Report, AppInstance ..."),
    Column("detail", "target[].detailEntry", "json", "details of the target"),
    Column("uuid", "uuid", "text", "the event"),
    Column("position", "", "count", "place in the event's list, from 0"),
    Column("target_id", "target[].id", "text", "id of the target"),
)
REJECTED_COLUMNS: Final = (
    Column("source", "", "text", "file"),
    Column("record", "", "count", "1-based: line, element or row in that file"),
    Column("reason", "", "text", "why it was not kept"),
    Column("excerpt", "", "text", "its beginning, made safe to show"),
)
SOURCE_COLUMNS: Final = (
    Column("source", "", "text", "file"),
    Column("bytes", "", "count", "size as stored"),
    Column("sha256", "", "text", "hash of the file as stored"),
    Column("sha256_content", "", "text", "hash of what it holds once decompressed"),
    Column("shape", "", "text", "how the records were delivered"),
    Column("encoding", "", "text", "text encoding"),
    Column("records", "", "count", "records found = kept + duplicates + rejected + other_types"),
    Column("kept", "", "count", "records that became events"),
    Column("duplicates", "", "count", "records that say the same as a kept one"),
    Column("rejected", "", "count", "records that could not be read"),
    Column("other_types", "", "count", "records of event types that were not asked for"),
    Column("first", "", "time", "earliest event kept"),
    Column("last", "", "time", "latest event kept"),
    Column("flags", "", "text", "what is odd about the file, blank-separated"),
)


class Flag(NamedTuple):
    """What may be odd: its name, what it is about (record, rejection or file) and what it means."""

    name: str
    about: str
    meaning: str


class EventType(NamedTuple):
    """An event type, or with a dot at its end the beginning of several: what it means and which groups it is in."""

    name: str
    meaning: str
    groups: str


class Outcome(NamedTuple):
    """A value of `outcome.result`: whether it happened (happened, refused or undecided), and that in words."""

    result: str
    meaning: str
    words: str


def _table(name: str) -> list[list[str]]:
    with (files(__package__) / name).open(encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


FLAGS: Final = tuple(Flag(*row) for row in _table("flags.csv"))
"""Every flag of a record and of a file, and every reason for which a record is rejected."""

EVENT_TYPES: Final = tuple(EventType(*row) for row in _table("event_types.csv"))
"""The event types that are looked at beside the four of `ANALYTICS`."""

OUTCOMES: Final = tuple(Outcome(*row) for row in _table("outcomes.csv"))
"""What each documented value of `outcome.result` means; a value that is not among them is undecided."""

_NOT_DELIVERED = Outcome("", "not delivered", "not delivered")
_BY_RESULT = {one.result: one for one in OUTCOMES}


@cache
def results_of(meaning: str) -> tuple[str, ...]:
    """Return the values of `outcome.result`, in upper case, that have one meaning.

    >>> results_of("happened")
    ('SUCCESS', 'ALLOW')
    """
    return tuple(one.result for one in OUTCOMES if one.meaning == meaning)


def meaning_of_result(result: object) -> str:
    """Return what one value of `outcome.result` means: happened, refused, undecided or not delivered.

    >>> [meaning_of_result(result) for result in ("SUCCESS", "deny", "CHALLENGE", "PARTIAL", None)]
    ['happened', 'refused', 'undecided', 'undecided', 'not delivered']
    """
    return outcome_of(result).meaning


def outcome_of(result: object) -> Outcome:
    """Return what one value of `outcome.result` means, and that in words.

    >>> outcome_of(" deny").words, outcome_of("PARTIAL").words
    ('refused', 'not decided')
    """
    text = result.strip().upper() if isinstance(result, str) else ""
    other = _NOT_DELIVERED if is_sentinel(text) else Outcome(text, "undecided", "not decided")
    return _BY_RESULT.get(text, other)


def is_done(result: object) -> bool:
    """Return whether an event counts as done: it happened, or the delivery says nothing against it.

    >>> [is_done(result) for result in ("ALLOW", None, "DENY", "DEFERRED")]
    [True, True, False, False]
    """
    return meaning_of_result(result) in ("happened", "not delivered")


@cache
def types_of(*groups: str) -> tuple[str, ...]:
    """Return the event types, or beginnings of them, that are in one of some groups.

    >>> types_of("detection")
    ('user.risk.detect', 'user.risk.change', 'user.session.context.change')
    """
    return tuple(one.name for one in EVENT_TYPES if {*one.groups.split()} & {*groups})


@cache
def meaning_of(event_type: str, group: str) -> str | None:
    """Return what an event type means, if it is in a group; of several beginnings the longest counts.

    >>> meaning_of("system.api_token.create", "matters"), meaning_of("user.session.start", "matters")
    ('API token created or changed', None)
    """
    fitting = [one for one in EVENT_TYPES if group in one.groups.split() and event_type.startswith(one.name)]
    return max(fitting, key=lambda one: len(one.name)).meaning if fitting else None


@cache
def is_sign(event_type: str) -> bool:
    """Return whether an event is a sign whatever came of it, as alarms are; a change that was refused is none.

    >>> is_sign("security.threat.detected"), is_sign("security.threat.configuration.update")
    (True, False)
    """
    fitting = [one for one in EVENT_TYPES if event_type.startswith(one.name)]
    return bool(fitting) and "signal" in max(fitting, key=lambda one: len(one.name)).groups.split()


def fold(key: str) -> str:
    """Return `key` as it is matched: without underscores and case, because deliveries spell keys differently.

    >>> fold("jobId") == fold("jobid") == fold("job_id")
    True
    """
    return key.replace("_", "").lower()
