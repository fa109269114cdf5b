"""Delivery shapes: what is wrapped around an event, or what was made of it, on its way to a file.

Each record is recognised by itself. Of what an envelope says about the delivery alone, the outermost word counts.
"""

import base64
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from ..schema import fold, is_sentinel
from .mappings import DERIVED, HOSTS, ORIGINALS, OWN, RECEIVED, SHAPES, WRAPPERS, Shape, place, squash
from .repair import Trouble, parse
from .streams import MAX_RECORD
from .times import read_time
from .unflatten import unflatten

T = TypeVar("T")


class Delivery(NamedTuple):
    """The organization that a delivery is from, and the moment when it received an event."""

    organization: str | None = None
    received: datetime | None = None


SILENT = Delivery()

_OUTER = {
    path: path.partition(".")[0]
    for path in ("source", "sourcetype", "metadata.tenant_uid", "resource.attributes", *RECEIVED)
}

_TELLING = {*_OUTER, *_OUTER.values(), *HOSTS}

_HOST = re.compile(r"(?:https?://)?[\w-]+\.okta(?:preview|-emea|-gov)?\.com/?", re.IGNORECASE)

_SOURCE = re.compile(r"aws\.partner/okta\.com/([^/]+)(?:/.*)?|https?://([^/]+)/api/v1/eventHooks/.+")


def read_delivery(value: dict[str, Any]) -> Delivery:
    """Return what one layer of an envelope, or a row, says about its delivery.

    >>> read_delivery({"source": "aws.partner/okta.com/example/log", "ingestionTime": 1772438400000})
    Delivery(organization='example', received=datetime.datetime(2026, 3, 2, 8, 0, tzinfo=datetime.timezone.utc))
    """
    if _TELLING.isdisjoint(value):
        return SILENT
    source = value.get("source")
    match = _SOURCE.fullmatch(source) if isinstance(source, str) else None
    hosts = (value[name] for name in HOSTS if isinstance(value.get(name), str) and _HOST.fullmatch(value[name]))
    names = (
        match.groups() if match else (_domain(value), _splunk_host(value), _at(value, "metadata.tenant_uid"), *hosts)
    )
    times = [_at(value, name) for name in RECEIVED if name in value or _OUTER[name] in value]
    times += [value.get("eventTime")] if match and match[2] else []
    return Delivery(_first(read_organization, names), _first(read_moment, times))


def _first(read: Callable[[Any], T | None], values: Iterable[Any]) -> T | None:
    return next((result for value in values if (result := read(value))), None)


def read_moment(value: Any) -> datetime | None:
    """Return a time in UTC, also if it names no zone.

    >>> read_moment("1772438400.5") == read_moment("2026-03-02T08:00:00.500Z") == read_moment(1772438400500)
    True
    """
    moment = read_time(value)
    return moment.replace(tzinfo=UTC) if moment else None


def read_organization(name: Any) -> str | None:
    """Return an organization by its name below okta.com, or by its whole domain elsewhere.

    >>> read_organization("https://example.okta.com/"), read_organization("login.example.com")
    ('example', 'login.example.com')
    """
    host = re.sub(r"^https?://|\.?[/:].*|\.$", "", name.strip(), flags=re.IGNORECASE) if isinstance(name, str) else ""
    name = host.lower().removesuffix(".okta.com") if "." in host else host
    return None if is_sentinel(name) else name


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
    item = inside.get(inner) if inner and isinstance(inside, dict) else value.get(path)
    return item[0] if isinstance(item, list) and len(item) == 1 and not isinstance(item[0], dict) else item


_DEEPEST = 9

_RANKS = {key: rank for rank, key in enumerate(WRAPPERS)}


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
        delivery = read_delivery(value)
        if _is_own(value):
            delivery = Delivery(read_organization(value.get("organization")), read_moment(value.get("received")))
        for inner in _unwrap_dict(value, textual, flags, depth):
            organization = delivery.organization or inner.delivery.organization
            received = delivery.received or inner.delivery.received
            yield inner if delivery == SILENT else inner._replace(delivery=Delivery(organization, received))
    elif text := _json_text(value):
        trouble = Trouble()
        inner, reason = understand(text, trouble)
        flags |= trouble.flags
        yield from [Inner(value, reason=reason)] if reason else unwrap(inner, False, flags, depth + 1)
    else:
        yield Inner(value, textual, flags)


def _unwrap_dict(value: dict[str, Any], textual: bool, flags: frozenset[str], depth: int) -> Iterator[Inner]:
    opened: dict[str, list[Inner]] = {}
    if original := _original(value, flags, depth, opened):
        yield from original
    elif not textual and _is_event(value):
        yield Inner(value, textual, flags)
    elif event := _unflattened(value, textual, flags):
        yield event
    elif (wrapped := _wrapped(value)) is not None:
        known = opened.get(wrapped) if isinstance(wrapped, str) else None
        yield from unwrap(wrapped, textual, flags, depth + 1) if known is None else known
    else:
        yield Inner(value, textual, flags)


def _original(value: dict[str, Any], flags: frozenset[str], depth: int, opened: dict[str, list[Inner]]) -> list[Inner]:
    """Return what stands in the original text that some shapes keep beside their columns, if it holds the events.

    What was opened is kept, so that texts in texts are not opened twice on every level.
    """
    event = value.get("event")
    texts = [] if value.keys().isdisjoint(ORIGINALS) else [value.get(key) for key in ORIGINALS]
    texts += [event.get("original")] if isinstance(event, dict) else []
    for text in (text for text in texts if isinstance(text, str) and _json_text(text)):
        inners = opened[text] = list(unwrap(text, False, flags, depth + 1))
        if inners and all(not one.reason and _is_event(one.value) and _agree(value, one.value) for one in inners):
            return inners
    return []


def _agree(outer: dict[str, Any], inner: dict[str, Any]) -> bool:
    """Return whether an original is of this event: it has its uuid, if that stands outside at all."""
    uuid, other = ([item for key, item in value.items() if fold(key) == "uuid" and item] for value in (outer, inner))
    return not uuid or uuid == other


def _json_text(value: Any) -> bytes:
    """Return what looks like JSON in a text, also in base64 and gzip (Firehose, Pub/Sub, CloudWatch); b"" for none."""
    if not isinstance(value, str):
        return b""
    text = value.strip().encode(errors="replace")
    if not text.startswith((b"{", b"[")) and _BASE64.match(text):
        with suppress(ValueError, zlib.error):
            text = base64.b64decode(text, validate=True)
            text = zlib.decompressobj(31).decompress(text, MAX_RECORD) if text.startswith(b"\x1f\x8b") else text
    return text if text.lstrip()[:1] in (b"{", b"[") else b""


_BASE64 = re.compile(rb"eyJ|ew|W3s|Wy|H4sI")  # how an object, a list and gzip begin in base64


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


def _unflattened(value: dict[str, Any], textual: bool, flags: frozenset[str]) -> Inner | None:
    """Return the event that a shape of columns holds, or None if this is no such shape."""
    shape, columns = _shape(value, textual)
    if shape is None:
        return None
    row = unflatten(columns, shape)
    flat = shape not in (SHAPES["elastic"], SHAPES["ocsf"])
    return Inner(row.event, textual or flat, flags | row.trouble.flags, row.extra)


def _shape(value: dict[str, Any], textual: bool) -> tuple[Shape | None, dict[str, Any]]:
    """Return which columns these are, and the columns."""
    if "eventType_s" in value:
        return SHAPES["sentinel"], value
    if "EventOriginalType" in value:
        return SHAPES["sentinel_v2"], value
    if "class_uid" in value and ("metadata" in value or "metadata.event_code" in value):
        return SHAPES["ocsf"], dict(_paths(value))
    if _is_elastic(value):
        return SHAPES["elastic"], dict(_paths(value))
    if _is_own(value):
        return SHAPES["dotted"], _own(value)
    flat = textual or any("." in key and place(key) for key in value)
    return (SHAPES["dotted"] if flat and any(squash(key) == "eventtype" for key in value) else None), value


def _is_elastic(value: dict[str, Any]) -> bool:
    event, okta = value.get("event"), value.get("okta")
    dataset = value.get("event.dataset") or (isinstance(event, dict) and event.get("dataset"))
    return dataset == "okta.system" or isinstance(okta, dict) or any(key.startswith("okta.") for key in value)


def _paths(value: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the columns of nested objects by their dotted paths; debug data stay whole."""
    for key, item in value.items():
        name = path + key
        whole = name.endswith((".flattened", "debugData", ".geo.location")) or name.count(".") >= 20
        if isinstance(item, dict) and not whole:
            yield from _paths(item, name + ".")
        else:
            yield name, item


def _own(value: dict[str, Any]) -> dict[str, Any]:
    """Return a row of our events table by Okta's names; what was worked out counts where its source is missing."""
    kept = {name: item for name, item in value.items() if item not in (None, "") and name not in Delivery._fields}
    fields = {OWN.get(name, name): item for name, item in kept.items()}
    extra, _ = understand(str(fields.pop("extra", "{}")).encode(errors="replace"), Trouble())
    fields = {**fields, **extra} if isinstance(extra, dict) else {**fields, "extra": value["extra"]}
    for whole in ("debugContext.debugData", "transaction.detail"):
        if whole in fields:
            fields = {name: item for name, item in fields.items() if not name.startswith(whole + ".")}
    made = {name: fields.pop(name) for name in (*DERIVED, *_REPORT, *_USER, "ip_categories") if name in fields}
    if "debugContext.debugData" not in fields:
        fields |= {DERIVED[name]: item for name, item in made.items() if name in DERIVED}
    targets = [
        {"type": kind, **{key: made[name] for name, key in names.items() if name in made}}
        for kind, names in (("Report", _REPORT), ("User", _USER))
        if any(name in made for name in names)
    ]
    return {"target": targets, **fields} if targets else fields


_REPORT = {"report_id": "id", "report_name": "displayName"}

_USER = {"target_user_id": "id", "target_user_alternate_id": "alternateId"}


def _wrapped(value: dict[str, Any]) -> Any:
    """Return what an envelope holds, or None where this is no envelope or an empty one."""
    for key in sorted(value.keys() & _RANKS.keys(), key=_RANKS.__getitem__):
        inner = value[key]
        if (isinstance(inner, list) and inner) or _json_text(inner):
            return inner
        if isinstance(inner, dict) and _is_promising(inner):
            return inner
    return None


def _is_promising(value: dict[str, Any]) -> bool:
    marked = any(fold(key) == "eventtype" for key in value)
    return marked or not value.keys().isdisjoint(_RANKS) or _shape(value, False)[0] is not None
