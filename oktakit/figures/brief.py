"""Leads to read: what happened, on a time axis, what speaks for and against it, what to do next.

The same words as text for a terminal, as HTML for a notebook or report, and as Markdown for a ticket.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Final
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw
import pandas as pd

from ..analysis.engines import rows, table
from ..analysis.surroundings import matters
from ..analysis.words import moments, proxy_words, zone
from ..errors import ColumnError
from ..log.log import events_of
from ..safe import html, markdown, text
from ..schema import DOWNLOAD, EVENT_COLUMNS, FEEDBACK, GENERATE, REQUEST, is_done

STEPS: Final = 12
"""No more events than this are told one by one: exports and verdicts first, then what matters, then the rest."""
WIDTH: Final = 100
AXIS: Final = 60

_LIMIT = 2000
_MARKS = "123456789abc"
_PARTS = {
    "reasons": "Why",
    "against": "What speaks against it",
    "open": "What is not known and would decide",
    "next": "What to do next",
}
_LEVELS = {"needs a look": "NEEDS A LOOK", "worth knowing": "WORTH KNOWING", "ordinary": "EVERYTHING ELSE"}
_VERBS = {REQUEST: "requested", GENERATE: "Okta generated", DOWNLOAD: "downloaded", FEEDBACK: "judged a detection as"}
_LEFT = 'style="text-align: left; vertical-align: top"'
_HEAD = ("", "when", "who", "what", "where")


@dataclass(frozen=True, repr=False)
class Brief:
    """A lead to read: shown by a notebook as HTML, printed as text, and `markdown()` for a ticket.

    `title` names report and people, `axis` is drawn with characters, `steps` are the cells of its events, `parts`
    sentences by heading, `records` the events as they were read, by uuid.
    """

    level: str
    title: str
    headline: str
    axis: tuple[str, ...]
    steps: tuple[tuple[str, ...], ...]
    parts: dict[str, tuple[str, ...]]
    records: dict[str, str]

    def __repr__(self) -> str:
        """Return the lead as text in which nothing can command a terminal."""
        return "\n".join([_LEVELS.get(self.level, self.level), *wrap(self.headline, WIDTH), *self.lines()])

    def _repr_html_(self) -> str:
        """Return the lead as HTML in which nothing runs."""
        return f"<p><strong>{html(self.level.capitalize())}.</strong> {html(self.headline, _LIMIT)}</p>{self.page()}"

    def markdown(self) -> str:
        """Return the lead as Markdown for a ticket; text of the log is neither link nor markup in it."""
        told = [f"**{markdown(self.level.capitalize())}.** {markdown(self.headline, _LIMIT)}"]
        told += ["\n".join(["```text", *self.axis, "```"])] * bool(self.axis)
        cells = [f"| {' | '.join(map(markdown, one))} |" for one in self.steps]
        cells[1:1] = [f"|{' --- |' * len(_HEAD)}"] * bool(cells)
        told += ["\n".join(cells)] * bool(cells)
        for name, sentences in self.parts.items():
            told.append("\n".join([f"**{name}**", "", *(f"- {markdown(one, _LIMIT)}" for one in sentences)]))
        return "\n\n".join(told) + "\n"

    def name(self, number: int) -> str:
        """Return the lead's number among others, with its title."""
        return ": ".join(filter(None, [f"Lead {number}", self.title]))

    def lines(self) -> list[str]:
        """Return all but the sentence, as lines of text."""
        lines = ["", *self.axis] if self.axis else []
        widths = [max(map(len, cells)) for cells in zip(*self.steps, strict=True)]
        cells = ["  ".join(map(str.ljust, one, widths)).rstrip() for one in self.steps]
        lines += ["", *cells] if cells else []
        for name, sentences in self.parts.items():
            lines += ["", name]
            lines += [line for one in sentences for line in wrap(f"- {one}", WIDTH, subsequent_indent="  ")]
        return lines

    def page(self) -> str:
        """Return all but the sentence, as HTML."""
        told = [f"<pre>{_html_lines(self.axis)}</pre>"] * bool(self.axis)
        told += [f"<table>{_row(_HEAD, 'th')}{''.join(map(_row, self.steps[1:]))}</table>"] * bool(self.steps)
        for name, sentences in self.parts.items():
            items = "".join(f"<li>{html(one, _LIMIT)}</li>" for one in sentences)
            told.append(f"<h4>{name}</h4><ul>{items}</ul>")
        told += ["<h4>Evidence</h4>"] * bool(self.records)
        told += [_folded(*one) for one in zip(self.steps[1:], self.records.items(), strict=False)]
        return "".join(told)


@dataclass(frozen=True, repr=False)
class Briefs:
    """Leads to read: the sentences of all, then each with its events; `rest` says what was not chosen."""

    leads: tuple[Brief, ...]
    rest: str
    told: int

    def __repr__(self) -> str:
        """Return the leads as text in which nothing can command a terminal."""
        lines, level = [], ""
        for number, one in enumerate(self.leads, 1):
            lines += ["", _LEVELS[one.level]] if one.level != level else []
            lines += wrap(one.headline, WIDTH, initial_indent=f"{number}. ", subsequent_indent="   ")
            level = one.level
        lines += ["", _LEVELS["ordinary"]] if self.leads else []
        lines += wrap(self.rest, WIDTH)
        for number, one in enumerate(self.leads[: self.told], 1):
            lines += ["", one.name(number), *one.lines()]
        return "\n".join([*lines, *self._untold()]).lstrip()

    def _repr_html_(self) -> str:
        """Return the leads as HTML in which nothing runs; the page of a report makes links of the ids."""
        items = [
            f'<li><strong id="to-lead-{number}" class="{_style(one)}">{one.level.capitalize()}.</strong>'
            f" {html(one.headline, _LIMIT)}</li>"
            for number, one in enumerate(self.leads, 1)
        ]
        told = [f"<ol>{''.join(items)}</ol>"] * bool(items)
        told.append(f"<p>{'<strong>Everything else.</strong> ' * bool(items)}{html(self.rest, _LIMIT)}</p>")
        for number, one in enumerate(self.leads[: self.told], 1):
            told.append(f'<h3 id="lead-{number}">{html(one.name(number))}</h3>{one.page()}')
        told += [f"<p>{one}</p>" for one in self._untold()]
        return f'<div class="leads">{"".join(told)}</div>'

    def markdown(self) -> str:
        """Return the leads as Markdown for a ticket, one after the other."""
        heads = (f"## {markdown(one.name(number))}\n" for number, one in enumerate(self.leads, 1))
        told = [f"{head}\n{one.markdown()}" for head, one in zip(heads, self.leads, strict=True)]
        return "\n".join([*told, f"{markdown(self.rest, _LIMIT)}\n"])

    def _untold(self) -> list[str]:
        more = len(self.leads) - self.told
        return [f"Of {more} more leads, only the sentences are shown above."] * (more > 0 < self.told)


def show_leads(leads: pd.DataFrame, events: Any = None, *, timezone: str = "UTC", rows: int = 20) -> Briefs:
    """Return leads to read: the sentence of each, what was not chosen, then each with its events and reasons.

    Parameters
    ----------
    leads : DataFrame
        The answer of `find_leads`.
    events : Log or frame with the columns of `log.events`, optional
        As for `show_lead`.
    timezone : str
        Whose clock tells the times.
    rows : int
        So many leads are shown with their events and reasons; of the others, there is the sentence.

    Returns
    -------
    Briefs
        A notebook shows it, `print` prints it, `.markdown()` is for a ticket.

    Raises
    ------
    ColumnError
        If `leads` is no answer of `find_leads`, or a column of the events is missing.

    Examples
    --------
    >>> from oktakit import find_leads, make_log, read_log
    >>> log = read_log(make_log("quiet_week").records)
    >>> print(str(show_leads(find_leads(log), log)).split(". ")[0])
    Nothing needs a look
    """
    told = [lead for _, lead in leads.iterrows()]
    briefs = [show_lead(lead, events if number < rows else None, timezone=timezone) for number, lead in enumerate(told)]
    chosen = tuple(one for one in briefs if one.level != "ordinary")
    return Briefs(chosen, " ".join(one.headline for one in briefs if one.level == "ordinary"), rows)


def show_lead(lead: Any, events: Any = None, *, timezone: str = "UTC") -> Brief:
    """Return a lead to read: the sentence, its events on a time axis, reasons, what is against it, and what to do next.

    Parameters
    ----------
    lead : row of `find_leads`
        Such as `leads.iloc[0]`.
    events : Log or frame with the columns of `log.events`, optional
        Where its events are; without it there are no time axis, no table of events and no records.
    timezone : str
        Whose clock tells the times of the table.

    Returns
    -------
    Brief
        A notebook shows it, `print` prints it, `.markdown()` is for a ticket.

    Raises
    ------
    ColumnError
        If `lead` is no row of `find_leads`, or a column of the events is missing.

    Examples
    --------
    >>> from oktakit import find_leads, make_log, read_log
    >>> log = read_log(make_log("assistant").records)
    >>> brief = show_lead(find_leads(log).iloc[1], log)
    >>> print(brief.axis[1])
    hugo.tan@example.com     1-----------------------------------------------------------
    """
    row = {name: "" if pd.isna(value) else value for name, value in dict(lead).items()}
    if missing := [name for name in ("level", "headline", *_PARTS, "evidence") if name not in row]:
        raise ColumnError.missing("show_lead", missing, [*map(str, row)])
    found = [] if events is None else _events(events, str(row["evidence"]).split())
    clock = zone(timezone)
    told = [_cells(mark, event, clock) for mark, event in zip(_MARKS, found, strict=False)]
    parts = {
        title: tuple(text(one, _LIMIT) for one in row[name].splitlines()) for name, title in _PARTS.items() if row[name]
    }
    names = [text(row[name]) for name in ("reports", "people") if row.get(name)]
    return Brief(
        text(row["level"]),
        ": ".join(names),
        text(row["headline"], _LIMIT),
        tuple(_axis(found, clock)),
        (_HEAD, *told) if told else (),
        parts,
        {event["uuid"]: _record(event) for event in found},
    )


def _events(events: Any, uuids: list[str]) -> list[dict[str, Any]]:
    """Return the events that tell most, in the order of time; what is missing is left out."""
    frame = events_of(events)
    there = table(frame, "show_lead", ("uuid", "event_type")).collect_schema().names()
    columns = [name for name in EVENT_COLUMNS if name in there and name != "published"]
    found = rows(frame, "show_lead", columns, nw.col("uuid").is_in(uuids)).drop_duplicates("uuid").to_dict("records")
    known = [{name: value for name, value in event.items() if pd.notna(value)} for event in found]
    most = sorted(known, key=lambda event: (_weight(event.get("event_type", "")), uuids.index(event["uuid"])))[:STEPS]
    return [event for event in known if event in most]


def _weight(event_type: str) -> int:
    return 0 if event_type in (REQUEST, DOWNLOAD, FEEDBACK) else 1 if matters(event_type) else 2


def _axis(events: list[dict[str, Any]], clock: ZoneInfo) -> list[str]:
    """Return a line for each person with the numbers of what they did, from the first time to the last."""
    timed = [(mark, event) for mark, event in zip(_MARKS, events, strict=False) if "published" in event]
    if not timed:
        return []
    first, last = (timed[place][1]["published"] for place in (0, -1))
    lanes = {_who(event): ["-"] * AXIS for _, event in timed}
    for mark, event in timed:
        lane, part = lanes[_who(event)], (event["published"] - first) / max(last - first, pd.Timedelta("1us"))
        place = round(part * (AXIS - 1))
        free = [n for n, sign in enumerate(lane) if sign == "-"]
        lane[min(free, key=lambda n: (abs(n - place), n < place))] = mark
    width = max(map(len, lanes))
    ends = f"{moments([first], clock):{AXIS // 2}}{moments([last], clock):>{AXIS // 2}}"
    return [f"{'':{width}}  {ends}", *(f"{who:{width}}  {''.join(lane)}" for who, lane in lanes.items())]


def _cells(mark: str, event: dict[str, Any], clock: ZoneInfo) -> tuple[str, ...]:
    """Return when, who, what and where of an event, in words."""
    kind = event.get("event_type", "")
    verb = _VERBS.get(kind) or matters(kind) or event.get("display_message") or kind
    detail = event.get("report_name") or event.get("feedback_label") or ""
    user = event.get("target_user_alternate_id") if kind == FEEDBACK else None
    about = event.get("risk_level") or (f"about {user}" if user else "")
    tried = "" if is_done(event.get("outcome_result")) else ": refused or not decided"
    what = text(f"{verb} {detail}".strip()) + (f" ({text(about)})" if about else "") + tried
    proxy = proxy_words(event.get("ip_categories"), event.get("is_proxy"))
    where = [event.get("country"), event.get("ip_address"), proxy]
    return (
        mark,
        moments([event.get("published")], clock),
        _who(event),
        what,
        ", ".join(text(one) for one in where if one),
    )


def _who(event: dict[str, Any]) -> str:
    return text(event.get("actor_alternate_id") or event.get("actor_id") or "somebody the log does not name", 40)


def _record(event: dict[str, Any]) -> str:
    """Return an event as JSON, indented, with its nested parts taken apart."""
    told = {name: _plain(name, value) for name, value in event.items()}
    return json.dumps(told, indent=2, ensure_ascii=False, default=str)


def _plain(name: str, value: Any) -> Any:
    try:
        return json.loads(value) if name in ("targets", "debug_data", "ip_chain", "extra") else value
    except ValueError:
        return value


def _row(cells: Iterable[str], tag: str = "td") -> str:
    return f"<tr>{''.join(f'<{tag} {_LEFT}>{html(one)}</{tag}>' for one in cells)}</tr>"


def _style(brief: Brief) -> str:
    return brief.level.replace(" ", "-")


def _folded(step: Sequence[str], record: tuple[str, str]) -> str:
    mark, when, who, what, _ = map(html, step)
    uuid, lines = html(record[0]), _html_lines(record[1].splitlines())
    return f"<details><summary>{mark}. {when} {who}: {what} ({uuid})</summary><pre>{lines}</pre></details>"


def _html_lines(lines: Iterable[str]) -> str:
    return "\n".join(html(one, _LIMIT) for one in lines)
