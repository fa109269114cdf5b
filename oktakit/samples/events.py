"""One factory for events in the shape Okta sends them."""

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple

from ..schema import EXPORTS
from .people import BASE62, Job, Login, Origin, Person, Place, ReportType, read_table, stable_id

RISK: Final = "user.risk.detect"
CONTEXT: Final = "user.session.context.change"
CHANGES: Final = ("user.mfa.factor.activate", "user.account.privilege.grant", "system.api_token.create")

Record = dict[str, Any]


class Template(NamedTuple):
    """What all events of one type have in common; `legacy` is its name in the old Events API, if it had one."""

    event_type: str
    message: str
    legacy: str
    uri: str
    credential: str


TEMPLATES: Final = {row[0]: Template(*row) for row in read_table("event_templates.csv")}
_GREGORIAN = datetime(1582, 10, 15, tzinfo=UTC)
_CLIENT = ("userAgent", "zone", "device", "id", "ipAddress", "geographicalContext")
_NETWORK = ("asNumber", "asOrg", "isp", "domain", "isProxy")
_SESSION = ("authenticationProvider", "credentialProvider", "credentialType", "interface", "issuer")


def random_id(rng: Random, prefix: str, length: int) -> str:
    """Return `prefix` and random base62 characters, `length` in all."""
    return prefix + "".join(rng.choices(BASE62, k=length - len(prefix)))


def _uuid(rng: Random, at: datetime) -> str:
    """Return a time-based (version 1) uuid for the moment `at`."""
    ticks = (at - _GREGORIAN) // timedelta(microseconds=1) * 10 + rng.randrange(10_000)
    fields = (ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF, 0x80, rng.getrandbits(8))
    return str(uuid.UUID(fields=(*fields, rng.getrandbits(48)), version=1))


def new_session(rng: Random, prefix: str = "idx") -> str:
    """Return a new session id: idx or 102 for a sign-in, trs for the system."""
    return random_id(rng, prefix, 25)


def new_job(rng: Random, report: ReportType, key: str = "jobid") -> Job:
    """Return a new run of `report`."""
    return Job(random_id(rng, report.id[:3], 20), key, report, rng.choice((None, 'user.status eq "ACTIVE"')))


def target(kind: str, target_id: str, name: str, alternate_id: str = "unknown", detail: Record | None = None) -> Record:
    """Return one entry of an event's target list, or its actor."""
    return {"id": target_id, "type": kind, "alternateId": alternate_id, "displayName": name, "detailEntry": detail}


def user(person: Person) -> list[Record]:
    """Return the target list that names one person."""
    return [target("User", person.id, person.name, person.login)]


def app(name: str) -> list[Record]:
    """Return the target list that names one app."""
    return [target("AppInstance", stable_id("0oa", name), name, name)]


def report(job: Job, detail: Record | None = None) -> list[Record]:
    """Return the target list that names the report of a job."""
    return [target("Report", job.report.id, job.report.name, detail=detail)]


def device_hash(login: Login) -> str:
    """Return the hash of the device; a stranger's and a kiosk's are the same under every account."""
    owner = "" if login.agent.name in ("stranger", "kiosk") else login.person.login
    return hashlib.sha256(f"{owner}|{login.agent.raw}".encode()).hexdigest()


def _geo(place: Place) -> Record:
    named = zip(("city", "state", "country", "postalCode"), place, strict=False)
    return {**dict(named), "geolocation": {"lat": place.lat, "lon": place.lon}}


def _client(login: Login | None) -> Record:
    if login is None:
        return dict.fromkeys(_CLIENT)
    agent, origin = login.agent, login.origin
    says = {"rawUserAgent": agent.raw, "os": agent.os, "browser": agent.browser}
    return dict(zip(_CLIENT, (says, origin.zone, agent.device, None, origin.ip, _geo(origin.place)), strict=True))


def _security(origin: Origin | None) -> Record:
    if origin is None:
        return dict.fromkeys(_NETWORK)
    domain = "." if origin.zone == "null" else "example.com"
    network = dict(zip(_NETWORK, (origin.as_number, origin.as_org, origin.as_org.lower(), domain), strict=False))
    details = [{"type": name, "operator": f"EXAMPLE_{name.upper()}", "isAnonymous": True} for name in origin.categories]
    categories = {"ipDetails": {**network, "ipServiceCategories": details}} if details else {}
    return {**network, "isProxy": origin.is_proxy, **categories}


def _web(rng: Random, login: Login, path: str, debug: dict[str, str]) -> tuple[Any, ...]:
    """Return actor, session, transaction, debug data and addresses of a web request."""
    origin, actor = login.origin, user(login.person)[0]
    request_id = f"{rng.getrandbits(128):032x}" if rng.random() < 0.8 else random_id(rng, "X", 27)
    data = {"requestId": request_id, "dtHash": device_hash(login), "requestUri": path, "url": f"{path}?", **debug}
    if origin.tunnels:
        tunnels = [{"operator": f"EXAMPLE_{name}", "type": name, "anonymous": True} for name in origin.tunnels]
        data["tunnels"] = json.dumps(tunnels, separators=(",", ":"))
    version = "V6" if ":" in origin.ip else "V4"
    hop = {"ip": origin.ip, "source": None, "geographicalContext": _geo(origin.place), "version": version}
    is_token = login.session is None and login.agent.name == "script"
    token = {"requestApiTokenId": stable_id("00T", login.person.login)} if is_token else {}
    return actor, login.session, {"type": "WEB", "id": request_id, "detail": token}, data, [hop]


def _job(rng: Random, debug: dict[str, str]) -> tuple[Any, ...]:
    """Return the same of a job of Okta itself."""
    session = new_session(rng, "trs") if rng.random() < 0.7 else None
    system = target("SystemPrincipal", stable_id("00u", "system"), "Okta System", "system@okta.com")
    return system, session, {"type": "JOB", "id": random_id(rng, "", 27), "detail": {}}, debug, []


def make_event(
    rng: Random,
    at: datetime,
    event_type: str,
    login: Login | None,
    *,
    uri: str = "",
    target: list[Record] | None = None,
    debug: dict[str, str] | None = None,
    outcome: tuple[str, str | None] = ("SUCCESS", None),
) -> Record:
    """Return an event that somebody caused by a web request; without a login, one that Okta caused by a job."""
    template, debug = TEMPLATES[event_type], debug or {}
    cause = _web(rng, login, uri or template.uri, debug) if login else _job(rng, debug)
    actor, session, transaction, data, chain = cause
    root = None if login and event_type in EXPORTS else session
    ids = {"authenticationStep": 0, "externalSessionId": session, "rootSessionId": root}
    return {
        "actor": actor,
        "device": None,
        "displayMessage": template.message,
        "eventType": event_type,
        "outcome": dict(zip(("result", "reason"), outcome, strict=True)),
        "published": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "severity": "WARN" if event_type in (RISK, CONTEXT) or outcome[0] == "FAILURE" else "INFO",
        **({} if event_type in EXPORTS else {"legacyEventType": template.legacy or None}),
        "uuid": _uuid(rng, at),
        "version": "0",
        "client": _client(login),
        "authenticationContext": {**dict.fromkeys(_SESSION), **ids, "credentialType": template.credential or None},
        "securityContext": _security(login and login.origin),
        "debugContext": {"debugData": data},
        "transaction": transaction,
        "request": {"ipChain": chain},
        "target": target,
    }
