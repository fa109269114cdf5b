"""The made-up company: people, places, networks, browsers and reports.

Everything here is invented, and every address, network and domain is reserved for documentation.
"""

import hashlib
import string
from random import Random
from typing import Final, NamedTuple


class Place(NamedTuple):
    """A city as the log shows it, and its distance from UTC in hours."""

    city: str
    state: str
    country: str
    postal_code: str
    lat: float
    lon: float
    utc_offset: int


class Origin(NamedTuple):
    """An address, who runs it and what is known about it as a proxy; `categories` and `tunnels` name services."""

    ip: str
    place: Place
    as_number: int
    as_org: str
    zone: str = "null"
    is_proxy: bool | None = False
    tunnels: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class Agent(NamedTuple):
    """A browser on a machine."""

    browser: str
    os: str
    device: str
    raw: str


class Person(NamedTuple):
    """An account: the id that never changes, login, shown name, home city, may it open the Admin Console."""

    id: str
    login: str
    name: str
    home: str
    is_admin: bool


class Login(NamedTuple):
    """Somebody at some address with some browser in some session."""

    person: Person
    origin: Origin
    agent: Agent
    session: str | None


class Report(NamedTuple):
    """A kind of report: id in the log, name, its place in the web address, its columns."""

    id: str
    name: str
    path: str
    columns: str


class Job(NamedTuple):
    """One run of a report; `key` is how debugData spells the id, empty for a run that has none."""

    id: str
    key: str
    report: Report
    filter: str | None = None

    @property
    def debug(self) -> dict[str, str]:
        """Return what debugData says about the run."""
        return {self.key: self.id} if self.key else {}


PLACES: Final = {
    place.city: place
    for place in (
        Place("Oslo", "Oslo", "Norway", "0150", 59.9139, 10.7522, 1),
        Place("Berlin", "Land Berlin", "Germany", "10115", 52.52, 13.405, 1),
        Place("New York", "New York", "United States", "10001", 40.7128, -74.006, -5),
        Place("Singapore", "Central Singapore", "Singapore", "018956", 1.3521, 103.8198, 8),
        Place("Bucharest", "Bucuresti", "Romania", "010011", 44.4268, 26.1025, 2),
        Place("São Paulo", "Sao Paulo", "Brazil", "01001-000", -23.5505, -46.6333, -3),
        Place("Lisbon", "Lisbon", "Portugal", "1100-148", 38.7223, -9.1393, 0),
    )
}
OFFICES: Final = ("Oslo", "Berlin", "New York", "Singapore")
REPORTS: Final = (
    Report("mfa", "MFA Usage", "user/mfa", "user.login,factor.type,factor.enrolled,factor.lastUsed"),
    Report("password-health", "Okta Password Health", "password-health", "user.login,user.status,user.passwordChanged"),
    Report("current-assignments", "Current Assignments", "app/access", "user.login,app.name,assignment.type"),
    Report("okta-usage", "Okta Usage", "okta-usage", "user.login,user.lastLogin"),
    Report("user-accounts", "User Accounts", "user-accounts", "user.login,user.firstName,user.status"),
)
_CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36"
)
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.3"
LAPTOPS: Final = (
    Agent("CHROME", "Windows 10", "Computer", _CHROME),
    Agent("CHROMIUM_EDGE", "Windows 10", "Computer", f"{_CHROME} Edg/145.0.0.0"),
    Agent(
        "SAFARI", "Mac OS X", "Computer", f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Safari/605.1.15"
    ),
)
PHONE: Final = Agent(
    "SAFARI", "iOS", "Mobile", f"Mozilla/5.0 (iPhone; CPU iPhone OS 19_3 like Mac OS X) {_SAFARI} Mobile/15E148"
)
STRANGER: Final = Agent(
    "FIREFOX", "Linux", "Computer", "Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0"
)
KIOSK: Final = Agent(
    "CHROME", "Chrome OS", "Computer", _CHROME.replace("Windows NT 10.0; Win64; x64", "X11; CrOS x86_64")
)
SCRIPT: Final = Agent("UNKNOWN", "Unknown", "Unknown", "python-requests/2.33.1")
OKTA: Final = Agent("UNKNOWN", "Unknown", "Unknown", "Okta-Integrations")
BASE62 = string.digits + string.ascii_letters
_FIRST: Final = "Ada Bao Carla Dag Elif Farid Greta Hugo Ines Jonas Kaya Lena Marek Nadia Omar Petra Rosa Sven Tara"
_LAST: Final = "Aas Brandt Costa Dahl Evans Fischer Garcia Holm Jansen Kim Larsen Moreau Novak Olsen Park Reed Tan"


def stable_id(prefix: str, text: str) -> str:
    """Return the 20-character id that belongs to `text`, the same in every log."""
    number = int.from_bytes(hashlib.sha256(f"{prefix}|{text}".encode()).digest())
    return prefix + "".join(BASE62[number // 62**place % 62] for place in range(20 - len(prefix)))


def staff(rng: Random, size: int) -> list[Person]:
    """Return `size` people spread over the offices, beyond 323 with numbers; the first six, or a sixth, are admins."""
    rounds = ("", *map(str, range(2, 2 + (size - 1) // 323)))
    names = [f"{first} {last}{more}" for more in rounds for first in _FIRST.split() for last in _LAST.split()]
    people = []
    for number, name in enumerate(rng.sample(names, size)):
        login = f"{name.lower().replace(' ', '.')}@example.com"
        home, is_admin = OFFICES[number % len(OFFICES)], number < max(6, size // 6)
        people.append(Person(stable_id("00u", login), login, name, home, is_admin))
    return people
