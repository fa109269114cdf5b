"""Literal tables for figures, with a null wherever one may be, and what to ask of a figure."""

import pandas as pd

from oktakit import schema
from oktakit.figures.style import describe

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<a href=javascript:alert(1)>okta</a>",
    '<span style="fill:url(http://198.51.100.9)">x</span>',
    "$\\href{javascript:alert(1)}{x}$<b>",
    "moc\u202e\u2066\u200b<sub>",
    "%{customdata[0]}<br>",
)
DRAWN = """(figure) => figure.calcdata.map((points) => [points, points[0].trace]).filter(([, trace]) => trace.meta).map(
  ([points, trace]) => {
    const seen = (what) => figure.querySelectorAll(`.trace${trace.uid} ${what}`).length;
    if (trace.type == 'heatmap') {
      const sum = trace.z.flat().reduce((one, other) => one + other, 0);
      return [trace.name, sum == trace.meta.events ? trace.z.flat().length : sum, trace.meta.marks];
    }
    if (trace.type == 'bar') return [trace.name, points.filter((bar) => isFinite(bar.s)).length, trace.meta.marks];
    const here = points.filter((point) => isFinite(point.x) && isFinite(point.y)).length;
    if (!trace.mode.startsWith('markers')) return [trace.name, points.length - here, trace.meta.marks];
    return [trace.name, seen('path.point') == here ? here : seen('path.point'), trace.meta.marks];
  })"""
"""Asks a figure in a browser what it drew of each series: marks, or lines, beside what it promised."""

DAY = pd.Timestamp("2026-03-02T00:00Z")


def minutes(*after):
    """Return times of one day, null where null."""
    return pd.Series([pd.NaT if m is None else DAY + pd.Timedelta(m, "min") for m in after]).astype(
        "datetime64[us, UTC]"
    )


def events():
    """Return eight events with a null in every column that may have one."""
    return pd.DataFrame(
        {
            "uuid": [f"e{n}" for n in range(8)],
            "published": minutes(0, 1, 2, 3, 4, 5, None, 7),
            "event_type": [*schema.ANALYTICS, "user.session.start", None, schema.DOWNLOAD, "user.session.start"],
            "actor_id": ["00u1", "00u1", "00u2", "00u3", None, "00u4", "00u2", "00u5"],
            "actor_alternate_id": [
                "a@example.com",
                "a@example.com",
                None,
                "c@example.com",
                None,
                "unknown",
                None,
                "unknown",
            ],
            "outcome_result": ["SUCCESS", None, "SUCCESS", None, "FAILURE", None, None, None],
            "ip_address": ["192.0.2.1", None, "192.0.2.2", None, None, None, None, None],
            "country": ["Malta", None, "Japan", None, None, None, None, None],
            "organization": [None, None, "example", None, None, None, None, None],
            "job_id": ["j1", "j1", "j1", None, None, "unknown", "j2", None],
            "external_session_id": ["s1", None, "s2", "s3", "unknown", "s1", None, None],
        }
    )


def exports():
    """Return four exports: taken by another, by the requester, failed, and a download without a request."""
    frame = pd.DataFrame(
        {
            "report_name": ["Users", "Users", None, "MFA"],
            "generate_result": ["SUCCESS", None, "FAILURE", None],
            "state": ["downloaded", "downloaded", "failed", "download only"],
            "taken_by_other": pd.array([True, False, pd.NA, pd.NA], dtype="boolean"),
            "request_to_download": pd.to_timedelta(["2h 14min 5s", "30s", None, None]),
        }
    )
    steps = {
        "requested": (minutes(0, 10, 20, None), ["a@example.com", "b@example.com", "c@example.com", None]),
        "generated": (minutes(1, None, 21, None), [None, "system", "system", None]),
        "downloaded": (minutes(134, 11, None, 40), ["x@example.com", "b@example.com", None, "y@example.com"]),
    }
    for step, (at, by) in steps.items():
        uuids = [f"{step}{row}" if name else None for row, name in enumerate(by)]
        columns = {"at": at, "by": by, "from": None, "country": None, "uuid": uuids}
        frame = frame.assign(**{f"{step}_{name}": values for name, values in columns.items()})
    return frame


def geo():
    """Return six countries: two that maps often lose, one beyond the date line, two without a place."""
    countries = ["Singapore", "Malta", "Samoa", "United States", None, "Atlantis"]
    times = {"first": minutes(*[0] * 6), "last": minutes(*[9] * 6)}
    numbers = {"events": [5, 4, 3, 100, 7, 2], "actors": [1] * 6, "downloads": [1, 0, 0, 2, 0, 0]}
    return pd.DataFrame({"country": countries} | numbers | times)


def proxy():
    """Return four networks with every answer about proxies, and one of which nothing is known."""
    return pd.DataFrame(
        {
            "as_number": pd.array([64500, 64501, None, 64502], dtype="Int64"),
            "as_org": ["Example Hosting", "Example Telecom", None, None],
            "is_proxy": pd.array([True, False, pd.NA, pd.NA], dtype="boolean"),
            "ip_categories": ["VPN HOSTING", None, "", None],
            "events": [12, 40, 3, 1],
            "actors": [2, 9, 1, 1],
            "first": minutes(0, 0, 0, None),
            "last": minutes(5, 6, 7, None),
        }
    )


def moves():
    """Return eleven events: one person in three places and through a proxy, another in two, Okta, and what lacks."""
    ann, bob, okta = (
        ("00u1", "ann@example.com", "User"),
        ("00u2", "bob@example.com", "User"),
        ("okta", "okta", "SystemPrincipal"),
    )
    oslo, bucharest, singapore = (
        ("Oslo", "Norway", 59.9, 10.8),
        ("Bucharest", "Romania", 44.4, 26.1),
        (None, "Singapore", 1.35, 103.8),
    )
    norway, malta, nowhere = (None, "Norway", None, None), (None, "Malta", None, None), (None, None, None, None)
    rows = [
        (0, ann, oslo, False, None),
        (10, ann, oslo, False, None),
        (20, ann, bucharest, None, None),
        (90, ann, oslo, False, ""),
        (100, ann, oslo, True, None),
        (110, ann, norway, None, None),
        (0, bob, malta, None, None),
        (5, bob, nowhere, None, None),
        (180, bob, singapore, False, "VPN"),
        (30, okta, oslo, None, None),
        (None, ann, oslo, False, None),
    ]
    who, where = (pd.DataFrame(list(part)) for part in list(zip(*rows, strict=True))[1:3])
    return pd.DataFrame(
        {
            "uuid": [f"m{row}" for row in range(len(rows))],
            "published": minutes(*(row[0] for row in rows)),
            **dict(zip(("actor_id", "actor_alternate_id", "actor_type"), (who[n] for n in range(3)), strict=True)),
            **dict(zip(("city", "country", "lat", "lon"), (where[n] for n in range(4)), strict=True)),
            "is_proxy": pd.array([row[3] for row in rows], dtype="boolean"),
            "ip_categories": [row[4] for row in rows],
            "event_type": "user.session.access_admin_app",
            "raw_user_agent": "Firefox",
            "client_id": None,
            "outcome_result": "SUCCESS",
            "external_session_id": "s1",
        }
    )


def strip():
    """Return eight events: a session that moves, one of a single event, none, and one without a time."""
    return pd.DataFrame(
        {
            "uuid": [f"e{n}" for n in range(8)],
            "published": minutes(0, 10, 20, 30, 40, 100, 0, None),
            "event_type": "user.session.start",
            "external_session_id": ["s1"] * 5 + ["s2", "unknown", "s1"],
            "actor_id": ["00u1"] * 5 + ["00u2", "00u3", "00u1"],
            "actor_alternate_id": ["a@example.com"] * 5 + ["b@example.com", None, "a@example.com"],
            "country": ["Norway", "Norway", None, "Romania", "Norway", "Malta", "Japan", "Norway"],
        }
    )


def changes():
    """Return three changes: one that nothing explains, one of Okta, and one in a session that is not drawn."""
    return pd.DataFrame(
        {
            "session": ["s1", "s1", "s9"],
            "uuid": ["e3", "e4", "e9"],
            "at": minutes(30, 40, 50),
            "moved": ["ip_address country", "country", "os"],
            "explained_by": [None, "okta_agent", None],
            "actor_id": "00u1",
            "actor_alternate_id": "a@example.com",
        }
    )


def feedback():
    """Return five verdicts: two in dispute, one about oneself, one on what is not in the log, one that lacks all."""
    return pd.DataFrame(
        {
            "feedback_uuid": [f"f{n}" for n in range(5)],
            "given_at": minutes(60, 90, 20, 30, None),
            "given_by": ["x@example.com", "y@example.com", "u@example.com", "x@example.com", None],
            "given_from": None,
            "about_user": ["u@example.com", "u@example.com", "u@example.com", "v@example.com", None],
            "label": None,
            "verdict": ["confirmed", "dismissed", "dismissed", "missed", None],
            "reason": None,
            "judged_uuid": ["d1", "d1", "d2", "d3", None],
            "judged_type": ["user.risk.detect"] * 4 + [None],
            "judged_at": minutes(0, 0, 10, None, None),
            "judged_risk_level": ["HIGH", "HIGH", "LOW", None, None],
            "judged_detection": ["Session theft", "Session theft", None, None, None],
            "judged_in_log": pd.array([True, True, True, False, pd.NA], dtype="boolean"),
            "time_to_verdict": pd.to_timedelta(["1h", "90min", "10min", None, None]),
            "self_feedback": pd.array([False, False, True, False, pd.NA], dtype="boolean"),
            "contradicted": pd.array([True, True, False, False, pd.NA], dtype="boolean"),
        }
    )


def detections():
    """Return three detections: HIGH and judged, HIGH and not judged, LOW and not judged."""
    return pd.DataFrame(
        {
            "uuid": ["d1", "h1", "l1"],
            "event_type": "user.risk.detect",
            "published": minutes(0, 5, 6),
            "risk_level": ["HIGH", "high", "LOW"],
            "detection_name": ["Session theft", "Odd place", None],
            "target_user_alternate_id": "u@example.com",
        }
    )


def week():
    """Return six events: three in the first hour of a week, one in its last, one after it, one without a time."""
    kinds = ["user.session.start", schema.REQUEST, schema.REQUEST, schema.FEEDBACK, schema.GENERATE, schema.DOWNLOAD]
    return pd.DataFrame({"published": minutes(0, 10, 50, 7 * 1440 - 5, 7 * 1440 + 20, None), "event_type": kinds})


def coverage():
    """Return four aspects, one of them a gap of nine hours and one with what was rejected."""
    return pd.DataFrame(
        {
            "aspect": ["span", "gap", "detections", "rejected"],
            "complete": ["yes", "no", "unknown", "no"],
            "why": ["long enough", "nothing for nine hours", None, "3 records could not be read."],
            "first": minutes(0, 60, None, None),
            "last": minutes(600, 600, None, None),
            "count": [6, 0, 0, 3],
        }
    )


def card():
    """Return two questions about two subjects with all four kinds of answers, one of them none."""
    return pd.DataFrame(
        {
            "subject": ["11111111-aaaa", "11111111-aaaa", "22222222-bbbb", "22222222-bbbb"],
            "key": ["taken_by_other", "sensitive_report"] * 2,
            "question": ["Was it taken?", "Was it late?"] * 2,
            "answer": ["yes", "no", "unknown", None],
            "why": ["by x@example.com", "at noon", None, None],
            "against": [None, None, None, None],
        }
    )


def leads(*uuids):
    """Return a lead for each text of uuids, and the last row that says what was not chosen."""
    frame = pd.DataFrame({"level": "needs a look", "exports": "", "feedback": None, "evidence": [*uuids, None]})
    return frame.assign(level=frame["level"].where(frame["evidence"].notna(), "ordinary"))


def poisoned(frame, text):
    """Return a table with one text in every column of free text; types and answers decide what is drawn."""
    columns = [name for name in frame if frame[name].dtype in (object, "str")]
    columns = [name for name in columns if name not in ("event_type", "answer")]
    return frame.assign(**dict.fromkeys(columns, text))


def said(figure):
    """Return what a figure says about each series: its marks and events."""
    return {row.series: (row.marks, row.events) for row in describe(figure).itertuples()}


def marks(figure):
    """Return the number of points of a figure, lines and outlines not counted."""
    return sum(len(trace.y) for trace in figure.data if trace.type == "bar" or trace.mode == "markers")


def texts(value):
    """Yield every string of a figure, keys and all."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value
