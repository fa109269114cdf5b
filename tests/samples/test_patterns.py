"""Malicious patterns and benign twins: their truth is read off the records again, without the code under test."""

import json
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from random import Random

import pytest

import oktakit as ok
from oktakit.samples.events import CHANGES
from oktakit.samples.patterns import BY_HABIT, PATTERNS, plant_pattern
from oktakit.samples.people import staff
from oktakit.samples.scenarios import mixture
from oktakit.schema import DOWNLOAD, FEEDBACK, REQUEST

HOUR = timedelta(hours=1)
STORIES = [kind for kind, pattern in PATTERNS.items() if pattern.steps]
EXPORT_STORIES = [kind for kind in STORIES if not any(what == "feedback" for _, _, what, *_ in PATTERNS[kind].steps)]
MATTERS = (
    *("user.risk.detect", "user.session.context.change", *CHANGES),
    *("user.account.reset_password", "user.mfa.factor.reset_all", "user.mfa.okta_verify.deny_push"),
    *("user.session.impersonation.grant", "user.session.impersonation.initiate"),
    *("system.idp.lifecycle.create", "policy.rule.update", "zone.update"),
)
# a malicious pattern, its benign twin, and the answers that tell them apart, where both facts decide
TWINS = (
    ("theft", "assistant", "no_admin_console proxy travel"),
    ("hijack", "vpn_flip", "no_admin_console proxy session_changed travel"),
    ("script", "okta_agent", "other_place around_risk session_changed travel"),
    ("impossible_travel", "flight", "no_admin_console travel"),
    ("one_stranger", "kiosk", "no_admin_console proxy"),
    ("one_stranger", "shared_office", "no_admin_console proxy"),
    ("stolen_night", "night_shift", "no_admin_console off_hours"),
    ("awakened", "new_joiner", "no_admin_console first_export"),
    ("haul", "month_end", "no_admin_console bulk"),
    ("tampering", "helpdesk", "no_admin_console around_risk"),
    ("copied", "collected_again", "no_admin_console"),
    ("silenced", "reviewer", "self_given dismissed_high feedback_from_risky_place export_after_feedback"),
    ("reviewer", "unseen", "dismissed_high judged_missing"),
    ("waved_through", "steady_reviewer", "burst"),
    ("contradicted", "agreed", "contradicted dismissed_high"),
    ("har_file", "home_from_office", "session_changed travel around_risk"),
    ("mailed_link_taken", "mailed_link_at_home", "proxy"),
    ("impersonated_across_tenants", "moved_to_new_provider", "proxy travel around_risk"),
    ("copied_user_agent", "tethered_to_phone", "no_admin_console travel"),
    ("talked_into_reset", "forgot_password", "no_admin_console proxy around_risk"),
    ("stolen_api_token", "api_token_job", "proxy"),
    ("before_leaving", "quarter_end", "no_admin_console bulk off_hours"),
    (
        "silenced_by_second_account",
        "confirmed_by_reviewer",
        "dismissed_high feedback_from_risky_place export_after_feedback",
    ),
    ("push_fatigue", "one_push_denied", "no_admin_console travel around_risk"),
    ("provider_added", "provider_added_by_colleague", "no_admin_console proxy around_risk"),
    ("factor_of_stranger", "new_phone", "no_admin_console around_risk"),
    ("scripted_exports", "scripted_by_owner", "no_admin_console session_changed travel around_risk bulk"),
    ("tor_exit", "vpn_at_home", "no_admin_console travel"),
    ("cookie_replayed_nearby", "second_browser", "no_admin_console session_changed around_risk"),
    ("support_impersonates", "support_helped", "no_admin_console proxy travel around_risk"),
    ("mass_export_at_night", "nightly_run", "no_admin_console proxy bulk off_hours"),
    (
        "dismissed_by_detected",
        "dismissed_after_talks",
        "self_given dismissed_high burst feedback_from_risky_place",
    ),
    ("new_role", "new_admin", "no_admin_console proxy around_risk"),
    ("phishing_refused_then_push", "phishing_refused", "no_admin_console proxy travel"),
    ("policy_loosened", "policy_reviewed", "no_admin_console proxy travel around_risk"),
)


def plant(kind, seed=1, **size):
    """Return the events of a pattern, in the order of time, and its truth."""
    events, facts = plant_pattern(Random(seed), kind, staff(Random(seed), 3), **size)
    return sorted(events, key=lambda event: event["published"]), facts


def at(event):
    """Return when an event happened."""
    return datetime.fromisoformat(event["published"])


def data(event):
    """Return the debug data of an event."""
    return event["debugContext"]["debugData"]


def session(event):
    """Return the session of an event."""
    return event["authenticationContext"]["externalSessionId"]


def agent(event):
    """Return the user agent of an event."""
    return event["client"]["userAgent"]["rawUserAgent"]


def flagged(event):
    """Return whether anything in an event calls its address a proxy."""
    security = event["securityContext"]
    return bool(security["isProxy"] or "tunnels" in data(event) or "ipDetails" in security)


def of(events, *kinds):
    """Return the events of some types."""
    return [event for event in events if event["eventType"] in kinds]


def placed(events):
    """Return the events of people at a known place; Okta's own program is nobody's journey."""
    located = [event for event in events if event["client"]["geographicalContext"]]
    return [event for event in located if agent(event) != "Okta-Integrations"]


def kilometres(one, other):
    """Return the length of the great circle between the places of two events."""
    (a, b), (c, d) = (
        [radians(event["client"]["geographicalContext"]["geolocation"][key]) for key in ("lat", "lon")]
        for event in (one, other)
    )
    return 12742 * asin(sqrt(sin((c - a) / 2) ** 2 + cos(a) * cos(c) * sin((d - b) / 2) ** 2))


def impossible(one, other):
    """Return whether nobody travels from one event to the other."""
    hours, km = (at(other) - at(one)) / HOUR, kilometres(one, other)
    moved = one["client"]["ipAddress"] != other["client"]["ipAddress"]  # an address that is placed elsewhere stays put
    return moved and km > 300 and (hours == 0 or km / hours > 900)


def about_export(taken, log):
    """Return the answers about a download that its log gives."""
    actor, job, own = (
        taken["actor"]["id"],
        data(taken)["jobid"],
        [e for e in log if e["actor"]["id"] == taken["actor"]["id"]],
    )
    (asked,) = (event for event in of(log, REQUEST) if data(event).get("jobid") == job)
    inside = [event for event in placed(log) if session(taken) and session(event) == session(taken)]
    earlier = [event for event in of(own, DOWNLOAD) if at(taken) - at(event) > 6 * 24 * HOUR]
    days = {at(event).date() for event in own if at(event).hour == at(taken).hour}
    near = [event for event in log if abs(at(event) - at(taken)) <= HOUR]
    changed = any(
        one["client"]["ipAddress"] != two["client"]["ipAddress"] and agent(one) != agent(two)
        for one, two in pairwise(inside)
    )
    risky = [one for one in of(near, *MATTERS) if actor in (one["actor"]["id"], *(to["id"] for to in one["target"]))]
    address = taken["client"]["ipAddress"]
    usual = any(event["client"]["ipAddress"] == address for event in own if at(taken) - at(event) > 24 * HOUR)
    settings = of(near, "system.idp.lifecycle.create", "policy.rule.update")
    risky += [one for one in settings if one["client"]["ipAddress"] == address and not usual]
    risky += [one for one in near if one["actor"]["id"] == actor and "phishing" in (one["outcome"]["reason"] or "")]
    hours = Counter(at(event).replace(minute=0, second=0, microsecond=0) for event in of(own, DOWNLOAD))
    most = max([hours[hour] for hour in hours if hour < at(taken) - 6 * 24 * HOUR], default=0)
    return {
        "taken_by_other": asked["actor"]["id"] != actor,
        "other_place": asked["client"]["ipAddress"] != taken["client"]["ipAddress"],
        "no_admin_console": not of([e for e in log if session(e) == session(taken)], "user.session.access_admin_app"),
        "unfiltered": asked["target"][0]["detailEntry"]["filter"] is None,
        "sensitive_report": taken["target"][0]["id"] == "password-health",
        "proxy": flagged(taken),
        "off_hours": len(days) < 3,
        "first_export": not earlier,
        "repeated": len([e for e in of(log, DOWNLOAD) if data(e).get("jobid") == job and at(e) <= at(taken)]) > 1,
        "around_risk": changed or bool(risky),
        "bulk": hours[at(taken).replace(minute=0, second=0, microsecond=0)] >= max(5, 2 * most),
        "travel": any(impossible(*leg) for leg in pairwise(placed(own)) if taken in near and leg[1] in near),
        "session_changed": changed,
    }


def about_feedback(given, log):
    """Return the answers about a piece of feedback that its log gives."""
    judged = [event for event in log if event["uuid"] == data(given)["eventUuid"]]
    by, about, said = given["actor"]["id"], given["target"][0]["id"], of(log, FEEDBACK)
    same = [event for event in said if data(event)["eventUuid"] == data(given)["eventUuid"]]
    close = [event for event in said if event["actor"]["id"] == by and abs(at(event) - at(given)) < HOUR / 6]
    exports = [event for event in of(log, DOWNLOAD) if event["actor"]["id"] in (by, about)]
    grave = bool(judged) and judged[0]["securityContext"]["risk"]["level"] == "HIGH"
    return {
        "self_given": by == about,
        "dismissed_high": data(given)["label"] == "false_positive" and grave,
        "contradicted": len({data(event)["label"] for event in same}) > 1,
        "burst": len(close) >= 5,
        "feedback_from_risky_place": flagged(given) or session(given) in {session(event) for event in judged},
        "export_after_feedback": any(timedelta(0) < at(event) - at(given) < 24 * HOUR for event in exports),
        "judged_missing": not judged,
    }


def signs(taken, log):
    """Return what the records show of clients and places, of the request and the download of a report."""
    (asked,) = (event for event in of(log, REQUEST) if data(event).get("jobid") == data(taken)["jobid"])
    shown = set()
    for step in (asked, taken):
        earlier = [one for one in log if one["actor"]["id"] == step["actor"]["id"] and at(step) - at(one) >= 24 * HOUR]
        countries = {one["client"]["geographicalContext"]["country"] for one in placed(earlier)}
        networks = {one["securityContext"]["asNumber"] for one in earlier}
        if step["client"]["geographicalContext"]["country"] not in countries:
            shown.add("new_place")
        if step["securityContext"]["asNumber"] not in networks:
            shown.add("new_place")
        if data(step)["dtHash"] not in {data(one).get("dtHash") for one in earlier}:
            shown.add("new_device")
        others = [one for one in log if one["actor"]["type"] == "User" and one["actor"]["id"] != step["actor"]["id"]]
        if data(step)["dtHash"] in {data(one)["dtHash"] for one in others}:
            shown.add("shared_device")
        if agent(step) == "python-requests/2.33.1":
            shown.add("scripted")
        inside = [one for one in of(log, "user.session.access_admin_app") if session(one) == session(step)]
        if any(
            one["client"]["ipAddress"] != step["client"]["ipAddress"] and agent(one) != agent(step) for one in inside
        ):
            shown.add("console_elsewhere")
    return shown


def wrong(facts, log):
    """Return (kind, uuid, question) wherever the records say other than the truth about a pattern."""
    ask = about_feedback if "self_given" in facts["expect"] else about_export
    told = [(one["uuid"], ask(one, log)) for one in log if one["uuid"] in facts["subjects"]]
    said = {name: answer == "yes" for name, answer in facts["expect"].items() if answer != "unknown"}
    return [(facts["kind"], uuid, name) for uuid, found in told for name in said if found[name] != said[name]]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", PATTERNS)
def test_what_is_expected_is_what_the_records_say(kind, seed):
    """Every yes and no of the truth is worked out from the records alone, for every subject."""
    log, facts = plant(kind, seed)
    assert set(facts["subjects"]) <= {event["uuid"] for event in log}
    assert wrong(facts, log) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", EXPORT_STORIES)
def test_the_signs_of_a_story_are_in_its_records(kind):
    """New places and devices, devices of two accounts, scripts, and a console that was opened elsewhere."""
    log, facts = plant(kind)
    taken = [event for event in log if event["uuid"] in facts["subjects"]]
    assert all(signs(event, log) == set(PATTERNS[kind].signs.split()) for event in taken)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_patterns_do_not_disturb_each_other(seed):
    """The same answers come out of the whole mixture, with the quiet month around."""
    made = mixture(seed)
    log = sorted({one["uuid"]: one for one in made.records}.values(), key=lambda event: event["published"])
    assert [fault for facts in made.truth["planted"] for fault in wrong(facts, log)] == []


@pytest.mark.parametrize(("malicious", "benign", "telling"), TWINS)
def test_twins_differ_in_nothing_but_what_tells_them_apart(malicious, benign, telling):
    """The same people do the same at the same time; only the telling answers differ."""
    (one_log, one), (other_log, other) = plant(malicious), plant(benign)
    both = one["expect"].keys() & other["expect"].keys()
    assert {name for name in both if one["expect"][name] != other["expect"][name]} == set(telling.split())
    assert one["people"] == other["people"]
    first, second = (
        next(event for event in log if event["uuid"] == facts["subjects"][0])
        for log, facts in ((one_log, one), (other_log, other))
    )
    assert first["published"] == second["published"]
    assert first["target"] == second["target"]
    assert len(one["subjects"]) == len(other["subjects"])


def test_every_pattern_has_a_twin():
    """No malicious pattern stands alone, and every benign one belongs to a malicious one."""
    assert {kind for *pair, _ in TWINS for kind in pair} == set(PATTERNS)
    assert {PATTERNS[malicious].malicious for malicious, benign, _ in TWINS if benign != "unseen"} == {True}
    assert {PATTERNS[benign].malicious for _, benign, _ in TWINS} == {False}


def test_an_own_vpn_moves_the_network_and_not_the_browser():
    """The benign session change shows another network number and the same device; the malicious one moves all."""
    for kind, browsers, countries in (("vpn_flip", 1, 1), ("hijack", 2, 2)):
        log, facts = plant(kind)
        (taken,) = [event for event in log if event["uuid"] in facts["subjects"]]
        inside = [event for event in log if session(event) == session(taken)]
        assert len({event["securityContext"]["asNumber"] for event in inside}) == 2
        assert len({data(event)["dtHash"] for event in inside}) == browsers
        assert len({event["client"]["geographicalContext"]["country"] for event in inside}) == countries


def test_a_copied_user_agent_is_another_device():
    """One session, one user agent, two addresses and two device hashes; tethered to a phone it is the same device."""
    for kind, devices in (("copied_user_agent", 2), ("tethered_to_phone", 1)):
        log, facts = plant(kind)
        inside = [event for event in log if session(event) in facts["sessions"]]
        assert len({agent(event) for event in inside}) == 1
        assert len({event["client"]["ipAddress"] for event in inside}) == 2
        assert len({data(event)["dtHash"] for event in inside}) == devices


def test_an_api_token_has_no_session():
    """The records name the token, and a script that uses it from a server or from the office."""
    for kind, network in (("stolen_api_token", "Example Hosting"), ("api_token_job", "Example Office Networks")):
        log, facts = plant(kind)
        (taken,) = [event for event in log if event["uuid"] in facts["subjects"]]
        assert session(taken) is None
        assert taken["transaction"]["detail"]["requestApiTokenId"].startswith("00T")
        assert agent(taken) == "python-requests/2.33.1"
        assert taken["securityContext"]["asOrg"] == network


def test_a_kiosk_is_one_device_of_several_accounts():
    """Three accounts share address, browser and device hash at the kiosk; in the office only the address."""
    for kind, devices in (("kiosk", 1), ("shared_office", 3)):
        log, facts = plant(kind)
        taken = [event for event in log if event["uuid"] in facts["subjects"]]
        assert len({event["actor"]["id"] for event in taken}) == 3
        assert len({event["client"]["ipAddress"] for event in taken}) == 1
        assert len({data(event)["dtHash"] for event in taken}) == devices


def test_a_session_holds_what_is_no_theft():
    """Beside Okta's own program: two device hashes of one browser and address, and one address at two places."""
    log, facts = plant("okta_agent")
    inside = [event for event in log if session(event) in facts["sessions"]]
    own = [event for event in inside if agent(event) != "Okta-Integrations"]
    assert len(inside) - len(own) == 1
    assert len({data(event)["dtHash"] for event in own}) == 2
    assert len({event["client"]["ipAddress"] for event in own}) == len({agent(event) for event in own}) == 1
    assert len({event["client"]["geographicalContext"]["country"] for event in own}) == 2


def test_a_short_log_decides_nothing_about_habits():
    """In a week nobody can be told to be off his hours."""
    assert not plant("stolen_night", days=7, pace=1)[1]["expect"].keys() & set(BY_HABIT)


def test_a_mixture_holds_malicious_and_benign_patterns_of_different_people():
    """Three to six patterns, both sorts, nobody in two of them, every planted uuid once in the log."""
    for seed in range(6):
        log = mixture(seed)
        planted = log.truth["planted"]
        assert 3 <= len(planted) <= 6
        assert {facts["malicious"] for facts in planted} == {True, False}
        people = [login for facts in planted for login in facts["people"]]
        assert len(people) == len(set(people))
        uuids = Counter(record["uuid"] for record in log.records)
        named = {uuid for facts in planted for uuid in (*facts["subjects"], *facts["uuids"]["planted"])}
        assert all(uuids[uuid] for uuid in named)
        assert sum(uuids.values()) - len(uuids) == 1


def test_a_mixture_depends_on_its_seed_and_its_background_alone():
    """The same twice; other seeds plant others; the shared events are not changed by a use."""
    quiet = ok.make_log("quiet_month", seed=3, events=1_000).records
    before = json.dumps(quiet)
    one = mixture(5, quiet)
    assert one == mixture(5, quiet)
    assert one.records != mixture(6, quiet).records
    assert json.dumps(quiet) == before
    shared = {event["uuid"] for event in quiet}
    assert shared <= {record["uuid"] for record in one.records}
