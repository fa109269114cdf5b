"""Lists and lengths of time, in words."""

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd

from ..errors import InputError
from ..safe import text

UTC = ZoneInfo("UTC")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def listed(words: Iterable[str], limit: int = 3) -> str:
    """Return the first few texts, and how many more there are.

    >>> listed(["a", "b", "a", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    several = list(dict.fromkeys(words))
    more = f" and {len(several) - limit} more" if len(several) > limit else ""
    return ", ".join(several[:limit]) + more


def duration(lag: pd.Timedelta, units: int = 4) -> str:
    """Return a time span in words, to the second, or no more than its largest units.

    >>> duration(pd.Timedelta("1 days 04:12:07")), duration(pd.Timedelta("-1s")), duration(pd.Timedelta("0s"))
    ('1 d 4 h 12 min 7 s', '-1 s', '0 s')
    """
    seconds = int(abs(lag.total_seconds()))
    parts = ((seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    spoken = " ".join([f"{number} {unit}" for number, unit in parts if number][:units]) or "0 s"
    return f"-{spoken}" if lag.total_seconds() < 0 else spoken


def moment(at: Any, clock: ZoneInfo = UTC, *, day: bool = True) -> str:
    """Return a moment by a clock, in words, with its day or without.

    >>> moment(pd.Timestamp("2026-03-06 15:58:24Z")), moment(pd.Timestamp("2026-03-06 15:58:24Z"), day=False)
    ('6 Mar 15:58', '15:58')
    """
    local = at.tz_convert(clock)
    return f"{local.day} {_MONTHS[local.month - 1]} {local:%H:%M}" if day else f"{local:%H:%M}"


def moments(times: Iterable[Any], clock: ZoneInfo = UTC, limit: int = 3) -> str:
    """Return moments in words, each day once; of many, the first and the last.

    >>> moments([pd.Timestamp("2026-03-06 20:09Z"), pd.Timestamp("2026-03-06 20:33Z")])
    '6 Mar 20:09 and 20:33 UTC'
    """
    order = sorted({at for at in times if at is not None})
    if not order:
        return "a time that is not reported"
    shown = order if len(order) <= limit else [order[0], order[-1]]
    days = [at.tz_convert(clock).date() for at in shown]
    parts = [moment(at, clock, day=not place or days[place] != days[place - 1]) for place, at in enumerate(shown)]
    parts = list(dict.fromkeys(parts)) if len(order) <= limit else parts
    both = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    return f"{both if len(order) <= limit else ' to '.join(parts)} {shown[-1].tz_convert(clock):%Z}"


def proxy_words(categories: str | None, is_proxy: bool | None) -> str:
    """Return what an address is known as, in words; nothing where it is not known as a proxy.

    >>> proxy_words("ANONYMOUS VPN", None), proxy_words(None, True), proxy_words(None, None)
    ('anonymous VPN', 'proxy', '')
    """
    kinds = (categories or ("proxy" if is_proxy else "")).split()
    return " ".join(text(kind) if kind in ("VPN", "TOR") else text(kind).lower() for kind in kinds)


def microseconds(moment: pd.Timestamp) -> int:
    """Return a moment as `published_us` has it.

    >>> microseconds(pd.Timestamp("1970-01-01T00:00:01Z"))
    1000000
    """
    return int((moment - pd.Timestamp(0, tz="UTC")) // pd.Timedelta("1us"))


def span(text: Any, name: str) -> pd.Timedelta:
    """Return a length of time that is longer than nothing.

    >>> span("7D", "baseline")
    Timedelta('7 days 00:00:00')
    """
    try:
        length = pd.Timedelta(text)
    except ValueError:
        length = pd.NaT
    if not length > pd.Timedelta(0):
        raise InputError(f"{name} needs a length of time longer than nothing, such as '1h' or '7D'; it is {text!r}.")
    return length


def zone(name: str) -> ZoneInfo:
    """Return a time zone."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise InputError(f"timezone needs a name such as 'Europe/Oslo' or 'UTC'; {name!r} is none.") from error
