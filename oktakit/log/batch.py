"""Batches of events as documented, to columns: ids by their values, parts that many events share by a code."""

import re
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache, lru_cache
from operator import attrgetter
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET, Meta

from ..reading import model
from ..reading.model import Outline, compact
from ..reading.repair import Trouble, parse, plan
from ..reading.streams import Lines
from ..schema import fold
from .debug_data import DebugData, debug_data_of, read_debug_data

Values = tuple[Any, ...]
Codes = np.ndarray[Any, np.dtype[np.int32]]
Lengths = np.ndarray[Any, np.dtype[np.int64]]
TEXT, TIME = pa.large_string(), pa.timestamp("us", "UTC")
HEAD = attrgetter("event_type", "severity", "display_message", "version", "legacy_event_type")

_HEAD_KEYS = ("eventType", "severity", "displayMessage", "version", "legacyEventType")
_ID_KEYS = {
    "uuid": "uuid",
    "published": "published",
    "transaction_id": "id",
    "external_session_id": "externalSessionId",
    "root_session_id": "rootSessionId",
}
"""The keys of what differs from event to event, by our columns."""
_RAW_PARTS = ("actor", "client", "device", "outcome", "security_context", "request", "target")
_AGENT, _GEO, _POINT, _RISK, _TARGET = model.UserAgent(), model.Geo(), model.Geolocation(), model.Risk(), model.Target()
_USUAL_TIMES = re.compile(r"(?:[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)*", re.ASCII)
_ZONED = Annotated[datetime, Meta(tz=True)]
_fold = lru_cache(4096)(fold)
_encoder = msgspec.json.Encoder()


class Dictionary(dict[Any, int]):
    """The distinct values of one part of the events, their codes by what they are read from, and the columns they fill.

    A column whose name ends in `_extra` holds members of a JSON object for `extra`; the last of the values of a code
    says what there is about proxies.
    """

    # This is Arrow's dictionary encoding, done before the text is parsed: a client, an actor or a target comes again in
    # many events, so that parsing each distinct text once is most of what makes reading fast.

    def __init__(self, columns: tuple[str, ...], read: Callable[[Any], Values]) -> None:
        """Describe what fills `columns` with what `read` returns."""
        super().__init__()
        self.columns, self.read = columns, read
        self.values_by_code: list[Values] = []
        self._lengths = array("q")

    def add(self, value: Any, length: int = 0) -> int:
        """Return the code of a new value, which takes so much of an event's text, with a comma behind it."""
        self.values_by_code.append(self.read(value))
        self._lengths.append(length)
        return len(self.values_by_code) - 1

    def encode(self, keys: list[Any]) -> Codes:
        """Return the codes of what stands in so many events, below 0 where it is not as documented."""
        return np.fromiter(map(self.__getitem__, keys), np.int32, len(keys))

    def lengths(self, codes: Codes) -> Lengths:
        """Return how much of an event's text each of these takes, nothing where it is not as documented."""
        return np.frombuffer(self._lengths, np.int64).take(codes, mode="clip")  # code 0 has no text


class HeadDictionary(Dictionary):
    """What events say of themselves, apart from their ids and time."""

    def __missing__(self, key: Values) -> int:
        """Return the code of a head that is new."""
        length = sum(size(name, value) for name, value in zip(_HEAD_KEYS, key, strict=True))
        return self.setdefault(key, self.add([None if value is UNSET else value for value in key], length))


class PartDictionary(Dictionary):
    """A part of the events by its texts."""

    def __init__(self, name: str, kind: Any, columns: tuple[str, ...], read: Callable[[Any], Values]) -> None:
        """Describe the part of type `kind` that stands under `name`."""
        super().__init__(columns, read)
        self.name, self.decode = name, msgspec.json.Decoder(kind | None).decode
        self[b""] = self.add(None)
        self[b"null"] = self.add(None, size(name, None))

    def __missing__(self, text: bytes) -> int:
        """Return the code of a text that is new, or -1."""
        if not is_conforming(text):
            return -1
        try:
            # Where ids were taken out and nothing is left, there was one comma less.
            self[text] = self.add(self.decode(text), size(self.name, 0) - 1 + len(text) - (text == b"{}"))
        except (ValueError, RecursionError):
            return -1
        return self[text]


def size(name: str, value: Any) -> int:
    """Return how much of an event's text a member takes, with its comma.

    >>> size("severity", "INFO") == len('"severity":"INFO",'), size("severity", UNSET)
    (True, 0)
    """
    return 0 if value is UNSET else len(name) + len('"":,') + len(msgspec.json.encode(value))


_SIZE_AROUND = size("debugContext", {"debugData": 0}) - 1


def is_conforming(text: bytes) -> bool:
    """Return whether a text is JSON that names no key twice and holds no number or character that cannot be.

    >>> is_conforming(b'{"a": 1}'), is_conforming(b'{"a":1,"a":2}')
    (True, False)
    """
    with suppress(ValueError, RecursionError):  # what comes out again as it went in, but for blanks, is
        again = msgspec.json.encode(msgspec.json.decode(text))
        if again == text or again == msgspec.json.format(text, indent=-1):
            return True
    trouble = Trouble()
    try:
        parse(text or b"null", trouble)
    except (ValueError, RecursionError):
        return False
    return not trouble.flags


def members(fields: dict[str, Any]) -> str | None:
    """Return fields as members of a JSON object, each with a comma behind it; None where no field says anything.

    >>> members({"version": "0", "legacyEventType": None})
    '"version":"0",'
    """
    kept = {path: value for path, value in fields.items() if value not in (None, "", {}, [])}
    return f"{compact(kept)[1:-1]}," if kept else None


def _members_of(path: str, part: Any, keys: tuple[str, ...]) -> str | None:
    """Return some fields of a part, by Okta's keys, as members of a JSON object."""
    return members({f"{path}.{key}": getattr(part, name) for key, name in _names(part.__class__, keys)})


@cache
def _names(struct: Any, keys: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(key, plan(struct)[fold(key)].name) for key in keys]


def as_text(value: Any) -> str | None:
    """Return a free-form value as text: as it is, or else as JSON."""
    return value if value is None or isinstance(value, str) else compact(value)


def _fold_keys(details: model.Details) -> dict[str, Any]:
    """Return a free-form object with its keys in the form in which they are matched."""
    return {_fold(key): value for key, value in details.items()} if details else {}


def _read_head(values: list[Any]) -> Values:
    *fields, version, legacy = values
    return (*fields, members({"version": version, "legacyEventType": legacy}), ())


def _read_actor(part: model.Actor | None) -> Values:
    part = part or model.Actor()
    extra = members({"actor.detailEntry": part.detail_entry})
    return (part.id, part.type, part.alternate_id, part.display_name, extra, ())


def _read_client(part: model.Client | None) -> Values:
    part = part or model.Client()
    agent, geo = part.user_agent or _AGENT, part.geographical_context or _GEO
    point, postal_code, hops = geo.geolocation or _POINT, geo.postal_code, part.ip_chain
    return (
        *(part.ip_address, agent.raw_user_agent, agent.browser, agent.os, part.device, part.zone, part.id),
        *(geo.country, geo.state, geo.city, str(postal_code) if type(postal_code) is int else postal_code),
        *(point.lat, point.lon, compact(hops) if hops else None),
        _services(*(hop.ip_details for hop in hops or ())),
    )


def _read_device(part: model.Device | None) -> Values:
    extra = members({"device": part})
    part = part or model.Device()
    return (part.id, part.managed, part.registered, extra, ())


def _read_authentication(part: model.Authentication | None) -> Values:
    part = part or model.Authentication()
    extra = _members_of("authenticationContext", part, (*_AUTHENTICATION, "authenticatorContext"))
    return (part.credential_type, extra, ())


def _read_outcome(part: model.Outcome | None) -> Values:
    return (part.result, part.reason, ()) if part else (None, None, ())


def _read_security(part: model.Security | None) -> Values:
    part = part or model.Security()
    risk = part.risk or _RISK
    extra = _members_of("securityContext", part, ("ipDetails", "risk", "userBehaviors", "botProtection"))
    return (
        *(part.is_proxy, part.as_number, part.as_org, part.isp, part.domain, risk.level, risk.detection_name),
        *(extra, _services(part.ip_details)),
    )


def _read_request(part: model.Request | None) -> Values:
    hops: list[model.Hop] = (part and part.ip_chain) or []
    return (compact(hops) if hops else None, _services(*(hop.ip_details for hop in hops)))


def _read_transaction(part: model.Transaction | None) -> Values:
    part = part or model.Transaction()
    token = as_text(_fold_keys(part.detail).get("requestapitokenid"))
    return (part.type, token, members({"transaction.detail": part.detail}), ())


def _read_targets(part: list[model.Target] | None) -> Values:
    part = part or []
    report = next((target for target in part if target.type == "Report"), _TARGET)
    user = next((target for target in part if target.type == "User"), _TARGET)
    scope = _fold_keys(report.detail_entry)
    details = [compact(target.detail_entry) if target.detail_entry else None for target in part]
    ids = [(number, one.id, one.type, one.alternate_id, one.display_name) for number, one in enumerate(part)]
    rows = [(*own, detail) for own, detail in zip(ids, details, strict=True)]
    return (
        *(report.id, report.display_name, as_text(scope.get("columns")), as_text(scope.get("filter"))),
        *(as_text(scope.get("exporttype")), user.id, user.alternate_id, compact(part) if part else None, rows, ()),
    )


def _services(*details: model.IpDetails | None) -> tuple[str, ...]:
    """Return the names of the services that addresses are known for."""
    categories = [category for detail in details for category in (detail and detail.ip_service_categories) or ()]
    words = (word for one in categories for word in (one.type, "anonymous" if one.is_anonymous else None))
    return tuple(filter(None, words))


_AUTHENTICATION = ("authenticationProvider", "credentialProvider", "issuer", "interface", "authenticationStep")
_CLIENT = ("ip_address", "raw_user_agent", "browser", "os", "device", "zone", "client_id", "country", "state", "city")
_SECURITY = ("is_proxy", "as_number", "as_org", "isp", "domain", "_level", "_detection", "_security_extra")
_REPORT = ("report_id", "report_name", "export_columns", "export_filter", "export_type")


def new_dictionaries() -> dict[str, Dictionary]:
    """Return the dictionaries of an event by the field that holds each part, behind that of its head."""
    head = ("event_type", "severity", "display_message", "_head_extra")
    actor = ("actor_id", "actor_type", "actor_alternate_id", "actor_display_name", "_actor_extra")
    client = (*_CLIENT, "postal_code", "lat", "lon", "_client_chain")
    device = ("device_id", "device_managed", "device_registered", "_device_extra")
    target = (*_REPORT, "target_user_id", "target_user_alternate_id", "targets")
    session = ("credential_type", "_authentication_extra")
    operation = ("transaction_type", "api_token_id", "_transaction_extra")
    parts: dict[str, tuple[str, Any, tuple[str, ...], Callable[[Any], Values]]] = {
        "actor": ("actor", model.Actor, actor, _read_actor),
        "client": ("client", model.Client, client, _read_client),
        "device": ("device", model.Device, device, _read_device),
        "outcome": ("outcome", model.Outcome, ("outcome_result", "outcome_reason"), _read_outcome),
        "security_context": ("securityContext", model.Security, _SECURITY, _read_security),
        "request": ("request", model.Request, ("ip_chain",), _read_request),
        "target": ("target", list[model.Target], target, _read_targets),
        "authentication_context": ("authenticationContext", model.Authentication, session, _read_authentication),
        "transaction": ("transaction", model.Transaction, operation, _read_transaction),
    }
    return {"head": HeadDictionary(head, _read_head)} | {name: PartDictionary(*part) for name, part in parts.items()}


class Decoded(NamedTuple):
    """The columns that events fill, what their debug data say about proxies, and which are not as documented.

    Both of the latter go by the place of the event.
    """

    columns: dict[str, pa.Array]
    proxies: dict[int, tuple[str, ...]]
    nonconforming: set[int]


def decode_batch(raws: Sequence[bytes], events: list[Outline], dictionaries: dict[str, Dictionary]) -> Decoded:
    """Return the columns of events, given their texts and their outlines, which are without their ids afterwards."""
    ids = _take_ids(events)
    codes = {name: dictionaries[name].encode(keys) for name, keys in _find_keys(events).items()}
    columns = {name: _column(values) for name, values in ids.items()}
    debug_data = debug_data_of(events)
    # A key that stands twice leaves no trace in what was decoded, but takes room in the text: where what is known of an
    # event is shorter than its text, the text is parsed once more. Encoding every event again would cost 11 % of CPU.
    sizes = [dictionaries[name].lengths(numbers) for name, numbers in codes.items()]
    sizes += [_sizes(_ID_KEYS[name], column, ids[name]) for name, column in columns.items()]
    ends = raws.ends if isinstance(raws, Lines) else np.cumsum([len(raw) + 1 for raw in raws]) - 1
    room: Lengths = np.diff(ends, prepend=-1).astype(np.int64) - 2 - sum(sizes) - _sizes_around(events, debug_data)
    debug_column, filled = _encode_debug_data(debug_data, room)
    nonconforming = {at for at in np.flatnonzero(room - filled).tolist() if not is_conforming(raws[at])}
    nonconforming |= {at for at, event in enumerate(events) if not (event.uuid and event.event_type)}
    nonconforming |= {at for numbers in codes.values() for at in np.flatnonzero(numbers < 0).tolist()}
    times, unreadable = _read_times(ids["published"])
    debug, proxies = read_debug_data([event.event_type for event in events], debug_data)
    threats = pa.array(debug.pop("threat_suspected", [None] * len(events)), pa.bool_())
    columns |= {name: _column(values) for name, values in debug.items()}
    columns |= {"threat_suspected": threats, "published": times, "debug_data": debug_column}
    columns |= {f"_{name}": pa.array(numbers) for name, numbers in codes.items()}
    return Decoded(columns, proxies, nonconforming | unreadable)


def _take_ids(events: list[Outline]) -> dict[str, list[Any]]:
    """Return what differs from event to event, and take the ids out of sessions and operations: many share the rest."""
    ids: dict[str, list[Any]] = {name: [UNSET] * len(events) for name in _ID_KEYS}
    outer, root, operations = ids["external_session_id"], ids["root_session_id"], ids["transaction_id"]
    ids |= {name: list(map(attrgetter(name), events)) for name in ("uuid", "published")}
    for at, event in enumerate(events):
        if session := event.authentication_context:
            outer[at], root[at] = session.external_session_id, session.root_session_id
            session.external_session_id = session.root_session_id = UNSET
        if operation := event.transaction:
            operations[at], operation.id = operation.id, UNSET
    return ids


def _find_keys(events: list[Outline]) -> dict[str, list[Any]]:
    """Return the heads of events, and their parts as texts, empty where there is none."""
    keys: dict[str, list[Any]] = {name: list(map(bytes, map(attrgetter(name), events))) for name in _RAW_PARTS}
    keys["head"] = list(map(HEAD, events))
    for name in ("authentication_context", "transaction"):
        values = list(map(attrgetter(name), events))
        try:
            keys[name] = _encoder.encode_lines(values).split(b"\n")[:-1]
        except TypeError:  # not all of them are there
            keys[name] = [b"" if value is UNSET else _encoder.encode(value) for value in values]
    return keys


def _encode_debug_data(debug_data: list[DebugData], room: Lengths) -> tuple[pa.Array, Lengths]:
    """Return debug data as texts in the usual form, missing where there is none, and their lengths.

    No text is longer than the `room` for it in its event, so that they fill it all together only if each of them does.
    """
    lines = _encoder.encode_lines(debug_data)
    text = lines.replace(b"\n", b"")
    if room.sum() != len(text):
        room = np.fromiter(map(len, lines.split(b"\n")[:-1]), np.int64, len(debug_data))
    offsets = pa.py_buffer(np.append(0, np.cumsum(room)))
    column = pa.Array.from_buffers(TEXT, len(debug_data), [None, offsets, pa.py_buffer(text)])
    return column if all(debug_data) else pc.if_else(pa.array(map(bool, debug_data)), column, None), room


def _sizes(key: str, column: pa.Array, values: list[Any]) -> Lengths:
    """Return how much of the text each value takes; one that has to be escaped takes more."""
    sizes = np.diff(np.frombuffer(column.buffers()[1], np.int64)[: len(values) + 1]) + size(key, "")
    if column.null_count:
        for at in [at for at, value in enumerate(values) if value is None or value is UNSET]:
            sizes[at] = size(key, values[at])
    return sizes


def _sizes_around(events: list[Outline], debug_data: list[DebugData]) -> Lengths:
    """Return how much of the text is around debug data."""
    sizes = np.full(len(events), _SIZE_AROUND)
    for at in [at for at, data in enumerate(debug_data) if not data]:
        sizes[at] = size("debugContext", events[at].debug_context) - len("{}")
    return sizes


def _column(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values, TEXT)
    except pa.ArrowException:  # not all of them are there
        return pa.array([None if value is UNSET else value for value in values], TEXT)


def _read_times(texts: list[Any]) -> tuple[pa.Array, set[int]]:
    """Return times, and the places of those that are not as documented."""
    with suppress(TypeError, pa.ArrowInvalid):  # one is missing, or no day is called that
        if _USUAL_TIMES.fullmatch("".join(texts)):
            return pa.array(texts, pa.string()).cast(TIME), set()
    times: list[datetime | None] = [None] * len(texts)
    unreadable = set[int]()
    for at in [at for at, text in enumerate(texts) if text is not None and text is not UNSET]:
        try:
            times[at] = msgspec.convert(texts[at], _ZONED)
        except ValueError:
            unreadable.add(at)
    # A time in the first or the last year may be out of range in UTC.
    unreadable |= {at for at, time in enumerate(times) if time and time.year in (1, 9999)}
    return pa.array([None if at in unreadable else time for at, time in enumerate(times)], TIME), unreadable
