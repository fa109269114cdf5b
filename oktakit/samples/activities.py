"""What is planted in ordinary days: exports and hijacks with the truth about them, and the activities of patterns.

Truth is written down from what was planted, never from what an analysis found. A malicious pattern and its benign twin
have one activity: people, times and reports come from the same chance, and what tells the two apart differs.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from ..schema import DOWNLOAD, GENERATE, REQUEST
from .days import Facts, Planted, console, detection, mail, minutes, office, sign_in, step
from .events import CONTEXT, RISK, Record, app, device_hash, make_event, new_job, new_session, user
from .people import AGENTS, LAPTOPS, PLACES, REPORTS, Job, Login, Origin, Person

DAY: Final = timedelta(days=1)
MINUTE: Final = timedelta(minutes=1)
FLOW_HASH: Final = sha256(b"flow").hexdigest()
Act = tuple[datetime, Login]
"""When somebody does something, in which session."""


def enter(rng: Random, at: datetime, login: Login, *, opened: bool = True) -> list[Record]:
    """Return a sign-in and, if it is `opened`, the opening of the Admin Console, shortly before the moment `at`."""
    events = [*sign_in(rng, at - minutes(rng, 6, 20), login), console(rng, at - minutes(rng, 2, 5), login)]
    return events if opened else events[:-1]


def at_console(rng: Random, at: datetime, person: Person) -> tuple[Login, list[Record]]:
    """Return a session in the office at home, and its events up to the Admin Console."""
    login = Login(person, office(person.home), LAPTOPS[0], new_session(rng))
    return login, enter(rng, at, login)


def start_export(rng: Random, job: Job, at: datetime, login: Login) -> list[Record]:
    """Return the request for a report, its generation some minutes later, and the mail that announces it."""
    made_at = at + minutes(rng, 4, 9)
    events = [step(rng, at, REQUEST, login, job, scope=True), step(rng, made_at, GENERATE, None, job)]
    return [*events, mail(rng, made_at, login.person)]


def plant_export(rng: Random, job: Job, asked: Act, *taken: Act) -> Planted:
    """Return a report that is asked for, made as a job, announced by mail, and collected once or more."""
    (asked_at, asker), (first_at, taker) = asked, taken[0]
    start = start_export(rng, job, asked_at, asker)
    made_at = datetime.fromisoformat(start[1]["published"])
    collected = [step(rng, at, DOWNLOAD, login, job) for at, login in taken]
    uuids = dict(zip(("request", "generate", "mail"), (event["uuid"] for event in start), strict=True))
    facts = {
        "kind": "export",
        "benign": asker.agent.name != "stranger",
        "job_id": job.id,
        "report_id": job.report.id,
        "report_name": job.report.name,
        "export_columns": job.report.columns,
        "export_filter": job.filter,
        **who("requested", asker),
        **who("downloaded", taker),
        "downloads": len(taken),
        "taken_by_other": taker.person != asker.person,
        **dict.fromkeys(("generated_linked_by", "downloaded_linked_by"), "job_id"),
        "downloaded_confidence": "exact",
        "request_to_generate_seconds": (made_at - asked_at).total_seconds(),
        "generate_to_download_seconds": (first_at - made_at).total_seconds(),
        "request_to_download_seconds": (first_at - asked_at).total_seconds(),
        "uuids": {**uuids, "downloads": [event["uuid"] for event in collected]},
    }
    return start + collected, facts


def who(step: str, login: Login) -> Facts:
    """Return who took a step of an export, from where, in which session."""
    person, origin, _, session = login
    facts = {
        "by": person.login,
        "by_id": person.id,
        "from": origin.ip,
        "country": origin.place.country,
        "is_proxy": origin.is_proxy,
        "proxy_services": [*origin.tunnels, *origin.categories],
        "session": session,
        "dt_hash": device_hash(login),
    }
    return {f"{step}_{name}": value for name, value in facts.items()}


def plant_hijack(rng: Random, at: datetime, owner: Login, thief: Login) -> Planted:
    """Return what Okta notices when `thief` uses the session of `owner`: the change, the risk, the policy."""
    trace = {"traceId": f"{rng.getrandbits(128):032x}"}
    moved = {"previousIpAddress": owner.origin.ip, "newIpAddress": thief.origin.ip, "causes": "[ipAddress.change]"}
    change = detection(rng, at, thief, "HIGH", CONTEXT, {**moved, **trace})
    risk = detection(rng, at + timedelta(seconds=2), thief, "HIGH", RISK, trace)
    then = at + timedelta(seconds=3)
    policy = make_event(rng, then, "policy.entity_risk.evaluate", None, target=user(owner.person), debug=trace)
    facts = {
        "kind": "hijack",
        "user": owner.person.login,
        "user_id": owner.person.id,
        "session": owner.session,
        "countries": [owner.origin.place.country, thief.origin.place.country],
        "ip_addresses": [owner.origin.ip, thief.origin.ip],
        "risk_level": "HIGH",
        "admin_console_opened": False,
        "uuids": {"context_change": change["uuid"], "detection": risk["uuid"], "policy": policy["uuid"]},
    }
    return [change, risk, policy], facts


class Pattern(NamedTuple):
    """A table of patterns.toml: the activity, is it malicious, and for which questions the answer is not a plain no.

    `open` are questions that the planted facts do not decide. `people` take part, from a local `hour` on. `traits` are
    words: loud is a sensitive report without a filter, far far from home, proxy a server known as one, vpn one that is
    used every day, away a journey before. `agent` is the browser of a benign person if it is not their own. The first
    person works from an hour `begins` and a day `first` on, and has so many export `runs` in each of three weeks.
    `logins`, `steps` and `signs` are those of stories.toml.
    """

    plant: str = "tell"
    malicious: bool = False
    people: int = 1
    hour: int = 11
    yes: str = ""
    open: str = ""
    unknown: str = ""
    traits: str = ""
    agent: str = ""
    begins: int = 8
    first: int = 0
    runs: int = 1
    signs: str = ""
    logins: Mapping[str, Sequence[Any]] = MappingProxyType({})
    steps: Sequence[Sequence[Any]] = ()


def office_login(rng: Random, person: Person) -> Login:
    """Return a new session in the office at home, with the person's own laptop."""
    return Login(person, office(person.home), LAPTOPS[len(person.name) % 3], new_session(rng))


def over_vpn(login: Login) -> Login:
    """Return a session that goes on over its owner's private VPN, in the city where they live."""
    home = PLACES[login.person.home]
    return login._replace(origin=Origin("203.0.113.50", home, 64507, "Example Tunnels", tunnels=("VPN",)))


def use(rng: Random, at: datetime, login: Login) -> Record:
    """Return the event of somebody opening an app."""
    return make_event(rng, at, "user.authentication.sso", login, target=app("Example Wiki"))


def batch(rng: Random, at: datetime, login: Login, runs: int) -> list[Record]:
    """Return so many different reports, asked for two minutes apart and each collected twelve minutes later."""
    starts = [(at + 2 * run * MINUTE, new_job(rng, REPORTS[run % len(REPORTS)])) for run in range(runs)]
    made = [plant_export(rng, job, (start, login), (start + 12 * MINUTE, login))[0] for start, job in starts]
    return [event for events in made for event in events]


def _far(person: Person) -> str:
    return "New York" if person.home == "Singapore" else "Singapore"


def _server(rng: Random, city: str, proxy: bool = False) -> Origin:
    """Return a rented server in a city."""
    ip, services = f"203.0.113.{rng.randint(100, 250)}", ("Proxy",) if proxy else ()
    return Origin(ip, PLACES[city], 64508, "Example Hosting", is_proxy=proxy, categories=services)


def _login(rng: Random, person: Person, it: Pattern) -> Login:
    """Return a session in an office, or a stranger's on a server in the same city."""
    city = _far(person) if "far" in it.traits else person.home
    at_work, server = office_login(rng, person)._replace(origin=office(city)), _server(rng, city, "proxy" in it.traits)
    if it.malicious:
        return at_work._replace(origin=server, agent=AGENTS["stranger"])
    return at_work._replace(agent=AGENTS.get(it.agent, at_work.agent))


def choose_job(rng: Random, it: Pattern) -> Job:
    """Return a run of a sensitive report without a filter, or of a harmless one with a filter."""
    job = new_job(rng, REPORTS[1 if "loud" in it.traits else 3])
    return job._replace(filter=None if "loud" in it.traits else 'user.status eq "ACTIVE"')


def _alone(rng: Random, at: datetime, login: Login, it: Pattern) -> list[Record]:
    """Return an export that somebody collects themselves, from sign-in to download; a thief needs no Admin Console."""
    entered = enter(rng, at, login, opened=not it.malicious)
    return entered + plant_export(rng, choose_job(rng, it), (at, login), (at + 12 * MINUTE, login))[0]


def export_own(rng: Random, people: Sequence[Person], at: datetime, it: Pattern) -> list[Record]:
    """Return exports by people for themselves, minutes apart: in an office, or by a stranger from one server."""
    logins = [_login(rng, person, it) for person in people]
    shared = [login._replace(origin=logins[0].origin) for login in logins]
    return [one for run, login in enumerate(shared) for one in _alone(rng, at + 4 * run * MINUTE, login, it)]


def move_session(rng: Random, people: Sequence[Person], at: datetime, it: Pattern) -> list[Record]:
    """Return a session that goes on elsewhere: over its owner's VPN, or with a stranger abroad, whom Okta notices."""
    owner, server = office_login(rng, people[0]), _server(rng, "Bucharest")
    moved = owner._replace(origin=server, agent=AGENTS["stranger"]) if it.malicious else over_vpn(owner)
    alarm = plant_hijack(rng, at - 8 * MINUTE, owner, moved)[0] if it.malicious else []
    entered = enter(rng, at - 60 * MINUTE, owner, opened=not it.malicious)
    used = [use(rng, at + gap * MINUTE, who) for gap, who in ((-20, owner), (-7, moved), (15, moved), (40, owner))]
    return [*entered, *used, *alarm, *plant_export(rng, choose_job(rng, it), (at, moved), (at + 12 * MINUTE, moved))[0]]


def send_program(rng: Random, people: Sequence[Person], at: datetime, it: Pattern) -> list[Record]:
    """Return a session that a program uses, too: Okta's own, or a script that collects the report.

    Before, what is no theft either: an OAuth flow with a device hash of its own, the same address placed elsewhere.
    """
    owner = office_login(rng, people[0])
    cloud = Origin(_server(rng, "Lisbon").ip, PLACES[_far(people[0])], 64509, "Example Cloud")
    program = owner._replace(origin=cloud, agent=AGENTS["script" if it.malicious else "okta"])
    wiki, data = app("Example Wiki"), {"dtHash": FLOW_HASH}
    flow = make_event(rng, at + 2 * MINUTE, "app.oauth2.authorize.code", owner, target=wiki, debug=data)
    placed = use(rng, at + 4 * MINUTE, owner._replace(origin=owner.origin._replace(place=PLACES["Lisbon"])))
    used = use(rng, at + 10 * MINUTE, program)
    done = plant_export(rng, choose_job(rng, it), (at, owner), (at + 12 * MINUTE, program if it.malicious else owner))[
        0
    ]
    return [*enter(rng, at, owner), flow, placed, used, *done]
