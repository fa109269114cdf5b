"""Rows worth a look: travel that nobody can make, and what a person does for the first time."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ..log.keys import TEXT, TYPES, known_only
from ..log.keys import known as stated
from ..log.log import Events
from .actors import DELIBERATE_COLUMNS, is_deliberate
from .engines import collect, pick, table
from .labels import label_rows, told_by
from .places import COMPARED, address_of, has_coordinates, locate
from .words import microseconds, span, zone

_EARTH_KM = 6371.0088

_DEGREE_KM = 111.2

_FALLBACK_HOURS = 3.0

_END = {"uuid": "uuid", "published": "at", "ip_address": "ip", "country": "country"}

_PROXY = ("is_proxy", "ip_categories")

_WHO = ("actor_id", "actor_alternate_id")

_SHOWN = ("lat", "lon", "uuid", "ip_address", "country", *_PROXY, *_WHO)

TRAVEL_NEEDS: Final = tuple(dict.fromkeys((*_SHOWN, "api_token_id", *DELIBERATE_COLUMNS)))

TRAVEL_COLUMNS: Final = (
    "actor_alternate_id",
    *(f"{side}_{name}" for name in ("country", "at") for side in ("from", "to")),
    *("km", "hours", "kmh"),
    *(f"{side}_{name}" for name in ("ip", *_PROXY) for side in ("from", "to")),
    *("basis", "actor_id", "from_uuid", "to_uuid"),
)

FIRST_COLUMNS: Final = ("actor_alternate_id", "value", "at", "first_time", "baseline_events", "actor_id", "uuid")

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_HOURS = tuple(f"{hour:02}:00" for hour in range(24))

_EPOCH = pd.Timestamp(0, tz="UTC")


def find_travel(
    events: Events, kmh: float = 900, km: float = 300, *, known: Any = None, watch: Any = None
) -> pd.DataFrame:
    """Return one row per leg between two events of one person that nobody can travel.

    Each event is compared with the one before it of the same person; two events at the same moment are infinitely fast.
    Left out are actors that are no users, Okta's own events, requests with an API token, attempts that were refused
    before there was a session, events without address or place, and steps on one address. Where the log has an address
    in several places for that person, the nearest of them counts.

    Parameters
    ----------
    events : Log or table
        In any of the forms that the guide names.
    kmh : float
        Only legs faster than this, in km/h.
    km : float
        Only legs longer than this, in km.
    known, watch : str, Path or DataFrame, optional
        Labels to count beside each row, as the guide says.

    Returns
    -------
    DataFrame
        `actor_id actor_alternate_id from_uuid to_uuid from_at to_at from_ip to_ip from_country to_country km hours kmh
        from_is_proxy to_is_proxy from_ip_categories to_ip_categories basis`, sorted by `to_at`, then `to_uuid`. `basis`
        is "coordinates", or "country" where an end has none: then distance and speed are between the points where a map
        labels the two countries, and only legs of at most three hours are shown. A proxy or VPN at either end is the
        most frequent benign reason.

    Raises
    ------
    ColumnError
        If a column is missing.

    Source
    ------
    Panther's rule on improbable logins (speed between two coordinates; its users asked to skip equal addresses, proxies
    and Okta's own agents); Microsoft Sentinel's rule on two countries within three hours for the fallback.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> legs = find_travel(read_log(make_log("stolen_report").records).events)
    >>> legs[["from_country", "to_country", "basis"]].iloc[0].tolist()
    ['United States', 'Romania', 'coordinates']
    """
    frame = table(events, "find_travel", TRAVEL_NEEDS)
    person = (nw.col("actor_type").is_null() | (nw.col("actor_type") == "User")) & stated("api_token_id").is_null()
    there = ~stated("ip_address").is_null() & ~nw.col("published_us").is_null()
    seen = frame.select(*_SHOWN, "published_us", there=is_deliberate() & person & there)  # narrow before it is filtered
    movers = collect(_movers(seen, km))["actor_id"].tolist()
    moving = nw.col("there") & nw.col("actor_id").is_in(movers)
    places = _placed(collect(pick(seen, (*_SHOWN, "published_us"), moving)))
    legs = _legs(places.sort_values(["actor_id", "published", "uuid"], ignore_index=True))
    fast = _too_fast(_too_fast(legs, kmh, km).pipe(_nearest, places), kmh, km, "nearest")
    order = fast.sort_values(["to_at", "to_uuid"], ignore_index=True)[list(TRAVEL_COLUMNS)]
    return label_rows(order, events, "find_travel", ("from_uuid", "to_uuid"), told_by(known, watch))


def _movers(seen: nw.LazyFrame[Any], km: float) -> nw.LazyFrame[Any]:
    """Return the actors whose places lie far enough apart, or in several countries."""
    spots = seen.select("there", "actor_id", "country", "lat", "lon").unique().filter("there")
    spots = spots.with_columns(stated("country")).with_columns(gap=nw.col("country").is_null().cast(nw.Int64))
    bounds = spots.group_by("actor_id").agg(
        *(getattr(nw.col(name), end)().alias(f"{name}_{end}") for name in ("lat", "lon") for end in ("min", "max")),
        countries=nw.col("country").n_unique(),
        gap=nw.col("gap").max(),
    )
    wide = nw.col("lat_max") - nw.col("lat_min") + nw.col("lon_max") - nw.col("lon_min") > km / _DEGREE_KM
    return bounds.filter(wide.fill_null(False) | (nw.col("countries") - nw.col("gap") > 1)).select("actor_id")


def _placed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the events that have a place: their coordinates, and the label of their country beside."""
    where = known_only(rows, ["country"])["country"]
    labels = locate(where.dropna().unique()).set_index("country")
    label = {f"label_{name}": where.map(labels[name]) for name in ("iso2", "lat", "lon")}
    placed = rows.assign(**label, exact=has_coordinates(rows))
    return placed[placed["exact"] | placed["label_lat"].notna()]


def _legs(places: pd.DataFrame) -> pd.DataFrame:
    """Return every step of a person from one address to another."""
    last = places.groupby("actor_id").shift()
    addresses = places["ip_address"].map(address_of)
    moved = last["ip_address"].notna() & (addresses.groupby(places["actor_id"]).shift() != addresses)
    ends = {"from": last[moved], "to": places[moved]}
    names = _END | {name: name for name in (*_PROXY, "lat", "lon", "label_lat", "label_lon", "label_iso2", "exact")}
    legs = [end.rename(columns=names)[[*names.values()]].add_prefix(f"{side}_") for side, end in ends.items()]
    steps = pd.concat([places.loc[moved, list(_WHO)], *legs], axis=1)
    exact = steps["from_exact"].astype(bool) & steps["to_exact"].astype(bool)
    hours = (steps["to_at"] - steps["from_at"]).dt.total_seconds() / 3600
    apart = (steps["from_label_iso2"] != steps["to_label_iso2"]) & (hours <= _FALLBACK_HOURS)
    far = _distance(steps, "").where(exact, _distance(steps, "label_").where(apart))
    basis = exact.map({True: "coordinates", False: "country"}).astype(TEXT)
    return steps.assign(km=far, hours=hours, basis=basis)


def _distance(legs: pd.DataFrame, kind: str) -> pd.Series:
    """Return the great-circle distance of each leg in km."""
    names = [f"{side}_{kind}{name}" for side in ("from", "to") for name in ("lat", "lon")]
    lat, lon, lat2, lon2 = (np.radians(legs[name].astype("float64")) for name in names)
    half = np.sin((lat2 - lat) / 2) ** 2 + np.cos(lat) * np.cos(lat2) * np.sin((lon2 - lon) / 2) ** 2
    return 2 * _EARTH_KM * np.arcsin(np.sqrt(half.clip(0, 1)))


def _too_fast(legs: pd.DataFrame, kmh: float, km: float, far: str = "km") -> pd.DataFrame:
    """Return the legs that are too far and too fast; a leg that took no time is infinitely fast."""
    fast = (legs[far] > km) & (legs[far] > kmh * legs["hours"])
    return legs.assign(kmh=legs["km"] / legs["hours"])[fast]


def _nearest(legs: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Return the legs with the distance between the nearest places that the log has for their addresses."""
    if legs.empty:  # pandas cannot join two columns of Arrow's texts that have no row
        return legs.assign(nearest=legs["km"])
    spots = places.loc[places["exact"], ["actor_id", "ip_address", "lat", "lon"]].drop_duplicates()
    pairs = legs.loc[legs["basis"] == "coordinates", ["actor_id", "from_ip", "to_ip"]].drop_duplicates()
    for side in ("from", "to"):
        names = {"ip_address": f"{side}_ip", "lat": f"{side}_lat", "lon": f"{side}_lon"}
        pairs = pairs.merge(spots.rename(columns=names), on=["actor_id", f"{side}_ip"])
    near = pairs.assign(nearest=_distance(pairs, "")).groupby(["actor_id", "from_ip", "to_ip"])["nearest"].min()
    joined = legs.join(near, on=["actor_id", "from_ip", "to_ip"])
    return joined.assign(nearest=joined["nearest"].where(joined["basis"] == "coordinates", joined["km"]))


def find_first_seen(
    events: Events,
    column: str,
    baseline: str | pd.Timedelta = "7D",
    minimum: int = 3,
    timezone: str = "UTC",
    *,
    known: Any = None,
    watch: Any = None,
) -> pd.DataFrame:
    """Return one row per actor and value of a column that first appears after the baseline.

    The baseline is the first part of the log. A log that is not longer has nothing after it, and gives no rows. Okta's
    own events and attempts that were refused before there was a session count neither in the baseline nor after it.

    Parameters
    ----------
    events : Log or table
        In any of the forms that the guide names.
    column : str
        A column of the events, such as country, as_number, raw_user_agent, ip_address or report_id; or hour_of_week,
        the hour in which it was done, such as "Mon 03:00".
    baseline : str or Timedelta
        How long the baseline is, counted from the first event of the log.
    minimum : int
        How many events of an actor the baseline must have before "first time" means anything.
    timezone : str
        Whose clock tells the hours of hour_of_week.
    known, watch : str, Path or DataFrame, optional
        Labels to count beside each row, as the guide says.

    Returns
    -------
    DataFrame
        `actor_id actor_alternate_id value at uuid baseline_events first_time`, sorted by `at`, then `uuid`, then
        `value`. `baseline_events` are the actor's events in the baseline that say the column (for report_id: all of
        them). `first_time` is True, or missing where they are fewer than `minimum`: a cold start, which proves nothing.

    Raises
    ------
    ColumnError
        If a column is missing.
    InputError
        If `baseline` is no length of time or `timezone` is unknown.

    Source
    ------
    Elastic's rules on new terms (seven days) and Panther's on active hours (ninety days); both say nothing about people
    they have not seen before, which is what `minimum` is for.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> new = find_first_seen(read_log(make_log("stolen_report").records).events, "country", baseline="3D")
    >>> new.loc[new["value"] == "Romania", ["actor_alternate_id", "first_time"]].astype(str).iloc[0].tolist()
    ['carla.holm@example.com', 'True']
    """
    by_hour, clock = column == "hour_of_week", zone(timezone)
    frame = table(events, "find_first_seen", ["uuid", *_WHO, *DELIBERATE_COLUMNS, *([] if by_hour else [column])])
    acting = is_deliberate() & ~nw.col("published_us").is_null()
    every = frame.select("uuid", *_WHO, "published_us", value=_value(column), acting=acting)
    seen = pick(every, ("uuid", *_WHO, "published_us", "value"), nw.col("acting"))
    valued = seen.filter(~nw.col("value").is_null())
    begin = collect(frame.select(nw.col("published_us").min()))["published"].min()
    end = span(baseline, "baseline") + (_EPOCH if pd.isna(begin) else begin)
    firsts = _firsts(valued, end, partial(_hours, timezone=clock) if by_hour else None, COMPARED.get(column, str))
    count = firsts["actor_id"].map(_counts(seen if column == "report_id" else valued, end)).fillna(0).astype("int64")
    first = pd.Series(True, firsts.index, dtype="boolean").where(count >= minimum)
    typed = firsts.assign(baseline_events=count, first_time=first).astype({"value": TYPES.get(column, TEXT)})
    order = typed.sort_values(["at", "uuid", "value"], ignore_index=True)[list(FIRST_COLUMNS)]
    return label_rows(order, events, "find_first_seen", ("uuid",), told_by(known, watch))


def _value(column: str) -> nw.Expr:
    """Return what is looked for, missing where it is not known; of hours, the quarter that every time zone shares."""
    if column == "hour_of_week":
        return nw.col("published_us") // 900_000_000
    return stated(column) if TYPES.get(column) == TEXT else nw.col(column)


def _firsts(
    valued: nw.LazyFrame[Any],
    end: pd.Timestamp,
    to_text: Callable[[pd.Series], pd.Series] | None,
    compare: Callable[[Any], Any],
) -> pd.DataFrame:
    """Return the first event of each actor and value that is not before the end of the baseline."""
    times = collect(valued.group_by("actor_id", "value").agg(first_us=nw.col("published_us").min()))
    if to_text:
        times["value"] = to_text(times["first"])
    times["one"] = [compare(value) for value in times["value"]]
    firsts = times.sort_values(["first", "value"]).drop_duplicates(["actor_id", "one"])
    late = firsts[firsts["first"] >= end]
    moments = late["first"].astype("int64").unique().tolist()
    rows = collect(valued.filter(nw.col("published_us").is_in(moments))).rename(columns={"published": "at"})
    if to_text:
        rows["value"] = to_text(rows["at"])
    events = rows.merge(late.rename(columns={"first": "at"}), on=["actor_id", "value", "at"])
    return events.sort_values("uuid").drop_duplicates(["actor_id", "value"])


def _counts(seen: nw.LazyFrame[Any], end: pd.Timestamp) -> pd.Series:
    """Return how many events each actor has before a moment."""
    before = seen.filter(nw.col("published_us") < microseconds(end))
    return collect(before.group_by("actor_id").agg(events=nw.len())).set_index("actor_id")["events"]


def _hours(times: pd.Series, timezone: ZoneInfo) -> pd.Series:
    """Return the weekday and hour of each moment, in English whatever the machine speaks."""
    local = times.dt.tz_convert(timezone).dt
    days = local.day_of_week.map(dict(enumerate(_DAYS))).astype(TEXT)
    return days + " " + local.hour.map(dict(enumerate(_HOURS))).astype(TEXT)
