"""Column maps: the names under which deliveries carry Okta's fields.

Most names are Okta's own in another spelling and are found in the model; the tables below hold the others.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct

from ..schema import COLUMNS, fold
from .model import Event, Hop, Target
from .repair import plan

Path = tuple[str, ...]


class Place(NamedTuple):
    """Where a column belongs: the path in an event; `position` and `item` inside a list.

    `node` says whether JSON text may stand there: always (object), besides other text (any), or not at all.
    """

    path: Path
    node: str = ""
    item: Path = ()
    position: int | None = None


@dataclass(frozen=True, eq=False)
class Shape:
    """How one delivery names its columns.

    `okta` finds Okta's own name in a column's name, in its groups; `others` are columns that go by another name,
    used where the event has nothing under Okta's, the first one first;
    `separator` stands between the values of several targets.
    """

    okta: re.Pattern[str]
    others: dict[str, str]
    separator: str = "\n"


def squash(name: str) -> str:
    """Return `name` as columns are matched: like keys, and without dots.

    >>> squash("client.geographical_context.country") == squash("client_geographicalContext_country")
    True
    """
    return fold(name).replace(".", "").replace("{}", "")


def _walk(struct: Any, path: Path = ()) -> Iterator[tuple[str, tuple[Path, str]]]:
    """Yield every field below a struct, and whether it may hold more than one value, as in `Place`."""
    for field in plan(struct).values():
        own = (*path, field.key)
        inner = isinstance(field.kind, type) and issubclass(field.kind, Struct)
        node = "object" if inner or field.kind == dict[str, Any] else "any" if field.many or field.kind is Any else ""
        yield squash("".join(own)), (own, node)
        if inner and not field.many:
            yield from _walk(field.kind, own)


_FIELDS = dict(_walk(Event))
_LISTS: dict[str, Any] = {"target": Target, "requestipchain": Hop, "clientipchain": Hop}
_ITEMS = {name: dict(_walk(struct)) for name, struct in _LISTS.items()}
_ITEM = re.compile(rf"({'|'.join(_LISTS)})(\d{{0,3}})(\D.*)", re.ASCII)
_DETAILS = {
    ("debugContext", "debugData"): re.compile(r"debug_?context[._]debug_?data[._](.+)", re.IGNORECASE),
    ("actor", "detailEntry"): re.compile(r"actor[._]detail_?entry[._](.+)", re.IGNORECASE),
    ("transaction", "detail"): re.compile(r"transaction[._]detail[._](.+)", re.IGNORECASE),
}
_TARGET_DETAILS = re.compile(r"target(?:\{\})?(\d{0,3})[._]detail_?entry[._](.+)", re.IGNORECASE | re.ASCII)


@lru_cache(4096)
def place(name: str) -> Place | None:
    """Return where a column with Okta's name, in any spelling, belongs.

    >>> place("debug_context.debug_data.request_uri").path
    ('debugContext', 'debugData', 'requestUri')
    >>> place("target{}.alternateId")
    Place(path=('target',), node='', item=('alternateId',), position=None)
    """
    name = _ALSO.get(name, name)
    if known := _FIELDS.get(squash(name)):
        return Place(*known)
    for path, details in _DETAILS.items():
        if found := details.fullmatch(name):
            return Place((*path, *(_camel(found[1]).split(".") if "." in name else (found[1],))))
    if found := _TARGET_DETAILS.fullmatch(name):
        return Place(("target",), "", ("detailEntry", found[2]), int(found[1]) if found[1] else None)
    return _item(squash(name))


@lru_cache(4096)
def find(shape: Shape, column: str) -> Place | None:
    """Return where a column of a delivery belongs, or None where it is not Okta's."""
    if other := shape.others.get(column):
        return place(other)
    found = shape.okta.fullmatch(column)
    return place("".join(filter(None, found.groups()))) if found else None


def _item(name: str) -> Place | None:
    found = _ITEM.fullmatch(name)
    if found is None or found[3] not in _ITEMS[found[1]]:
        return None
    item, node = _ITEMS[found[1]][found[3]]
    return Place(_FIELDS[found[1]][0], node, item, int(found[2]) if found[2] else None)


def _camel(key: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), key)


_ALSO = {
    "request.ip_chain.geographical_context.geolocation.state": "request.ipChain.geographicalContext.state",
    "transaction_details": "transaction.detail",
}
_GEO = "client.geographicalContext."
_POINT = _GEO + "geolocation."
_DEBUG = "debugContext.debugData"

DOTTED = Shape(re.compile(r"(.+)"), {"timestamp": "published", "_time": "published"})
"""Okta's names with dots, in any spelling: the Admin Console's CSV, Splunk's columns, a flattened DataFrame."""

SENTINEL = Shape(
    re.compile(r"(.+?)(?:_[sdbtgl])?(?: \[UTC\])?"),
    {"TimeGenerated": "published", "TimeGenerated [UTC]": "published"},
)
"""Okta_CL, and what the function OktaSSO() makes of either table."""

SENTINEL_V2 = Shape(
    re.compile(r"(LegacyEventType|Version|Transaction.+|Request|(?:SecurityContext|AuthenticationContext).+)"),
    {
        "TimeGenerated": "published",
        "TimeGenerated [UTC]": "published",
        "EventOriginalUid": "uuid",
        "EventOriginalType": "eventType",
        "EventMessage": "displayMessage",
        "EventOriginalResultDetails": "outcome.reason",
        "OriginalOutcomeResult": "outcome.result",
        "OriginalSeverity": "severity",
        "OriginalTarget": "target",
        "OriginalUserId": "actor.id",
        "OriginalUserType": "actor.type",
        "OriginalActorAlternateId": "actor.alternateId",
        "ActorDisplayName": "actor.displayName",
        "ActorDetailEntry": "actor.detailEntry",
        "ActorSessionId": "authenticationContext.externalSessionId",
        "LogonMethod": "authenticationContext.credentialType",
        "OriginalClientDevice": "client.device",
        "SrcDvcId": "client.id",
        "SrcIpAddr": "client.ipAddress",
        "SrcZone": "client.zone",
        "HttpUserAgent": "client.userAgent.rawUserAgent",
        "ActingAppName": "client.userAgent.browser",
        "SrcDvcOs": "client.userAgent.os",
        "SrcGeoCity": _GEO + "city",
        "SrcGeoRegion": _GEO + "state",
        "SrcGeoCountry": _GEO + "country",
        "SrcGeoPostalCode": _GEO + "postalCode",
        "SrcGeoLatitude": _POINT + "lat",
        "SrcGeoLongtitude": _POINT + "lon",
        "SrcGeoLongitude": _POINT + "lon",
        "SrcIsp": "securityContext.isp",
        "DebugData": _DEBUG,
    },
)
"""OktaV2_CL; the misspelt longitude is Microsoft's."""

_ELASTIC_DEBUG = tuple(
    f"debug_context.debug_data.{key}"
    for key in (
        *("device_fingerprint", "dt_hash", "request_id", "request_uri", "threat_suspected", "url", "factor"),
        *("client_secret", "requested_scopes", "granted_scopes", "grant_type"),
    )
)
"""Debug data that the integration keeps under a name of its own as well."""

ELASTIC = Shape(
    re.compile(
        r"okta\.(debug_context\.debug_data\.)flattened\.(.+)|okta\.((?!debug_context|client\.ip$|security_context\.as\.).+)"
    ),
    {
        "okta.debug_context.debug_data.flattened": _DEBUG,
        "okta.client.ip": "client.ipAddress",
        "okta.security_context.as.number": "securityContext.asNumber",
        "okta.security_context.as.organization.name": "securityContext.asOrg",
        "client.ip": "client.ipAddress",
        "client.as.organization.name": "securityContext.asOrg",
        "client.domain": "securityContext.domain",
        "client.geo.city_name": _GEO + "city",
        "client.geo.region_name": _GEO + "state",
        "client.geo.country_name": _GEO + "country",
        "client.geo.postal_code": _GEO + "postalCode",
        "client.geo.location": _GEO + "geolocation",
        "client.geo.location.lat": _POINT + "lat",
        "client.geo.location.lon": _POINT + "lon",
        "user_agent.original": "client.userAgent.rawUserAgent",
        "@timestamp": "published",
        "event.id": "uuid",
        "event.action": "eventType",
        **{f"okta.{key}": key for key in _ELASTIC_DEBUG},
    },
    ", ",
)
"""The fields of the Okta integration, and what it adds of its own where Okta's are missing."""

OCSF = Shape(
    re.compile(r"unmapped\.(.+)"),
    {
        "metadata.uid": "uuid",
        "metadata.event_code": "eventType",
        "metadata.product.version": "version",
        "time_dt": "published",
        "time": "published",
        "message": "displayMessage",
        "actor.user.uid": "actor.id",
        "actor.user.name": "actor.displayName",
        "actor.user.email_addr": "actor.alternateId",
        "actor.session.uid": "authenticationContext.externalSessionId",
        "actor.session.issuer": "authenticationContext.issuer.id",
        "device.uid": "device.id",
        "device.name": "device.name",
        "http_request.user_agent": "client.userAgent.rawUserAgent",
        "http_request.uid": _DEBUG + ".requestId",
        "http_request.url.path": _DEBUG + ".url",
        "src_endpoint.ip": "client.ipAddress",
        "src_endpoint.domain": "securityContext.domain",
        "src_endpoint.type": "client.device",
        "src_endpoint.location.city": _GEO + "city",
        "src_endpoint.location.country": _GEO + "country",
        "src_endpoint.location.postal_code": _GEO + "postalCode",
        "src_endpoint.location.lat": _POINT + "lat",
        "src_endpoint.location.long": _POINT + "lon",
        "src_endpoint.location.isp": "securityContext.isp",
        "src_endpoint.autonomous_system.name": "securityContext.asOrg",
        "src_endpoint.autonomous_system.number": "securityContext.asNumber",
    },
)
"""The mapping AWS publishes; status, severity and user type are OCSF's own words and stay under their names."""

OWN = {
    column.name: column.path for column in COLUMNS if column.path and column.path[0] != "[" and "=" not in column.path
}
"""Our own events table."""

OWN_DERIVED = {
    "job_id": _DEBUG + ".jobId",
    "risk_level": "securityContext.risk.level",
    "detection_name": "securityContext.risk.detectionName",
    "feedback_label": _DEBUG + ".label",
    "feedback_reason": _DEBUG + ".reason",
}
"""What our table worked out of the debug data, for a table without them."""

_MARKS = ("eventtype", "eventtypes", "eventoriginaltype", "oktaeventtype", "eventaction", "metadataeventcode")
ORIGINALS = ("_raw", "event.original", "raw_data", "@message", "message")
"""Columns that may hold the original text of an event."""


def is_ours(header: list[str]) -> bool:
    """Return whether a table with this header may hold events.

    >>> is_ours(["timestamp", "event_type"]), is_ours(["_time", "_raw"]), is_ours(["name", "amount"])
    (True, True, False)
    """
    return any(squash(name) in _MARKS or name in ORIGINALS for name in header)
