"""The made-up company: people, places, networks, browsers and reports.

Everything here and in the tables beside it is invented, and every address, network and domain is reserved for
documentation.
"""

import csv
import hashlib
import string
from importlib.resources import files
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
    """A browser on a machine, and the name that it has here."""

    name: str
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


class ReportType(NamedTuple):
    """A kind of report: id in the log, name, its place in the web address, its columns."""

    id: str
    name: str
    path: str
    columns: str


class Job(NamedTuple):
    """One run of a report; `key` is how debugData spells the id, empty for a run that has none."""

    id: str
    key: str
    report: ReportType
    filter: str | None = None

    @property
    def debug(self) -> dict[str, str]:
        """Return what debugData says about the run."""
        return {self.key: self.id} if self.key else {}


def read_table(name: str) -> list[list[str]]:
    """Return the rows of a table of this folder, without its head."""
    with (files(__package__) / name).open(encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


PLACES: Final = {
    city: Place(city, state, country, code, float(lat), float(lon), int(offset))
    for city, state, country, code, lat, lon, offset in read_table("places.csv")
}
OFFICES: Final = ("Oslo", "Berlin", "New York", "Singapore")
REPORTS: Final = tuple(ReportType(*row) for row in read_table("reports.csv"))
AGENTS: Final = {row[0]: Agent(*row) for row in read_table("agents.csv")}
LAPTOPS: Final = tuple(AGENTS[name] for name in ("chrome", "edge", "safari"))
BASE62: Final = string.digits + string.ascii_letters
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
