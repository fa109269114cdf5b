"""What a delivery says of itself: whose events it carries, and when it received them. Okta's events say neither.

Only fields are read whose meaning is documented where they come from; one that cannot be read says nothing.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

import msgspec

from ..schema import SENTINELS

T = TypeVar("T")


class Delivery(NamedTuple):
    """The organization that a delivery is from, and the moment when it received an event."""

    organization: str | None = None
    received: datetime | None = None


SILENT = Delivery()
_RECEIVED = (
    "_indextime",  # Splunk
    *("ingestionTime", "@ingestionTime"),  # CloudWatch Logs: its events, its Insights
    "event.ingested",  # Elastic
    *("_TimeReceived", "_TimeReceived [UTC]"),  # Azure Monitor
    "p_parse_time",  # Panther
    "observedTimeUnixNano",  # OpenTelemetry
    *(f"metadata.{name}_time{form}" for name in ("logged", "processed") for form in ("_dt", "")),  # OCSF
)
_OUTER = {
    path: path.partition(".")[0]
    for path in ("source", "sourcetype", "metadata.tenant_uid", "resource.attributes", *_RECEIVED)
}
_TELLING = {*_OUTER, *_OUTER.values()}
_SOURCE = re.compile(r"aws\.partner/okta\.com/([^/]+)(?:/.*)?|https?://([^/]+)/api/v1/eventHooks/.+")
_EPOCH = re.compile(r"(\d{10})(\d{3}|\d{6}|\d{9})?(?:\.\d+)?", re.ASCII)


def read_delivery(value: dict[str, Any]) -> Delivery:
    """Return what one layer of an envelope, or a row, says about its delivery.

    >>> read_delivery({"source": "aws.partner/okta.com/example/log", "ingestionTime": 1772438400000})
    Delivery(organization='example', received=datetime.datetime(2026, 3, 2, 8, 0, tzinfo=datetime.timezone.utc))
    """
    if _TELLING.isdisjoint(value):
        return SILENT
    source = value.get("source")
    found = _SOURCE.fullmatch(source) if isinstance(source, str) else None
    names = found.groups() if found else (_domain(value), _splunk_host(value), _at(value, "metadata.tenant_uid"))
    times = [_at(value, name) for name in _RECEIVED if name in value or _OUTER[name] in value]
    times += [value.get("eventTime")] if found and found[2] else []
    return Delivery(_first(read_organization, names), _first(read_moment, times))


def _first(read: Callable[[Any], T | None], values: Iterable[Any]) -> T | None:
    return next((found for value in values if (found := read(value))), None)


def read_moment(value: Any) -> datetime | None:
    """Return a time that is given as ISO 8601, in UTC if it names no zone, or in seconds since 1970 or parts of them.

    >>> read_moment("1772438400.5") == read_moment("2026-03-02T08:00:00.500Z") == read_moment(1772438400500)
    True
    """
    try:
        text = str(value).strip()
        if found := _EPOCH.fullmatch(text):
            return datetime.fromtimestamp(float(text) / 10 ** len(found[2] or ""), UTC)
        moment = msgspec.convert(text, datetime)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def read_organization(name: Any) -> str | None:
    """Return an organization by its name below okta.com, or by its whole domain elsewhere.

    >>> read_organization("https://example.okta.com/"), read_organization("login.example.com")
    ('example', 'login.example.com')
    """
    host = re.sub(r"^https?://|\.?[/:].*|\.$", "", name.strip(), flags=re.IGNORECASE) if isinstance(name, str) else ""
    found = host.lower().removesuffix(".okta.com") if "." in host else host
    return None if found.lower() in SENTINELS else found


def _domain(value: dict[str, Any]) -> Any:
    """Return what a receiver of OpenTelemetry notes about the resource that it asked."""
    attributes = _at(value, "resource.attributes")
    pairs = [item for item in attributes if isinstance(item, dict)] if isinstance(attributes, list) else []
    return next((_at(item, "value.stringValue") for item in pairs if item.get("key") == "okta.domain"), None)


def _splunk_host(value: dict[str, Any]) -> Any:
    """Return the host of an event from Okta's add-on, which is by default the domain that it asked."""
    host = value.get("host")
    return host if str(value.get("sourcetype")).startswith("OktaIM2:") and "." in str(host) else None


def _at(value: dict[str, Any], path: str) -> Any:
    """Return what stands under a dotted name, or one level down; a list of one is that one."""
    outer, _, inner = path.partition(".")
    inside = value.get(outer)
    found = inside.get(inner) if inner and isinstance(inside, dict) else value.get(path)
    return found[0] if isinstance(found, list) and len(found) == 1 and not isinstance(found[0], dict) else found
