"""What is done in a guilty pattern and in its innocent twin: each function plants one or the other.

Both come from the same chance: people, times and reports are the same, and what tells them apart differs.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Final, NamedTuple

from .cast import LAPTOPS, OKTA, PLACES, REPORTS, SCRIPT, STRANGER, Agent, Job, Login, Origin, Person
from .ordinary import START_DAY, Judge, detection, minutes, office, plant_feedback
from .stories import DAY, enter, plant_export, plant_hijack
from .synth import APP, CHANGES, OAUTH, Event, app, make_event, new_job, new_session, user

MINUTE: Final = timedelta(minutes=1)
FLOW_HASH: Final = sha256(b"flow").hexdigest()


class Deed(NamedTuple):
    """The events of a deed, and the uuids of the downloads or feedback that it is about."""

    events: list[Event]
    subjects: list[str]


class Plot(NamedTuple):
    """One deed: who plants it, for which people, on which day, at which local hour; is it guilty.

    `loud` is a sensitive report without a filter, `far` far from home, `proxy` a server known as a proxy, `agent` the
    browser of an innocent if it is not his own, `hidden` a detection that the log does not show.
    """

    plant: Callable[[Random, Sequence[Person], int, "Plot"], Deed]
    guilty: bool
    people: int = 1
    hour: int = 11
    loud: bool = False
    far: bool = False
    proxy: bool = False
    agent: Agent | None = None
    hidden: bool = False


def moment(rng: Random, person: Person, day: int, hour: int) -> datetime:
    """Return a moment in the first half of an hour, told by the clock where the person lives."""
    return START_DAY + timedelta(days=day, hours=hour - PLACES[person.home].utc_offset) + minutes(rng, 0, 30)


def own(rng: Random, person: Person) -> Login:
    """Return a new session in the office at home, with the person's own laptop."""
    return Login(person, office(person.home), LAPTOPS[len(person.name) % 3], new_session(rng))


def vpn(person: Person) -> Origin:
    """Return the private VPN of a person, in the city where he lives."""
    return Origin("203.0.113.50", PLACES[person.home], 64507, "Example Tunnels", tunnels=("VPN",))


def use(rng: Random, at: datetime, login: Login) -> Event:
    """Return the event of somebody opening an app."""
    return make_event(rng, at, APP, login, target=app("Example Wiki"))


def batch(rng: Random, at: datetime, login: Login, runs: int) -> Deed:
    """Return so many different reports, asked for two minutes apart and each collected twelve minutes later."""
    starts = [(at + 2 * run * MINUTE, new_job(rng, REPORTS[run % len(REPORTS)])) for run in range(runs)]
    return _together([_export(rng, job, (start, login), (start + 12 * MINUTE, login)) for start, job in starts])


def _together(deeds: Sequence[Deed]) -> Deed:
    return Deed([one for deed in deeds for one in deed.events], [one for deed in deeds for one in deed.subjects])


def _far(person: Person) -> str:
    return "New York" if person.home == "Singapore" else "Singapore"


def _server(rng: Random, city: str, proxy: bool = False) -> Origin:
    """Return a rented server in a city."""
    ip, services = f"203.0.113.{rng.randint(100, 250)}", ("Proxy",) if proxy else ()
    return Origin(ip, PLACES[city], 64508, "Example Hosting", is_proxy=proxy, categories=services)


def _login(rng: Random, person: Person, plot: Plot) -> Login:
    """Return a session in an office, or a stranger's on a server in the same city."""
    city = _far(person) if plot.far else person.home
    at_work, server = own(rng, person)._replace(origin=office(city)), _server(rng, city, plot.proxy)
    if plot.guilty:
        return at_work._replace(origin=server, agent=STRANGER)
    return at_work._replace(agent=plot.agent or at_work.agent)


def _job(rng: Random, plot: Plot) -> Job:
    """Return a run of a sensitive report without a filter, or of a harmless one with a filter."""
    job = new_job(rng, REPORTS[1 if plot.loud else 3])
    return job._replace(filter=None if plot.loud else 'user.status eq "ACTIVE"')


def _export(rng: Random, job: Job, asked: tuple[datetime, Login], *taken: tuple[datetime, Login]) -> Deed:
    """Return a report that is asked for and collected; the deed is the last download."""
    events, facts = plant_export(rng, job, asked, taken, innocent=True)
    return Deed(events, facts["uuids"]["downloads"][-1:])


def _alone(rng: Random, at: datetime, login: Login, plot: Plot) -> Deed:
    """Return an export of somebody's own, from sign-in to download; a thief needs no Admin Console."""
    entered = enter(rng, at, login, opened=not plot.guilty)
    done = _export(rng, _job(rng, plot), (at, login), (at + 12 * MINUTE, login))
    return Deed(entered + done.events, done.subjects)


def export_own(rng: Random, people: Sequence[Person], day: int, plot: Plot) -> Deed:
    """Return exports by people for themselves, minutes apart: in an office, or by a stranger from one server."""
    at, logins = moment(rng, people[0], day, plot.hour), [_login(rng, person, plot) for person in people]
    shared = [login._replace(origin=logins[0].origin) for login in logins]
    return _together([_alone(rng, at + 4 * run * MINUTE, login, plot) for run, login in enumerate(shared)])


def export_many(rng: Random, people: Sequence[Person], day: int, plot: Plot) -> Deed:
    """Return six exports at once."""
    at, login = moment(rng, people[0], day, plot.hour), _login(rng, people[0], plot)
    done = batch(rng, at, login, 6)
    return Deed(enter(rng, at, login, opened=not plot.guilty) + done.events, done.subjects)


def collect_for_other(rng: Random, people: Sequence[Person], day: int, plot: Plot) -> Deed:
    """Return a report taken by somebody else: a colleague in the office, or his account through a proxy abroad."""
    at, after, asking = moment(rng, people[0], day, plot.hour), minutes(rng, 90, 150), own(rng, people[0])
    taking = _login(rng, people[1], plot._replace(far=plot.guilty))
    entered = enter(rng, at, asking) + enter(rng, at + after, taking, opened=not plot.guilty)
    done = _export(rng, _job(rng, plot), (at, asking), (at + after, taking))
    return Deed(entered + done.events, done.subjects)


def collect_again(rng: Random, people: Sequence[Person], day: int, plot: Plot) -> Deed:
    """Return a report that the same account collects once more the next day."""
    at, first, later = moment(rng, people[0], day, plot.hour), own(rng, people[0]), _login(rng, people[0], plot)
    entered = enter(rng, at, first) + enter(rng, at + DAY, later, opened=not plot.guilty)
    done = _export(rng, _job(rng, plot), (at, first), (at + 12 * MINUTE, first), (at + DAY, later))
    return Deed(entered + done.events, done.subjects)


def move_session(rng: Random, people: Sequence[Person], day: int, plot: Plot) -> Deed:
    """Return a session that goes on elsewhere: over its owner's VPN, or with a stranger abroad, whom Okta notices."""
    at, owner, server = moment(rng, people[0], day, plot.hour), own(rng, people[0]), _server(rng, "Bucharest")
    moved = owner._replace(origin=server, agent=STRANGER) if plot.guilty else owner._replace(origin=vpn(people[0]))
    alarm = plant_hijack(rng, at - 8 * MINUTE, owner, moved)[0] if plot.guilty else []
    entered = enter(rng, at - 60 * MINUTE, owner, opened=not plot.guilty)
    used = [use(rng, at + gap * MINUTE, who) for gap, who in ((-20, owner), (-7, moved), (15, moved), (40, owner))]
    done = _export(rng, _job(rng, plot), (at, moved), (at + 12 * MINUTE, moved))
    return Deed([*entered, *used, *alarm, *done.events], done.subjects)


def send_program(rng: Random, people: Sequence[Person], day: int, plot: Plot) -> Deed:
    """Return a session that a program uses, too: Okta's own, or a script that collects the report.

    Before, what is no theft either: an OAuth flow with a device hash of its own, the same address placed elsewhere.
    """
    at, owner = moment(rng, people[0], day, plot.hour), own(rng, people[0])
    cloud = Origin(_server(rng, "Lisbon").ip, PLACES[_far(people[0])], 64509, "Example Cloud")
    program = owner._replace(origin=cloud, agent=SCRIPT if plot.guilty else OKTA)
    flow = make_event(rng, at + 2 * MINUTE, OAUTH, owner, target=app("Example Wiki"), debug={"dtHash": FLOW_HASH})
    placed = use(rng, at + 4 * MINUTE, owner._replace(origin=owner.origin._replace(place=PLACES["Lisbon"])))
    used = use(rng, at + 10 * MINUTE, program)
    done = _export(rng, _job(rng, plot), (at, owner), (at + 12 * MINUTE, program if plot.guilty else owner))
    return Deed([*enter(rng, at, owner), flow, placed, used, *done.events], done.subjects)


def change_rights(rng: Random, people: Sequence[Person], day: int, plot: Plot) -> Deed:
    """Return a factor, right or token given just before an export: by the exporter to himself, or by and to others."""
    at, login, helper = moment(rng, people[0], day, plot.hour), _login(rng, people[0], plot), own(rng, people[1])
    by, to = (login, people[0]) if plot.guilty else (helper, people[2])
    change = make_event(rng, at - MINUTE, rng.choice(CHANGES), by, target=user(to))
    done = _alone(rng, at, login, plot)
    return Deed([*enter(rng, at - 20 * MINUTE, helper), change, *done.events], done.subjects)


def judge_one(rng: Random, people: Sequence[Person], day: int, plot: Plot) -> Deed:
    """Return a detection that is dismissed: a slight one by a reviewer, or a grave one by its subject, who exports."""
    at, subject, reviewer = moment(rng, people[0], day, plot.hour), _login(rng, people[0], plot), own(rng, people[1])
    alarm, then = detection(rng, at, subject, "HIGH" if plot.guilty else "LOW"), at + 40 * MINUTE
    judge = Judge(then, subject if plot.guilty else reviewer, "false_positive", "New laptop, confirmed by phone")
    said, facts = plant_feedback(rng, alarm, people[0], [judge])
    entered = enter(rng, at, subject, opened=not plot.guilty) + enter(rng, then, reviewer)
    done = _export(rng, _job(rng, plot), (then + 20 * MINUTE, subject), (then + 35 * MINUTE, subject))
    events = [*entered, *said, *([] if plot.hidden else [alarm]), *(done.events if plot.guilty else [])]
    return Deed(events, facts["uuids"]["feedback"])


def judge_many(rng: Random, people: Sequence[Person], day: int, plot: Plot) -> Deed:
    """Return six detections that one reviewer dismisses: through the day, or within minutes."""
    at, reviewer = moment(rng, people[0], day, plot.hour), own(rng, people[0])
    gap = MINUTE if plot.guilty else 75 * MINUTE
    deeds = [Deed(enter(rng, at, reviewer), [])]
    for number in range(6):
        subject = own(rng, people[1 + number % 2])
        alarm = detection(rng, at - (30 - number) * MINUTE, subject, "MEDIUM")
        judge = Judge(at + number * gap, reviewer, "false_positive", "Known device")
        said, facts = plant_feedback(rng, alarm, subject.person, [judge])
        deeds.append(Deed([alarm, *said], facts["uuids"]["feedback"]))
    return _together(deeds)


def judge_twice(rng: Random, people: Sequence[Person], day: int, plot: Plot) -> Deed:
    """Return a grave detection that one reviewer confirms, while another agrees or dismisses it."""
    at, logins = moment(rng, people[0], day, plot.hour), [own(rng, person) for person in people]
    alarm, label = detection(rng, at, logins[0], "HIGH"), "false_positive" if plot.guilty else "true_positive"
    judges = [Judge(at + 30 * MINUTE, logins[1], "true_positive"), Judge(at + 60 * MINUTE, logins[2], label)]
    said, facts = plant_feedback(rng, alarm, people[0], judges)
    entered = [one for judge in judges for one in enter(rng, judge.at, judge.login)]
    return Deed([alarm, *entered, *said], facts["uuids"]["feedback"][-1:])
