"""Questions that an export answers itself: who took what, from where, and how often."""

from typing import Any

import pandas as pd

from .answers import Answer, Question, combine, duration, listed, person, place, this_record
from .case import Case, Taking
from .known import plain
from .queries import Query
from .safe import text
from .schema import DOWNLOAD, REQUEST, SENTINELS

WIDE = 10
"""From so many columns on, an export is as good as the whole table."""


def taken_by_other(taking: Taking, _: Case) -> Answer:
    """Return whether somebody else than the requester downloaded the report."""
    export, evidence = taking.export, uuids(taking)
    if pd.isna(export.downloaded_uuid):
        return Answer("no", f"{_report(export)}: nobody downloaded it ({export.state}).", evidence=evidence)
    if pd.isna(export.requested_uuid):
        why = f"{_report(export)}: downloaded by {_who(export, 'downloaded')}, {_ORPHANS[export.orphan_reason]}."
        return Answer("unknown", why, evidence=evidence, fetch=_request(taking))
    link = f"linked by {export.downloaded_linked_by} ({export.downloaded_confidence})"
    story = f"{_report(export)}: requested by {_who(export, 'requested')}, downloaded by {_who(export, 'downloaded')}"
    lag = f" {duration(export.request_to_download)} later; {link}."
    if pd.isna(export.taken_by_other):
        why = f"{story}{lag} That link does not prove that it was the same job."
        return Answer("unknown", why, evidence=evidence, fetch=_request(taking))
    return Answer("yes" if export.taken_by_other else "no", story + lag, _alike(export), evidence)


def other_place(taking: Taking, _: Case) -> Answer:
    """Return whether country, network or session of the download are not those of the request."""
    asked, taken, evidence = taking.asked, taking.taken, uuids(taking)
    if taken is None:
        return Answer("no", "Nobody downloaded it.", evidence=evidence)
    if asked is None or taking.export.downloaded_confidence == "low":
        return Answer("unknown", "The request is not known for certain.", evidence=evidence, fetch=_request(taking))
    moved = _moved(asked, taken)
    answer, why = combine(moved.values()), f"Requested from {place(asked)}; downloaded from {place(taken)}."
    names = {said: [name for name, is_other in moved.items() if is_other is said] for said in (True, False, None)}
    told = {"yes": f"Another {listed(names[True])}.", "unknown": f"Not reported: {listed(names[None])}.", "no": ""}
    alike = [f"same {name}" for name in names[False]]
    alike += ["same person"] if asked.actor_id and asked.actor_id == taken.actor_id else []
    alike += ["managed device"] if taken.device_managed else []
    return Answer(answer, f"{told[answer]} {why}".strip(), listed(alike, 5), evidence, this_record(taken))


def _moved(asked: Any, taken: Any) -> dict[str, bool | None]:
    """Return what differs; what a database says about one and the same address does not."""
    moved = {
        name: None if None in (one := (getattr(asked, column), getattr(taken, column))) else one[0] != one[1]
        for name, column in (("country", "country"), ("network", "as_number"), ("session", "external_session_id"))
    }
    if asked.ip_address and asked.ip_address == taken.ip_address:
        return {**moved, "country": False, "network": False}
    return moved


def unfiltered(taking: Taking, _: Case) -> Answer:
    """Return whether the export had no filter, or so many columns that it is the whole table."""
    asked, evidence = taking.asked, uuids(taking)
    if asked is None:
        return Answer("unknown", "The request, which tells the filter, is not known.", "", evidence, _request(taking))
    if not (asked.export_filter or asked.export_columns or asked.export_type):
        why = "The request does not tell filter and columns; Okta records them since 2025."
        return Answer("unknown", why, "", evidence, this_record(asked))
    columns = [name for name in (asked.export_columns or "").split(",") if name.strip()]
    scope = f"filter {text(asked.export_filter) if asked.export_filter else 'none'}, {len(columns)} columns"
    told = f"{scope} ({listed((text(name.strip()) for name in columns), 5)})" if columns else scope
    return Answer("yes" if not asked.export_filter or len(columns) >= WIDE else "no", f"{told}.", "", evidence)


def sensitive_report(taking: Taking, case: Case) -> Answer:
    """Return whether the report is one whose loss hurts."""
    export, evidence = taking.export, uuids(taking)
    names = [plain(name) for name in (export.report_name, export.report_id) if pd.notna(name)]
    found = next((one for one in case.reports if any(plain(one[0]) in name for name in names)), None)
    if found is None:
        why = f"{_report(export)} is not in the table of reports: add it with its level."
        return Answer("unknown", why, "", evidence, None if names else Query((), (("uuid", evidence[-1]),)))
    _, level, reason = found
    return Answer("yes" if level == "high" else "no", f"{_report(export)}: {level}, {reason}.", "", evidence)


def proxy(taking: Taking, _: Case) -> Answer:
    """Return whether the report was asked for or taken through a proxy, by anything that the records say."""
    steps = taking.steps
    if not steps:
        return Answer("unknown", "Neither request nor download is known.", "", uuids(taking), _request(taking))
    said = {event.uuid: is_proxied(event) for event in steps}
    answer = combine(said.values())
    words = "; ".join(f"{_VERBS[event.event_type]} {evidence_of_proxy(event)}" for event in steps)
    shown = tuple(uuid for uuid, one in said.items() if one is {"yes": True, "unknown": None}.get(answer, False))
    missing = next((event for event in steps if said[event.uuid] is None), steps[-1])
    return Answer(answer, f"{words}.", "", shown, this_record(missing))


def is_proxied(event: Any) -> bool | None:
    """Return whether anything in an event calls its address a proxy, None where nothing says so or not."""
    return True if event.ip_categories else event.is_proxy


def evidence_of_proxy(event: Any) -> str:
    """Return everything that an event says about proxies, side by side."""
    flag = {True: "flagged as a proxy", False: "not flagged as a proxy", None: "proxy not reported"}[event.is_proxy]
    services = f", known as {text(event.ip_categories)}" if event.ip_categories else ""
    return f"from {text(event.ip_address or 'an address that is not reported')}: {flag}{services}"


def repeated(taking: Taking, _: Case) -> Answer:
    """Return whether the same file had been downloaded before."""
    export, evidence = taking.export, uuids(taking)
    if taking.taken is None:
        return Answer("no", "Nobody downloaded it.", "", evidence)
    if pd.isna(export.job_id) and export.downloaded_confidence != "exact":
        why = "The record names no export job, so downloads of one file cannot be counted."
        return Answer("unknown", why, "", evidence, this_record(taking.taken))
    turn = f"Download {taking.turn} of {export.downloads} in this log"
    return Answer("yes" if taking.turn > 1 else "no", f"{turn}, by {person(taking.taken)}.", "", evidence)


def uuids(taking: Taking) -> tuple[str, ...]:
    """Return the uuids of all steps of an export."""
    export = taking.export
    found = (export.requested_uuid, export.generated_uuid, export.downloaded_uuid)
    return tuple(uuid for uuid in found if pd.notna(uuid))


_VERBS = {REQUEST: "requested", DOWNLOAD: "downloaded"}


def _request(taking: Taking) -> Query:
    report = taking.export.report_id
    return Query((REQUEST,), (("target.id", report if pd.notna(report) else None),))


def _report(export: Any) -> str:
    name = export.report_name if pd.notna(export.report_name) else export.report_id
    return text(name) if pd.notna(name) else "A report that the log does not name"


def _who(export: Any, step: str) -> str:
    """Return who did a step and from where, in words."""
    by, by_id, country, ip, flag, services = (getattr(export, f"{step}_{name}") for name in _PLACE)
    name = text(by) if pd.notna(by) else text(by_id) if pd.notna(by_id) else "somebody the log does not name"
    where = text(country) if pd.notna(country) else "country not reported"
    address = text(ip) if pd.notna(ip) else "address not reported"
    via = "proxy not reported" if pd.isna(flag) else "flagged as a proxy" if flag else "not flagged as a proxy"
    via += f", known as {text(services)}" if pd.notna(services) else ""
    return f"{name} ({where}, {address}, {via})"


_PLACE = ("by", "by_id", "country", "from", "is_proxy", "ip_categories")
_ORPHANS = {
    "request_before_window": "but its request may lie before the log begins",
    "request_not_in_log": "but its request is not in the log, which reaches back far enough",
    "no_job_id": "but the record names no export job to look for",
    "report_unknown": "but the record names no report to look for",
}


def _alike(export: Any) -> str:
    """Return what request and download have in common, which speaks against a theft."""
    pairs = {"country": "country", "from": "address", "session": "session"}
    found = [
        f"same {word}" for name, word in pairs.items() if _equal(export, f"requested_{name}", f"downloaded_{name}")
    ]
    return ", ".join(found)


def _equal(export: Any, one: str, other: str) -> bool:
    first, second = getattr(export, one), getattr(export, other)
    return bool(pd.notna(first) and first == second and str(first).lower() not in SENTINELS)


ABOUT_JOB = (
    Question(
        "taken_by_other",
        "Did somebody else take it?",
        taken_by_other,
        "An assistant or a colleague collects reports for others; a shared mailbox receives the link.",
        "Okta's event catalogue: the actor of a download may not be the user that requested generation",
    ),
    Question(
        "other_place",
        "Was it taken from another country, network or session than asked for?",
        other_place,
        "The mailed link is good for 30 days: people collect at home, on a journey, over a VPN or after a new sign-in.",
        "Okta's help: reports that take longer are collected by a mailed link",
        placed=True,
    ),
    Question(
        "unfiltered",
        "Was it the whole table: no filter, or many columns?",
        unfiltered,
        "Most reports have no filter: audits, licence counts and routine reviews want everything.",
        "Okta's event catalogue, since 2025.06.0: columns and filter of a request",
    ),
    Question(
        "sensitive_report",
        "Is it a sensitive report?",
        sensitive_report,
        "It is read by those whose work it is; the table of reports is the analyst's to change.",
        "Sigma's rule on the password health report, after the support breach of October 2023; Okta's list of reports",
    ),
    Question(
        "proxy",
        "Did it go through a proxy or an anonymizer?",
        proxy,
        "Company and private VPNs, phone networks and security gateways are flagged, too.",
        "Okta's System Log schema: isProxy, ipDetails, tunnels and proxyType, which may disagree",
        placed=True,
    ),
    Question(
        "repeated",
        "Had the same file been downloaded before?",
        repeated,
        "People lose files, or click a link twice; programs try again.",
        "Okta's event catalogue: the events of one export share debugData.jobId",
    ),
)
