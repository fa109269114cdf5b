"""The parts of an event, each as the cells it fills.

Most parts of an event (who, from where, to what) stand in many events to the letter. So each distinct text is read
once: a `Part` knows the texts it has seen, and a table is put together from the numbers it gives out.
"""

from array import array
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET

from ..reading import model
from ..reading.model import compact
from ..reading.repair import Trouble, parse
from ..schema import fold

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
