"""One plain sentence for a story: what was done, by whom, from where and when."""

from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from ..analysis.words import listed, moments, proxy_words
from ..safe import text
from ..schema import DOWNLOAD, REQUEST, is_done
from .answers import person
from .evidence import grouped

PEOPLE = 6
"""A sentence names no more people than this, and says how many more there are."""

_VERBS = {"confirmed": "confirmed", "dismissed": "dismissed", "missed": "called too low", "refused": "tried to judge"}


def report(event: Any) -> str:
    """Return the name of a report, in words."""
    return text(event.report_name or event.report_id or "A report that the log does not name")


def headline(story: Sequence[Any], facts: Sequence[str], clock: ZoneInfo) -> str:
    """Return what was done, by whom, from where and when, and what makes it strange."""
    parts = {about: [one for one in story if one.about == about] for about in ("export", "feedback", "session")}
    exports, verdicts = parts["export"], parts["feedback"]
    clauses = [_exports([event for one in exports for event in one.events], len(exports), clock)] if exports else []
    groups = grouped(((one.row.given_by_id or one.row.given_by, one.row.verdict), one) for one in verdicts)
    clauses += [_verdicts(several, clock, "" if exports else " from ") for several in groups.values()]
    clauses += [] if clauses else [_session(one.events[0], one.events[-1], clock) for one in parts["session"]]
    return f"{'; '.join([*clauses, *facts])}."


def _exports(events: Sequence[Any], jobs: int, clock: ZoneInfo) -> str:
    done = [one for one in events if is_done(one.outcome_result)]
    tried = [one for one in events if one not in done]
    asked, taken = ([one for one in done if one.event_type == kind] for kind in (REQUEST, DOWNLOAD))
    what = report(events[0]) if jobs == 1 else f"{jobs} exports ({listed(map(report, events))})"
    was = "was" if jobs == 1 else "were"
    times = f" {len(taken)} times" if len(taken) > 1 and jobs == 1 else ""
    clause = f"{what}, requested by {_acts(asked, clock)}, {was} downloaded{times} by {_acts(taken, clock)}"
    if not taken:
        clause = (
            f"{what} {was} requested by {_acts(asked, clock)}, and nobody downloaded {'it' if jobs == 1 else 'them'}"
        )
    if not asked:
        clause = f"{what} {was} downloaded by {_acts(taken, clock)}, and the request is not in the log"
    if asked and _hands(asked) == _hands(taken):
        clause = f"{what} {was} requested and downloaded by {_acts(done, clock)}"
    attempt = f"{what}: an attempt by {_acts(tried, clock)} was refused or not decided"
    return "; ".join([clause] * bool(done) + [attempt] * bool(tried))


def _verdicts(several: Sequence[Any], clock: ZoneInfo, placed: str) -> str:
    rows, given = [one.row for one in several], [one.events[0] for one in several]
    judged = listed((text(row.about_user or row.about_user_id or "somebody not named") for row in rows), PEOPLE)
    about = "their own account" if all(row.self_feedback for row in rows) else judged
    level = f"{text(rows[0].judged_risk_level)} " if rows[0].judged_risk_level else ""
    what = f"the {level}detection" if len(rows) == 1 else f"{len(rows)} detections"
    verdict = f"{person(given[0])} {_VERBS.get(rows[0].verdict, 'judged')} {what} about {about}"
    return f"{verdict}{placed and placed + _places(given)} at {moments((one.published for one in given), clock)}"


def _session(before: Any, event: Any, clock: ZoneInfo) -> str:
    moved = f"went on from {_places([event])} with another browser at {moments([event.published], clock)}"
    return f"A session of {person(event)}, before in {_places([before])}, {moved}"


def _hands(events: Iterable[Any]) -> set[tuple[Any, ...]]:
    return {(one.actor_id, one.country, one.ip_address) for one in events}


def _acts(events: Iterable[Any], clock: ZoneInfo) -> str:
    """Return for each person who did something from where and when."""
    groups = grouped((person(one), one) for one in events)
    acts = (
        f"{who} from {_places(events)} at {moments((one.published for one in events), clock)}"
        for who, events in groups.items()
    )
    return listed(acts, PEOPLE)


def _places(events: Iterable[Any]) -> str:
    """Return countries, each with its addresses and what is known of them as proxies."""
    groups = grouped((text(one.country or "a country that is not reported"), one) for one in events)
    return listed(
        f"{country} ({'; '.join(dict.fromkeys(map(_address, events)))})" for country, events in groups.items()
    )


def _address(event: Any) -> str:
    address = text(event.ip_address or "address not reported")
    return ", ".join(filter(None, [address, proxy_words(event.ip_categories, event.is_proxy)]))
