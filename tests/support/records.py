"""Records for tests, written out as Okta documents them, with everything but the point in question left out."""

from typing import Any

import oktakit as ok


def uuid(number: int) -> str:
    """Return a uuid that ends in `number`."""
    return f"00000000-0000-4000-8000-{number:012d}"


def event(number: int, event_type: str, at: str = "2026-03-02T08:00:00.000Z", **fields: Any) -> dict[str, Any]:
    """Return a minimal event; `fields` are further top-level fields."""
    return {"uuid": uuid(number), "eventType": event_type, "published": at, **fields}


def export(
    number: int,
    step: str,
    at: str,
    by: str | None,
    *,
    job: str | None = None,
    report: str | None = "mfa",
    session: str | None = None,
    transaction: str | None = None,
    country: str | None = None,
    result: str = "SUCCESS",
    **fields: Any,
) -> dict[str, Any]:
    """Return one step of an export: `step` is request, generate or download; `at` a time of 2026-03 as `02T08:00`."""
    return event(
        number,
        f"analytics.reports.export.{step}",
        f"2026-03-{at}:00.000Z",
        actor={"id": by, "type": "User", "alternateId": by and f"{by}@example.com", "displayName": by},
        client={"ipAddress": "192.0.2.1", "geographicalContext": {"country": country}},
        authenticationContext={"externalSessionId": session},
        outcome={"result": result},
        transaction={"id": transaction, "type": "WEB"},
        target=[{"id": report, "type": "Report", "displayName": report and report.upper()}] if report else None,
        debugContext={"debugData": {"jobid": job} if job else {}},
        **fields,
    )


def events(*records: dict[str, Any]) -> Any:
    """Return the events table of some records, none of which may get lost on the way."""
    log = ok.read_log(list(records))
    assert len(log.events) == len(records)
    return log.events
