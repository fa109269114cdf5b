"""Delivery shapes: what is wrapped around an event, or what was made of it, on its way to a file.

Each record is recognised by itself. Of what an envelope says about the delivery alone, the outermost word counts.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

import msgspec

from ..schema import SENTINELS, fold
from .mappings import DOTTED, ELASTIC, OCSF, ORIGINALS, OWN, OWN_DERIVED, SENTINEL, SENTINEL_V2, Shape, place, squash
from .repair import Trouble, parse
from .unflatten import rebuild

T = TypeVar("T")


class Delivery(NamedTuple):
    """The organization that a delivery is from, and the moment when it received an event."""

    organization: str | None = None
    received: datetime | None = None


SILENT = Delivery()

_RECEIVED = (
    "_indextime",  # Splunk
    *("ingestionTime", "@ingestionTime"),  # CloudWatch Logs: its events, its Insights
    "event.ingested",  # Elastic
    *("_TimeReceived", "_TimeReceived [UTC]"),  # Azure Monitor
    "p_parse_time",  # Panther
    "observedTimeUnixNano",  # OpenTelemetry
    *(f"metadata.{name}_time{form}" for name in ("logged", "processed") for form in ("_dt", "")),  # OCSF
)

_OUTER = {
    path: path.partition(".")[0]
    for path in ("source", "sourcetype", "metadata.tenant_uid", "resource.attributes", *_RECEIVED)
}

_TELLING = {*_OUTER, *_OUTER.values()}

_SOURCE = re.compile(r"aws\.partner/okta\.com/([^/]+)(?:/.*)?|https?://([^/]+)/api/v1/eventHooks/.+")

_EPOCH = re.compile(r"(\d{10})(\d{3}|\d{6}|\d{9})?(?:\.\d+)?", re.ASCII)


def read_delivery(value: dict[str, Any]) -> Delivery:
    """Return what one layer of an envelope, or a row, says about its delivery.

    >>> read_delivery({"source": "aws.partner/okta.com/example/log", "ingestionTime": 1772438400000})
    Delivery(organization='example', received=datetime.datetime(2026, 3, 2, 8, 0, tzinfo=datetime.timezone.utc))
    """
    if _TELLING.isdisjoint(value):
        return SILENT
    source = value.get("source")
    found = _SOURCE.fullmatch(source) if isinstance(source, str) else None
    names = found.groups() if found else (_domain(value), _splunk_host(value), _at(value, "metadata.tenant_uid"))
    times = [_at(value, name) for name in _RECEIVED if name in value or _OUTER[name] in value]
    times += [value.get("eventTime")] if found and found[2] else []
    return Delivery(_first(read_organization, names), _first(read_moment, times))


def _first(read: Callable[[Any], T | None], values: Iterable[Any]) -> T | None:
    return next((found for value in values if (found := read(value))), None)


def read_moment(value: Any) -> datetime | None:
    """Return a time that is given as ISO 8601, in UTC if it names no zone, or in seconds since 1970 or parts of them.

    >>> read_moment("1772438400.5") == read_moment("2026-03-02T08:00:00.500Z") == read_moment(1772438400500)
    True
    """
    try:
        text = str(value).strip()
        if found := _EPOCH.fullmatch(text):
            return datetime.fromtimestamp(float(text) / 10 ** len(found[2] or ""), UTC)
        moment = msgspec.convert(text, datetime)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def read_organization(name: Any) -> str | None:
    """Return an organization by its name below okta.com, or by its whole domain elsewhere.

    >>> read_organization("https://example.okta.com/"), read_organization("login.example.com")
    ('example', 'login.example.com')
    """
    host = re.sub(r"^https?://|\.?[/:].*|\.$", "", name.strip(), flags=re.IGNORECASE) if isinstance(name, str) else ""
    found = host.lower().removesuffix(".okta.com") if "." in host else host
    return None if found.lower() in SENTINELS else found


def _domain(value: dict[str, Any]) -> Any:
    """Return what a receiver of OpenTelemetry notes about the resource that it asked."""
    attributes = _at(value, "resource.attributes")
    pairs = [item for item in attributes if isinstance(item, dict)] if isinstance(attributes, list) else []
    return next((_at(item, "value.stringValue") for item in pairs if item.get("key") == "okta.domain"), None)


def _splunk_host(value: dict[str, Any]) -> Any:
    """Return the host of an event from Okta's add-on, which is by default the domain that it asked."""
    host = value.get("host")
    return host if str(value.get("sourcetype")).startswith("OktaIM2:") and "." in str(host) else None


def _at(value: dict[str, Any], path: str) -> Any:
    """Return what stands under a dotted name, or one level down; a list of one is that one."""
    outer, _, inner = path.partition(".")
    inside = value.get(outer)
    found = inside.get(inner) if inner and isinstance(inside, dict) else value.get(path)
    return found[0] if isinstance(found, list) and len(found) == 1 and not isinstance(found[0], dict) else found


_DEEPEST = 9

_WRAPPERS = (
    *("detail", "_source", "fields", "result", "data", "hits", "events", "records", "Records", "value", "logs"),
    *("logEvents", "Messages", "resourceLogs", "scopeLogs", "logRecords", "event", "log", "Log", "message"),
    *("@message", "_raw", "raw", "body", "Body", "stringValue", "original", "event.original", "raw_data"),
)


class Inner(NamedTuple):
    """One event under Okta's own names, from inside an envelope, or the reason why what is in there is none.

    `textual` where the shape turns all values to text; `extra` holds columns that are not Okta's, by their own names.
    """

    value: Any
    textual: bool = False
    flags: frozenset[str] = frozenset()
    extra: dict[str, Any] = {}  # noqa: RUF012  # never changed: the same empty one for all
    reason: str = ""
    delivery: Delivery = SILENT


def understand(raw: bytes, trouble: Trouble) -> tuple[Any, str]:
    """Return what JSON text says, or why it says nothing."""
    try:
        return parse(raw, trouble), ""
    except UnicodeDecodeError:
        return None, "bad_encoding"
    except RecursionError:
        return None, "too_deep"
    except ValueError:
        return None, "bad_json"


def unwrap(value: Any, textual: bool = False, flags: frozenset[str] = frozenset(), depth: int = 0) -> Iterator[Inner]:
    """Yield the events in a decoded document, whatever is wrapped around them, and as it is what holds none."""
    if depth > _DEEPEST:
        yield Inner(value, textual, flags)
    elif isinstance(value, list):
        for item in value:
            yield from unwrap(item, textual, flags, depth + 1)
    elif isinstance(value, dict):
        told = _delivery(value)
        for inner in _unwrap_dict(value, textual, flags, depth):
            yield inner if told == SILENT else inner._replace(delivery=_joined(told, inner.delivery))
    elif _is_json(value):
        trouble = Trouble()
        inner, reason = understand(value.encode(errors="replace"), trouble)
        flags |= trouble.flags
        yield from [Inner(value, reason=reason)] if reason else unwrap(inner, False, flags, depth + 1)
    else:
        yield Inner(value, textual, flags)


def _unwrap_dict(value: dict[str, Any], textual: bool, flags: frozenset[str], depth: int) -> Iterator[Inner]:
    if original := _original(value, flags, depth):
        yield from original
    elif not textual and _is_event(value):
        yield Inner(value, textual, flags)
    elif rebuilt := _rebuilt(value, textual, flags):
        yield rebuilt
    elif (wrapped := _wrapped(value)) is not None:
        yield from unwrap(wrapped, textual, flags, depth + 1)
    else:
        yield Inner(value, textual, flags)


def _delivery(value: dict[str, Any]) -> Delivery:
    if not _is_own(value):
        return read_delivery(value)
    return Delivery(read_organization(value.get("organization")), read_moment(value.get("received")))


def _joined(outer: Delivery, inner: Delivery) -> Delivery:
    return Delivery(outer.organization or inner.organization, outer.received or inner.received)


def _original(value: dict[str, Any], flags: frozenset[str], depth: int) -> list[Inner]:
    """Return what stands in the original text that some shapes keep beside their columns, if it holds the events."""
    event = value.get("event")
    texts = [value.get(key) for key in ORIGINALS] + [event.get("original") if isinstance(event, dict) else None]
    for text in filter(_is_json, texts):
        found = list(unwrap(text, False, flags, depth + 1))
        if found and all(not inner.reason and _is_event(inner.value) and _agree(value, inner.value) for inner in found):
            return found
    return []


def _agree(outer: dict[str, Any], inner: dict[str, Any]) -> bool:
    """Return whether an original is of this event: it has its uuid, if that is told outside at all."""
    own, other = ([item for key, item in value.items() if fold(key) == "uuid" and item] for value in (outer, inner))
    return not own or own == other


def _is_json(value: Any) -> bool:
    return isinstance(value, str) and value.lstrip()[:1] in ("{", "[")


def _is_event(value: Any) -> bool:
    """Return whether this is an event under Okta's own names, in any spelling, and not flattened."""
    if not isinstance(value, dict):
        return False
    keys = {fold(key) for key, item in value.items() if item}
    return {"uuid", "eventtype"} <= keys and not any("." in key and place(key) for key in value) and not _is_own(value)


def _is_own(value: dict[str, Any]) -> bool:
    """Return whether this is a row of our events table; whatever has Okta's own key is none."""
    ours = any(key in value for key in ("actor_id", "ip_address", "is_proxy", "debug_data"))
    return ours and "event_type" in value and "eventType" not in value


def _rebuilt(value: dict[str, Any], textual: bool, flags: frozenset[str]) -> Inner | None:
    """Return the event that a shape of columns holds, or None if this is no such shape."""
    shape, columns = _shape(value, textual)
    if shape is None:
        return None
    built = rebuild(columns, shape)
    flat = shape is not ELASTIC and shape is not OCSF
    return Inner(built.event, textual or flat, flags | built.trouble.flags, built.extra)


def _shape(value: dict[str, Any], textual: bool) -> tuple[Shape | None, dict[str, Any]]:
    """Return which columns these are, and the columns."""
    if "eventType_s" in value:
        return SENTINEL, value
    if "EventOriginalType" in value:
        return SENTINEL_V2, value
    if "class_uid" in value and ("metadata" in value or "metadata.event_code" in value):
        return OCSF, dict(_paths(value))
    if _is_elastic(value):
        return ELASTIC, dict(_paths(value))
    if _is_own(value):
        return DOTTED, _own(value)
    flat = textual or any("." in key and place(key) for key in value)
    return (DOTTED if flat and any(squash(key) == "eventtype" for key in value) else None), value


def _is_elastic(value: dict[str, Any]) -> bool:
    event, okta = value.get("event"), value.get("okta")
    dataset = value.get("event.dataset") or (isinstance(event, dict) and event.get("dataset"))
    return dataset == "okta.system" or isinstance(okta, dict) or any(key.startswith("okta.") for key in value)


def _paths(value: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the columns of nested objects by their dotted paths; debug data stay whole."""
    for key, item in value.items():
        own = path + key
        if (
            isinstance(item, dict)
            and own.count(".") < 20
            and not own.endswith((".flattened", "debugData", ".geo.location"))
        ):
            yield from _paths(item, own + ".")
        else:
            yield own, item


def _own(value: dict[str, Any]) -> dict[str, Any]:
    """Return a row of our events table by Okta's names; what was worked out counts where its source is missing."""
    kept = {name: item for name, item in value.items() if item not in (None, "") and name not in Delivery._fields}
    found = {OWN.get(name, name): item for name, item in kept.items()}
    extra, _ = understand(str(found.pop("extra", "{}")).encode(errors="replace"), Trouble())
    found = {**found, **extra} if isinstance(extra, dict) else {**found, "extra": value["extra"]}
    for whole in ("debugContext.debugData", "transaction.detail"):
        found = {name: item for name, item in found.items() if whole not in found or not name.startswith(whole + ".")}
    return _derived(found)


def _derived(found: dict[str, Any]) -> dict[str, Any]:
    made = {name: found.pop(name) for name in (*OWN_DERIVED, *_REPORT, *_USER, "ip_categories") if name in found}
    if "debugContext.debugData" not in found:
        found |= {OWN_DERIVED[name]: item for name, item in made.items() if name in OWN_DERIVED}
    targets = [
        {"type": kind, **{key: made[name] for name, key in names.items() if name in made}}
        for kind, names in (("Report", _REPORT), ("User", _USER))
        if any(name in made for name in names)
    ]
    return {"target": targets, **found} if targets else found


_REPORT = {"report_id": "id", "report_name": "displayName"}

_USER = {"target_user_id": "id", "target_user_alternate_id": "alternateId"}


def _wrapped(value: dict[str, Any]) -> Any:
    """Return what an envelope holds, or None where this is no envelope or an empty one."""
    for key in _WRAPPERS:
        inner = value.get(key)
        if (isinstance(inner, list) and inner) or _is_json(inner):
            return inner
        if isinstance(inner, dict) and _is_promising(inner):
            return inner
    return None


def _is_promising(value: dict[str, Any]) -> bool:
    marked = any(fold(key) == "eventtype" for key in value)
    return marked or _shape(value, False)[0] is not None or any(key in value for key in _WRAPPERS)
