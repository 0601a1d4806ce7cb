"""What happens in the chats, told to whoever shows them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

BACKLOG = 1000
"""Events a subscriber may lag behind before it has to reload."""


class Events:
    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[dict[str, Any]]] = set()

    @contextmanager
    def subscribe(self) -> Iterator[asyncio.Queue[dict[str, Any]]]:
        """A queue of the events from now on. `{"type": "resync"}` means that some were lost: reload everything."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(BACKLOG)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    def emit(self, event: dict[str, Any]) -> None:
        for queue in self._queues:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                event_or_resync = {"type": "resync"}
            else:
                event_or_resync = event
            queue.put_nowait(event_or_resync)
