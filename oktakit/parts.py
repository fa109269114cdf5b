"""The parts of an event, each as the cells it fills.

Most parts of an event (who, from where, in which session) stand in many events to the letter. So each distinct text is
read once: `Part.find` knows the texts it has seen, and a table is put together from the numbers it gives out.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from .model import (
    Actor,
    Authentication,
    Client,
    Details,
    Device,
    Geo,
    Geolocation,
    Hop,
    IpDetails,
    Outcome,
    Request,
    Risk,
    Security,
    Target,
    Transaction,
    UserAgent,
    compact,
    decode_transaction,
)
from .repair import Trouble, parse
from .schema import fold

T = TypeVar("T")
Cells = tuple[Any, ...]

_AGENT, _GEO, _POINT, _RISK, _TARGET = UserAgent(), Geo(), Geolocation(), Risk(), Target()
_WEB = re.compile(r'^\{"type":"(\w+)","id":"([!#-\[\]-~]+)","detail":\{\}\}$', re.ASCII | re.MULTILINE)
_fold = lru_cache(4096)(fold)


class Unfit(ValueError):
    """A text that the tolerant way has to look at."""


class Part(dict[bytes, int]):
    """One part of the events: the columns it fills, the distinct cells seen so far, and their numbers by their texts.

    `read` turns the typed part into its cells: those of its columns, and last what the part says about proxies. A
    column whose name ends in `_extra` holds what belongs into `extra`, as members of a JSON object.
    """

    def __init__(self, kind: Any, columns: tuple[str, ...], read: Callable[[Any], Cells]) -> None:
        """Describe a part of the type `kind`."""
        super().__init__({b"": 0, b"null": 0})
        self.columns, self.read = columns, read
        self.decode = msgspec.json.Decoder(kind | None).decode
        self.cells: list[Cells] = [read(None)]
        self.unfit: set[bytes] = set()

    def find_all(self, raws: list[Raw], odd: set[int]) -> list[int]:
        """Return the numbers of parts by their texts, adding to `odd` where one is not as documented."""
        found = list(map(self.__getitem__, map(bytes, raws)))
        if self.unfit:
            odd |= {at for at, raw in enumerate(raws) if bytes(raw) in self.unfit}
            self.unfit = set()
        return found

    def __missing__(self, text: bytes) -> int:
        """Return the number of a text that is new."""
        try:
            self[text] = self.add(self._typed(text))
        except (ValueError, RecursionError):
            self.unfit.add(text)
        return self.get(text, 0)

    def add(self, typed: Any) -> int:
        """Return the number of a new part."""
        self.cells.append(self.read(typed))
        return len(self.cells) - 1

    def _typed(self, text: bytes) -> Any:
        once(text)
        return self.decode(text)


def members(fields: dict[str, Any]) -> str | None:
    """Return fields as members of a JSON object, each with a comma behind it; None where no field says anything.

    >>> members({"version": "0", "legacyEventType": None})
    '"version":"0",'
    """
    kept = {path: value for path, value in fields.items() if value not in (None, "", {}, [])}
    return f"{compact(kept)[1:-1]}," if kept else None


def folded(details: Details) -> dict[str, Any]:
    """Return a free-form object with its keys in the form in which they are matched."""
    return {_fold(key): value for key, value in details.items()} if details else {}


def as_text(value: Any) -> str | None:
    """Return a free-form value as text: as it is, or else as JSON."""
    return value if value is None or isinstance(value, str) else compact(value)


def _actor(part: Actor | None) -> Cells:
    part = part or Actor()
    extra = members({"actor.detailEntry": part.detail_entry})
    return (part.id, part.type, part.alternate_id, part.display_name, extra, ())


def _client(part: Client | None) -> Cells:
    part = part or Client()
    agent, geo = part.user_agent or _AGENT, part.geographical_context or _GEO
    point, postal_code, hops = geo.geolocation or _POINT, geo.postal_code, part.ip_chain
    return (
        *(part.ip_address, agent.raw_user_agent, agent.browser, agent.os, part.device, part.zone, part.id),
        *(geo.country, geo.state, geo.city, str(postal_code) if type(postal_code) is int else postal_code),
        *(point.lat, point.lon, compact(hops) if hops else None),
        _services(*(hop.ip_details for hop in hops or ())),
    )


def _device(part: Device | None) -> Cells:
    extra = members({"device": part})
    part = part or Device()
    return (part.id, part.managed, part.registered, extra, ())


def _authentication(part: Authentication | None) -> Cells:
    part = part or Authentication()
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
    return (part.credential_type, part.external_session_id, part.root_session_id, extra, ())


def _outcome(part: Outcome | None) -> Cells:
    part = part or Outcome()
    return (part.result, part.reason, ())


def _security(part: Security | None) -> Cells:
    part = part or Security()
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


def _request(part: Request | None) -> Cells:
    hops: list[Hop] = (part and part.ip_chain) or []
    return (compact(hops) if hops else None, _services(*(hop.ip_details for hop in hops)))


def _targets(part: list[Target] | None) -> Cells:
    part = part or []
    report = next((target for target in part if target.type == "Report"), _TARGET)
    user = next((target for target in part if target.type == "User"), _TARGET)
    scope = folded(report.detail_entry)
    return (
        *(report.id, report.display_name, as_text(scope.get("columns")), as_text(scope.get("filter"))),
        *(as_text(scope.get("exporttype")), user.id, user.alternate_id, compact(part) if part else None),
        *([target_cells(number, target) for number, target in enumerate(part)], ()),
    )


def target_cells(position: int, target: Target) -> Cells:
    """Return one target as its row in the targets table, without the event."""
    detail = compact(target.detail_entry) if target.detail_entry else None
    return (position, target.id, target.type, target.alternate_id, target.display_name, detail)


def _services(*details: IpDetails | None) -> tuple[str, ...]:
    """Return the names of the services that addresses are known for."""
    found = [category for known in details for category in (known and known.ip_service_categories) or ()]
    words = (word for one in found for word in (one.type, "anonymous" if one.is_anonymous else None))
    return tuple(filter(None, words))


_PLACE = ("ip_address", "raw_user_agent", "browser", "os", "device", "zone", "client_id")
_GEO_COLUMNS = ("country", "state", "city", "postal_code", "lat", "lon", "_client_chain")
_SCOPE = ("report_id", "report_name", "export_columns", "export_filter", "export_type")


def new_parts() -> dict[str, Part]:
    """Return the parts of an event by the field that holds them."""
    actor = ("actor_id", "actor_type", "actor_alternate_id", "actor_display_name", "_actor_extra")
    device = ("device_id", "device_managed", "device_registered", "_device_extra")
    session = ("credential_type", "external_session_id", "root_session_id", "_authentication_extra")
    security = ("is_proxy", "as_number", "as_org", "isp", "domain", "_level", "_detection", "_security_extra")
    user = ("target_user_id", "target_user_alternate_id", "targets")
    return {
        "actor": Part(Actor, actor, _actor),
        "client": Part(Client, (*_PLACE, *_GEO_COLUMNS), _client),
        "device": Part(Device, device, _device),
        "authentication_context": Part(Authentication, session, _authentication),
        "outcome": Part(Outcome, ("outcome_result", "outcome_reason"), _outcome),
        "security_context": Part(Security, security, _security),
        "request": Part(Request, ("ip_chain",), _request),
        "target": Part(list[Target], (*_SCOPE, *user), _targets),
    }


def read_transactions(raws: list[Raw], odd: set[int]) -> list[list[Any]]:
    """Return the columns that transactions fill, adding to `odd` where one is not as documented."""
    text = b"\n".join(raws).decode(errors="replace")
    found = _WEB.findall(text)
    if len(found) == len(raws) == text.count("\n") + 1:  # each text is one line, and each line is such a text
        kinds, ids = map(list, zip(*found, strict=True))
        return [ids, kinds, [None] * len(raws), [None] * len(raws)]
    nothing: Cells = (None,) * 4
    return list(map(list, zip(*each(_transaction, raws, nothing, odd), strict=True)))


def _transaction(raw: Raw) -> Cells:
    text = bytes(raw)
    if found := _WEB.fullmatch(text.decode(errors="replace")):
        return (found[2], found[1], None, None)
    once(text)
    return operation_cells(decode_transaction(text or b"null") or Transaction(), None)


def operation_cells(transaction: Transaction, extra: str | None) -> Cells:
    """Return id, kind, API token and further members of a transaction."""
    detail = transaction.detail
    token = as_text(folded(detail).get("requestapitokenid")) if detail else None
    more = (members({"transaction.detail": detail}) or "") + (extra or "")
    return (transaction.id, transaction.type, token, more or None)


def once(text: bytes) -> None:
    """Make sure that a text names no key twice; one that comes out again as it went in does not."""
    with suppress(ValueError, RecursionError):
        if msgspec.json.encode(msgspec.json.decode(text)) == text:
            return
    trouble = Trouble()
    parse(text or b"null", trouble)
    if trouble.flags:
        raise Unfit


def each(read: Callable[[Raw], T], raws: list[Raw], other: T, odd: set[int]) -> list[T]:
    """Return what is read of each text, adding to `odd` where one is not as documented."""
    try:
        return list(map(read, raws))
    except (ValueError, RecursionError):
        return [attempt(read, raw, other, at, odd) for at, raw in enumerate(raws)]


def attempt(read: Callable[[Any], T], text: Any, other: T, at: int, odd: set[int]) -> T:
    """Return what is read of one text, adding its place to `odd` where it is not as documented."""
    try:
        return read(text)
    except (ValueError, RecursionError):
        odd.add(at)
        return other
