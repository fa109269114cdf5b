"""Events to rows: one tuple per event in the order of `schema.COLUMNS`, one per target. The hot path."""

import json
import re
from functools import lru_cache
from typing import Any

from .model import (
    Actor,
    Authentication,
    Client,
    Debug,
    Details,
    Device,
    Event,
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
)
from .repair import read_flag
from .schema import EXPORTS, FEEDBACK, fold

Row = tuple[Any, ...]

_ACTOR, _CLIENT, _AGENT, _GEO, _POINT = Actor(), Client(), UserAgent(), Geo(), Geolocation()
_DEVICE, _AUTH, _OUTCOME, _SECURITY, _RISK = Device(), Authentication(), Outcome(), Security(), Risk()
_TRANSACTION, _REQUEST, _DEBUG, _TARGET = Transaction(), Request(), Debug(), Target()
_fold = lru_cache(4096)(fold)
_JOB = re.compile(r"/download/([^/?#]+?)(?:\.[A-Za-z0-9]+)?(?:[?#]|$)")
_LEVEL = re.compile(r"\blevel\"?\s*[=:]\s*\"?(\w+)", re.IGNORECASE)
_DETECTION = re.compile(r"detection_?name\"?\s*[=:]\s*\"?([^\",}]+)", re.IGNORECASE)


def event_row(event: Event, more: dict[str, Any]) -> Row:
    """Return the event in the order of `schema.COLUMNS`, up to `extra`, into which goes `more`: undocumented fields."""
    security, debug = event.security_context or _SECURITY, _folded((event.debug_context or _DEBUG).debug_data)
    client = event.client or _CLIENT
    hops = (event.request or _REQUEST).ip_chain or client.ip_chain
    return (
        *_who(event),
        *_where(client),
        *_how(event, security, _categories(security.ip_details, hops, debug)),
        *_why(event, debug, security.risk or _RISK),
        *_what(event.target or []),
        compact(event.target) if event.target else None,
        compact(event.debug_context.debug_data) if debug and event.debug_context else None,
        compact(hops) if hops else None,
        _extra(event, client, security, more),
    )


def target_rows(event: Event) -> list[Row]:
    """Return the event's targets as tuples in the order of `schema.TARGET_COLUMNS`."""
    return [
        (
            event.uuid,
            n,
            t.id,
            t.type,
            t.alternate_id,
            t.display_name,
            compact(t.detail_entry) if t.detail_entry else None,
        )
        for n, t in enumerate(event.target or ())
    ]


def _who(event: Event) -> Row:
    actor, outcome = event.actor or _ACTOR, event.outcome or _OUTCOME
    return (
        event.uuid,
        event.published,
        event.event_type,
        event.severity,
        event.display_message,
        actor.id,
        actor.type,
        actor.alternate_id,
        actor.display_name,
        outcome.result,
        outcome.reason,
    )


def _where(client: Client) -> Row:
    agent, geo = client.user_agent or _AGENT, client.geographical_context or _GEO
    point, postal_code = geo.geolocation or _POINT, geo.postal_code
    return (
        client.ip_address,
        agent.raw_user_agent,
        agent.browser,
        agent.os,
        client.device,
        client.zone,
        client.id,
        geo.country,
        geo.state,
        geo.city,
        str(postal_code) if type(postal_code) is int else postal_code,
        point.lat,
        point.lon,
    )


def _how(event: Event, security: Security, categories: str | None) -> Row:
    device, auth, transaction = event.device or _DEVICE, event.authentication_context or _AUTH, event.transaction
    transaction = transaction or _TRANSACTION
    token = _text(_folded(transaction.detail).get("requestapitokenid"))
    return (
        device.id,
        device.managed,
        device.registered,
        auth.credential_type,
        security.is_proxy,
        categories,
        security.as_number,
        security.as_org,
        security.isp,
        security.domain,
        auth.external_session_id,
        auth.root_session_id,
        transaction.id,
        transaction.type,
        token,
    )


def _why(event: Event, debug: dict[str, Any], risk: Risk) -> Row:
    uri, noted = _text(debug.get("requesturi")), _text(debug.get("risk"))
    judged = debug if event.event_type == FEEDBACK else {}
    return (
        _job(event.event_type, debug, uri),
        uri,
        _text(debug.get("traceid")),
        _text(debug.get("dthash")),
        risk.level or _found(_LEVEL, noted),
        risk.detection_name or _text(debug.get("detectionname")) or _found(_DETECTION, noted),
        read_flag(debug["threatsuspected"]) if "threatsuspected" in debug else None,
        _text(judged.get("eventuuid")),
        _text(judged.get("eventtype")),
        _text(judged.get("label")),
        _text(judged.get("reason")),
    )


def _what(targets: list[Target]) -> Row:
    report = next((target for target in targets if target.type == "Report"), _TARGET)
    user = next((target for target in targets if target.type == "User"), _TARGET)
    scope = _folded(report.detail_entry)
    return (
        report.id,
        report.display_name,
        _text(scope.get("columns")),
        _text(scope.get("filter")),
        _text(scope.get("exporttype")),
        user.id,
        user.alternate_id,
    )


def _folded(details: Details) -> dict[str, Any]:
    return {_fold(key): value for key, value in details.items()} if details else {}


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else compact(value)


def _found(pattern: re.Pattern[str], text: str | None) -> str | None:
    match = pattern.search(text) if text else None
    return match[1] if match else None


def _job(event_type: str, debug: dict[str, Any], uri: str | None) -> str | None:
    """Return the export job: as noted, or else from the address of the download."""
    if job := _text(debug.get("jobid")):
        return job
    if event_type not in EXPORTS:
        return None
    return _found(_JOB, uri) or _found(_JOB, _text(debug.get("url")))


def _categories(details: IpDetails | None, hops: list[Hop] | None, debug: dict[str, Any]) -> str | None:
    """Return the names of everything that marks the address as a proxy, from wherever the record says so."""
    words = set[str]()
    for known in (details, *(hop.ip_details for hop in hops or ())):
        for category in (known and known.ip_service_categories) or ():
            words |= {category.type or "", "anonymous" if category.is_anonymous else ""}
    for tunnel in _tunnels(debug.get("tunnels")):
        words |= {str(tunnel.get("type") or ""), "anonymous" if read_flag(tunnel.get("anonymous")) else ""}
    words |= {_text(debug.get("proxytype")) or ""}
    words |= {f"anonymizer {status}" for status in (_text(debug.get("anonymizerstatus")),) if status}
    words |= {"associated proxy"} if debug.get("associatedproxies") not in (None, "", "[]") else set()
    return " ".join(sorted(word.strip().upper().replace(" ", "_") for word in words if word.strip())) or None


def _tunnels(value: Any) -> list[dict[str, Any]]:
    """Return the tunnels that debug data names, as a list or as JSON text."""
    try:
        found = json.loads(value) if isinstance(value, str) and value else value
    except (ValueError, RecursionError):
        found = None
    return [tunnel for tunnel in found if isinstance(tunnel, dict)] if isinstance(found, list) else []


def _extra(event: Event, client: Client, security: Security, more: dict[str, Any]) -> str | None:
    """Return as JSON text what no column holds, by its Okta path."""
    auth, device, actor = event.authentication_context or _AUTH, event.device, event.actor or _ACTOR
    found = {
        "version": event.version,
        "legacyEventType": event.legacy_event_type,
        "actor.detailEntry": actor.detail_entry,
        "device": device,
        "authenticationContext.authenticationProvider": auth.authentication_provider,
        "authenticationContext.credentialProvider": auth.credential_provider,
        "authenticationContext.issuer": auth.issuer,
        "authenticationContext.interface": auth.interface,
        "authenticationContext.authenticationStep": auth.authentication_step,
        "authenticationContext.authenticatorContext": auth.authenticator_context,
        "securityContext.ipDetails": security.ip_details,
        "securityContext.risk": security.risk,
        "securityContext.userBehaviors": security.user_behaviors,
        "securityContext.botProtection": security.bot_protection,
        "transaction.detail": event.transaction and event.transaction.detail,
        "client.ipChain": client.ip_chain if event.request and event.request.ip_chain else None,
    }
    kept = {path: value for path, value in (*found.items(), *more.items()) if value not in (None, "", {}, [])}
    return compact(kept) if kept else None
