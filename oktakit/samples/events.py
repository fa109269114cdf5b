"""One factory for events in the shape Okta sends them."""

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple

from ..schema import CONSOLE, DOWNLOAD, EXPORTS, FEEDBACK, GENERATE, REQUEST, SIGN_ON
from .people import BASE62, KIOSK, STRANGER, Job, Login, Origin, Person, Place, Report, stable_id

RISK: Final = "user.risk.detect"
CONTEXT: Final = "user.session.context.change"
START: Final = "user.session.start"
MAIL: Final = "system.email.delivery"
FACTOR: Final = "user.mfa.factor.activate"
APP: Final = "user.authentication.sso"
OAUTH: Final = "app.oauth2.authorize.code"
MEMBER: Final = "application.user_membership.add"
CHANGES: Final = (FACTOR, "user.account.privilege.grant", "system.api_token.create")

Event = dict[str, Any]


class Kind(NamedTuple):
    """What one event type looks like; `legacy` is its name in the old Events API."""

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
    APP: Kind("User single sign on to app", "app.auth.sso", "/app/example/sso/saml"),
    "user.authentication.auth_via_mfa": Kind(
        "Authentication of user via MFA", "core.user.factor.attempt_success", "/idp/idx/challenge/answer", "OTP"
    ),
    SIGN_ON: Kind("Evaluation of sign-on policy"),
    "policy.entity_risk.evaluate": Kind("Evaluation of entity risk policy"),
    FACTOR: Kind("Activate factor or authenticator enrollment for user", "core.user.factor.activate"),
    CHANGES[1]: Kind("Grant user privilege", "core.user.admin_privilege.granted", "/api/v1/users/roles"),
    CHANGES[2]: Kind("Create API token", "api.token.create", "/api/internal/tokens"),
    OAUTH: Kind("OIDC authorization code request", "app.oauth2.authorize.code", "/oauth2/v1/authorize"),
    MEMBER: Kind("Add user to application membership", "app.generic.provision.assign_user_to_app"),
}
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


def new_job(rng: Random, report: Report, key: str = "jobid") -> Job:
    """Return a new run of `report`."""
    return Job(random_id(rng, report.id[:3], 20), key, report, rng.choice((None, 'user.status eq "ACTIVE"')))


def target(kind: str, target_id: str, name: str, alternate_id: str = "unknown", detail: Event | None = None) -> Event:
    """Return one entry of an event's target list, or its actor."""
    return {"id": target_id, "type": kind, "alternateId": alternate_id, "displayName": name, "detailEntry": detail}


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
    """Return the hash of the device; a stranger's and a kiosk's are the same under every account."""
    owner = "" if login.agent in (STRANGER, KIOSK) else login.person.login
    return hashlib.sha256(f"{owner}|{login.agent.raw}".encode()).hexdigest()


def _geo(place: Place) -> Event:
    named = zip(("city", "state", "country", "postalCode"), place, strict=False)
    return {**dict(named), "geolocation": {"lat": place.lat, "lon": place.lon}}


def _client(login: Login | None) -> Event:
    if login is None:
        return dict.fromkeys(_CLIENT)
    agent, origin = login.agent, login.origin
    says = {"rawUserAgent": agent.raw, "os": agent.os, "browser": agent.browser}
    return dict(zip(_CLIENT, (says, origin.zone, agent.device, None, origin.ip, _geo(origin.place)), strict=True))


def _security(origin: Origin | None) -> Event:
    if origin is None:
        return dict.fromkeys(_NETWORK)
    domain = "." if origin.zone == "null" else "example.com"
    network = dict(zip(_NETWORK, (origin.as_number, origin.as_org, origin.as_org.lower(), domain), strict=False))
    details = [{"type": name, "operator": f"EXAMPLE_{name.upper()}", "isAnonymous": True} for name in origin.categories]
    known = {"ipDetails": {**network, "ipServiceCategories": details}} if details else {}
    return {**network, "isProxy": origin.is_proxy, **known}


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
    return actor, login.session, {"type": "WEB", "id": request_id, "detail": {}}, data, [hop]


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
    target: list[Event] | None = None,
    debug: dict[str, str] | None = None,
    outcome: tuple[str, str | None] = ("SUCCESS", None),
) -> Event:
    """Return an event that somebody caused by a web request; without a login, one that Okta caused by a job."""
    kind, debug = KINDS[event_type], debug or {}
    cause = _web(rng, login, uri or kind.uri, debug) if login else _job(rng, debug)
    actor, session, transaction, data, chain = cause
    root = None if login and event_type in EXPORTS else session
    ids = {"authenticationStep": 0, "externalSessionId": session, "rootSessionId": root}
    return {
        "actor": actor,
        "device": None,
        "displayMessage": kind.message,
        "eventType": event_type,
        "outcome": dict(zip(("result", "reason"), outcome, strict=True)),
        "published": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "severity": "WARN" if event_type in (RISK, CONTEXT) or outcome[0] == "FAILURE" else "INFO",
        **({} if event_type in EXPORTS else {"legacyEventType": kind.legacy}),
        "uuid": _uuid(rng, at),
        "version": "0",
        "client": _client(login),
        "authenticationContext": {**dict.fromkeys(_SESSION), **ids, "credentialType": kind.credential},
        "securityContext": _security(login and login.origin),
        "debugContext": {"debugData": data},
        "transaction": transaction,
        "request": {"ipChain": chain},
        "target": target,
    }
