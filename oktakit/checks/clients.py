"""Questions about where and with what it was done: new for this person, used by two accounts, a program."""

import re
from itertools import chain
from typing import Any, Final

from ..analysis.words import listed
from ..safe import text
from .answers import NO_STEPS, Answer, Query, decide, person, place, questions, step_of, this_record, trusted
from .evidence import Evidence, Taking

_KEYS: Final = {"dt_hash": "device", "external_session_id": "session"}

_PROGRAMS = re.compile(
    r"headless|phantomjs|selenium|webdriver|puppeteer|playwright|scrapy|bot\b|powershell/|"
    r"^(?:python|curl|wget|go-http|okhttp|axios|node|undici|got|postman|insomnia|java|apache-httpclient|libwww|"
    r"lwp|ruby|perl|php|aiohttp|httpx|powershell|okta-sdk|terraform)",
    re.IGNORECASE,
)


def new_place(taking: Taking, evidence: Evidence) -> Answer:
    """Return whether country or network were new for the person who asked for it or took it."""
    given = _first_time(taking, evidence, {"country": "country", "as_number": "network"})
    if given.answer != "yes":
        return given
    used = evidence.is_new(taking.last, "dt_hash") is False
    return given._replace(against=listed(["a device used before"] * used + trusted(taking.last)))


def new_device(taking: Taking, evidence: Evidence) -> Answer:
    """Return whether the device was new for the person who asked for it or took it."""
    return _first_time(taking, evidence, {"dt_hash": "device"})


def _first_time(taking: Taking, evidence: Evidence, names: dict[str, str]) -> Answer:
    """Return whether something that columns tell of request and download was new for their person."""
    if not taking.steps:
        return NO_STEPS
    answer, shown = decide({(one, name): evidence.is_new(one, name) for one in taking.steps for name in names})
    missing = [one for one, name in shown if None in (getattr(one, name), one.actor_id, one.published)]
    doubt = "Not reported" if missing else f"Not known in this log, {evidence.cold},"
    newness = {"yes": "New", "no": "Not new"}.get(answer, doubt)
    what = listed(f"{names[name]} of the {step_of(one)}" for one, name in shown)
    people, places = (listed(words(one) for one, _ in shown) for words in (person, place))
    fetch = this_record(missing[0]) if missing else Query((), (("actor.id", shown[0][0].actor_id),))
    uuids = tuple(dict.fromkeys(one.uuid for one, _ in shown))
    return Answer(answer, f"{newness} for {people}: {what} ({places}).", "", uuids, fetch)


def shared_device(subject: Any, evidence: Evidence) -> Answer:
    """Return whether the device or the session of an export or a verdict acted as another account, too."""
    if not subject.steps:
        return NO_STEPS
    accounts = {(one, name): _accounts(one, name, evidence) for one in subject.steps for name in _KEYS}
    answer, shown = decide({key: None if users is None else len(users) > 1 for key, users in accounts.items()})
    steps = tuple(one.uuid for one in subject.steps)
    if answer == "no":
        return Answer("no", "Device and session acted as one account only.", "", steps)
    if answer == "unknown":
        one, name = shown[0]
        return Answer("unknown", f"The {_KEYS[name]} or its user is not reported.", "", steps, this_record(one))
    several = {(name, getattr(one, name)): accounts[one, name] or {} for one, name in shown}
    words = (
        f"{_KEYS[name]} {text(value, 16)} acted as {listed(users.values())}" for (name, value), users in several.items()
    )
    return Answer("yes", f"The {listed(words)}.", "", (*steps, *chain.from_iterable(several.values())))


def _accounts(event: Any, column: str, evidence: Evidence) -> dict[str, str] | None:
    """Return who acted with the device or in the session of an event, by the uuid of the first thing that each did."""
    if None in (getattr(event, column), event.actor_id):
        return None
    acted = evidence.accounts.get((column, getattr(event, column)), [])
    first = {} if any(one.actor_id == event.actor_id for one in acted) else {event.uuid: person(event)}
    return first | {one.uuid: person(one) for one in acted}


def scripted(taking: Taking, _: Evidence) -> Answer:
    """Return whether a program asked for it or took it: a script, or a browser that nobody looks at."""
    if not taking.steps:
        return NO_STEPS
    agents = {one: one.raw_user_agent for one in taking.steps}
    answer, shown = decide(
        {one: None if agent is None else bool(_PROGRAMS.search(agent)) for one, agent in agents.items()}
    )
    words = (f"{step_of(one)}: {text(agents[one] or 'agent not reported', 80)}" for one in shown)
    token = "done with an API token" if any(one.api_token_id for one in shown) else ""
    return Answer(answer, f"{'; '.join(words)}.", token, tuple(one.uuid for one in shown), this_record(shown[0]))


ABOUT_CLIENTS: Final = questions(new_place, new_device, shared_device, scripted)
