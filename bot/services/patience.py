"""Writing down what cannot be asked for again: tried until it succeeds."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from storage.db import Fault, StorageDown

AGAIN_S = 1.0

T = TypeVar("T")


async def until_saved(work: Callable[[], Awaitable[T]]) -> T:
    """What `work` returns, once the disk and everybody else let it. Raises StorageDown for damage, which stays."""
    while True:
        try:
            return await work()
        except StorageDown as down:
            if down.fault is Fault.DAMAGED:
                raise
        await asyncio.sleep(AGAIN_S)
