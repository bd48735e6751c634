"""Rows of raw.customers and raw.products: the catalog's arrays with Faker's names on them."""

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from faker import Faker

from producer.catalog import CATEGORIES, CURRENCIES, SEGMENTS, Catalog, price_text
from producer.randomness import cumulative, draw, generator
from producer.versions import Versions, Window, customer_versions


@dataclass(frozen=True)
class Country:
    """Where customers live: ISO 3166 code, Faker's locale for their names, and their share."""

    code: str
    locale: str
    share: float


COUNTRIES = (
    Country("DE", "de_DE", 0.28),
    Country("US", "en_US", 0.22),
    Country("FR", "fr_FR", 0.14),
    Country("GB", "en_GB", 0.13),
    Country("CH", "de_CH", 0.08),
    Country("IT", "it_IT", 0.06),
    Country("ES", "es_ES", 0.06),
    Country("NL", "nl_NL", 0.03),
)
_EMAIL_DOMAINS = ("example.com", "example.net", "example.org")  # reserved: mail to them reaches nobody
# Names are combined from pools: Faker makes some 13,000 of them a second, seeds may hold a million customers.
_FIRST_NAMES, _LAST_NAMES, _BRANDS = 150, 300, 120
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe"})


def customer_rows(catalog: Catalog, window: Window) -> pa.Table:
    """Return the rows of raw.customers: one for each state of a customer."""
    versions = customer_versions(catalog, window)
    names, countries = _people(catalog)
    emails = [_email(name, number) for number, name in enumerate(names, start=1)]
    member = pa.array(versions.member)
    return pa.table(
        {
            "customer_id": pa.array(versions.member + 1),
            "effective_at": _timestamps(versions),
            "name": pa.array(names).take(member),
            "email": pa.array(emails).take(member),
            "country": pa.array(countries).take(member),
            "segment": pa.array([item.name for item in SEGMENTS]).take(pa.array(versions.value)),
        }
    )


def product_rows(catalog: Catalog, prices: Versions) -> pa.Table:
    """Return the rows of raw.products: one for each price of a product."""
    member = pa.array(prices.member)
    return pa.table(
        {
            "product_id": pa.array(prices.member + 1),
            "effective_at": _timestamps(prices),
            "name": pa.array(_product_names(catalog)).take(member),
            "category": pa.array([CATEGORIES[index].name for index in catalog.category]).take(member),
            "unit_price": pa.array([price_text(int(cents)) for cents in prices.value]),
            "currency": pa.array([CURRENCIES[index] for index in catalog.currency]).take(member),
        }
    )


def _timestamps(versions: Versions) -> pa.Array:
    return pa.array(versions.effective_s).cast(pa.timestamp("s", tz="UTC"))


def _people(catalog: Catalog) -> tuple[list[str], list[str]]:
    """Return names and country codes [c]."""
    seed, size = catalog.seed, len(catalog.segment)
    shares = cumulative(np.array([item.share for item in COUNTRIES]))
    country = draw(generator(seed, "country"), shares, size)
    first = generator(seed, "first-name").integers(0, _FIRST_NAMES, size)
    last = generator(seed, "last-name").integers(0, _LAST_NAMES, size)
    pools = [_name_pool(item.locale, seed) for item in COUNTRIES]
    names = [
        f"{pools[where][0][given]} {pools[where][1][family]}"
        for where, given, family in zip(country, first, last, strict=True)
    ]
    return names, [COUNTRIES[where].code for where in country]


def _name_pool(locale: str, seed: int) -> tuple[list[str], list[str]]:
    fake = Faker(locale)
    fake.seed_instance(seed)
    first = [fake.first_name() for _ in range(_FIRST_NAMES)]
    return first, [fake.last_name() for _ in range(_LAST_NAMES)]


def _email(name: str, number: int) -> str:
    plain = unicodedata.normalize("NFKD", name.lower().translate(_LETTERS)).encode("ascii", "ignore").decode()
    words = ".".join("".join(filter(str.isalnum, word)) for word in plain.split())
    return f"{words}.{number}@{_EMAIL_DOMAINS[number % len(_EMAIL_DOMAINS)]}"


def _product_names(catalog: Catalog) -> list[str]:
    """Return names [p] such as "Keller Backpack, Sea Green"."""
    seed, size = catalog.seed, len(catalog.category)
    fake = Faker("en_US")
    fake.seed_instance(seed)
    brands = [fake.last_name() for _ in range(_BRANDS)]
    # Faker writes colours as CSS does: DarkSlateGray.
    colours = [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", fake.color_name()) for _ in range(_BRANDS)]
    rng = generator(seed, "product-name")
    picks = rng.random((size, 3))
    names = []
    for category, (brand, noun, colour) in zip(catalog.category, picks, strict=True):
        nouns = CATEGORIES[category].nouns
        names.append(f"{_pick(brands, brand)} {_pick(nouns, noun)}, {_pick(colours, colour)}")
    return names


def _pick(values: list[str] | tuple[str, ...], share: float) -> str:
    return values[int(share * len(values))]
