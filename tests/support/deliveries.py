"""The same Okta events in every shape in which they are delivered, written from the documentation of each."""

import csv
import io
import json
import re
from typing import Any

import oktakit as ok
from records import event

Row = dict[str, Any]


def _hop(ip: str, country: str, city: str) -> Row:
    place = {"city": city, "state": "Viken", "country": country, "postalCode": "0150"}
    place["geolocation"] = {"lat": 59.91, "lon": 10.75}
    return {"ip": ip, "version": "V4", "source": None, "geographicalContext": place}


def _web(number: int, kind: str, proxy: bool | None, target: list[Row] | None, debug: Row, hops: list[Row]) -> Row:
    """Return an event of a person at a browser, with everything Okta fills in then."""
    return event(
        number,
        kind,
        f"2026-03-02T08:0{number}:00.123Z",
        version="0",
        severity="INFO",
        legacyEventType=None,
        displayMessage='Report "MFA", exported; ärlig 東京\nsecond line',
        actor={
            "id": "00u1",
            "type": "User",
            "alternateId": "zoë@example.com",
            "displayName": "Zoë, Admin",
            "detailEntry": None,
        },
        client={
            "userAgent": {"rawUserAgent": "Mozilla/5.0 (X11; Linux)", "os": "Linux", "browser": "FIREFOX"},
            "zone": "null",
            "device": "Computer",
            "id": None,
            "ipAddress": hops[0]["ip"],
            "geographicalContext": hops[0]["geographicalContext"],
        },
        authenticationContext={
            "authenticationStep": 0,
            "authenticationProvider": None,
            "credentialType": "OTP",
            "externalSessionId": "102abc",
            "rootSessionId": "102root",
            "issuer": None,
        },
        outcome={"result": "SUCCESS", "reason": None},
        securityContext={
            "asNumber": 64500,
            "asOrg": "example, inc",
            "isp": "Example",
            "domain": ".",
            "isProxy": proxy,
        },
        transaction={"id": f"t{number}", "type": "WEB", "detail": {}},
        debugContext={"debugData": {"requestId": f"t{number}", **debug}},
        request={"ipChain": hops},
        target=target,
    )


_OSLO, _LIMA = _hop("192.0.2.1", "Norway", "Oslo"), _hop("198.51.100.7", "Peru", "Lima")
_REPORT = {"id": "mfa", "type": "Report", "alternateId": "unknown", "displayName": "MFA Usage", "detailEntry": None}
_USER = {"id": "00u2", "type": "User", "alternateId": "b@example.com", "displayName": "Bo", "detailEntry": None}
_URI = "/reports/user/mfa/download/mfa123.csv"
EVENTS: list[Row] = [
    _web(1, ok.REQUEST, False, [_REPORT, _USER], {"jobid": "mfa123", "threatSuspected": "false"}, [_OSLO]),
    event(
        2,
        ok.GENERATE,
        "2026-03-02T08:02:00.123Z",
        severity="INFO",
        actor={
            "id": "okta1",
            "type": "SystemPrincipal",
            "alternateId": "system@okta.com",
            "displayName": "Okta System",
        },
        client={"userAgent": None, "zone": None, "device": None, "id": None, "ipAddress": None},
        securityContext={"isProxy": None},
        outcome={"result": "FAILURE", "reason": "NA"},
        transaction={"id": "00012", "type": "JOB"},
        debugContext={"debugData": {"jobid": "mfa123"}},
        request={"ipChain": []},
        target=[_REPORT],
    ),
    _web(3, ok.DOWNLOAD, True, [_REPORT], {"jobid": "mfa123", "requestUri": _URI, "dtHash": "d1"}, [_LIMA, _OSLO]),
    _web(
        4,
        ok.FEEDBACK,
        None,
        [_USER],
        {
            "eventUuid": "00000000-0000-4000-8000-000000000009",
            "eventType": "user.risk.detect",
            "label": "false_positive",
            "risk": "{reasons=New, level=HIGH}",
            "tunnels": '[{"type":"VPN","anonymous":true}]',
        },
        [_OSLO],
    ),
    _web(5, "user.session.start", False, None, {"url": "/login?x=1"}, [_OSLO]),
]


def text(value: Any) -> str:
    """Return JSON text without blanks."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def lines(values: list[Any]) -> bytes:
    """Return one JSON text per line."""
    return "\n".join(map(text, values)).encode()


def flat(value: Row, joint: str = ".", path: str = "") -> Row:
    """Return nested objects as one level of joined names; lists stay whole."""
    found: Row = {}
    for key, item in value.items():
        found |= flat(item, joint, path + key + joint) if isinstance(item, dict) and item else {path + key: item}
    return found


def snake(value: Any) -> Any:
    """Return keys in snake_case, and without what is null or empty."""
    if isinstance(value, list):
        return [snake(item) for item in value]
    if not isinstance(value, dict):
        return value
    names = {key: re.sub(r"([A-Z])", r"_\1", key).lower() for key in value}
    return {names[key]: snake(item) for key, item in value.items() if item not in (None, "", {}, [])}


def table(rows: list[Row], separator: str = ",", **options: Any) -> bytes:
    """Return rows as CSV with the union of their columns, in the way of RFC 4180."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, delimiter=separator, lineterminator="\r\n", **options)
    writer.writeheader()
    writer.writerows({name: _cell(row.get(name)) for name in names} for row in rows)
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return text(value) if isinstance(value, dict | list) else value


def bridge(record: Row) -> Row:
    """Return what Amazon EventBridge makes of an event."""
    return {
        "version": "0",
        "id": "e1",
        "detail-type": "SystemLog",
        "source": "aws.partner/okta.com/example/log",
        "account": "1",
        "time": "2026-03-02T09:00:00Z",
        "region": "eu",
        "resources": [],
        "detail": record,
    }


def panther(record: Row) -> Row:
    """Return the row of Panther's table: lower-case names at the top, times without T and zone."""
    row = {key.lower(): value for key, value in record.items()}
    time = record["published"].replace("T", " ").removesuffix("Z")
    return {**row, "published": time, "p_log_type": "Okta.SystemLog", "p_event_time": time, "p_row_id": "r1"}


def hook(records: list[Row]) -> Row:
    """Return the body of an event hook's request: the chain of addresses is with the client there."""
    moved = [{**record, "client": {**record["client"], **record["request"]}, "request": None} for record in records]
    return {
        "eventType": "com.okta.event_hook",
        "eventTypeVersion": "1.0",
        "cloudEventsVersion": "0.1",
        "source": "https://example.com/api/v1/eventHooks/who1",
        "eventId": "h1",
        "data": {"events": moved},
        "eventTime": "2026-03-02T09:00:00Z",
    }


def otel(records: list[Row], body: Any = lambda record: {"stringValue": text(record)}) -> Row:
    """Return OpenTelemetry's JSON of logs."""
    logs = [{"timeUnixNano": "1", "body": body(record), "attributes": []} for record in records]
    return {"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {}, "logRecords": logs}]}]}


def splunk(record: Row, joined: bool) -> Row:
    """Return the fields that Splunk extracts: lists as `name{}`, several values `joined` by newlines in a CSV."""
    row = {"_time": "2026-03-02T08:00:00.000+0000", "host": "h", "sourcetype": "OktaIM2:log"}
    for name, value in flat(record).items():
        if isinstance(value, list):
            parts = [flat(item) for item in value]
            many = {key: [part[key] for part in parts] for key in (parts[0] if parts else {})}
            row |= {f"{name}{{}}.{key}": _many(values, joined) for key, values in many.items() if None not in values}
        elif value not in (None, {}):
            row[name] = _cell(value) if joined else str(_cell(value))
    return row


def _many(values: list[Any], joined: bool) -> Any:
    words = [str(value) for value in values]
    return "\n".join(words) if joined else words if len(words) > 1 else words[0]


def elastic(record: Row, flattened: bool = True) -> Row:
    """Return the document that the Okta integration indexes, with debug data as one object or as fields."""
    okta = snake({key: value for key, value in record.items() if key not in ("published", "debugContext", "version")})
    okta["target"] = [
        {key: item for key, item in target.items() if key != "detail_entry"} for target in okta.get("target", [])
    ]
    security, client = okta.pop("security_context", {}), okta.pop("client", {})
    place, address = client.pop("geographical_context", {}), client.pop("ip_address", None)
    debug = record["debugContext"]["debugData"]
    known = {key: debug[key] for key in ("requestId", "requestUri", "threatSuspected", "url", "dtHash") if key in debug}
    okta |= {"debug_context": {"debug_data": {**snake(known), "flattened": debug} if flattened else snake(debug)}}
    if security:
        asn = {"number": security.pop("as_number", None), "organization": {"name": security.pop("as_org", None)}}
        okta["security_context"] = {**security, "as": asn}
    if address:
        okta["client"] = {**client, "ip": address}
    names = {"city": "city_name", "state": "region_name", "country": "country_name", "geolocation": "location"}
    return {
        "@timestamp": record["published"],
        "client": {
            "geo": {names[key]: place[key] for key in names if key in place},
            **({"ip": address} if address else {}),
        },
        "event": {"action": record["eventType"], "id": record["uuid"], "dataset": "okta.system", "outcome": "unknown"},
        "okta": okta,
        "source": {"geo": {"country_name": "Elsewhere", "city_name": "Elsewhere"}, "ip": "203.0.113.9"},
        "tags": ["okta-system"],
    }


def sentinel(record: Row) -> Row:
    """Return the row of the table Okta_CL: names joined by underscores, with the type at the end."""
    row = {
        "TenantId": "x",
        "TimeGenerated": "2026-03-02T09:00:00Z",
        "Type": "Okta_CL",
        "published_t": record["published"],
    }
    row["uuid_g"] = record["uuid"]
    for name, value in flat({k: v for k, v in record.items() if k not in ("uuid", "published")}, "_").items():
        if isinstance(value, list):
            row[name + "_s"] = text(value)
        elif value is not None and value != {}:
            row[name + ("_b" if isinstance(value, bool) else "_d" if isinstance(value, int | float) else "_s")] = value
    return row


def okta_sso(record: Row) -> Row:
    """Return the row of the function OktaSSO(), which has no time of its own and one column for all debug data."""
    row = {key: value for key, value in sentinel(record).items() if not key.startswith("debugContext_")}
    del row["published_t"]
    debug = text(record["debugContext"]["debugData"])
    row = {"legacyEventType_s": "", "outcome_reason_s": "", "client_id_s": "", **row}
    return {**row, "TimeGenerated": record["published"], "debugContext_debugData_s": debug}


def sentinel_v2(record: Row) -> Row:
    """Return the row of the table OktaV2_CL, by the projection of the connector."""
    actor, client, outcome = record["actor"], record["client"], record["outcome"]
    place, security = client.get("geographicalContext") or {}, record["securityContext"]
    agent, auth = client.get("userAgent") or {}, record.get("authenticationContext") or {}
    return {
        "TimeGenerated": record["published"],
        "ActorDetailEntry": actor.get("detailEntry"),
        "ActorDisplayName": actor["displayName"],
        "OriginalUserId": actor["id"],
        "OriginalActorAlternateId": actor["alternateId"],
        "ActorUserId": actor["id"],
        "ActorUserType": "Regular",
        "OriginalUserType": actor["type"],
        "AuthenticationContextAuthenticationStep": auth.get("authenticationStep"),
        "LogonMethod": auth.get("credentialType", ""),
        "ActorSessionId": auth.get("externalSessionId", ""),
        "OriginalClientDevice": client["device"] or "",
        "SrcGeoCity": place.get("city", ""),
        "SrcGeoCountry": place.get("country", ""),
        "SrcGeoLatitude": place.get("geolocation", {}).get("lat"),
        "SrcGeoLongtitude": place.get("geolocation", {}).get("lon"),
        "SrcGeoPostalCode": place.get("postalCode", ""),
        "SrcGeoRegion": place.get("state", ""),
        "SrcDvcId": "",
        "SrcIpAddr": client["ipAddress"] or "",
        "ActingAppName": agent.get("browser", ""),
        "SrcDvcOs": agent.get("os", ""),
        "HttpUserAgent": agent.get("rawUserAgent", ""),
        "SrcZone": client["zone"] or "",
        "DebugData": record["debugContext"]["debugData"],
        "EventMessage": record.get("displayMessage", ""),
        "EventOriginalType": record["eventType"],
        "EventOriginalUid": record["uuid"],
        "EventOriginalResultDetails": outcome["reason"] or "",
        "EventResult": "NA",
        "OriginalOutcomeResult": outcome["result"],
        "Request": record["request"],
        "SecurityContextAsNumber": security.get("asNumber"),
        "SecurityContextAsOrg": security.get("asOrg", ""),
        "SecurityContextDomain": security.get("domain", ""),
        "SrcIsp": security.get("isp", ""),
        "SecurityContextIsProxy": security["isProxy"],
        "EventSeverity": "Informational",
        "OriginalSeverity": record["severity"],
        "OriginalTarget": record["target"],
        "Version": record.get("version", ""),
        "TransactionType": record["transaction"]["type"],
        "TransactionId": record["transaction"]["id"],
        "TransactionDetail": record["transaction"].get("detail"),
    }


def ocsf(record: Row) -> Row:
    """Return the event in the Open Cybersecurity Schema, what has no place there under `unmapped`."""
    actor, client, auth = record["actor"], record["client"], record.get("authenticationContext") or {}
    place, security = client.get("geographicalContext") or {}, record["securityContext"]
    point, agent = place.get("geolocation", {}), client.get("userAgent") or {}
    keep = {key: record[key] for key in ("request", "debugContext", "target", "transaction", "outcome")}
    return {
        "class_uid": 3004,
        "time": 1772438400123 + 60_000 * int(record["uuid"][-1]),
        "severity": "Informational",
        "status": "Success",
        "message": record.get("displayMessage"),
        "metadata": {"uid": record["uuid"], "event_code": record["eventType"], "product": {"name": "Okta"}},
        "actor": {
            "user": {
                "uid": actor["id"],
                "name": actor["displayName"],
                "email_addr": actor["alternateId"],
                "type": "Admin",
            },
            "session": {"uid": auth.get("externalSessionId")},
        },
        "http_request": {"user_agent": agent.get("rawUserAgent")},
        "src_endpoint": {
            "ip": client["ipAddress"],
            "type": client["device"],
            "domain": security.get("domain"),
            "location": {
                **{key: place.get(key) for key in ("city", "country")},
                **{"lat": point.get("lat"), "long": point.get("lon"), "postal_code": place.get("postalCode")},
                "isp": security.get("isp"),
            },
            "autonomous_system": {"number": security.get("asNumber"), "name": security.get("asOrg")},
        },
        "unmapped": {
            **keep,
            "securityContext.isProxy": security["isProxy"],
            "authenticationContext": {key: auth.get(key) for key in ("rootSessionId", "credentialType")},
        },
    }


ADMIN = (
    "severity,event_type,display_message,uuid,version,timestamp,outcome.result,outcome.reason,actor.id,actor.type,"
    "actor.display_name,actor.alternate_id,authentication_context.authentication_step,"
    "authentication_context.authentication_provider,authentication_context.credential_provider,"
    "authentication_context.credential_type,authentication_context.issuer,authentication_context.external_session_id,"
    "client.zone,client.ip_address,client.device,client.user_agent.raw_user_agent,client.user_agent.os,"
    "client.user_agent.browser,client.geographical_context.country,client.geographical_context.city,"
    "client.geographical_context.postal_code,client.geographical_context.geolocation.lon,"
    "client.geographical_context.geolocation.lat,transaction.id,transaction.type,"
    "debug_context.debug_data.request_uri,legacy_event_type,"
    + "".join(f"target{n}.{name}," for n in range(4) for name in ("id", "type", "alternate_id", "display_name"))
    + "request.ip_chain.geographical_context.postal_code,request.ip_chain.geographical_context.geolocation.lon,"
    "request.ip_chain.geographical_context.geolocation.lat,request.ip_chain.geographical_context.geolocation.state,"
    "request.ip_chain.ip,request.ip_chain.source,request.ip_chain.version"
).split(",")


def admin(record: Row) -> Row:
    """Return the row of the Admin Console's CSV: its 56 columns, the first address of the chain, four targets."""
    found = flat(snake(record)) | {"timestamp": record["published"]}
    for number, target in enumerate(record["target"] or []):
        found |= {f"target{number}.{key}": value for key, value in snake(target).items()}
    for hop in (record["request"]["ipChain"] or [])[:1]:
        found |= {f"request.ip_chain.{key}": value for key, value in flat(snake(hop)).items()}
        state = "request.ip_chain.geographical_context."
        found[state + "geolocation.state"] = found.pop(state + "state", "")
    return {name: found.get(name, "") for name in ADMIN}
