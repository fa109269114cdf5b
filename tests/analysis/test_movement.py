"""Travel that nobody can make, first times, and what happened around an event."""

import json
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import oktakit as ok
from oktakit.analysis.movement import FIRST_COLUMNS, TRAVEL_COLUMNS, find_first_seen, find_travel
from oktakit.analysis.surroundings import AROUND_COLUMNS, find_around
from records import event, events, uuid

SAMPLES = Path(__file__).parents[2] / "sample_logs"
PARIS = {"country": "France", "lat": 48.8566, "lon": 2.3522, "ip": "192.0.2.1"}
TOKYO = {"country": "Japan", "lat": 35.6762, "lon": 139.6503, "ip": "198.51.100.1"}
NEW_YORK = {"country": "United States", "lat": 40.7128, "lon": -74.006, "ip": "203.0.113.1"}
NOWHERE = dict.fromkeys(("country", "lat", "lon", "ip"))


def act(number, at, place, kind="user.authentication.sso", by="ada", user="User", **more):
    """Return an event of one person at a time of 2026-03, as `02T08:00:00`, in a place."""
    spot = {"country": place["country"], "geolocation": {"lat": place["lat"], "lon": place["lon"]}}
    return event(
        number,
        kind,
        f"2026-03-{at}.000Z",
        actor={"id": by, "type": user, "alternateId": by and f"{by}@example.com"},
        client={
            "ipAddress": place["ip"],
            "geographicalContext": spot,
            "userAgent": {"rawUserAgent": more.get("agent")},
        },
        authenticationContext={"externalSessionId": more.get("session", "s1"), "rootSessionId": more.get("root")},
        securityContext={"isProxy": more.get("proxy"), "asNumber": more.get("asn")},
        outcome={"result": more.get("result", "SUCCESS")},
        transaction={"id": more.get("transaction"), "detail": {"requestApiTokenId": more.get("token")}},
        target=more.get("target"),
        debugContext={"debugData": {"jobid": more["job"]} if "job" in more else {}},
    )


def country_only(place):
    """Return a place without its coordinates."""
    return place | {"lat": None, "lon": None}


def test_two_continents_in_one_second_are_flagged():
    """Zero seconds apart is infinitely fast."""
    row = find_travel(events(act(1, "02T08:00:00", PARIS), act(2, "02T08:00:00", TOKYO, proxy=True))).iloc[0]
    assert (row["from_uuid"], row["to_uuid"], row["actor_id"]) == (uuid(1), uuid(2), "ada")
    assert (row["from_country"], row["to_country"], row["basis"]) == ("France", "Japan", "coordinates")
    assert row["km"] == pytest.approx(9712, abs=10)
    assert (row["hours"], row["kmh"]) == (0, float("inf"))
    assert (pd.isna(row["from_is_proxy"]), row["to_is_proxy"]) == (True, True)


def test_a_flight_is_not_flagged_and_its_speed_is_right():
    """Paris to New York in 26 hours is 5,837 km at 224 km/h: over the whole time, not the time of day."""
    trip = events(act(1, "02T08:00:00", PARIS), act(2, "03T10:00:00", NEW_YORK))
    assert find_travel(trip).empty
    row = find_travel(trip, kmh=200).iloc[0]
    assert (row["km"], row["kmh"], row["hours"]) == (pytest.approx(5837, abs=5), pytest.approx(224.5, abs=0.3), 26)


def test_distance_is_that_of_the_globe():
    """A quarter of the equator is a quarter of its length."""
    east = {"country": "A", "lat": 0.0, "lon": 120.0, "ip": "192.0.2.9"}
    row = find_travel(
        events(act(1, "02T08:00:00", east | {"lon": 30.0, "ip": "192.0.2.8"}), act(2, "02T09:00:00", east))
    )
    assert row["km"].item() == pytest.approx(10007.557, abs=0.001)
    assert row["kmh"].item() == pytest.approx(10007.557, abs=0.001)


def test_steps_are_pairs_in_a_row_not_the_ends_of_a_day():
    """Paris, Tokyo and Paris again within the hour are two legs."""
    there = [act(1, "02T08:00:00", PARIS), act(2, "02T08:30:00", TOKYO), act(3, "02T09:00:00", PARIS)]
    legs = find_travel(events(*there))
    assert list(zip(legs["from_uuid"], legs["to_uuid"], strict=True)) == [(uuid(1), uuid(2)), (uuid(2), uuid(3))]


@pytest.mark.parametrize(
    "second",
    [
        act(2, "02T08:10:00", TOKYO | {"ip": PARIS["ip"]}),
        act(2, "02T08:10:00", TOKYO, by="bo"),
        act(2, "02T08:10:00", TOKYO, agent="Okta-Integrations"),
        act(2, "02T08:10:00", TOKYO, token="00T1"),
        act(2, "02T08:10:00", TOKYO, user="PublicClientApp"),
        act(2, "02T08:10:00", TOKYO, result="FAILURE", session=None),
        act(2, "02T08:10:00", PARIS | {"lat": 50.8503, "lon": 4.3517, "ip": "192.0.2.2"}),
        act(2, "02T08:10:00", TOKYO | {"ip": None}),
        act(2, "02T08:10:00", TOKYO | {"lat": None, "country": None}),
        act(2, "02T08:10:00", TOKYO | {"lat": None, "country": "Atlantis"}),
    ],
    ids=["address", "actor", "okta", "token", "app", "refused", "near", "no-address", "no-place", "no-country"],
)
def test_what_is_no_travel_is_not_flagged(second):
    """One address in two places, other actors, Okta, tokens, apps, refused attempts, short ways, missing places."""
    assert find_travel(events(act(1, "02T08:00:00", PARIS), second)).empty


def test_system_actors_never_travel():
    """Okta's system acts from everywhere at once."""
    system = {"by": "system", "user": "SystemPrincipal"}
    assert find_travel(events(act(1, "02T08:00:00", PARIS, **system), act(2, "02T08:00:00", TOKYO, **system))).empty


def test_an_actor_whose_type_is_not_reported_may_be_a_person():
    """On every engine: what is missing is not "no user"."""
    log = events(act(1, "02T08:00:00", PARIS, user=None), act(2, "02T08:00:00", TOKYO, user=None))
    assert (len(find_travel(log)), len(find_travel(pl.from_pandas(log)))) == (1, 1)


@pytest.mark.parametrize("by", [None, "unknown", "null", ""])
def test_nobody_in_particular_never_travels(by):
    """Actors that the log does not name are not one person."""
    assert find_travel(events(act(1, "02T08:00:00", PARIS, by=by), act(2, "02T08:00:00", TOKYO, by=by))).empty


def test_a_refused_attempt_within_a_session_still_counts():
    """Whoever holds the session was there, even if the request was refused."""
    refused = act(2, "02T08:10:00", TOKYO, result="DENY", session="s1")
    assert len(find_travel(events(act(1, "02T08:00:00", PARIS), refused))) == 1


def test_an_event_without_place_does_not_break_the_pair():
    """A job between two events of a person is skipped, not compared."""
    job = act(2, "02T08:05:00", NOWHERE)
    legs = find_travel(events(act(1, "02T08:00:00", PARIS), job, act(3, "02T08:10:00", TOKYO)))
    assert list(zip(legs["from_uuid"], legs["to_uuid"], strict=True)) == [(uuid(1), uuid(3))]


def test_zero_north_zero_east_is_no_place():
    """Coordinates that databases give where they know nothing are skipped like missing ones."""
    island = PARIS | {"country": None, "lat": 0, "lon": 0, "ip": "192.0.2.7"}
    legs = find_travel(
        events(act(1, "02T08:00:00", PARIS), act(2, "02T08:05:00", island), act(3, "02T08:10:00", TOKYO))
    )
    assert list(zip(legs["from_uuid"], legs["to_uuid"], strict=True)) == [(uuid(1), uuid(3))]


def test_an_address_that_the_log_has_in_two_places_gets_the_nearer_one():
    """The place of the first address jumps to Tokyo and back; going on in Paris from another address is no travel."""
    jump = TOKYO | {"ip": PARIS["ip"]}
    on = act(3, "02T08:20:00", PARIS | {"ip": "192.0.2.2"})
    assert find_travel(events(act(1, "02T08:00:00", PARIS), act(2, "02T08:10:00", jump), on)).empty


@pytest.mark.parametrize(("at", "flagged"), [("02T09:00:00", 1), ("02T11:30:00", 0)])
def test_countries_stand_in_for_coordinates_within_three_hours(at, flagged):
    """France and Japan an hour apart are flagged by country and say so; 3 h 30 min apart they are not."""
    legs = find_travel(events(act(1, "02T08:00:00", country_only(PARIS)), act(2, at, TOKYO)))
    assert list(legs["basis"]) == ["country"] * flagged


def test_one_country_in_two_spellings_is_one_country():
    """US and United States are no two countries."""
    short = country_only(NEW_YORK) | {"country": "US", "ip": "203.0.113.2"}
    assert find_travel(events(act(1, "02T08:00:00", country_only(NEW_YORK)), act(2, "02T08:00:00", short))).empty


def seen(number, day, country, **more):
    """Return an event of one day in March at 08:00 in a country."""
    return act(number, f"{day:02}T08:00:00", NOWHERE | {"country": country}, **more)


USUAL = [seen(number, number, "Norway") for number in (1, 2, 3)]


def firsts(records, column="country", **options):
    """Return actor, value, events in the baseline and whether it is a first time (None: cold start)."""
    found = find_first_seen(events(*records), column, **options)
    flags = [None if pd.isna(flag) else flag for flag in found["first_time"]]
    return list(zip(found["actor_id"], found["value"], found["baseline_events"], flags, strict=True))


def test_a_value_after_the_baseline_is_a_first_time_once():
    """Romania on day 8 is new with its first event; Norway is not."""
    records = [*USUAL, seen(4, 8, "Norway"), seen(5, 8, "Romania"), seen(6, 9, "Romania")]
    assert firsts(records) == [("ada", "Romania", 3, True)]
    assert list(find_first_seen(events(*records), "country")["uuid"]) == [uuid(5)]


def test_the_baseline_ends_exactly_when_it_says():
    """Seven days after the first event is after the baseline; a second before belongs to it."""
    just = act(5, "08T07:59:59", NOWHERE | {"country": "Sweden"})
    assert firsts([*USUAL, seen(4, 8, "Romania"), just]) == [("ada", "Romania", 4, True)]


def test_a_new_joiner_is_a_cold_start():
    """Whoever has fewer events than the minimum gets no "first time"."""
    assert firsts([*USUAL, seen(4, 9, "Romania", by="bo")]) == [("bo", "Romania", 0, None)]
    assert firsts([*USUAL, seen(4, 9, "Romania")], minimum=4) == [("ada", "Romania", 3, None)]


def test_events_that_do_not_say_the_column_are_no_baseline():
    """Three events without a country cannot show that a country is new; sentinels are no value."""
    blank = [seen(number, number, unknown) for number, unknown in ((1, None), (2, "unknown"), (3, ""))]
    assert firsts([*blank, seen(4, 9, "Romania"), seen(5, 9, "null")]) == [("ada", "Romania", 0, None)]


def test_a_log_within_its_baseline_has_no_first_times():
    """Nothing comes after the baseline."""
    assert firsts([*USUAL, seen(4, 7, "Romania")]) == []


def test_refused_attempts_and_okta_teach_nothing_and_are_never_new():
    """A stranger's failed sign-ins make Romania neither known nor new; nor do system actors."""
    failed = {"result": "FAILURE", "session": None}
    own = {"by": "system", "user": "SystemPrincipal"}
    records = [*USUAL, seen(4, 2, "Romania", **failed), seen(5, 9, "Chile", **failed), seen(6, 9, "Peru", **own)]
    assert firsts([*records, seen(7, 10, "Romania")]) == [("ada", "Romania", 3, True)]


def test_a_first_report_counts_against_everything_done_before():
    """Somebody busy who never exported has a first export; networks are numbers."""
    report = [{"id": "mfa", "type": "Report", "displayName": "MFA Usage"}]
    taken = seen(4, 9, "Norway", kind=ok.DOWNLOAD, target=report)
    assert firsts([*USUAL, taken], "report_id") == [("ada", "mfa", 3, True)]
    networks = [seen(number, number, "Norway", asn=64496) for number in (1, 2, 3)]
    assert firsts([*networks, seen(4, 9, "Norway", asn=64500)], "as_number") == [("ada", 64500, 3, True)]


def test_hours_of_the_week_are_told_in_the_named_time_zone():
    """2026-03-13 is a Friday; 08:00 UTC is 09:00 in Oslo and 13:30 in Kolkata. Monday at 08:00 is nothing new."""
    records = [*USUAL, seen(4, 9, "Norway"), seen(5, 13, "Norway")]
    assert firsts(records, "hour_of_week") == [("ada", "Fri 08:00", 3, True)]
    assert firsts(records, "hour_of_week", timezone="Europe/Oslo") == [("ada", "Fri 09:00", 3, True)]
    assert firsts(records, "hour_of_week", timezone="Asia/Kolkata") == [("ada", "Fri 13:00", 3, True)]


@pytest.mark.parametrize(
    "options", [{"baseline": "a while"}, {"baseline": "0h"}, {"baseline": "-1D"}, {"timezone": "Mars"}]
)
def test_a_length_or_zone_that_is_none_is_refused(options):
    """The message names what was given."""
    with pytest.raises(ok.InputError, match=str(*options.values())):
        find_first_seen(events(*USUAL), "hour_of_week", **options)


USER = {"type": "User", "alternateId": "user@example.com"}
MIDDLE = act(
    10, "02T08:00:00", PARIS, ok.DOWNLOAD, root="r1", job="j1", transaction="t1", target=[{"id": "vic", **USER}]
)
NEIGHBOURS = {
    "actor": act(1, "02T07:30:00", TOKYO, "system.api_token.create", session="x"),
    "target": act(
        2, "02T07:31:00", TOKYO, "user.mfa.factor.reset_all", by="bo", session="x", target=[{"id": "ada", **USER}]
    ),
    "session": act(3, "02T07:32:00", TOKYO, by="bo", session="s1"),
    "root_session": act(4, "02T07:33:00", TOKYO, by="bo", session="x", root="r1"),
    "ip": act(5, "02T07:34:00", PARIS, by="bo", session="x"),
    "job": act(6, "02T07:35:00", NOWHERE, ok.GENERATE, by="system", user="SystemPrincipal", session=None, job="J1"),
    "transaction": act(7, "02T07:36:00", TOKYO, by="bo", session="x", transaction="t1"),
}


def test_every_neighbour_is_there_with_its_reason():
    """One neighbour for every key, one that has none, and the event itself with all."""
    log = events(MIDDLE, *NEIGHBOURS.values(), act(8, "02T07:37:00", TOKYO, by="bo", session="x"))
    found = find_around(log, uuid(10)).set_index("uuid")
    wanted = [reason for reason in NEIGHBOURS if reason != "job"]
    assert [found.loc[uuid(n), "reason"] for n in (1, 2, 3, 4, 5, 7)] == wanted
    assert found.loc[uuid(10), "reason"] == "actor target session root_session ip job transaction"
    assert found.loc[uuid(10), "lag"] == pd.Timedelta(0)
    assert found.loc[uuid(1), "lag"] == pd.Timedelta("-30min")
    assert uuid(8) not in found.index
    assert found.loc[uuid(1), "matters"] == "API token created or changed"
    assert found.loc[uuid(2), "matters"] == "MFA factor changed"
    assert pd.isna(found.loc[uuid(3), "matters"])


def test_the_target_s_own_events_are_there():
    """What the user it was done to did themselves is tied by the target."""
    found = find_around(events(MIDDLE, act(1, "02T08:10:00", TOKYO, by="vic", session="x")), uuid(10))
    assert list(found["reason"])[1] == "target"


def test_the_window_holds_its_ends():
    """An hour before and after belongs to an hour, a second more does not."""
    times = ("02T06:59:59", "02T07:00:00", "02T09:00:00", "02T09:00:01")
    log = events(MIDDLE, *(act(n, at, TOKYO) for n, at in enumerate(times, 1)))
    assert list(find_around(log, uuid(10))["uuid"]) == [uuid(2), uuid(10), uuid(3)]
    assert list(find_around(log, uuid(10), "10min")["uuid"]) == [uuid(10)]


def test_unknown_keys_and_the_system_tie_nothing():
    """A storm of null keys and of Okta's own events stays away."""
    blank = {"session": "unknown", "root": "null", "transaction": "", "by": "system", "user": "SystemPrincipal"}
    log = events(*(act(n, "02T08:00:00", NOWHERE | {"ip": "unknown"}, **blank) for n in range(1, 50)))
    assert list(find_around(log, uuid(7))["uuid"]) == [uuid(7)]


@pytest.mark.parametrize("name", ["uuid", "downloaded_uuid", "to_uuid", "feedback_uuid"])
def test_a_row_of_any_table_names_its_event(name):
    """Series, dictionaries and named tuples with a known uuid column do as well as the uuid."""
    log = events(MIDDLE)
    table = pd.DataFrame({name: [uuid(10)]})
    for row in (table.iloc[0], dict(table.iloc[0]), next(table.itertuples())):
        assert list(find_around(log, row)["uuid"]) == [uuid(10)]


@pytest.mark.parametrize("given", ["none", {"uuid": None}, 7, None])
def test_an_event_that_is_not_in_the_log_is_refused(given):
    """Neither an unknown uuid nor a row without one is guessed at."""
    with pytest.raises(ok.InputError, match="find_around needs"):
        find_around(events(MIDDLE), given)


HELPERS = {
    "travel": (find_travel, TRAVEL_COLUMNS),
    "country": (lambda log: find_first_seen(log, "country", "2D"), FIRST_COLUMNS),
    "as_number": (lambda log: find_first_seen(log, "as_number", "2D"), FIRST_COLUMNS),
    "hours": (lambda log: find_first_seen(log, "hour_of_week", "2D", timezone="Asia/Kolkata"), FIRST_COLUMNS),
    "around": (lambda log: find_around(log, "8bd34890-1973-11f1-8084-7c54bd2bd97c"), AROUND_COLUMNS),
}


@pytest.mark.parametrize("name", HELPERS)
def test_order_and_engine_make_no_difference(name):
    """Newest first, shuffled, Polars and lazy Polars give the same frame; the input is left as it was."""
    helper, columns = HELPERS[name]
    log = ok.read_log(SAMPLES / "stolen_report.jsonl").events
    before, wanted = log.copy(deep=True), helper(log)
    assert (tuple(wanted), wanted.empty) == (columns, False)
    polars = pl.from_pandas(log)
    for other in (log[::-1], log.sample(frac=1, random_state=1), polars, polars.lazy()):
        pd.testing.assert_frame_equal(helper(other), wanted)
    pd.testing.assert_frame_equal(log, before)


@pytest.mark.parametrize("name", ["ip_address", "external_session_id", "is_proxy", "actor_id"])
@pytest.mark.parametrize("helper", [find_travel, ok.summarize_geo, ok.correlate_sessions, ok.find_session_changes])
def test_a_column_without_any_value_needs_no_type(helper, name):
    """Files and engines guess a type for nothing: numbers, objects, or none; the answer is the same."""
    log = events(act(1, "02T08:00:00", PARIS), act(2, "02T08:10:00", TOKYO))
    wanted = helper(log.assign(**{name: pd.Series(None, log.index, log[name].dtype)}))
    objects = log.assign(**{name: pd.Series(None, log.index, object)})
    for other in (
        log.assign(**{name: float("nan")}),
        objects,
        pl.from_pandas(log).with_columns(pl.lit(None).alias(name)),
    ):
        pd.testing.assert_frame_equal(helper(other), wanted)


@pytest.mark.parametrize("name", ["travel", "country", "as_number", "hours"])
def test_an_empty_log_gives_the_same_columns(name):
    """Names and types are those of a full answer; a missing column is named."""
    helper, _ = HELPERS[name]
    log = ok.read_log(SAMPLES / "stolen_report.jsonl").events
    pd.testing.assert_frame_equal(helper(log[:0]), helper(log)[:0])
    with pytest.raises(ok.ColumnError, match="client_id"):
        helper(log.drop(columns="client_id"))


def test_the_thief_travels_and_a_quiet_week_does_not():
    """The sample's hijack and its download abroad are legs; sixty people of a quiet week make none."""
    truth = json.loads((SAMPLES / "truth" / "stolen_report.json").read_text())
    hijack = next(fact for fact in truth["planted"] if fact["kind"] == "hijack")
    legs = find_travel(ok.read_log(SAMPLES / "stolen_report.jsonl").events)
    leg = legs[legs["to_uuid"] == hijack["uuids"]["context_change"]].iloc[0]
    assert ([leg["from_country"], leg["to_country"]], leg["basis"]) == (hijack["countries"], "coordinates")
    assert find_travel(ok.read_log(SAMPLES / "quiet_week.jsonl.gz").events).empty
