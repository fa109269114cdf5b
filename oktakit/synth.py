"""One factory for events in the shape Okta sends them."""

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple

from oktakit.cast import BASE62, STRANGER, Job, Login, Origin, Person, Place, Report, stable_id
from oktakit.schema import DOWNLOAD, EXPORTS, FEEDBACK, GENERATE, REQUEST

RISK: Final = "user.risk.detect"
CONTEXT: Final = "user.session.context.change"
CONSOLE: Final = "user.session.access_admin_app"
START: Final = "user.session.start"
MAIL: Final = "system.email.delivery"

Event = dict[str, Any]


class Kind(NamedTuple):
    """What one event type looks like: message, name in the old Events API, web path, credential."""

    message: str
    legacy: str | None = None
    uri: str = "/idp/idx/identify"
    credential: str | None = None


KINDS: Final = {
    REQUEST: Kind("Report CSV Export Requested"),
    GENERATE: Kind("Report CSV Export Generated"),
    DOWNLOAD: Kind("Report CSV Export Downloaded"),
    FEEDBACK: Kind("Admin provided feedback on a detection", None, "/admin/itp/feedback"),
    RISK: Kind("User risk detected"),
    CONTEXT: Kind("User session context changed"),
    CONSOLE: Kind("User accessing Okta admin app", "app.admin.sso.login.success", "/admin/sso/callback"),
    START: Kind("User login to Okta", "core.user_auth.login_success", credential="PASSWORD"),
    MAIL: Kind("Send email"),
    "user.session.end": Kind("User logout from Okta", "core.user_auth.logout_success", "/login/signout"),
    "user.authentication.sso": Kind("User single sign on to app", "app.auth.sso", "/app/example/sso/saml"),
    "user.authentication.auth_via_mfa": Kind(
        "Authentication of user via MFA", "core.user.factor.attempt_success", "/idp/idx/challenge/answer", "OTP"
    ),
    "policy.evaluate_sign_on": Kind("Evaluation of sign-on policy"),
    "policy.entity_risk.evaluate": Kind("Evaluation of entity risk policy"),
    "user.mfa.factor.activate": Kind(
        "Activate factor or authenticator enrollment for user", "core.user.factor.activate"
    ),
    "application.user_membership.add": Kind(
        "Add user to application membership", "app.generic.provision.assign_user_to_app"
    ),
}
_STEP = timedelta(microseconds=1)
_GREGORIAN = datetime(1582, 10, 15, tzinfo=UTC)


def random_id(rng: Random, prefix: str, length: int) -> str:
    """Return `prefix` and random base62 characters, `length` in all."""
    return prefix + "".join(rng.choices(BASE62, k=length - len(prefix)))


def event_uuid(rng: Random, at: datetime) -> str:
    """Return a time-based (version 1) uuid for the moment `at`."""
    ticks = (at - _GREGORIAN) // _STEP * 10 + rng.randrange(10_000)
    fields = (ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF, 0x80, rng.getrandbits(8))
    return str(uuid.UUID(fields=(*fields, rng.getrandbits(48)), version=1))


def iso(at: datetime) -> str:
    """Return `at` as Okta writes it: UTC, milliseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_session(rng: Random, prefix: str = "idx") -> str:
    """Return a new session id: idx or 102 for a sign-in, trs for the system."""
    return random_id(rng, prefix, 25)


def new_job(rng: Random, report: Report, key: str = "jobid") -> Job:
    """Return a new run of `report`."""
    return Job(random_id(rng, report.id[:3], 20), key, report, rng.choice((None, 'user.status eq "ACTIVE"')))


def target(kind: str, target_id: str, name: str, alternate_id: str = "unknown", detail: Event | None = None) -> Event:
    """Return one entry of an event's target list."""
    known = {"id": target_id, "type": kind, "alternateId": alternate_id, "displayName": name}
    return {**known, "detailEntry": detail}


def user(person: Person) -> list[Event]:
    """Return the target list that names one person."""
    return [target("User", person.id, person.name, person.login)]


def app(name: str) -> list[Event]:
    """Return the target list that names one app."""
    return [target("AppInstance", stable_id("0oa", name), name, name)]


def report(job: Job, detail: Event | None = None) -> list[Event]:
    """Return the target list that names the report of a job."""
    return [target("Report", job.report.id, job.report.name, detail=detail)]


def device_hash(login: Login) -> str:
    """Return the hash of the device; a stranger's is the same under every account he uses."""
    owner = "" if login.agent == STRANGER else login.person.login
    return hashlib.sha256(f"{owner}|{login.agent.raw}".encode()).hexdigest()


def _geo(place: Place) -> Event:
    where = {"lat": place.lat, "lon": place.lon}
    return {**dict(zip(("city", "state", "country", "postalCode"), place, strict=False)), "geolocation": where}


def _client(login: Login) -> Event:
    agent, origin = login.agent, login.origin
    return {
        "userAgent": {"rawUserAgent": agent.raw, "os": agent.os, "browser": agent.browser},
        "zone": origin.zone,
        "device": agent.device,
        "id": None,
        "ipAddress": origin.ip,
        "geographicalContext": _geo(origin.place),
    }


def _security(origin: Origin | None) -> Event:
    if origin is None:
        return dict.fromkeys(("asNumber", "asOrg", "isp", "domain", "isProxy"))
    network: Event = {"asNumber": origin.as_number, "asOrg": origin.as_org, "isp": origin.as_org.lower()}
    network["domain"] = "." if origin.zone == "null" else "example.com"
    details = [{"type": name, "operator": f"EXAMPLE_{name.upper()}", "isAnonymous": True} for name in origin.categories]
    known = {"ipDetails": {**network, "ipServiceCategories": details}} if details else {}
    return {**network, "isProxy": origin.is_proxy, **known}


def _session(session: str | None, root: str | None) -> Event:
    empty = ("authenticationProvider", "credentialProvider", "credentialType", "interface", "issuer")
    return {**dict.fromkeys(empty), "authenticationStep": 0, "externalSessionId": session, "rootSessionId": root}


def _event(
    rng: Random, at: datetime, event_type: str, actor: Event, parts: Event, outcome: tuple[str, str | None]
) -> Event:
    kind = KINDS[event_type]
    old_name = {} if event_type in EXPORTS else {"legacyEventType": kind.legacy}
    return {
        "actor": {**actor, "detailEntry": None},
        "device": None,
        "displayMessage": kind.message,
        "eventType": event_type,
        "outcome": {"result": outcome[0], "reason": outcome[1]},
        "published": iso(at),
        "severity": "WARN" if event_type in (RISK, CONTEXT) or outcome[0] == "FAILURE" else "INFO",
        **old_name,
        "uuid": event_uuid(rng, at),
        "version": "0",
        **parts,
    }


def web_event(
    rng: Random,
    at: datetime,
    event_type: str,
    login: Login,
    *,
    uri: str = "",
    target: list[Event] | None = None,
    debug: dict[str, str] | None = None,
    outcome: tuple[str, str | None] = ("SUCCESS", None),
) -> Event:
    """Return an event that somebody caused by a web request."""
    person, origin, _, session = login
    request_id = f"{rng.getrandbits(128):032x}" if rng.random() < 0.8 else random_id(rng, "X", 27)
    path = uri or KINDS[event_type].uri
    data = {
        "requestId": request_id,
        "dtHash": device_hash(login),
        "requestUri": path,
        "url": f"{path}?",
        **(debug or {}),
    }
    if origin.tunnels:
        tunnels = [{"operator": f"EXAMPLE_{name}", "type": name, "anonymous": True} for name in origin.tunnels]
        data["tunnels"] = json.dumps(tunnels, separators=(",", ":"))
    root = None if event_type in EXPORTS else session
    hop = {
        "ip": origin.ip,
        "source": None,
        "geographicalContext": _geo(origin.place),
        "version": "V6" if ":" in origin.ip else "V4",
    }
    actor = {"id": person.id, "type": "User", "alternateId": person.login, "displayName": person.name}
    parts = {
        "client": _client(login),
        "authenticationContext": {**_session(session, root), "credentialType": KINDS[event_type].credential},
        "securityContext": _security(origin),
        "debugContext": {"debugData": data},
        "transaction": {"type": "WEB", "id": request_id, "detail": {}},
        "request": {"ipChain": [hop]},
        "target": target,
    }
    return _event(rng, at, event_type, actor, parts, outcome)


def job_event(
    rng: Random,
    at: datetime,
    event_type: str,
    *,
    target: list[Event] | None = None,
    debug: dict[str, str] | None = None,
    outcome: tuple[str, str | None] = ("SUCCESS", None),
) -> Event:
    """Return an event that Okta itself caused: no client, no place, no proxy."""
    session = new_session(rng, "trs") if rng.random() < 0.7 else None
    actor = {"id": stable_id("00u", "system"), "type": "SystemPrincipal", "alternateId": "system@okta.com"}
    parts: Event = {
        "client": dict.fromkeys(("userAgent", "zone", "device", "id", "ipAddress", "geographicalContext")),
        "authenticationContext": _session(session, session),
        "securityContext": _security(None),
        "debugContext": {"debugData": debug or {}},
        "transaction": {"type": "JOB", "id": random_id(rng, "", 27), "detail": {}},
        "request": {"ipChain": []},
        "target": target,
    }
    return _event(rng, at, event_type, {**actor, "displayName": "Okta System"}, parts, outcome)
