"""Chance that a seed decides: the same world again for the same seed. Nothing here guards anything."""

import hashlib
import random
import secrets
import struct
from collections.abc import Callable
from typing import TypeAlias

Naming: TypeAlias = Callable[[str], str]
"""A new id with the given prefix."""

_RANGE = 1 << 32


def fractions(*parts: object) -> tuple[float, float, float]:
    """Three numbers in [0, 1) that depend on the parts only."""
    joined = "\x1f".join(map(str, parts)).encode()
    first, second, third = struct.unpack("<3I", hashlib.blake2b(joined, digest_size=12).digest())
    return first / _RANGE, second / _RANGE, third / _RANGE


def generator(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - phone numbers and codes of a simulation


def fresh_id(prefix: str) -> str:
    """Not from the seed: a restarted sandbox must not reuse the ids that a kept database knows."""
    return prefix + secrets.token_hex(8)
