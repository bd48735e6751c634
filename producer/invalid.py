"""Messages that aren't valid order events, of each kind that the stream must survive."""

import json
import random
from collections.abc import Callable
from typing import Any

from pipeline.events import FIELDS, OrderEvent

Change = Callable[[dict[str, Any], random.Random], None]

# No clock is a thousand years wrong, but a unit mixed up (seconds for milliseconds) gives such a date.
_ABSURD_YEAR = "3026"


def _missing_field(event: dict[str, Any], rng: random.Random) -> None:
    del event[rng.choice(FIELDS)]


def _wrong_type(event: dict[str, Any], rng: random.Random) -> None:
    name = rng.choice(FIELDS)
    event[name] = rng.choice(("two", None, [], {})) if isinstance(event[name], int) else 2


def _negative_quantity(event: dict[str, Any], rng: random.Random) -> None:
    event["quantity"] = -rng.randint(1, 100)


def _unknown_currency(event: dict[str, Any], rng: random.Random) -> None:
    event["currency"] = rng.choice(("XXX", "eur", "BTC", ""))


def _unknown_version(event: dict[str, Any], rng: random.Random) -> None:
    event["schema_version"] = "2.0"


def _absurd_timestamp(event: dict[str, Any], rng: random.Random) -> None:
    name = rng.choice(("event_time", "ordered_at"))
    event[name] = _ABSURD_YEAR + event[name][4:]


_CHANGES: dict[str, Change] = {
    "missing_field": _missing_field,
    "wrong_type": _wrong_type,
    "negative_quantity": _negative_quantity,
    "unknown_currency": _unknown_currency,
    "unknown_version": _unknown_version,
    "absurd_timestamp": _absurd_timestamp,
}
_Damage = Callable[[bytes, random.Random], bytes]
_DAMAGES: dict[str, _Damage] = {
    "truncated_json": lambda value, rng: value[: rng.randrange(1, len(value))],
    "not_json": lambda value, rng: rng.choice((b"hello", b"<order/>", b"\x00\x01\x02", b"{'event_id': 1}")),
    "bad_utf8": lambda value, rng: value.replace(b'"placed"', rng.choice((b'"pl\xffced"', b'"\xc3\x28"'))),
    "empty_value": lambda value, rng: b"",
}
INVALID_KINDS: tuple[str, ...] = (*_CHANGES, *_DAMAGES)


def spoil(event: OrderEvent, kind: str, rng: random.Random) -> bytes:
    """Return the value of an event spoilt in the way that `kind` (one of INVALID_KINDS) names."""
    if kind in _DAMAGES:
        return _DAMAGES[kind](event.to_bytes(), rng)
    changed = event.model_dump()
    _CHANGES[kind](changed, rng)
    return json.dumps(changed, separators=(",", ":")).encode()
