"""A person at their chat: reads what stands there, presses what fits, and presses again when nothing happens."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from bot.demo.telegram.world import TelegramWorld

Deed: TypeAlias = tuple[str, Callable[[], object]]
"""What is done, by name, and the doing."""
Wish: TypeAlias = Callable[[], Deed | None]
"""What would be done as the chat stands now, if anything."""

PATIENCE_S = 0.5
STEP_WITHIN_S = 10.0


class Stuck(AssertionError):
    """What should have happened has not, in time."""


class Person:
    """`watch` is called at every look and raises when the world has ended; `done` when a step has been reached."""

    def __init__(self, world: TelegramWorld, user_id: int, watch: Callable[[], None], done: Callable[[], None]) -> None:
        self._world = world
        self._id = user_id
        self._watch = watch
        self._done = done
        self._events: asyncio.Queue[dict[str, Any]] | None = None
        self.toasts: list[str] = []
        self._changes = 0

    @contextlib.contextmanager
    def looking(self) -> Iterator["Person"]:
        with self._world.subscribe() as self._events:
            yield self

    # reading

    def messages(self) -> list[dict[str, Any]]:
        return [m for m in self._world.messages(self._id) if "text" in m and m["from"]["is_bot"]]

    def texts(self) -> list[str]:
        return [str(message["text"]) for message in self.messages()]

    def says(self, words: str) -> int:
        """How many messages say that now."""
        return sum(words in text for text in self.texts())

    def copies(self, code: str) -> int:
        """How many messages brought this code; the number's card is none of them."""
        return sum(text.startswith(f"🔑 {code}") for text in self.texts())

    def buttons(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Oldest message first."""
        for message in self.messages():
            for row in message.get("reply_markup", {}).get("inline_keyboard", ()):
                for button in row:
                    yield message, button

    def phone(self) -> str | None:
        """The number on the newest card that waits for something."""
        found = None
        for message, button in self.buttons():
            text = button.get("copy_text", {}).get("text", "")
            if text.startswith("+") and "🟢" in message["text"]:
                found = text
        return found

    def toasted(self, words: str) -> bool:
        return any(words in toast for toast in self.toasts) or self.says(words) > 0

    # wishing

    def say(self, text: str) -> Wish:
        return lambda: (f"say {text}", lambda: self._world.say(self._id, text))

    def press(self, prefix: str, suffix: str = "", *, only: int | None = None) -> Wish:
        """The first button whose data begins and ends so; of that message, if one is given."""

        def wish() -> Deed | None:
            for message, button in self.buttons():
                data = button.get("callback_data", "")
                fits = data.startswith(prefix) and data.endswith(suffix)
                if fits and only in (None, message["message_id"]):
                    return self._pressing(message["message_id"], data)
            return None

        return wish

    def _pressing(self, message_id: int, data: str) -> Deed:
        return f"press {message_id} {data}", lambda: self._world.press(self._id, self._id, message_id, data)

    def wait_while(self, condition: Callable[[], object]) -> Wish:
        return lambda: ("wait", lambda: None) if condition() else None

    # acting

    async def reach(self, what: str, goal: Callable[[], object], *wishes: Wish, within_s: float = STEP_WITHIN_S) -> Any:
        """Act on the first wish that there is until the goal shows; the same act again only after a while."""
        deadline = time.monotonic() + within_s
        last, last_at, seen = "", 0.0, -1
        while not (found := goal()):
            self._watch()
            now = time.monotonic()
            if now > deadline:
                raise Stuck(f"{what}: not within {within_s} s; the chat shows {self.texts()!r}")
            if self._look() != seen or now - last_at > PATIENCE_S:
                seen = self._changes
                deed = next((deed for wish in wishes if (deed := wish()) is not None), None)
                if deed is not None and (deed[0] != last or now - last_at > PATIENCE_S):
                    last, last_at = deed[0], now
                    deed[1]()
            await asyncio.sleep(0.005)
        self._done()
        return found

    async def close_the_rest(self, closed: Callable[[], object]) -> None:
        """Give back or finish what impatience bought twice: its card may be gone, but it stands under /numbers."""
        tried: Counter[str] = Counter()

        def newest(prefix: str, suffix: str = "") -> Wish:
            def wish() -> Deed | None:
                at = max((message["message_id"] for message in self.messages()), default=0)
                fitting = self.press(prefix, suffix, only=at)()
                if fitting is None or tried[fitting[0]] > 1:
                    return None
                return fitting[0], lambda: (tried.update([fitting[0]]), fitting[1]())

            return wish

        verbs = (newest("rl:", ":1"), newest("rl:"), newest("ca:"), newest("fi:"), newest("nu:"))
        await self.reach("nothing is open at the supplier", closed, *verbs, self.say("/numbers"))

    def _look(self) -> int:
        """A number that changes when the chat does."""
        while self._events is not None and not self._events.empty():
            event = self._events.get_nowait()
            if event["type"] == "callback_answer":
                self.toasts.append(str(event.get("text") or ""))
            else:
                self._changes += 1
        return self._changes
