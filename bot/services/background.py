"""Work that outlives the press that started it: tracked, logged when it fails, waited for at the end."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from storage.db import StorageDown

log = logging.getLogger(__name__)


class Background:
    """A set of running tasks. What one of them leaves undone, a sweep finishes after the next start."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, StorageDown):  # which storage has said once already
            log.debug("background work %s was left: %s", task.get_name(), error.fault)
        elif error is not None:
            log.error("background work %s failed", task.get_name(), exc_info=error)

    async def drain(self, timeout_s: float) -> None:
        """Wait for what runs, and for what that starts in its turn; after `timeout_s` cancel the rest."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while self._tasks and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(set(self._tasks), timeout=left)
        late = set(self._tasks)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1.0)
