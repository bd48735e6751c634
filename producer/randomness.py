"""Seeded randomness: one independent stream for each purpose, so that adding one never shifts another."""

import zlib
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]


def generator(seed: int, purpose: str) -> np.random.Generator:
    """Return the generator of a purpose; its first n draws don't depend on how many follow."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def cumulative(weights: Floats) -> Floats:
    """Return the running shares of `weights` [n], ending at exactly 1."""
    shares: Floats = np.cumsum(weights) / weights.sum()
    shares[-1] = 1.0
    return shares


def draw(rng: np.random.Generator, shares: Floats, size: int) -> Ints:
    """Draw `size` indexes by running shares, as `cumulative` returns them."""
    return np.searchsorted(shares, rng.random(size), side="right").astype(np.int64)
