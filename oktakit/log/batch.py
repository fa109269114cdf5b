"""Batches of events as documented, to columns: ids by their values, parts that many events share by a code."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache, lru_cache
from operator import attrgetter
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import UNSET, Meta

from ..reading import model
from ..reading.model import Outline, compact
from ..reading.repair import Trouble, parse, plan
from ..reading.streams import Lines
from ..schema import fold, is_sentinel
from .debug_data import debug_data_of, read_debug_data

Values = tuple[Any, ...]
Codes = np.ndarray[Any, np.dtype[np.int32]]
TEXT, TIME = pa.large_string(), pa.timestamp("us", "UTC")
HEAD = attrgetter("event_type", "severity", "display_message", "version", "legacy_event_type")

_IDS = ("external_session_id", "root_session_id", "transaction_id")
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

    def add(self, value: Any) -> int:
        """Return the code of a new value."""
        self.values_by_code.append(self.read(value))
        return len(self.values_by_code) - 1

    def encode(self, keys: list[Any]) -> Codes:
        """Return the codes of what stands in so many events, below 0 where it is not as documented."""
        return np.fromiter(map(self.__getitem__, keys), np.int32, len(keys))


class HeadDictionary(Dictionary):
    """What events say of themselves, apart from their ids and time."""

    def __missing__(self, key: Values) -> int:
        """Return the code of a head that is new."""
        return self.setdefault(key, self.add([None if value is UNSET else value for value in key]))


class PartDictionary(Dictionary):
    """A part of the events by its texts."""

    def __init__(self, kind: Any, columns: tuple[str, ...], read: Callable[[Any], Values]) -> None:
        """Describe a part of type `kind`."""
        super().__init__(columns, read)
        self.decode = msgspec.json.Decoder(kind | None).decode
        self[b""] = self[b"null"] = self.add(None)

    def __missing__(self, text: bytes) -> int:
        """Return the code of a text that is new, or -1."""
        if not is_conforming(text):
            return -1
        try:
            self[text] = self.add(self.decode(text))
        except (ValueError, RecursionError):
            return -1
        return self[text]


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
        *(_behaviors(part.user_behaviors or []), extra, _services(part.ip_details)),
    )


def _behaviors(listed: list[Any]) -> str | None:
    """Return the behaviors that were found, as names without blanks."""
    named = [(str(one.get("name") or ""), str(one.get("result"))) for one in listed if isinstance(one, dict)]
    return " ".join(sorted({name.replace(" ", "_") for name, result in named if result.upper() == "POSITIVE"})) or None


def _read_request(part: model.Request | None) -> Values:
    hops: list[model.Hop] = (part and part.ip_chain) or []
    return (compact(hops) if hops else None, _services(*(hop.ip_details for hop in hops)))


def _read_transaction(part: model.Transaction | None) -> Values:
    part = part or model.Transaction()
    detail = _fold_keys(part.detail)
    tokens = [as_text(detail.get(key)) for key in ("requestapitokenid", "rootapitokenid")]
    token = next((one for one in tokens if one and not is_sentinel(one)), tokens[0])
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
    return tuple(word for word in words if word and not is_sentinel(word))


_AUTHENTICATION = ("authenticationProvider", "credentialProvider", "issuer", "interface", "authenticationStep")
_CLIENT = ("ip_address", "raw_user_agent", "browser", "os", "device", "zone", "client_id", "country", "state", "city")
_SECURITY = (
    "is_proxy",
    "as_number",
    "as_org",
    "isp",
    "domain",
    "_level",
    "_detection",
    "_behaviors",
    "_security_extra",
)
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
    parts: dict[str, tuple[Any, tuple[str, ...], Callable[[Any], Values]]] = {
        "actor": (model.Actor, actor, _read_actor),
        "client": (model.Client, client, _read_client),
        "device": (model.Device, device, _read_device),
        "outcome": (model.Outcome, ("outcome_result", "outcome_reason"), _read_outcome),
        "security_context": (model.Security, _SECURITY, _read_security),
        "request": (model.Request, ("ip_chain",), _read_request),
        "target": (list[model.Target], target, _read_targets),
        "authentication_context": (model.Authentication, session, _read_authentication),
        "transaction": (model.Transaction, operation, _read_transaction),
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
    """Return the columns of events, given their texts and their outlines."""
    nonconforming = {at for at in _find_doubtful(raws, events) if not is_conforming(raws[at])}
    nonconforming |= {at for at, event in enumerate(events) if not (event.uuid and event.event_type)}
    ids, keys = _split(events)
    codes = {name: dictionaries[name].encode(texts) for name, texts in keys.items()}
    nonconforming |= {at for numbers in codes.values() for at in np.flatnonzero(numbers < 0).tolist()}
    times, unreadable = _read_times(ids["published"])
    debug_data = debug_data_of(events)
    debug, proxies = read_debug_data([event.event_type for event in events], debug_data)
    lines = _encoder.encode_lines(debug_data).decode().split("\n")
    texts = [line if data else None for line, data in zip(lines, debug_data, strict=False)]
    threats = pa.array(debug.pop("threat_suspected", [None] * len(events)), pa.bool_())
    columns = {name: _column(values) for name, values in {**ids, **debug, "debug_data": texts}.items()}
    columns |= {"threat_suspected": threats, "published": times}
    columns |= {f"_{name}": pa.array(numbers) for name, numbers in codes.items()}
    return Decoded(columns, proxies, nonconforming | unreadable)


def _find_doubtful(raws: Sequence[bytes], events: list[Outline]) -> list[int]:
    """Return the places of events that come out shorter than they went in: perhaps a key stood twice."""
    # None comes out longer, so that all together are as long as before only if each of them is.
    size = len(raws.block) if isinstance(raws, Lines) else sum(map(len, raws)) + len(raws)
    if len(_encoder.encode_lines(events)) == size:
        return []
    return [at for at, event in enumerate(events) if len(_encoder.encode(event)) != len(raws[at])]


def _split(events: list[Outline]) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Return what differs from event to event, and what many share: heads, and parts as texts."""
    ids: dict[str, list[Any]] = {name: [UNSET] * len(events) for name in _IDS}
    ids |= {name: list(map(attrgetter(name), events)) for name in ("uuid", "published")}
    outer, root, operations = map(ids.__getitem__, _IDS)
    keys: dict[str, list[Any]] = {name: _texts(list(map(attrgetter(name), events))) for name in _RAW_PARTS}
    for name in ("authentication_context", "transaction"):
        keys[name] = [part and part.__copy__() for part in map(attrgetter(name), events)]
    for at, (session, operation) in enumerate(zip(keys["authentication_context"], keys["transaction"], strict=True)):
        if session:
            outer[at], root[at] = session.external_session_id, session.root_session_id
            session.external_session_id = session.root_session_id = UNSET
        if operation:
            operations[at], operation.id = operation.id, UNSET
    for name in ("authentication_context", "transaction"):
        try:
            keys[name] = _encoder.encode_lines(keys[name]).split(b"\n")[:-1]
        except TypeError:  # not all of them are there
            keys[name] = [b"" if value is UNSET else _encoder.encode(value) for value in keys[name]]
    return ids, {"head": list(map(HEAD, events)), **keys}


def _texts(values: list[Any]) -> list[bytes]:
    try:
        return list(map(bytes, values))
    except TypeError:  # not all of them are there
        return [b"" if value is UNSET else bytes(value) for value in values]


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
