"""Country names and their places."""

from importlib import resources

import pandas as pd
import pytest

from oktakit.analysis.places import key, locate


def table():
    """Return the table as shipped."""
    with resources.files("oktakit.analysis").joinpath("countries.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, keep_default_na=False)


@pytest.mark.parametrize(
    ("spellings", "iso3"),
    [
        (["United States", "united states of america", "US", "USA", "The United States", "U.S."], "USA"),
        (["South Korea", "Korea, Republic of", "Republic of Korea", "Korea"], "KOR"),
        (["North Korea", "Korea, Democratic People's Republic of", "Korea, Democratic People’s Republic of"], "PRK"),  # noqa: RUF001 - as typed
        (["Türkiye", "Turkiye", "Turkey", "TÜRKIYE"], "TUR"),
        (["Russia", "Russian Federation"], "RUS"),
        (["Czechia", "Czech Republic"], "CZE"),
        (["Ivory Coast", "Côte d'Ivoire", "Cote D'Ivoire"], "CIV"),
        (["Hong Kong", "Hong Kong SAR"], "HKG"),
        (["Macao", "Macau"], "MAC"),
        (["Vietnam", "Viet Nam"], "VNM"),
        (["Congo", "Republic of the Congo"], "COG"),
        (["DR Congo", "Congo, The Democratic Republic of the"], "COD"),
        (["Netherlands", "The Netherlands"], "NLD"),
        (["Namibia", "NA", "NAM", "na"], "NAM"),
        (["St. Lucia", "Saint Lucia"], "LCA"),
        (["São Tomé and Príncipe", "ST"], "STP"),
        (["Trinidad & Tobago", "Trinidad and Tobago"], "TTO"),
        (["Moldova, Republic of", "Moldova"], "MDA"),
        (["Kosovo", "XK"], "XKX"),
        (["Réunion", "Reunion"], "REU"),
    ],
)
def test_every_spelling_leads_to_its_country(spellings, iso3):
    """Case, accents, punctuation, word order, articles and codes make no difference."""
    assert locate(spellings)["iso3"].tolist() == [iso3] * len(spellings)


@pytest.mark.parametrize(
    ("country", "lat", "lon"),
    [
        ("Singapore", 1.35, 103.8),
        ("Malta", 35.9, 14.4),
        ("Hong Kong", 22.3, 114.2),
        ("Bahrain", 26.1, 50.55),
        ("Vatican", 41.9, 12.45),
        ("Taiwan", 23.7, 121.0),
        ("Gibraltar", 36.14, -5.35),
        ("French Guiana", 4.0, -53.0),
        ("Svalbard and Jan Mayen", 78.6, 16.0),
        ("Australia", -25.0, 134.0),
    ],
)
def test_small_and_far_countries_lie_where_an_atlas_has_them(country, lat, lon):
    """The point is within a degree and a half of the middle of the country."""
    found = locate([country]).iloc[0]
    assert found["lat"] == pytest.approx(lat, abs=1.5)
    assert found["lon"] == pytest.approx(lon, abs=1.5)


def test_what_is_not_a_country_stays_in_the_answer_without_a_place():
    """One row per distinct input, in order; unknown and null match nothing, not even each other."""
    found = locate(["Atlantis", None, "Malta", "unknown", "", "Atlantis", "n/a"])
    assert found["country"].fillna("<null>").tolist() == ["Atlantis", "<null>", "Malta", "unknown", "", "n/a"]
    assert found["name"].notna().tolist() == [False, False, True, False, False, False]
    assert found[["lat", "lon"]].notna().all(axis=1).tolist() == [False, False, True, False, False, False]


def test_no_countries_give_an_empty_table():
    """The columns are there all the same."""
    found = locate([])
    assert found.empty
    assert found.columns.tolist() == ["country", "name", "iso2", "iso3", "lat", "lon"]


@pytest.mark.parametrize("column", ["name", "iso2", "iso3"])
def test_the_whole_table_can_be_found_by_name_and_code(column):
    """No country hides behind another one."""
    countries = table()
    assert locate(countries[column])["iso2"].tolist() == countries["iso2"].tolist()


def test_no_alias_means_two_countries():
    """Every spelling belongs to one row."""
    owners = {}
    for row in table().itertuples():
        for spelling in filter(None, [row.name, *row.aliases.split("|")]):
            assert owners.setdefault(key(spelling), row.iso2) == row.iso2


def test_the_table_has_the_countries_of_iso_and_possible_places():
    """249 codes of ISO 3166-1 and Kosovo, each with a point on the globe."""
    countries = table()
    assert len(countries) == 250
    assert countries["iso2"].is_unique
    assert countries["iso3"].is_unique
    assert countries["lat"].between(-90, 90).all()
    assert countries["lon"].between(-180, 180).all()
