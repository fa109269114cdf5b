"""Answers: yes, no or unknown, what says so, what speaks against it, and the words to tell it in."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pandas as pd

from .frames import TEXT
from .queries import Query
from .safe import text

_ASKED = ("subject", "key", "question", "answer", "why", "against", "evidence", "innocent", "source")
CHECK_COLUMNS = (*_ASKED, "fetch", "fetch_splunk", "fetch_kql")


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

    `placed` says that it is about places: what the analyst knows about them speaks against a yes.
    """

    key: str
    name: str
    ask: Callable[[Any, Any], Answer]
    innocent: str
    source: str
    placed: bool = False


def to_card(rows: Iterable[tuple[str, Question, Answer]]) -> pd.DataFrame:
    """Return a card of subjects, questions and answers."""
    cells = [_row(*row) for row in rows]
    return pd.DataFrame(cells, columns=list(CHECK_COLUMNS), dtype=TEXT)


def _row(subject: str, question: Question, given: Answer) -> tuple[str | None, ...]:
    fetch = given.fetch if given.answer == "unknown" else None
    queries = (fetch.system_log(), fetch.splunk(), fetch.kql()) if fetch else (None, None, None)
    uuids = " ".join(dict.fromkeys(given.evidence))
    told = (given.answer, given.why, given.against, uuids, question.innocent, question.source)
    return (subject, question.key, question.name, *told, *queries)


def combine(found: Iterable[bool | None]) -> str:
    """Return yes where anything is true, else unknown where anything is not known, else no.

    >>> combine([False, None, True]), combine([False, None]), combine([False])
    ('yes', 'unknown', 'no')
    """
    said = list(found)
    return "yes" if any(said) else "unknown" if None in said else "no"


def this_record(event: Any) -> Query:
    """Return what brings one event as the System Log API has it, with every field."""
    return Query((), (("uuid", event.uuid),))


def listed(words: Iterable[str], limit: int = 3) -> str:
    """Return the first few texts, and how many more there are.

    >>> listed(["a", "b", "a", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    several = list(dict.fromkeys(words))
    more = f" and {len(several) - limit} more" if len(several) > limit else ""
    return ", ".join(several[:limit]) + more


def person(event: Any) -> str:
    """Return who did something, in words."""
    return text(event.actor_alternate_id or event.actor_id or "somebody the log does not name")


def place(event: Any) -> str:
    """Return from where something was done, in words."""
    network = "network not reported" if event.as_number is None else f"AS{event.as_number}"
    where = text(event.country) if event.country else "country not reported"
    return f"{where}, {network}, {text(event.ip_address) if event.ip_address else 'address not reported'}"


def duration(lag: pd.Timedelta) -> str:
    """Return a time span in words, to the second.

    >>> duration(pd.Timedelta("1 days 04:12:07")), duration(pd.Timedelta("-1s")), duration(pd.Timedelta("0s"))
    ('1 d 4 h 12 min 7 s', '-1 s', '0 s')
    """
    parts = abs(lag).components
    words = zip((parts.days, parts.hours, parts.minutes, parts.seconds), ("d", "h", "min", "s"), strict=True)
    spoken = " ".join(f"{number} {unit}" for number, unit in words if number) or "0 s"
    return f"-{spoken}" if lag < pd.Timedelta(0) else spoken
