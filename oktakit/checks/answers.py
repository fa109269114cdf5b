"""Answers: yes, no or unknown, what says so, what speaks against it, and the words to tell it in."""

import csv
import re
from collections.abc import Callable, Iterable
from functools import cache
from importlib import resources
from typing import Any, Final, NamedTuple

import pandas as pd

from ..analysis.words import listed
from ..log.keys import TEXT
from ..safe import text
from ..schema import DOWNLOAD, FEEDBACK, REQUEST, outcome_of

_PLAIN = re.compile(r"[\w.@:-]{1,100}", re.ASCII)


class Query(NamedTuple):
    """The events that are missing: types, of which one that ends in a dot is a beginning, and Okta's paths with values.

    One of the paths has to have its value. A value that could mean something in a query language is left out.
    """

    kinds: tuple[str, ...] = ()
    where: tuple[tuple[str, str | None], ...] = ()

    def system_log(self) -> str:
        """Return a filter of Okta's System Log API.

        >>> Query(("user.session.start", "user.mfa."), (("actor.id", "00u1"),)).system_log()
        '(eventType eq "user.session.start" or eventType sw "user.mfa.") and (actor.id eq "00u1")'
        """
        kinds = [f'eventType {"sw" if kind.endswith(".") else "eq"} "{kind}"' for kind in self.kinds]
        return _both(kinds, [f'{path} eq "{value}"' for path, value in self._values()], "or", "and")

    def splunk(self) -> str:
        """Return a search for Splunk, over the fields of the Okta add-on.

        >>> Query(("user.mfa.",), (("target.id", "00u1"),)).splunk()
        'sourcetype="OktaIM2:log" (eventType="user.mfa.*") AND ("target{}.id"="00u1")'
        """
        kinds = [f'eventType="{kind}*"' if kind.endswith(".") else f'eventType="{kind}"' for kind in self.kinds]
        values = [f'"{path.replace("target.", "target{}.")}"="{value}"' for path, value in self._values()]
        return f'sourcetype="OktaIM2:log" {_both(kinds, values, "OR", "AND")}'.strip()

    def kql(self) -> str:
        """Return a query for Microsoft Sentinel, over the parser OktaSSO.

        >>> Query(("user.session.start",), (("target.id", "00u1"), ("actor.id", "00u1"))).kql()
        'OktaSSO | where (eventType_s == "user.session.start") and (target_s has "00u1" or actor_id_s == "00u1")'
        """
        kinds = [f'eventType_s {"startswith" if kind.endswith(".") else "=="} "{kind}"' for kind in self.kinds]
        values = [_kql(path, value) for path, value in self._values()]
        return f"OktaSSO | where {_both(kinds, values, 'or', 'and')}"

    def _values(self) -> list[tuple[str, str]]:
        return [(path, value) for path, value in self.where if value and _PLAIN.fullmatch(value)]


def _kql(path: str, value: str) -> str:
    if path.startswith("target."):
        return f'target_s has "{value}"'
    return f'{path.replace(".", "_")}_{"g" if path == "uuid" else "s"} == "{value}"'


def _both(kinds: list[str], values: list[str], either: str, both: str) -> str:
    return f" {both} ".join(f"({f' {either} '.join(terms)})" for terms in (kinds, values) if terms)


MFA: Final = "user.authentication.auth_via_mfa"

_FACTOR = re.compile(r'"factor"\s*:\s*"([^"]+)"|"AuthenticatorEnrollment"[^{}]*"displayName"\s*:\s*"([^"]+)"')

CHECK_COLUMNS = (
    *("question", "answer", "why", "against", "innocent", "source", "fetch", "fetch_splunk", "fetch_kql"),
    *("subject", "key", "evidence"),
)


class Answer(NamedTuple):
    """The answer to one question about one subject: yes, no or unknown, what says so, and what speaks against it.

    `evidence` are the uuids it rests on, `fetch` the events that would turn an unknown into an answer.
    """

    answer: str
    why: str
    against: str = ""
    evidence: tuple[str, ...] = ()
    fetch: Query | None = None


class Question(NamedTuple):
    """A question, how it is answered for one subject, what innocent reasons there may be, and where it comes from.

    `placed` says that it is about places: what the analyst knows about them speaks against a yes. `refusal` is
    "counts" where what was only tried is asked about, too, "attempts" where refused attempts of others are a sign, and
    "absence" where it is about what was not there, or not there before: a refusal may turn a no of these into a yes,
    and of no others.
    """

    key: str
    name: str
    ask: Callable[[Any, Any], Answer]
    innocent: str
    source: str
    placed: bool = False
    refusal: str = ""


def questions(*asks: Callable[[Any, Any], Answer]) -> tuple[Question, ...]:
    """Return the questions that functions answer; their words are in a table of the package, by the functions' names.

    >>> questions(watched)[0].name
    'Does it match what is watched for?'
    """
    return tuple(Question(ask=one, **_words()[one.__name__]) for one in asks)


@cache
def _words() -> dict[str, Any]:
    with resources.files("oktakit.checks").joinpath("questions.csv").open(encoding="utf-8") as file:
        return {row["key"]: {**row, "placed": row["placed"] == "yes"} for row in csv.DictReader(file)}


def ask(question: Question, subject: Any, evidence: Any) -> Answer:
    """Return the answer to a question, with what the analyst knows about its steps against a yes about places."""
    void = None if question.refusal == "counts" else subject.void
    given = void or question.ask(subject, evidence)
    labels = [text(label) for step in subject.steps if (label := evidence.known.get(step.uuid))]
    if not (labels and question.placed and given.answer == "yes"):
        return given
    share = f" ({len(labels)} of {len(subject.steps)} steps)" if len(subject.steps) > 1 else ""
    labelled = f"known: {listed(labels)}{share}"
    return given._replace(against=", ".join(filter(None, [given.against, labelled])))


def watched(subject: Any, evidence: Any) -> Answer:
    """Return whether the steps of an export, or a verdict, match what the analyst watches for."""
    matches = {one.uuid: evidence.watched[one.uuid] for one in subject.steps if evidence.watched.get(one.uuid)}
    if matches:
        return Answer("yes", f"{listed(text(label) for label in matches.values())}.", "", tuple(matches))
    return Answer("no", "Nothing that is watched for.", "", tuple(one.uuid for one in subject.steps))


WATCHED: Final = questions(watched)


def answer_all(
    subjects: Iterable[tuple[str, Any]], asked: tuple[Question, ...], evidence: Any, watch: Any
) -> pd.DataFrame:
    """Return the checklist of subjects, each with its uuid; what is watched for is a question of its own."""
    asked += WATCHED if watch is not None else ()
    return to_checklist((uuid, one, ask(one, subject, evidence)) for uuid, subject in subjects for one in asked)


def to_checklist(answers: Iterable[tuple[str, Question, Answer]]) -> pd.DataFrame:
    """Return answers, each with the uuid of its subject and its question, as a table."""
    return pd.DataFrame([_row(*one) for one in answers], columns=list(CHECK_COLUMNS), dtype=TEXT)


def _row(subject: str, question: Question, given: Answer) -> tuple[str | None, ...]:
    fetch = given.fetch if given.answer == "unknown" else None
    queries = (fetch.system_log(), fetch.splunk(), fetch.kql()) if fetch else (None, None, None)
    uuids = " ".join(dict.fromkeys(given.evidence))
    cells = (question.name, given.answer, given.why, given.against, question.innocent, question.source)
    return (*cells, *queries, subject, question.key, uuids)


def combine(verdicts: Iterable[bool | None]) -> str:
    """Return yes where anything is true, else unknown where anything is not known, else no.

    >>> combine([False, None, True]), combine([False, None]), combine([False])
    ('yes', 'unknown', 'no')
    """
    several = list(verdicts)
    return "yes" if any(several) else "unknown" if None in several else "no"


def decide(verdicts: dict[Any, bool | None]) -> tuple[str, list[Any]]:
    """Return the answer that verdicts on several things give, and the things that give it.

    >>> decide({"request": None, "download": True, "generate": False})
    ('yes', ['download'])
    """
    answer = combine(verdicts.values())
    wanted = {"yes": True, "unknown": None}.get(answer, False)
    return answer, [one for one, verdict in verdicts.items() if verdict is wanted]


def step_of(event: Any) -> str:
    """Return which step of an export an event is: request, generate or download."""
    return str(event.event_type.rsplit(".", 1)[-1])


def this_record(event: Any) -> Query:
    """Return what brings one event as the System Log API has it, with every field."""
    return Query((), (("uuid", event.uuid),))


NO_STEPS: Final = Answer("unknown", "Neither request nor download is known.", fetch=Query((REQUEST, DOWNLOAD)))


def unanswerable(event: Any) -> Answer | None:
    """Return why nothing can be said about an event, if so."""
    if event is None:
        return NO_STEPS
    if event.actor_id is None or event.published is None:
        missing = "actor" if event.actor_id is None else "time"
        return Answer("unknown", f"The {missing} is not reported.", "", (event.uuid,), this_record(event))
    return None


def person(event: Any) -> str:
    """Return who did something, in words."""
    return text(event.actor_alternate_id or event.actor_id or "somebody the log does not name")


def outcome(event: Any) -> str:
    """Return what came of an attempt, in words: what Okta's result means, and Okta's own word for it."""
    return f"{outcome_of(event.outcome_result).words} ({text(event.outcome_result)})"


def place(event: Any) -> str:
    """Return from where something was done, in words."""
    network = "network not reported" if event.as_number is None else f"AS{event.as_number}"
    where = text(event.country) if event.country else "country not reported"
    return f"{where}, {network}, {text(event.ip_address) if event.ip_address else 'address not reported'}"


def trusted(event: Any) -> list[str]:
    """Return in words what is recorded of a device that speaks for it."""
    flags = {"managed device": event.device_managed, "registered device": event.device_registered}
    return [word for word, flag in flags.items() if flag]


def means(event: Any, evidence: Any) -> str:
    """Return as a sentence what else is recorded of device and factor; nothing where nothing is."""
    flags = {"device not managed": event.device_managed, "device not registered": event.device_registered}
    words = [word for word, flag in flags.items() if flag is False]
    words += [f"signed in with {text(factor)}"] if (factor := _factor(event, evidence)) else []
    return f" {_STEPS.get(event.event_type, 'There')}: {', '.join(words)}." if words else ""


def _factor(event: Any, evidence: Any) -> str | None:
    """Return the factor that was last proved in the session of an event before it, or else its own credential."""
    keys = [(key, MFA) for key in (event.external_session_id, event.root_session_id) if key and event.published]
    proved = [one for key in keys for one in evidence.by_session.get(key, []) if one.outcome_result == "SUCCESS"]
    last = max((one for one in proved if one.published <= event.published), key=lambda one: one.published, default=None)
    if last is None:
        return event.credential_type if event.credential_type != "OKTA_CLIENT_SESSION" else None
    factor = _FACTOR.search(f"{last.debug_data} {last.targets}")
    return factor[1] or factor[2] if factor else last.credential_type


_STEPS = {REQUEST: "Request", DOWNLOAD: "Download", FEEDBACK: "Verdict"}
