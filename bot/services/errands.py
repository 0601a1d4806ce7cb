"""Messages in hand: one of each chat, under way or waiting for its turn; those that wait make way for codes."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from storage.outbox import Owed


@dataclass(eq=False, slots=True)
class Errand:
    """`has_turn`: from then on it may reach its chat. Until then nothing has happened, and it can be put back."""

    owed: Owed
    has_turn: bool
    task: asyncio.Task[bool] | None = None

    @property
    def is_waiting_code(self) -> bool:
        return self.owed.kind == "sms" and not self.has_turn

    def put_back(self) -> bool:
        """Whether that could be done."""
        if self.has_turn or self.task is None or self.task.cancelling():
            return False
        return self.task.cancel()


class Errands:
    """At most `most` at once. `run` sees to one, and says whether the next one may be asked for at once, by `again`."""

    def __init__(
        self, most: int, run: Callable[[Errand], Coroutine[Any, Any, bool]], again: Callable[[], None]
    ) -> None:
        self._most = most
        self._run = run
        self._again = again
        self._at: dict[int, Errand] = {}
        self._ended: set[int] = set()

    @property
    def has_enough(self) -> bool:
        """So many codes wait already that there is no need to look for more: nothing leaves before them."""
        return sum(errand.is_waiting_code for errand in self._at.values()) > self._most // 2

    def before_reading(self) -> None:
        """A list of what is owed is about to be read: what ends from now on may still stand in it."""
        self._ended.clear()

    def take(self, owed: Owed, *, has_turn: bool) -> None:
        """Begin with it, if its chat is free and there is room. A code that finds neither makes some."""
        before = self._at.get(owed.chat_id)
        if owed.chat_id in self._ended:
            return
        if before is None and len(self._at) < self._most:
            self._begin(Errand(owed, has_turn))
        elif owed.kind == "sms":
            others = reversed(self._at.values()) if before is None else (before,)
            any(other.owed.kind != "sms" and other.put_back() for other in others)  # its end asks for the code again

    def _begin(self, errand: Errand) -> None:
        chat_id = errand.owed.chat_id

        def ended(task: asyncio.Task[bool]) -> None:
            del self._at[chat_id]
            self._ended.add(chat_id)
            if task.cancelled() or task.result():
                self._again()

        self._at[chat_id] = errand
        errand.task = asyncio.create_task(self._run(errand), name=f"deliver:{errand.owed.id}")
        errand.task.add_done_callback(ended)

    async def stop(self, timeout_s: float) -> None:
        """Put back what waits, and let the rest end."""
        for errand in self._at.values():
            errand.put_back()
        await self.drain(timeout_s)

    async def drain(self, timeout_s: float) -> None:
        """Let all end."""
        tasks = {errand.task for errand in self._at.values() if errand.task is not None}
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)
