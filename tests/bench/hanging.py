"""Three suppliers of which one hangs, and three of which none does, at the same time in the same process."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bot.domain.time import SECOND
from bot.services.clock import now_ms
from tests.bench.rig import Door, Rig, a_rig
from tests.simulators.sims import Sim
from tests.support.stock import Stocked, put, sell
from tests.support.suppliers import a_site

QUICK = ("sms-activate", "rest")
THIRD = "hero"
GRACE_S = 15.0
"""How long is waited for the last codes."""


@dataclass
class House:
    """One program with its three suppliers; `sent` is when each text reached its supplier."""

    rig: Rig
    sims: dict[str, Sim]
    stocked: dict[str, list[Stocked]]
    sent: dict[str, int]

    def text(self, name: str, place: int) -> None:
        text = f"{name}: your code is {100_000 + place}"
        self.sims[name].text(self.stocked[name][place].phone, "Sender", text)
        self.sent[text] = now_ms()

    def delays_s(self, name: str) -> list[float]:
        """Of the codes that were handed to the messenger."""
        arrived = self.rig.letters.at
        mine = [text for text in self.sent if text.startswith(f"{name}: ") and text in arrived]
        return [(arrived[text] - self.sent[text]) / SECOND for text in mine]


async def _open(stack: AsyncExitStack, path: Path, codes: int, *, hangs: bool) -> House:
    site = await stack.enter_async_context(a_site())
    sims = {name: site.open(name, now_ms) for name in (*QUICK, THIRD)}
    stocked = {name: await sell(sim, codes) for name, sim in sims.items()}
    sims[THIRD].line = Door(sims[THIRD].line, hangs)  # type: ignore[assignment]
    rig = await stack.enter_async_context(a_rig(path, site, sims, now_ms))
    for place, name in enumerate(sims):
        await put(rig.db, name, stocked[name], now_ms(), first_user=1 + place * codes)
    return House(rig, sims, stocked, {})


async def side_by_side(folder: Path, codes: int, seconds: float) -> None:
    chance = random.Random(7)
    arrivals = sorted((chance.uniform(0, seconds), name, place) for name in (*QUICK, THIRD) for place in range(codes))
    async with AsyncExitStack() as stack:
        with_hang = await _open(stack, folder / "hangs.db", codes, hangs=True)
        without = await _open(stack, folder / "well.db", codes, hangs=False)
        for house in (with_hang, without):
            house.rig.start()
        await _let_arrive((with_hang, without), arrivals)
        _print(with_hang, without, codes, seconds)


async def _let_arrive(houses: Sequence[House], arrivals: Sequence[tuple[float, str, int]]) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for at, name, place in arrivals:
        await asyncio.sleep(max(0.0, began + at - loop.time()))
        for house in houses:
            house.text(name, place)
    deadline = loop.time() + GRACE_S
    while loop.time() < deadline and not all(_is_done(house) for house in houses):  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.1)


def _is_done(house: House) -> bool:
    names = house.sims if not house.sims[THIRD].line.hangs else QUICK  # type: ignore[attr-defined]
    return all(len(house.delays_s(name)) == len(house.stocked[name]) for name in names)


def _print(with_hang: House, without: House, codes: int, seconds: float) -> None:
    print(f"\n3. From the supplier to the messenger: {codes} codes at each of three suppliers within {seconds:g} s\n")
    print(f"| supplier | {THIRD} hangs: median, worst | none hangs: median, worst | ratio: median, worst |")
    print("|---|---|---|---|")
    for name in QUICK:
        hangs, well = with_hang.delays_s(name), without.delays_s(name)
        assert len(hangs) == len(well) == codes, f"codes of {name} are missing"
        print(
            f"| {name} | {median(hangs):.2f} s, {max(hangs):.2f} s | {median(well):.2f} s, {max(well):.2f} s "
            f"| {median(hangs) / median(well):.2f}, {max(hangs) / max(well):.2f} |"
        )
    well = without.delays_s(THIRD)
    print(f"| {THIRD} | {len(with_hang.delays_s(THIRD))} arrived | {median(well):.2f} s, {max(well):.2f} s | |")
