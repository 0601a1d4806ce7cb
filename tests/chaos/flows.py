"""What a person lives through, from the first word to the end of the number.

They go by buttons and by the sign at the head of a line (⏳ under way, 🟢 yours, ☑️ finished, ↩️ given back, ⌛ its time
has passed, ❌ not done), so that wording may change.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from bot.providers.sandbox.settings import SandboxSettings
from tests.chaos.outside import Outside
from tests.chaos.person import Person, Wish

Play: TypeAlias = Callable[[Person, Outside], Awaitable[None]]

BRISK = SandboxSettings(cancel_from_ms=150, latency_s=(0.01, 0.03))
SHORT_LIVED = SandboxSettings(lifetime_ms=800, cancel_from_ms=150, latency_s=(0.01, 0.03))
SLOW_TO_ANSWER = SandboxSettings(cancel_from_ms=150, latency_s=(0.15, 0.15))


@dataclass(frozen=True, slots=True)
class Flow:
    name: str
    play: Play
    verbs: tuple[str, ...]
    """What the supplier is asked on the way when nobody kills the program: points that must be there."""
    settings: SandboxSettings = BRISK
    webhooks: bool = True
    poll_ms: int = 60_000
    """A long pace keeps polls out of the count of points, but for the one after each start."""


def buying(me: Person) -> tuple[Wish, ...]:
    """By typed words; again where the purchase had never left."""
    return (
        me.wait_while(lambda: me.says("⏳") or me.phone()),
        me.press("ok:"),
        me.press("of:"),
        me.say("whatsapp germany"),
    )


async def _buy(me: Person) -> str:
    phone: str = await me.reach("the number is on its card", me.phone, *buying(me))
    return phone


async def _code(me: Person, world: Outside, phone: str) -> None:
    code = world.text_to(phone)
    await me.reach("the code is in the chat", lambda: me.copies(code))


async def _done(me: Person) -> None:
    await me.reach("the card says finished", lambda: me.says("☑️"), me.press("fi:"))


async def two_codes(me: Person, world: Outside) -> None:
    phone = await _buy(me)
    await _code(me, world, phone)
    await me.reach("another code is asked for", lambda: me.toasted("🔁"), me.press("ac:"))
    await _code(me, world, phone)
    await _done(me)


async def cancelled(me: Person, world: Outside) -> None:
    await _buy(me)
    await me.reach("the number is given back", lambda: me.says("↩️"), me.press("ca:"))


async def expired(me: Person, world: Outside) -> None:
    await me.reach("its time has passed", lambda: me.says("⌛"), *buying(me))


async def rented(me: Person, world: Outside) -> None:
    phone: str = await me.reach(
        "the rental is on its card",
        me.phone,
        me.wait_while(lambda: me.says("⏳")),
        me.press("ok:"),
        me.press("of:rental:wa:", ":4:0"),
        me.press("le:wa:"),
        me.press("co:rental:wa:"),
        me.say("/rent"),
    )
    await _code(me, world, phone)
    await me.reach(
        "the rental is renewed",
        lambda: me.says(": renewed"),
        me.wait_while(lambda: me.says("⏳") > me.says("❌")),
        me.press("rk:"),
        me.press("rq:", ":4"),
        me.press("rn:"),
    )
    await me.reach("the card says finished", lambda: me.says("☑️"), me.press("rl:", ":1"), me.press("rl:"))


async def polled(me: Person, world: Outside) -> None:
    await _code(me, world, await _buy(me))
    await _done(me)


async def early(me: Person, world: Outside) -> None:
    """The SMS is there before the answer to the purchase is."""
    texting = asyncio.create_task(_text_every_sale(world))
    try:
        await me.reach(
            "a code is in the chat",
            lambda: any(me.copies(code) for code in world.sent),
            *buying(me),
        )
    finally:
        texting.cancel()
    await _done(me)


async def _text_every_sale(world: Outside) -> None:
    texted: set[str] = set()
    while True:
        for number in world.sandbox.phones():
            if number["phone"] not in texted:
                texted.add(number["phone"])
                world.text_to(number["phone"])
        await asyncio.sleep(0.002)


FLOWS = (
    Flow("two codes, done", two_codes, ("allocate", "another_code", "finish")),
    Flow("cancelled", cancelled, ("allocate", "cancel")),
    Flow("expired", expired, ("allocate", "fetch"), settings=SHORT_LIVED),
    Flow("rented, renewed, released", rented, ("allocate", "renewal_cost", "renew", "finish")),
    Flow("SMS by poll only", polled, ("allocate", "fetch", "finish"), webhooks=False, poll_ms=300),
    Flow("SMS before the sale's answer", early, ("allocate", "finish"), settings=SLOW_TO_ANSWER),
)
