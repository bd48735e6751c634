"""Seeded bad input: each kind is a way in which a message may not be, or may only just be, an order event."""

import json
import random
import re
import time
from collections.abc import Callable
from typing import NamedTuple

from pipeline.events import FIELDS, OrderEvent

Headers = list[tuple[str, bytes]]
LARGE = 1_040_000  # just below the topic's limit
_BACKSLASH = "\\"


class Fuzzed(NamedTuple):
    """One message; `kind` names how it was made, for the failure that it may cause."""

    kind: str
    key: bytes | None
    value: bytes | None
    headers: Headers = []  # noqa: RUF012 (a NamedTuple's default, never changed)
    timestamp_ms: int | None = None


_NUMBERS = (
    *("NaN", "Infinity", "-Infinity", "1e400", "1e-400", "9" * 1_000, "-0", "007", "0x10", "1.0", "1e0"),
    *(str(2**31), str(2**53), str(2**63), str(2**64), "-1", "0", "2.5", "+1", ".5", "1."),
)
_WORDS = ("null", "true", "[]", "{}", '""', '"NaN"', '" "', '"\\u0000"', '"\\ud800"', '"null"', '"1\\n"')
_ESCAPES = ("\\u0000", "\\\\u0000", "\\\\\\u0000", "\\ud800", "\\udc00\\ud800", "\\t\\n\\r\\\\", "\\.", "\\N")
_INSIDE = ("\t", "\n", "\r", "\x00", "\x0b", "\x1f", "\x7f", "\u2028", "\ufeff", "\U0001f600", "\\x", '\\"')
_TAILS = ("}", "{}", ",", "x", "\x00", "\n", " \t\r\n", "//", "null", "[", "\ufeff", "\u00a0", '{"a":1}')
_HEADS = ("\ufeff", "\x00", ")]}',\n", "x", " \t\r\n", "[", "null", ",", "/**/", "\u00a0")
_ORIGINS = (
    *(
        "",
        "/",
        "//",
        "orders/0",
        "orders/0/-1",
        "orders/0/1/2",
        "orders/9999999999/1",
        "orders/0/" + "9" * 30,
    ),
    *("nowhere/0/5", "orders/1/77777777", "orders/0/0", "orders/99/5", "orders/\u0663/\u0664", "a\x00b/0/1"),
    *("orders/0/1\n", " orders/0/1", "orders/0/" + "1" * 5_000, "x" * 300 + "/0/1"),
)
_BYTES = (b"\xff\xfe", b"orders\xff/0/1", b"", b"\x00")
_ATTEMPTS = ("2", "-1", "", "9" * 12, "9" * 5_000, "\u0665", "1.5", "two", "2147483648")

Maker = Callable[[OrderEvent, random.Random], Fuzzed]


def _text(event: OrderEvent) -> str:
    return event.model_dump_json()


def _with(event: OrderEvent, name: str, literal: str) -> str:
    """Return the event's JSON with a field's value replaced by this text."""
    return re.sub(rf'"{name}":("[^"]*"|[^,}}]*)', lambda _: f'"{name}":{literal}', _text(event), count=1)


def _and(event: OrderEvent, member: str) -> str:
    return f"{_text(event)[:-1]},{member}}}"


def _truncated(event: OrderEvent, rng: random.Random) -> str:
    return _text(event)[: rng.randrange(len(_text(event)))]


def _number(event: OrderEvent, rng: random.Random) -> str:
    return _with(event, rng.choice(FIELDS), rng.choice(_NUMBERS))


def _word(event: OrderEvent, rng: random.Random) -> str:
    return _with(event, rng.choice(FIELDS), rng.choice(_WORDS))


def _inside(event: OrderEvent, rng: random.Random) -> str:
    text, place = _text(event), rng.randrange(len(_text(event)))
    return text[:place] + rng.choice(_INSIDE) + text[place:]


def _missing(event: OrderEvent, rng: random.Random) -> str:
    kept = event.model_dump()
    for name in rng.sample(FIELDS, rng.randint(1, 4)):
        del kept[name]
    return json.dumps(kept)


def _unknown(event: OrderEvent, rng: random.Random) -> str:
    plain = ("1", "null", '"x"', "[1,[2,{}]]", '{"unit_price":"3.00","quantity":-5}', '{"a":{"b":[null]}}')
    value = rng.choice((*plain, *(f'"{escape}"' for escape in _ESCAPES), *_NUMBERS))
    name = rng.choice(("note", "", "Event_id", "unit_price ", "a.b", "$", "_corrupt", *_ESCAPES))
    return _and(event, f'"{name}":{value}')


def _number_beside_price(event: OrderEvent, rng: random.Random) -> str:
    text = _with(event, rng.choice(("unit_price", "schema_version")), rng.choice(("1.0", "12.50", "7")))
    return text[:-1] + ',"x":{"unit_price":"3.00","schema_version":"1.0"}}'


def _twice(event: OrderEvent, rng: random.Random) -> str:
    name = rng.choice(FIELDS)
    value = json.dumps(getattr(event, name)) if rng.random() < 0.5 else rng.choice(_WORDS + _NUMBERS)
    member = f'"{name}":{value}'
    return _and(event, member) if rng.random() < 0.5 else f"{{{member},{_text(event)[1:]}"


def _top_level(event: OrderEvent, rng: random.Random) -> str:
    text = _text(event)
    return rng.choice((f"[{text}]", json.dumps(text), "[]", "{}", "0", '""', " ", "\n", *_WORDS, *_NUMBERS))


def _nested(event: OrderEvent, rng: random.Random) -> str:
    depth = rng.choice((10, 490, 998, 999, 1_000, 1_001, 5_000, 50_000))
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
    deep = opening * depth + "1" + closing * depth
    return rng.choice((deep, deep[:-1], _and(event, f'"deep":{deep}'), _with(event, "quantity", deep)))


def _pretty(event: OrderEvent, rng: random.Random) -> str:
    separators = (rng.choice((",", " ,\t", ",\r\n")), rng.choice((":", " : ", "\t:\n")))
    members = list(event.model_dump().items())
    rng.shuffle(members)
    return json.dumps(dict(members), indent=rng.choice((None, 1, "\t")), separators=separators)


def _escaped(event: OrderEvent, rng: random.Random) -> str:
    """Return the same event, one character of a name or a value written as an escape."""
    text = _text(event)
    letters = [place for place, letter in enumerate(text) if letter.isalpha() and letter.isascii()]
    place = rng.choice(letters)
    return f"{text[:place]}{_BACKSLASH}u{ord(text[place]):04x}{text[place + 1 :]}"


def _time(event: OrderEvent, rng: random.Random) -> str:
    day = rng.choice(("2026-02-30", "2025-13-01", "0000-01-01", "9999-12-31", "1969-12-31", "2026-1-1"))
    hour = rng.choice(("T00:00:00Z", "T24:00:00Z", "T23:59:60Z", "T10:00:00+02:00", "T1:00Z", " 10:00:00Z"))
    return _with(event, rng.choice(("event_time", "ordered_at")), f'"{day}{hour}"')


def _affixed(event: OrderEvent, rng: random.Random) -> str:
    text = _text(event)
    return text + rng.choice(_TAILS) if rng.random() < 0.5 else rng.choice(_HEADS) + text


_TEXTS: tuple[Callable[[OrderEvent, random.Random], str], ...] = (
    *(_truncated, _number, _word, _inside, _missing, _unknown, _number_beside_price, _twice, _top_level),
    *(_nested, _pretty, _escaped, _time, _affixed),
)


def _bad_bytes(event: OrderEvent, rng: random.Random) -> Fuzzed:
    value = bytearray(event.to_bytes())
    for _ in range(rng.randint(1, 5)):
        value[rng.randrange(len(value))] = rng.randrange(256)
    return Fuzzed("bad_bytes", b"k", bytes(value))


def _random_bytes(event: OrderEvent, rng: random.Random) -> Fuzzed:
    return Fuzzed("random_bytes", rng.randbytes(rng.randrange(64)), rng.randbytes(rng.randrange(2_000)))


def _nothing(event: OrderEvent, rng: random.Random) -> Fuzzed:
    # Neither key nor value is the one thing that the client refuses to send.
    return Fuzzed("nothing", *rng.choice(((None, b""), (b"", None), (b"", b""), (b"k", None), (b"k", b""))))


def _key(event: OrderEvent, rng: random.Random) -> Fuzzed:
    key = rng.choice((None, b"", b"\xff\x00", b"another order", b"k" * 10_000))
    return Fuzzed("key", key, event.to_bytes())


def _headers(event: OrderEvent, rng: random.Random) -> Fuzzed:
    origin = rng.choice((*(text.encode() for text in _ORIGINS), *_BYTES))
    attempt = rng.choice((*(text.encode() for text in _ATTEMPTS), *_BYTES))
    headers: Headers = [("ecom-origin", origin), ("ecom-attempt", attempt), ("ecom-reason", b"mine\xff")]
    value = event.to_bytes() if rng.random() < 0.3 else rng.choice((b"", b"{", event.to_bytes()[:-1]))
    return Fuzzed("headers", b"k", value, headers[: rng.randint(1, 3)])


def _many_headers(event: OrderEvent, rng: random.Random) -> Fuzzed:
    headers: Headers = [(f"h{number}", rng.randbytes(20)) for number in range(rng.choice((100, 5_000)))]
    return Fuzzed("many_headers", b"k", event.to_bytes()[rng.randrange(2) :], headers)


def _old(event: OrderEvent, rng: random.Random) -> Fuzzed:
    # Not older than the topic's retention: that the broker refuses.
    hours = rng.choice((1, 2, 24, 6 * 24))
    return Fuzzed("old_timestamp", b"k", event.to_bytes(), timestamp_ms=_now_ms() - hours * 3_600_000)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


_OTHERS: tuple[Maker, ...] = (_bad_bytes, _random_bytes, _nothing, _key, _headers, _many_headers, _old)


def _large(event: OrderEvent, rng: random.Random) -> Fuzzed:
    room = LARGE - len(event.to_bytes())
    text = rng.choice(
        (
            _and(event, f'"note":"{"x" * room}"'),
            _and(event, f'"note":[{"1," * (room // 2 - 10)}1]'),
            _and(event, f'"n":{"9" * (room // 2)}'),
            _and(event, ",".join(f'"k{number}":{number}' for number in range(room // 20))),
            _with(event, "status", f'"{"s" * room}"'),
            "[" * LARGE,
            "\x00" * LARGE,
            "\U0001f600" * (LARGE // 4),
        )
    )
    return Fuzzed("large", b"k", text.encode())


def fuzz(event: OrderEvent, rng: random.Random, large: bool = False) -> Fuzzed:
    """Return one fuzzed message made from a valid event that no other message is made from."""
    if large:
        return _large(event, rng)
    maker = rng.randrange(len(_TEXTS) + len(_OTHERS))
    if maker < len(_TEXTS):
        make = _TEXTS[maker]
        return Fuzzed(make.__name__[1:], event.order_id.encode(), make(event, rng).encode("utf-8"))
    return _OTHERS[maker - len(_TEXTS)](event, rng)
