"""Stories: patterns that are told step by step in their tables, for what public reports describe."""

from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import Any, Final

from ..schema import DOWNLOAD
from .activities import MINUTE, Pattern, batch, choose_job, office_login, start_export, use
from .days import Judge, console, detection, office, plant_feedback, sign_in, step
from .events import Record, make_event, new_session, user
from .people import AGENTS, PLACES, Login, Origin, Person, read_table

NETWORKS: Final = {row[0]: row for row in read_table("networks.csv")}


def tell(rng: Random, people: Sequence[Person], at: datetime, it: Pattern) -> list[Record]:
    """Return the events of a story's steps, each so many minutes after the moment `at`."""
    logins: dict[str, Login] = {}
    for name, words in it.logins.items():
        logins[name] = _login(rng, people, logins, *words)
    job, alarm, subject = choose_job(rng, it), Record(), people[0]
    events: list[Record] = []
    for minute, name, what, *more in it.steps:
        then, login = at + minute * MINUTE, logins[name]
        if what.endswith("detection"):
            alarm, subject = detection(rng, then, login, *more), login.person
            events += [] if what == "hidden detection" else [alarm]
        elif what == "feedback":
            events += plant_feedback(rng, alarm, subject, [Judge(then, login, *more)])[0]
        elif what == "request":
            events += start_export(rng, job, then, login)
        elif what == "download":
            events.append(step(rng, then, DOWNLOAD, login, job))
        else:
            events += _do(rng, then, login, what, [logins.get(one, one) for one in more])
    return events


def _do(rng: Random, at: datetime, login: Login, what: str, more: list[Any]) -> list[Record]:
    """Return a sign-in, the console, an app, a batch of exports, or an event of that type to somebody."""
    if what == "sign-in":
        return sign_in(rng, at, login)
    if what == "batch":
        return batch(rng, at, login, *more)
    if what in ("console", "app"):
        return [console(rng, at, login) if what == "console" else use(rng, at, login)]
    to, *outcome = more or [login]
    return [make_event(rng, at, what, login, target=user(to.person), outcome=(*outcome,) or ("SUCCESS", None))]


def _login(
    rng: Random, people: Sequence[Person], logins: dict[str, Login], who: int, where: str, agent: str, session: str = ""
) -> Login:
    """Return the login of a person of the story, with the address and the session of an earlier one where it names one.

    The agent "copied" has the user agent of the person's laptop, and is another machine.
    """
    person = people[who]
    own = office_login(rng, person).agent
    chosen = own._replace(name="stranger") if agent == "copied" else AGENTS.get(agent, own)
    origin = logins[where].origin if where in logins else _origin(rng, person, *where.split(" in "))
    sessions = {"": new_session(rng), "none": None, **{name: login.session for name, login in logins.items()}}
    return Login(person, origin, chosen, sessions[session])


def _origin(rng: Random, person: Person, network: str, city: str = "") -> Origin:
    """Return an address in a network, in a city or else where the person lives."""
    place = city or person.home
    if network == "office":
        return office(place)
    _, prefix, number, owner, tunnels, categories = NETWORKS[network]
    services, is_proxy = tuple(filter(None, [categories])), bool(categories)
    ip = f"{prefix}{rng.randint(100, 250)}"
    return Origin(ip, PLACES[place], int(number), owner, "null", is_proxy, tuple(filter(None, [tunnels])), services)
