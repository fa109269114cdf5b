"""What the hostile tests share: two good events, one to be spoilt, and an account that must add up."""

import json
from typing import Any

import pandas as pd

import oktakit as ok
from oktakit.schema import FLAGS
from records import event, uuid

ONE = event(
    1,
    "user.session.start",
    "2026-03-02T08:00:00.000Z",
    displayMessage="ærlig 東京\u2028",
    actor={"id": "00u1", "alternateId": "ann@example.com"},
    client={"ipAddress": "192.0.2.1", "geographicalContext": {"country": "NA", "postalCode": "00012"}},
    securityContext={"isProxy": False},
    debugContext={"debugData": {"jobId": "j1"}},
    target=[{"id": "mfa", "type": "Report"}],
)
TWO = event(2, "user.session.end", "2026-03-02T09:00:00.000Z", severity="WARN", outcome={"result": "DENY"})
ROWS = [
    {
        "uuid": uuid(1),
        "published": pd.Timestamp("2026-03-02T08:00:00Z"),
        "event_type": "user.session.start",
        "display_message": "ærlig 東京\u2028",
        "actor_id": "00u1",
        "actor_alternate_id": "ann@example.com",
        "ip_address": "192.0.2.1",
        "country": "NA",
        "postal_code": "00012",
        "is_proxy": False,
        "job_id": "j1",
        "report_id": "mfa",
        "targets": '[{"id":"mfa","type":"Report"}]',
        "debug_data": '{"jobId":"j1"}',
    },
    {
        "uuid": uuid(2),
        "published": pd.Timestamp("2026-03-02T09:00:00Z"),
        "event_type": "user.session.end",
        "severity": "WARN",
        "outcome_result": "DENY",
    },
]
"""What the events table says about the two good events, without what is missing."""


def line(record: Any) -> bytes:
    """Return a record as one line of JSON without blanks."""
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


def third(fields: str, number: int = 3) -> bytes:
    """Return a third event that has some more `fields`, given as they stand in the text."""
    start = f'{{"uuid":"{uuid(number)}","eventType":"user.session.access","published":"2026-03-02T10:00:00.000Z",'
    return (start + fields + "}").encode()


def between(raw: bytes) -> bytes:
    """Return a log of three lines, the second of which is `raw`."""
    return line(ONE) + b"\n" + raw + b"\n" + line(TWO) + b"\n"


def account(log: ok.Log) -> tuple[int, int, int, int]:
    """Return records, kept, duplicates and rejected; they add up in every source, and all names are known ones."""
    parts = log.sources[["kept", "duplicates", "rejected", "other_types"]]
    assert (log.sources["records"] == parts.sum(axis="columns")).all()
    assert (len(log.events), len(log.rejected)) == (parts["kept"].sum(), parts["rejected"].sum())
    names = {about: {flag.name for flag in FLAGS if flag.about == about} for about in ("record", "rejection", "file")}
    assert set(log.rejected["reason"]) <= names["rejection"]
    assert set(" ".join(log.events["issues"]).split()) <= names["record"]
    assert set(" ".join(log.sources["flags"]).split()) <= names["file"]
    return tuple(int(log.sources[name].sum()) for name in ("records", "kept", "duplicates", "rejected"))


def kept(log: ok.Log) -> list[tuple[int, int, str]]:
    """Return the number at the end of the uuid, the record and the flags of every kept row, by record."""
    rows = zip(log.events["uuid"].str[-12:].astype(int), log.events["record"], log.events["issues"], strict=True)
    return sorted(rows, key=lambda row: (row[1], row[0]))


def rejected(log: ok.Log) -> list[tuple[int, str]]:
    """Return record and reason of everything that was rejected."""
    return list(log.rejected[["record", "reason"]].itertuples(index=False, name=None))


def says(log: ok.Log, number: int) -> dict[str, Any]:
    """Return what the events table says about event `number`, without what is missing and its place."""
    (row,) = log.events[log.events["uuid"] == uuid(number)].to_dict("records")
    return {
        name: value for name, value in row.items() if name not in ("source", "record", "issues") and pd.notna(value)
    }


def neighbours_are_whole(log: ok.Log) -> bool:
    """Return whether both good events are there exactly, without a flag."""
    flags = log.events.loc[log.events["uuid"].isin([uuid(1), uuid(2)]), "issues"]
    return [says(log, 1), says(log, 2)] == ROWS and list(flags) == ["", ""]
