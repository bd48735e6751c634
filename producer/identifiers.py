"""Time-ordered ids in the layout of UUIDv7: index pages in PostgreSQL fill in order.

    48 bits milliseconds | version 7 | 1 bit origin | 11 + 14 bits counter | 48 bits node

The origin bit keeps the ids of the seeded history and of live events apart, the counter those of one run,
and the node those of different runs: no two ids meet by chance.
"""

import numpy as np
from numpy.typing import NDArray

from producer.randomness import Ints

LIVE, SEEDED = 0, 1
COUNTER_LIMIT = 2**25
NODE_LIMIT = 2**48

UUID_LENGTH = 36
_DASHES = (8, 13, 18, 23)
_HEX_PAIRS = np.array([list(f"{value:02x}".encode()) for value in range(256)], dtype=np.uint8)


def live_id(milliseconds: int, counter: int, node: int) -> str:
    """Return the id of a live event or order; `counter` wraps at COUNTER_LIMIT."""
    counter %= COUNTER_LIMIT
    high = milliseconds << 16 | 0x7000 | LIVE << 11 | counter >> 14
    low = 0b10 << 62 | (counter & 0x3FFF) << 48 | node
    text = f"{high:016x}{low:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def seeded_ids(milliseconds: Ints, counter: Ints, node: int) -> NDArray[np.uint8]:
    """Return ids [n, 36] as ASCII for times and counters [n] of the seeded history."""
    counter = counter % COUNTER_LIMIT
    high = (milliseconds << 16 | 0x7000 | SEEDED << 11 | counter >> 14).astype(np.uint64)
    low = (counter & 0x3FFF).astype(np.uint64) << np.uint64(48) | np.uint64(0b10 << 62 | node)
    octets = np.stack([high, low], axis=1).astype(">u8").view(np.uint8)
    text = np.full((len(counter), UUID_LENGTH), ord("-"), dtype=np.uint8)
    digits = [position for position in range(UUID_LENGTH) if position not in _DASHES]
    text[:, digits] = _HEX_PAIRS[octets].reshape(len(counter), 32)
    return text


def node_of(event_id: str) -> int:
    """Return the node part of an id."""
    return int(event_id[-12:], 16)
