"""Customers and products in raw, as a seed appends them."""

import hashlib
from collections.abc import Callable

Sql = Callable[..., list[tuple]]
EPOCH = "1970-01-01 00:00:00+00"
END = "9999-12-31 00:00:00+00"


def add_customer(sql: Sql, effective_at: str, segment: str = "new", customer_id: int = 42) -> None:
    """Append a customer's state."""
    sql(
        "INSERT INTO raw.customers (customer_id, effective_at, name, email, country, segment)"
        " VALUES (%s, %s, 'Ada', 'ada@example.org', 'DE', %s)",
        customer_id,
        effective_at,
        segment,
    )


def add_product(sql: Sql, effective_at: str, unit_price: str = "19.99", product_id: int = 7) -> None:
    """Append a product's state."""
    sql(
        "INSERT INTO raw.products (product_id, effective_at, name, category, unit_price, currency)"
        " VALUES (%s, %s, 'Lamp', 'home', %s, 'EUR')",
        product_id,
        effective_at,
        unit_price,
    )


def surrogate_key(member_id: int, valid_from_micros: int) -> int:
    """Return a version's key, computed without SQL: 60 bits of an MD5."""
    digest = hashlib.md5(f"{member_id}|{valid_from_micros}".encode(), usedforsecurity=False)
    return int(digest.hexdigest()[:15], 16)
