"""Telling watchers that something changed, without ever waiting for them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

Event: TypeAlias = dict[str, Any]

_LONGEST_QUEUE = 1000


class Events:
    """A watcher that falls behind by a thousand events gets `{"type": "resync"}` in their place."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Event]] = set()

    @contextmanager
    def subscribe(self) -> Iterator[asyncio.Queue[Event]]:
        queue: asyncio.Queue[Event] = asyncio.Queue(_LONGEST_QUEUE)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    def emit(self, event: Event) -> None:
        for queue in self._queues:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait({"type": "resync"})
            else:
                queue.put_nowait(event)
