"""The program as a process of its own, suspended past its deadlines, as a laptop does that sleeps, or a busy host.

What has fallen due meanwhile is caught up with when it goes on; the outside world has not waited.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.providers.sandbox.settings import SandboxSettings
from tests.chaos.audit import wrongs
from tests.chaos.lives import Lives
from tests.chaos.outside import PERSON, Outside, make_template, outside
from tests.chaos.person import Person

SETTLED_WITHIN_S = 20.0
BRISK = (0.01, 0.03)


@dataclass
class Stage:
    world: Outside
    me: Person
    lives: Lives

    async def buys(self, *, waits: bool = True) -> str:
        """One more number, on a card of its own; its phone, or where nobody `waits` for it, nothing."""
        last = max((message["message_id"] for message in self.me.messages()), default=0)
        self.world.telegram.say(PERSON, "whatsapp germany")
        confirm = await self.me.reach("a price", lambda: self._button("callback_data", "ok:", lambda at: at > last))
        self.world.telegram.press(PERSON, PERSON, *confirm)
        if not waits:
            return ""
        card = await self.me.reach("a number", lambda: self._button("copy_text", "+", lambda at: at == confirm[0]))
        return str(card[1])

    def _button(self, kind: str, beginning: str, fits: Callable[[int], bool]) -> tuple[int, str] | None:
        """A message, and what the button on it holds."""
        for message, button in self.me.buttons():
            data = button.get("callback_data") or button.get("copy_text", {}).get("text", "")
            if kind in button and data.startswith(beginning) and fits(message["message_id"]):
                return message["message_id"], data
        return None

    @contextlib.asynccontextmanager
    async def asleep(self, for_s: float) -> AsyncIterator[None]:
        """The process is suspended for as long as the block takes, and for `for_s` at least."""
        began = time.monotonic()
        os.kill(self.lives.pid, signal.SIGSTOP)
        try:
            yield
            await asyncio.sleep(began + for_s - time.monotonic())
        finally:
            os.kill(self.lives.pid, signal.SIGCONT)

    def passed(self, point: str) -> int:
        """How often the program has got there."""
        return self.lives.lives[0].points.count(point)

    async def passes(self, point: str, before: int = 0) -> None:
        """Once more than it had `before`."""
        await self.me.reach(point, lambda: self.passed(point) > before)

    async def settles(self) -> None:
        """One more copy of a message may come: whoever sleeps through an answer has not had it."""
        deadline = time.monotonic() + SETTLED_WITHIN_S
        while (wrong := wrongs(self.world, self.me, deaths=1)) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert wrong == []
        self.lives.check()
        log = Path(self.world.spec.log).read_text()
        assert not [line for line in log.splitlines() if " ERROR " in line or "Traceback" in line], log[-3000:]


@contextlib.asynccontextmanager
async def staged(
    folder: Path, settings: SandboxSettings, *, webhooks: bool = True, timeout_s: float = 5.0
) -> AsyncIterator[Stage]:
    template = folder / "template.db"
    await make_template(template)
    async with outside(folder, template, settings, webhooks=webhooks, poll_ms=200) as world:
        environ = {**world.spec.environ, "PROVIDERS__SANDBOX__TIMEOUT_S": str(timeout_s)}
        world.spec = replace(world.spec, environ=environ, from_birth=True)
        lives = Lives(world.spec, ())
        me = Person(world.telegram, PERSON, lives.check, lambda: None)
        with me.looking():
            async with lives:
                yield Stage(world, me, lives)


@pytest.mark.parametrize("webhooks", [True, False], ids=["told by webhook", "found by poll"])
async def test_what_fell_due_during_a_long_sleep_is_caught_up_with(tmp_path: Path, webhooks: bool) -> None:
    """One number gets its code while the program sleeps, one gets none, one was to be given back; all ends come too."""
    settings = SandboxSettings(lifetime_ms=2_500, cancel_from_ms=1_500, latency_s=BRISK)
    async with staged(tmp_path, settings, webhooks=webhooks) as stage:
        to_give_back = await stage.buys()
        used, unused = await stage.buys(), await stage.buys()
        assert len({to_give_back, used, unused}) == 3
        await stage.me.reach("the wish is noted", lambda: stage.me.says("⏳"), stage.me.press("ca:"))
        async with stage.asleep(4.0):
            stage.world.text_to(used)
            stage.world.telegram.say(PERSON, "/numbers")
        await stage.settles()
        assert [number["charged"] for number in stage.world.sandbox.record()] == [False, True, False]
        await stage.me.reach("an answer", lambda: stage.me.says("🗂"))
        code = stage.world.text_to(await stage.buys())
        await stage.me.reach("and it goes on", lambda: stage.me.copies(code))


async def test_who_sleeps_through_the_answer_to_a_purchase_finds_what_was_sold(tmp_path: Path) -> None:
    settings = SandboxSettings(cancel_from_ms=0, latency_s=(0.2, 0.2))
    async with staged(tmp_path, settings, timeout_s=1.0) as stage:
        await stage.buys(waits=False)
        await stage.passes("before /sandbox/allocate")
        async with stage.asleep(2.5):
            pass
        phone = await stage.me.reach("the number", stage.me.phone)
        code = stage.world.text_to(phone)
        await stage.me.reach("the code", lambda: stage.me.copies(code))
        await stage.me.reach("the end", lambda: stage.me.says("☑️"), stage.me.press("fi:"))
        await stage.settles()
        assert len(stage.world.sandbox.record()) == 1


async def test_a_sleep_at_the_worst_moments_of_a_delivery_loses_no_code(tmp_path: Path) -> None:
    settings = SandboxSettings(cancel_from_ms=0, latency_s=BRISK)
    async with staged(tmp_path, settings) as stage:
        phone = await stage.buys()
        for point in ("before sendMessage", "after sendMessage", "before commit", "after commit"):
            before, code = stage.passed(point), stage.world.text_to(phone)
            await stage.passes(point, before)
            async with stage.asleep(0.5):
                pass
            await stage.me.reach(f"the code after {point}", lambda code=code: stage.me.copies(code))
        await stage.me.reach("the end", lambda: stage.me.says("☑️"), stage.me.press("fi:"))
        await stage.settles()
