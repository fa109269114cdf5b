"""Country names as logs spell them, and the point of the map where each is drawn."""

import functools
import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from importlib import resources
from typing import Any, Final

import pandas as pd

_DROPPED = {"the", "and"}


def locate(countries: Iterable[str | None]) -> pd.DataFrame:
    """Return one row per distinct country, in order of appearance, with the place where a map shows it.

    Case, accents, punctuation, word order and "the" make no difference; ISO codes of two and three letters
    are understood. The point is for labels, it is not where anybody was.

    Parameters
    ----------
    countries : iterable of str or None
        Names or codes as logged, for instance `log.events["country"]`.

    Returns
    -------
    pandas.DataFrame
        `country` (as given), `name`, `iso2`, `iso3`, `lat` and `lon` (degrees); all but `country` are null for what
        is not in the table.

    Examples
    --------
    >>> locate(["Korea, Republic of", "NA"])[["country", "name", "iso2", "lat"]]
                  country         name iso2    lat
    0  Korea, Republic of  South Korea   KR  36.38
    1                  NA      Namibia   NA -20.58
    """
    given = pd.Series(list(countries), dtype="object")
    distinct = given.where(given.notna(), None).drop_duplicates().tolist()
    index = _index()
    rows = [(country, *index.get(_find(country, index), (None, None, None, None, None))) for country in distinct]
    frame = pd.DataFrame(rows, columns=["country", "name", "iso2", "iso3", "lat", "lon"])
    return frame.astype({"lat": "float64", "lon": "float64"})


def has_coordinates(events: pd.DataFrame) -> "pd.Series[bool]":
    """Return where coordinates are told; 0, 0 is what some databases say where they know nothing."""
    return events["lat"].notna() & events["lon"].notna() & (events["lat"].ne(0) | events["lon"].ne(0))


def key(name: str) -> str:
    """Return what two spellings of one country share.

    >>> key("Côte d'Ivoire"), key("IRAN, Islamic Republic of the")
    ('cote divoire', 'iran islamic of republic')
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    words = re.findall(r"\w+", re.sub("['’ʼ`]", "", plain))  # noqa: RUF001 - apostrophes as people type them
    return " ".join(sorted("saint" if word == "st" else word for word in words if word not in _DROPPED))


@functools.lru_cache(65536)
def address_of(value: str) -> str:
    """Return an address in the one form in which it is compared: without port and brackets, IPv6 short, IPv4 as such.

    >>> [address_of(value) for value in ("[2001:DB8::0:1]:443", "::ffff:192.0.2.1", "192.0.2.1:50312", "home")]
    ['2001:db8::1', '192.0.2.1', '192.0.2.1', 'home']
    """
    text = value.strip().casefold()
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    host = host.partition(":")[0] if host.count(":") == 1 else host
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return text
    return str(getattr(address, "ipv4_mapped", None) or address)


@functools.lru_cache(4096)
def country_key(name: str) -> str:
    """Return a country in the one form in which it is compared: its code, or its name where the table lacks it.

    >>> country_key("Türkiye") == country_key("Turkey") == country_key("TR"), country_key("Atlantis")
    (True, 'atlantis')
    """
    return country_code(name) or key(name)


def country_code(name: str) -> str | None:
    """Return the code of a country, given its name or one of its codes; None for every other text.

    >>> country_code("Viet Nam"), country_code("Firefox")
    ('VN', None)
    """
    index = _index()
    country = index.get(_find(name, index))
    return str(country[1]) if country else None


COMPARED: Final = {"country": country_key, "ip_address": address_of}
"""Columns whose values are written in several ways, and the form in which they are compared."""


def _find(country: Any, index: dict[str, tuple[Any, ...]]) -> str:
    """A code is looked up before a name: ST is São Tomé, "St." is a saint."""
    code = str(country).strip().upper()
    return code if code in index else key(str(country))


@functools.cache
def _index() -> dict[str, tuple[Any, ...]]:
    """Codes in upper case and keys in lower case lead to one country each."""
    with resources.files("oktakit.analysis").joinpath("countries.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file, keep_default_na=False)  # NA is Namibia
    index: dict[str, tuple[Any, ...]] = {}
    for name, iso2, iso3, lat, lon, aliases in table.itertuples(index=False):
        spellings = [iso2, iso3, *(key(spelling) for spelling in (name, *aliases.split("|")))]
        index.update(dict.fromkeys(filter(None, spellings), (name, iso2, iso3, lat, lon)))
    return index
