"""The export ledger: which request, which generation and which download are one job, and how that is known.

Links are tried from the strongest to the weakest rule and never contradict a job id that both events carry, nor tie
what is known to be of two organizations. Whole events are joined by uuid; no row is ever put together from the columns
of several.
"""

from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import pandas as pd

from ..log.keys import TEXT, known_only, outcomes, same, were_done
from ..log.log import Events
from ..schema import DOWNLOAD, EXPORTS, GENERATE, REQUEST, meaning_of_result
from .engines import collect, first_known, rows, table


class _Rule(NamedTuple):
    name: str
    keys: tuple[str, ...]
    confidence: str
    window: bool  # only within the time that such a step may take


_RULES = (
    _Rule("job_id", ("job_id",), "exact", False),
    _Rule("transaction", ("transaction_id",), "exact", False),
    _Rule("session", ("report_id", "actor_id", "external_session_id"), "high", False),
    _Rule("session", ("report_id", "actor_id", "root_session_id"), "high", False),
    _Rule("actor", ("report_id", "actor_id"), "medium", True),
    _Rule("report", ("report_id",), "low", True),
)
_KEYS = ("job_id", "transaction_id", "report_id", "actor_id", "external_session_id", "root_session_id", "organization")
_GENERATE_WITHIN = pd.Timedelta(hours=24)
_DOWNLOAD_WITHIN = pd.Timedelta(days=30)  # how long Okta's mailed link is good for

_STEP = {
    "published": "at",
    "actor_alternate_id": "by",
    "actor_id": "by_id",
    "ip_address": "from",
    "country": "country",
    "is_proxy": "is_proxy",
    "ip_categories": "ip_categories",
    "external_session_id": "session",
    "uuid": "uuid",
}
_SCOPE = ("job_id", "report_id", "report_name", "export_columns", "export_filter", "export_type")
_NEEDED = tuple(dict.fromkeys((*_STEP, *_SCOPE, *_KEYS, "event_type", "outcome_result", "outcome_reason")))
_STEPS = ("requested", "generated", "downloaded")
_PLACED = ("country", "from", "is_proxy", "ip_categories")
EXPORT_COLUMNS = (
    *("requested_by", "downloaded_by", "report_name", "requested_at", "downloaded_at", "state", "taken_by_other"),
    *("request_to_download", "downloads", "ambiguous", "orphan_reason"),
    *(f"{step}_{name}" for name in _PLACED for step in ("requested", "downloaded")),
    *("generated_by", "generated_at", "generate_result", "generate_reason"),
    *(f"generated_{name}" for name in _PLACED),
    *("request_to_generate", "generate_to_download", "export_columns", "export_filter", "export_type"),
    *("generated_linked_by", "generated_confidence", "downloaded_linked_by", "downloaded_confidence"),
    *(f"{step}_{name}" for name in ("by_id", "session", "uuid") for step in _STEPS),
    *("job_id", "report_id", "candidates"),
)


def correlate_exports(events: Events) -> pd.DataFrame:
    """Return one row per download of a report, and one per export job that was never downloaded.

    Parameters
    ----------
    events : Log or table
        In any of the forms that the guide names.

    Returns
    -------
    DataFrame
        First who, what and when (`requested_by downloaded_by report_name requested_at downloaded_at state
        taken_by_other request_to_download`). For each step S of requested, generated and downloaded `S_at S_by S_by_id
        S_from S_country S_is_proxy S_ip_categories S_session S_uuid`; the job (`job_id report_id report_name
        export_columns export_filter export_type`); `generate_result generate_reason`; how each step was tied to the one
        before (`generated_linked_by downloaded_linked_by`: job_id, transaction, session, actor or report;
        `generated_confidence downloaded_confidence`: exact, high, medium or low); `state` (downloaded, failed, never
        generated, never downloaded, download only, generate only, download refused, download undecided),
        `orphan_reason`, `ambiguous`, `candidates` (uuids that tie), `downloads` (of this job that were done) and the
        lags as timedeltas. Sorted by the first time known, then uuid.

        `taken_by_other` is True or False only where every link is exact; a link by session or actor presupposes the
        same person and says False. It is missing for a link by report alone, without a request in the log, where
        request or download was refused or not decided, and where the steps of one job name two reports (`ambiguous`).
        Steps whose deliveries name two organizations are never one job.

    Raises
    ------
    ColumnError
        If a column is missing.

    Source
    ------
    Okta's event catalogue gives the three events one shared field, `debugData.jobId`, and says of the download that
    its actor "may not be the user that requested generation". Okta's help says that a mailed link is good for 30 days.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> exports = correlate_exports(read_log(make_log("assistant").records).events)
    >>> int(exports["taken_by_other"].sum())
    1
    """
    steps = rows(events, "correlate_exports", _NEEDED, nw.col("event_type").is_in(EXPORTS))
    start = collect(table(events, "correlate_exports", ()).select(nw.col("published_us").min()))["published"][0]
    clean = known_only(steps, _KEYS)
    clean["job_id"] = clean["job_id"].str.strip().str.strip("{}")
    requests, generates, downloads = (clean[clean["event_type"] == kind] for kind in (REQUEST, GENERATE, DOWNLOAD))
    made = _link(generates, _offer(requests), _GENERATE_WITHIN)
    taken = _link(downloads, _offers(requests, generates, made), _DOWNLOAD_WITHIN)
    jobs = _describe(_wide(_jobs(steps, made, taken), steps, made, taken), start)
    first = jobs[[f"{step}_at" for step in _STEPS]].min(axis=1)
    ids = first_known(jobs, "requested_uuid", "generated_uuid", "downloaded_uuid")
    order = jobs.assign(_first=first, _id=ids).sort_values(["_first", "_id", "downloaded_at", "downloaded_uuid"])
    return order[list(EXPORT_COLUMNS)].reset_index(drop=True)


def _link(children: pd.DataFrame, parents: pd.DataFrame, within: pd.Timedelta) -> pd.DataFrame:
    """Return for each child its parent by the strongest rule that finds one, with ties, indexed by the child."""
    left, pairs = children, []
    for rule in _RULES:
        pairs.append(_pairs(left, parents, rule, within))
        left = left[~left["uuid"].isin(pairs[-1]["child"])]
        if left.empty:
            break
    links = pd.concat(pairs).sort_values(["child", "before", "away", "weight", "parent"])
    best = links.drop_duplicates("child")
    ties = links[links["confidence"] != "exact"].merge(best[["child", "away", "weight"]])
    ties = ties[ties.duplicated("child", keep=False)].groupby("child")["parent"].agg(" ".join)
    return best.set_index("child").assign(candidates=ties.astype(TEXT))[
        ["parent", "linked_by", "confidence", "candidates"]
    ]


def _pairs(children: pd.DataFrame, parents: pd.DataFrame, rule: _Rule, within: pd.Timedelta) -> pd.DataFrame:
    """Return every pair that one rule allows: how far apart they are, and whether the child comes first."""
    keys = list(rule.keys)
    later = children.dropna(subset=keys)[["uuid", "published", *_KEYS]].rename(columns={"uuid": "child"})
    earlier = parents.dropna(subset=keys)[["parent", "ready", "offered", "weight", *_KEYS]]
    pairs = later.merge(earlier, on=keys, suffixes=("", "_parent"))
    lag = pairs["published"] - pairs["ready"]
    allowed = lag.notna()
    if rule.confidence != "exact":
        allowed &= (lag >= pd.Timedelta(0)) & pairs["offered"]
    if rule.window:
        allowed &= lag <= within
    for name in ("job_id", "organization"):
        if name not in keys:
            allowed &= same(pairs[name], pairs[f"{name}_parent"]).fillna(True).astype(bool)
    if rule.name == "report":
        allowed &= ~same(pairs["actor_id"], pairs["actor_id_parent"]).fillna(False).astype(bool)
    links = pairs.assign(away=lag.abs(), before=lag < pd.Timedelta(0), linked_by=rule.name, confidence=rule.confidence)
    return links.loc[allowed, ["child", "parent", "before", "away", "weight", "linked_by", "confidence"]]


def _offers(requests: pd.DataFrame, generates: pd.DataFrame, made: pd.DataFrame) -> pd.DataFrame:
    """Return what a download may belong to: files that were made, and requests from the moment their file was ready."""
    files = _offer(generates).assign(offered=outcomes(generates["outcome_result"]) != "refused")
    request = files["uuid"].map(made["parent"])
    whose = requests.drop_duplicates("uuid").set_index("uuid")["organization"]
    files["organization"] = files["organization"].combine_first(request.map(whose).astype(TEXT))
    ready = files[files["offered"]].groupby(request)["published"].min()
    asked = _offer(requests).assign(weight=1)
    asked["ready"] = ready.reindex(asked["uuid"]).set_axis(asked.index).fillna(asked["published"])
    made_for = asked["uuid"].map(files.groupby(request)["organization"].first()).astype(TEXT)
    asked["organization"] = asked["organization"].combine_first(made_for)
    asked["offered"] = asked["uuid"].isin(ready.index) | ~asked["uuid"].isin(request)
    return pd.concat([files, asked])


def _offer(steps: pd.DataFrame) -> pd.DataFrame:
    return steps.assign(parent=steps["uuid"], ready=steps["published"], offered=True, weight=0)


def _jobs(steps: pd.DataFrame, made: pd.DataFrame, taken: pd.DataFrame) -> pd.DataFrame:
    """Return the uuids of request, file and download: one row per download, and one per job without any."""
    request_of, parent_of = made["parent"].to_dict(), taken["parent"].to_dict()
    events = {kind: list(group.itertuples()) for kind, group in steps.groupby("event_type")}
    files: dict[Any, list[Any]] = {}
    for file in events.get(GENERATE, []):
        files.setdefault(request_of.get(file.uuid), []).append(file)
    lone = {file.uuid for file in files.pop(None, [])}
    jobs = []
    for download in events.get(DOWNLOAD, []):
        parent = parent_of.get(download.uuid)
        if parent in lone or parent in request_of:
            jobs.append((request_of.get(parent), parent, download.uuid))
        else:
            jobs.append((parent, _file(files.get(parent, []), download.published), download.uuid))
    used = {uuid for job in jobs for uuid in job}
    jobs += [(asked.uuid, _file(files.get(asked.uuid, [])), None) for asked in events.get(REQUEST, [])]
    jobs += [(None, uuid, None) for uuid in lone]
    whole = [job for job in jobs if job[2] or not used & {job[0] or job[1]}]
    return pd.DataFrame(whole, columns=[f"{step}_uuid" for step in _STEPS], dtype=TEXT)


def _file(files: list[Any], until: pd.Timestamp | None = None) -> str | None:
    """Return the file that was there at a moment: the last good one before it, or else the last one of all."""
    good = [
        file
        for file in files
        if until and file.published <= until and meaning_of_result(file.outcome_result) != "refused"
    ]
    return str((good or files)[-1].uuid) if files else None


def _wide(jobs: pd.DataFrame, steps: pd.DataFrame, made: pd.DataFrame, taken: pd.DataFrame) -> pd.DataFrame:
    """Return the jobs with everything that their events and links say, each event whole."""
    wide = jobs
    for step in _STEPS:
        event = steps[[*_NEEDED]].rename(columns={name: f"{step}_{short}" for name, short in _STEP.items()})
        event = event.rename(columns={name: f"{step}_{name}" for name in (*_SCOPE, "outcome_result", "outcome_reason")})
        wide = wide.merge(event.drop_duplicates(f"{step}_uuid"), how="left", on=f"{step}_uuid")
    for step, links in (("generated", made), ("downloaded", taken)):
        link = links.add_prefix(f"{step}_")
        wide = wide.merge(link, how="left", left_on=f"{step}_uuid", right_index=True)
    return wide


def _describe(jobs: pd.DataFrame, start: pd.Timestamp) -> pd.DataFrame:
    """Return the jobs with what follows from their events: scope, state, lags and who took it."""
    scope = {name: jobs[f"requested_{name}"] for name in _SCOPE}
    for name in ("job_id", "report_id", "report_name"):
        scope[name] = first_known(jobs, *(f"{step}_{name}" for step in _STEPS))
    ties = jobs["generated_candidates"].str.cat(jobs["downloaded_candidates"], sep=" ", na_rep="").str.strip()
    jobs = jobs.assign(
        **scope,
        generate_result=jobs["generated_outcome_result"],
        generate_reason=jobs["generated_outcome_reason"],
        taken_by_other=_taken_by_other(jobs),
        ambiguous=(ties != "") | _names_two_reports(jobs),
        candidates=ties.mask(ties == ""),
        state=_state(jobs),
        request_to_generate=jobs["generated_at"] - jobs["requested_at"],
        generate_to_download=jobs["downloaded_at"] - jobs["generated_at"],
        request_to_download=jobs["downloaded_at"] - jobs["requested_at"],
    )
    job = first_known(jobs, "requested_uuid", "generated_uuid", "job_id", "downloaded_uuid")
    done = jobs["downloaded_uuid"].notna() & were_done(jobs["downloaded_outcome_result"])
    downloads = done.groupby(job).transform("sum").astype("int64")
    return jobs.assign(downloads=downloads, orphan_reason=_orphan_reason(jobs, start))


def _taken_by_other(jobs: pd.DataFrame) -> pd.Series:
    """Return whether somebody else took the report, missing where the links do not decide it."""
    alike = same(jobs["requested_by_id"], jobs["downloaded_by_id"])
    by_file = jobs["downloaded_parent"] == jobs["generated_uuid"]
    links = jobs[["downloaded_confidence"]].assign(file=jobs["generated_confidence"].where(by_file, "exact"))
    exact, low = links.eq("exact").all(axis=1), links.eq("low").any(axis=1)
    decided = exact | (alike.fillna(False).astype(bool) & ~low)
    for step in ("requested", "downloaded"):
        decided &= jobs[f"{step}_uuid"].notna() & were_done(jobs[f"{step}_outcome_result"])
    return (~alike).where(decided & ~_names_two_reports(jobs))


def _names_two_reports(jobs: pd.DataFrame) -> "pd.Series[bool]":
    """Return where the steps of one job name different reports, so that one of them cannot belong to it."""
    reports = known_only(jobs, [f"{step}_report_id" for step in _STEPS])[[f"{step}_report_id" for step in _STEPS]]
    return reports.nunique(axis=1) > 1


def _state(jobs: pd.DataFrame) -> pd.Series:
    """Return how far each job came."""
    asked, made, taken = (jobs[f"{step}_uuid"].notna() for step in _STEPS)
    meanings = [outcomes(jobs[f"{step}_outcome_result"]) for step in _STEPS]
    refused = [meaning == "refused" for meaning in meanings]
    states = pd.Series("never downloaded", jobs.index, dtype=TEXT)
    states = states.mask(made & ~asked, "generate only").mask(asked & ~made, "never generated")
    states = states.mask(~taken & (refused[0] | refused[1]), "failed")
    states = states.mask(taken, "downloaded").mask(taken & ~asked & ~made, "download only")
    states = states.mask(taken & (meanings[2] == "undecided"), "download undecided")
    return states.mask(taken & refused[2], "download refused")


def _orphan_reason(jobs: pd.DataFrame, start: pd.Timestamp) -> pd.Series:
    """Return why no request is shown: what is missing in the log or in the record."""
    reason = pd.Series("request_not_in_log", jobs.index, dtype=TEXT)
    begun = jobs["generated_at"].fillna(jobs["downloaded_at"])
    within = jobs["generated_at"].isna().map({True: _DOWNLOAD_WITHIN, False: _GENERATE_WITHIN})
    reason = reason.mask(begun - within < start, "request_before_window")
    reason = reason.mask(jobs["job_id"].isna(), "no_job_id").mask(jobs["report_id"].isna(), "report_unknown")
    return reason.where(jobs["requested_uuid"].isna())
