"""Runs of events as documented: what is each event's own as columns, and what many share by its number."""

import re
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET, Meta

from ..reading import model
from ..reading.model import Outline, compact
from ..reading.repair import Trouble, parse
from ..reading.streams import Lines
from ..schema import fold
from .debug_data import Notes, notes_of, read_notes

Cells = tuple[Any, ...]

Numbers = np.ndarray[Any, np.dtype[np.int32]]

Lengths = np.ndarray[Any, np.dtype[np.int64]]

_AGENT, _GEO, _POINT, _RISK, _TARGET = model.UserAgent(), model.Geo(), model.Geolocation(), model.Risk(), model.Target()

_HEAD = ("eventType", "severity", "displayMessage", "version", "legacyEventType")

_fold = lru_cache(4096)(fold)


class Unfit(ValueError):
    """A text that the tolerant way has to look at."""


class Shared(dict[Any, int]):
    """What many events share: the columns it fills, its distinct cells, and their numbers by what they are read from.

    A column whose name ends in `_extra` holds what belongs into `extra`, as members of a JSON object; the last cell
    says what there is about proxies.
    """

    def __init__(self, columns: tuple[str, ...], read: Callable[[Any], Cells]) -> None:
        """Describe what fills `columns` with what `read` returns."""
        super().__init__()
        self.columns, self.read = columns, read
        self.cells: list[Cells] = []
        self.unfit: set[Any] = set()
        self._lengths = array("q")

    def add(self, value: Any, length: int = 0) -> int:
        """Return the number of something new, which takes so much of an event's text, with a comma behind it."""
        self.cells.append(self.read(value))
        self._lengths.append(length)
        return len(self.cells) - 1

    def find_all(self, keys: list[Any], odd: set[int]) -> Numbers:
        """Return the numbers of what stands in so many events, adding to `odd` where it is not as documented."""
        found = np.fromiter(map(self.__getitem__, keys), np.int32, len(keys))
        if self.unfit:
            odd |= {at for at, key in enumerate(keys) if key in self.unfit}
            self.unfit = set()
        return found

    def lengths(self, numbers: Numbers) -> Lengths:
        """Return how much of an event's text each of these takes."""
        return np.frombuffer(self._lengths, np.int64).take(numbers)


class Heads(Shared):
    """What events say of themselves, apart from their own name and time."""

    def __missing__(self, key: Cells) -> int:
        """Return the number of a beginning that is new."""
        length = sum(size(name, value) for name, value in zip(_HEAD, key, strict=True))
        return self.setdefault(key, self.add([None if value is UNSET else value for value in key], length))


class Part(Shared):
    """A part of the events, by its texts; `kind` is its type."""

    def __init__(self, name: str, kind: Any, columns: tuple[str, ...], read: Callable[[Any], Cells]) -> None:
        """Describe the part that stands under `name`."""
        super().__init__(columns, read)
        self.name, self.decode = name, msgspec.json.Decoder(kind | None).decode
        self[b""] = self.add(None)
        self[b"null"] = self.add(None, size(name, None))

    def __missing__(self, text: bytes) -> int:
        """Return the number of a text that is new."""
        try:
            once(text)
            # Where ids were taken out and nothing is left, there was one comma less.
            self[text] = self.add(self.decode(text), size(self.name, 0) - 1 + len(text) - (text == b"{}"))
        except (ValueError, RecursionError):
            self.unfit.add(text)
        return self.get(text, 0)


def size(name: str, value: Any) -> int:
    """Return how much of an event's text a member takes, with its comma.

    >>> size("severity", "INFO") == len('"severity":"INFO",'), size("severity", UNSET)
    (True, 0)
    """
    return 0 if value is UNSET else len(name) + len('"":,') + len(msgspec.json.encode(value))


def members(fields: dict[str, Any]) -> str | None:
    """Return fields as members of a JSON object, each with a comma behind it; None where no field says anything.

    >>> members({"version": "0", "legacyEventType": None})
    '"version":"0",'
    """
    kept = {path: value for path, value in fields.items() if value not in (None, "", {}, [])}
    return f"{compact(kept)[1:-1]}," if kept else None


def folded(details: model.Details) -> dict[str, Any]:
    """Return a free-form object with its keys in the form in which they are matched."""
    return {_fold(key): value for key, value in details.items()} if details else {}


def as_text(value: Any) -> str | None:
    """Return a free-form value as text: as it is, or else as JSON."""
    return value if value is None or isinstance(value, str) else compact(value)


def _head(values: list[Any]) -> Cells:
    *told, version, legacy = values
    return (*told, members({"version": version, "legacyEventType": legacy}), ())


def _actor(part: model.Actor | None) -> Cells:
    part = part or model.Actor()
    extra = members({"actor.detailEntry": part.detail_entry})
    return (part.id, part.type, part.alternate_id, part.display_name, extra, ())


def _client(part: model.Client | None) -> Cells:
    part = part or model.Client()
    agent, geo = part.user_agent or _AGENT, part.geographical_context or _GEO
    point, postal_code, hops = geo.geolocation or _POINT, geo.postal_code, part.ip_chain
    return (
        *(part.ip_address, agent.raw_user_agent, agent.browser, agent.os, part.device, part.zone, part.id),
        *(geo.country, geo.state, geo.city, str(postal_code) if type(postal_code) is int else postal_code),
        *(point.lat, point.lon, compact(hops) if hops else None),
        _services(*(hop.ip_details for hop in hops or ())),
    )


def _device(part: model.Device | None) -> Cells:
    extra = members({"device": part})
    part = part or model.Device()
    return (part.id, part.managed, part.registered, extra, ())


def _authentication(part: model.Authentication | None) -> Cells:
    part = part or model.Authentication()
    extra = members(
        {
            "authenticationContext.authenticationProvider": part.authentication_provider,
            "authenticationContext.credentialProvider": part.credential_provider,
            "authenticationContext.issuer": part.issuer,
            "authenticationContext.interface": part.interface,
            "authenticationContext.authenticationStep": part.authentication_step,
            "authenticationContext.authenticatorContext": part.authenticator_context,
        }
    )
    return (part.credential_type, extra, ())


def _outcome(part: model.Outcome | None) -> Cells:
    part = part or model.Outcome()
    return (part.result, part.reason, ())


def _security(part: model.Security | None) -> Cells:
    part = part or model.Security()
    risk = part.risk or _RISK
    extra = members(
        {
            "securityContext.ipDetails": part.ip_details,
            "securityContext.risk": part.risk,
            "securityContext.userBehaviors": part.user_behaviors,
            "securityContext.botProtection": part.bot_protection,
        }
    )
    return (
        *(part.is_proxy, part.as_number, part.as_org, part.isp, part.domain, risk.level, risk.detection_name),
        *(extra, _services(part.ip_details)),
    )


def _request(part: model.Request | None) -> Cells:
    hops: list[model.Hop] = (part and part.ip_chain) or []
    return (compact(hops) if hops else None, _services(*(hop.ip_details for hop in hops)))


def _transaction(part: model.Transaction | None) -> Cells:
    part = part or model.Transaction()
    token = as_text(folded(part.detail).get("requestapitokenid"))
    return (part.type, token, members({"transaction.detail": part.detail}), ())


def _targets(part: list[model.Target] | None) -> Cells:
    part = part or []
    report = next((target for target in part if target.type == "Report"), _TARGET)
    user = next((target for target in part if target.type == "User"), _TARGET)
    scope = folded(report.detail_entry)
    return (
        *(report.id, report.display_name, as_text(scope.get("columns")), as_text(scope.get("filter"))),
        *(as_text(scope.get("exporttype")), user.id, user.alternate_id, compact(part) if part else None),
        *([target_cells(number, target) for number, target in enumerate(part)], ()),
    )


def target_cells(position: int, target: model.Target) -> Cells:
    """Return one target as its row in the targets table, without the event."""
    detail = compact(target.detail_entry) if target.detail_entry else None
    return (position, target.id, target.type, target.alternate_id, target.display_name, detail)


def _services(*details: model.IpDetails | None) -> tuple[str, ...]:
    """Return the names of the services that addresses are known for."""
    found = [category for known in details for category in (known and known.ip_service_categories) or ()]
    words = (word for one in found for word in (one.type, "anonymous" if one.is_anonymous else None))
    return tuple(filter(None, words))


_PLACE = ("ip_address", "raw_user_agent", "browser", "os", "device", "zone", "client_id")

_GEO_COLUMNS = ("country", "state", "city", "postal_code", "lat", "lon", "_client_chain")

_SCOPE = ("report_id", "report_name", "export_columns", "export_filter", "export_type")


def new_parts() -> dict[str, Shared]:
    """Return the parts of an event by the field that holds them, behind its head."""
    head = ("event_type", "severity", "display_message", "_head_extra")
    actor = ("actor_id", "actor_type", "actor_alternate_id", "actor_display_name", "_actor_extra")
    device = ("device_id", "device_managed", "device_registered", "_device_extra")
    session = ("credential_type", "_authentication_extra")
    security = ("is_proxy", "as_number", "as_org", "isp", "domain", "_level", "_detection", "_security_extra")
    user = ("target_user_id", "target_user_alternate_id", "targets")
    operation = ("transaction_type", "api_token_id", "_transaction_extra")
    return {
        "head": Heads(head, _head),
        "actor": Part("actor", model.Actor, actor, _actor),
        "client": Part("client", model.Client, (*_PLACE, *_GEO_COLUMNS), _client),
        "device": Part("device", model.Device, device, _device),
        "outcome": Part("outcome", model.Outcome, ("outcome_result", "outcome_reason"), _outcome),
        "security_context": Part("securityContext", model.Security, security, _security),
        "request": Part("request", model.Request, ("ip_chain",), _request),
        "target": Part("target", list[model.Target], (*_SCOPE, *user), _targets),
        "authentication_context": Part("authenticationContext", model.Authentication, session, _authentication),
        "transaction": Part("transaction", model.Transaction, operation, _transaction),
    }


def once(text: bytes) -> None:
    """Make sure that a text names no key twice; one that comes out again as it went in, but for blanks, does not."""
    with suppress(ValueError, RecursionError):
        again = msgspec.json.encode(msgspec.json.decode(text))
        if again == text or again == msgspec.json.format(text, indent=-1):
            return
    trouble = Trouble()
    parse(text or b"null", trouble)
    if trouble.flags:
        raise Unfit


TEXT, MOMENT = pa.large_string(), pa.timestamp("us", "UTC")

HEAD = attrgetter("event_type", "severity", "display_message", "version", "legacy_event_type")

_OWN = {
    "uuid": "uuid",
    "published": "published",
    "transaction_id": "id",
    "external_session_id": "externalSessionId",
    "root_session_id": "rootSessionId",
}
"""The keys under which an event has what is its own alone."""

_TEXTS = ("actor", "client", "device", "outcome", "security_context", "request", "target")

_USUAL = re.compile(r"(?:[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)*", re.ASCII)

_ZONED = Annotated[datetime, Meta(tz=True)]

_AROUND = size("debugContext", {"debugData": 0}) - 1

_encoder = msgspec.json.Encoder()


def read_run(
    raws: Sequence[bytes], events: list[Outline], parts: dict[str, Shared], odd: set[int]
) -> tuple[dict[str, pa.Array], dict[int, tuple[str, ...]]]:
    """Return the columns that events fill, and what their notes say about proxies by the place of the event.

    `raws` are the texts of the events, which are without their ids afterwards. Places where something is not as
    documented are added to `odd`.
    """
    own = _take_own(events)
    numbers = {name: parts[name].find_all(keys, odd) for name, keys in _shared(events).items()}
    columns = {name: _column(values) for name, values in own.items()}
    sizes = [parts[name].lengths(found) for name, found in numbers.items()]
    sizes += [_sizes(_OWN[name], column, own[name]) for name, column in columns.items()]
    notes = notes_of(events)
    room = _lengths(raws) - 1 - sum(sizes) - _around(events, notes)
    debug, lengths = _joined(notes, room)
    for at in np.flatnonzero(room - lengths).tolist():  # perhaps it names a key twice, which takes room
        attempt(once, raws[at], at, odd)
    odd |= {at for at, event in enumerate(events) if not (event.uuid and event.event_type)}
    noted, words = read_notes([event.event_type for event in events], notes)
    threats = pa.array(noted.pop("threat_suspected", [None] * len(events)), pa.bool_())
    columns |= {name: _column(values) for name, values in noted.items()} | {"threat_suspected": threats}
    columns |= {"published": _moments(own["published"], odd), "debug_data": debug}
    return columns | {f"_{name}": pa.array(found) for name, found in numbers.items()}, words


def _take_own(events: list[Outline]) -> dict[str, list[Any]]:
    """Return what is each event's own, and take the ids out of sessions and operations; what is left, many share."""
    own: dict[str, list[Any]] = {name: [UNSET] * len(events) for name in _OWN}
    outer, root, operations = own["external_session_id"], own["root_session_id"], own["transaction_id"]
    own |= {name: list(map(attrgetter(name), events)) for name in ("uuid", "published")}
    for at, event in enumerate(events):
        if session := event.authentication_context:
            outer[at], root[at] = session.external_session_id, session.root_session_id
            session.external_session_id = session.root_session_id = UNSET
        if operation := event.transaction:
            operations[at], operation.id = operation.id, UNSET
    return own


def _shared(events: list[Outline]) -> dict[str, list[Any]]:
    """Return the heads of events, and their parts as texts, empty where there is none."""
    texts: dict[str, list[Any]] = {name: list(map(bytes, map(attrgetter(name), events))) for name in _TEXTS}
    texts["head"] = list(map(HEAD, events))
    for name in ("authentication_context", "transaction"):
        values = list(map(attrgetter(name), events))
        try:
            texts[name] = _encoder.encode_lines(values).split(b"\n")[:-1]
        except TypeError:  # not all of them are there
            texts[name] = [b"" if value is UNSET else _encoder.encode(value) for value in values]
    return texts


def _joined(notes: list[Notes], room: Lengths) -> tuple[pa.Array, Lengths]:
    """Return debug data as texts in the usual form, missing where there is none, and their lengths.

    No text is longer than the `room` for it in its event, so that they fill it all together only if each of them does.
    """
    lines = _encoder.encode_lines(notes)
    text = lines.replace(b"\n", b"")
    if room.sum() != len(text):
        room = np.fromiter(map(len, lines.split(b"\n")[:-1]), np.int64, len(notes))
    ends = np.append(0, np.cumsum(room))
    found = pa.Array.from_buffers(TEXT, len(notes), [None, pa.py_buffer(ends), pa.py_buffer(text)])
    return found if all(notes) else pc.if_else(pa.array(map(bool, notes)), found, None), room


def _lengths(raws: Sequence[bytes]) -> Lengths:
    if isinstance(raws, Lines):
        return np.diff(raws.ends, prepend=-1) - 1
    return np.fromiter(map(len, raws), np.int64, len(raws))


def _sizes(key: str, column: pa.Array, values: list[Any]) -> Lengths:
    """Return how much of the text each value takes; one that has to be escaped takes more."""
    ends = np.frombuffer(column.buffers()[1], np.int64)[: len(values) + 1]
    found = np.diff(ends) + size(key, "")
    if column.null_count:
        for at in [at for at, value in enumerate(values) if value is None or value is UNSET]:
            found[at] = size(key, values[at])
    return found


def _around(events: list[Outline], notes: list[Notes]) -> Lengths:
    """Return how much of the text is around debug data."""
    found = np.full(len(events), _AROUND)
    for at in [at for at, note in enumerate(notes) if not note]:
        found[at] = size("debugContext", events[at].debug_context) - len("{}")
    return found


def _column(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values, TEXT)
    except pa.ArrowException:  # not all of them are there
        return pa.array([None if value is UNSET else value for value in values], TEXT)


def _moments(texts: list[Any], odd: set[int]) -> pa.Array:
    """Return times, adding to `odd` where one is not as documented."""
    with suppress(TypeError, pa.ArrowInvalid):  # one is missing, or no day is called that
        if _USUAL.fullmatch("".join(texts)):
            return pa.array(texts, pa.string()).cast(MOMENT)
    return pa.array([attempt(_moment, text, at, odd) for at, text in enumerate(texts)], MOMENT)


def _moment(text: Any) -> datetime | None:
    found = msgspec.convert(text, _ZONED) if text is not None and text is not UNSET else None
    if found and found.year in (1, 9999):  # in UTC, it may be out of range
        raise ValueError
    return found


def attempt(read: Callable[[Any], Any], value: Any, at: int, odd: set[int]) -> Any:
    """Return what is read of something, adding its place to `odd` where it is not as documented."""
    try:
        return read(value)
    except (ValueError, RecursionError):
        odd.add(at)
        return None
