"""A System Log event as Okta documents it.

`outline` takes the bytes of an event that has only these fields and refuses everything else; parts that many events
share are decoded where they are used. `repair.py` reads what does not fit.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

Text = str | None
Loose = str | int | None
"""Text that is delivered as a number now and then, by Okta itself."""
Bool = bool | None
Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None
"""A number that a table column can hold; larger ones are flagged, never rounded."""
Details = dict[str, Any] | None


class _Part(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What all parts of an event have in common: optional fields under Okta's names, and no others."""


class Geolocation(_Part):
    """Coordinates in degrees."""

    lat: float | None = None
    lon: float | None = None


class Geo(_Part):
    """Where an address is thought to be."""

    city: Text = None
    state: Text = None
    country: Text = None
    postal_code: Loose = None
    geolocation: Geolocation | None = None


class Actor(_Part):
    """Who did it."""

    id: Text = None
    type: Text = None
    alternate_id: Text = None
    display_name: Text = None
    detail_entry: Details = None


class UserAgent(_Part):
    """What the client says about itself."""

    raw_user_agent: Text = None
    os: Text = None
    browser: Text = None


class IpCategory(_Part):
    """One service that an address is known for."""

    type: Text = None
    operator: Text = None
    is_anonymous: Bool = None


class IpDetails(_Part):
    """What is known about an address."""

    as_number: Whole = None
    as_org: Text = None
    isp: Text = None
    domain: Text = None
    ip_service_categories: list[IpCategory] | None = None

    def __post_init__(self) -> None:
        """Take no services for none named, as the tolerant path does."""
        self.ip_service_categories = self.ip_service_categories or None


class Hop(_Part):
    """One address that the request came through."""

    ip: Text = None
    version: Text = None
    source: Text = None
    geographical_context: Geo | None = None
    ip_details: IpDetails | None = None


class Client(_Part):
    """From where it was done."""

    user_agent: UserAgent | None = None
    zone: Text = None
    device: Text = None
    id: Text = None
    ip_address: Text = None
    geographical_context: Geo | None = None
    ip_chain: list[Hop] | None = None


class Device(_Part):
    """The enrolled device."""

    id: Text = None
    name: Text = None
    os_platform: Text = None
    os_version: Text = None
    platform: Text = None
    managed: Bool = None
    registered: Bool = None
    device_integrator: Any = None
    disk_encryption_type: Text = None
    screen_lock_type: Text = None
    jailbreak: Bool = None
    secure_hardware_present: Bool = None


class Issuer(_Part):
    """Who vouched for the sign-in."""

    id: Text = None
    type: Text = None


class Authentication(_Part):
    """How the actor had signed in."""

    authentication_provider: Text = None
    credential_provider: Text = None
    credential_type: Text = None
    issuer: Issuer | None = None
    interface: Text = None
    authentication_step: Loose = None
    external_session_id: Text = None
    root_session_id: Text = None
    authenticator_context: Details = None


class Outcome(_Part):
    """How it ended."""

    result: Text = None
    reason: Text = None


class Risk(_Part):
    """How risky Okta thought it was."""

    level: Text = None
    previous_level: Text = None
    reasons: list[Any] | None = None
    detection_name: Text = None
    issuer: Any = None

    def __post_init__(self) -> None:
        """Take no reasons for none named, as the tolerant path does."""
        self.reasons = self.reasons or None


class Security(_Part):
    """What is known about the address and the risk."""

    as_number: Whole = None
    as_org: Text = None
    isp: Text = None
    domain: Text = None
    is_proxy: Bool = None
    ip_details: IpDetails | None = None
    risk: Risk | None = None
    user_behaviors: list[Any] | None = None
    bot_protection: Details = None


class Transaction(_Part):
    """The operation it belongs to."""

    type: Text = None
    id: Text = None
    detail: Details = None


class Request(_Part):
    """How the request travelled."""

    ip_chain: list[Hop] | None = None


class Debug(_Part):
    """Everything else Okta noted."""

    debug_data: Details = None


class Target(_Part):
    """What it was done to."""

    id: Text = None
    type: Text = None
    alternate_id: Text = None
    display_name: Text = None
    detail_entry: Details = None
    change_details: Details = None


class Event(_Part):
    """One event of the System Log."""

    uuid: str
    event_type: str
    published: Annotated[datetime, Meta(tz=True)] | None = None
    version: Loose = None
    severity: Text = None
    legacy_event_type: Text = None
    display_message: Text = None
    actor: Actor | None = None
    client: Client | None = None
    device: Device | None = None
    authentication_context: Authentication | None = None
    outcome: Outcome | None = None
    security_context: Security | None = None
    debug_context: Debug | None = None
    transaction: Transaction | None = None
    request: Request | None = None
    target: list[Target] | None = None


class _Exact(Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """What comes out again as it went in: a field that is not there (UNSET) is not the same as null."""


class _Issuer(_Exact):
    id: Text | UnsetType = UNSET
    type: Text | UnsetType = UNSET


class _Session(_Exact):
    authentication_provider: Text | UnsetType = UNSET
    credential_provider: Text | UnsetType = UNSET
    credential_type: Text | UnsetType = UNSET
    interface: Text | UnsetType = UNSET
    issuer: _Issuer | UnsetType | None = UNSET
    authentication_step: Loose | UnsetType = UNSET
    external_session_id: Text | UnsetType = UNSET
    root_session_id: Text | UnsetType = UNSET
    authenticator_context: dict[str, Raw] | UnsetType | None = UNSET


class _Operation(_Exact):
    type: Text | UnsetType = UNSET
    id: Text | UnsetType = UNSET
    detail: dict[str, Raw] | UnsetType | None = UNSET


class _Noted(_Exact):
    debug_data: dict[str, Text] | UnsetType | None = UNSET  # on the wire, every value is text


class Outline(_Exact, kw_only=True):
    """An event in the form in which it is read fastest: parts that many events share are still text."""

    actor: Raw | UnsetType = UNSET
    client: Raw | UnsetType = UNSET
    device: Raw | UnsetType = UNSET
    authentication_context: _Session | UnsetType | None = UNSET
    display_message: Text | UnsetType = UNSET
    event_type: str
    outcome: Raw | UnsetType = UNSET
    published: Text | UnsetType = UNSET
    security_context: Raw | UnsetType = UNSET
    severity: Text | UnsetType = UNSET
    debug_context: _Noted | UnsetType | None = UNSET
    legacy_event_type: Text | UnsetType = UNSET
    transaction: _Operation | UnsetType | None = UNSET
    uuid: str
    version: Loose | UnsetType = UNSET
    request: Raw | UnsetType = UNSET
    target: Raw | UnsetType = UNSET


outline = msgspec.json.Decoder(Outline).decode
outlines = msgspec.json.Decoder(Outline).decode_lines


def compact(value: Any) -> str:
    """Return `value` as JSON text in one form: no blanks, no fields that are missing, the keys in their order.

    >>> compact([Target(id="mfa", type="Report")])
    '[{"id":"mfa","type":"Report"}]'
    """
    return msgspec.json.encode(value).decode()
