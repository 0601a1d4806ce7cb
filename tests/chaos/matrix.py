"""Rows of the kill matrix: a flow, lived through while the program is killed at given points; and their sum."""

import asyncio
import itertools
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.chaos.audit import wrongs
from tests.chaos.flows import Flow
from tests.chaos.lives import Kill, Life, Lives
from tests.chaos.outside import PERSON, outside
from tests.chaos.person import Person
from tests.chaos.program import ANY

SETTLED_WITHIN_S = 10.0
SIDE_BY_SIDE = int(os.environ.get("KILL_SIDE_BY_SIDE", "3"))
ENOUGH_WRONG = 3
"""Rows of one flow that went wrong; each may wait long for what never comes, and the next ones would say the same."""
LATER_POINTS = 16
"""Within so many points after its birth a life that repairs another one's death has done so."""


@dataclass
class Row:
    """How one run went. `kills`: at which point of each life the program was to be killed."""

    kills: tuple[Kill, ...]
    lives: list[Life] = field(default_factory=list)
    copies: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def deaths(self) -> list[Life]:
        return [life for life in self.lives if life.died_at is not None]

    @property
    def missed(self) -> bool:
        """The flow was over before the last of the kills."""
        return len(self.deaths) < len(self.kills)

    @property
    def recovery_s(self) -> float:
        """From a death until what the person was waiting for had happened all the same."""
        return max(((life.recovered_at or 0.0) - (life.died_at or 0.0) for life in self.deaths), default=0.0)

    def note_recovery(self) -> None:
        for life in self.deaths:
            life.recovered_at = life.recovered_at or time.monotonic()

    def __str__(self) -> str:
        places = ", then ".join(f"at {life.points.count(life.points[-1])}. {life.points[-1]!r}" for life in self.deaths)
        return f"killed {places or 'never'}: {'; '.join(self.wrong)}"


@dataclass
class Result:
    """All rows of one flow. `points` are those passed when nobody killed the program."""

    flow: str
    points: list[str]
    rows: list[Row]

    @property
    def wrong(self) -> list[str]:
        return [str(row) for row in self.rows if row.wrong]

    @property
    def never_killed_at(self) -> set[str]:
        """Kinds of points at which no life ended."""
        return set(self.points) - {life.points[-1] for row in self.rows for life in row.deaths}

    def line(self) -> str:
        kills = sum(len(row.deaths) for row in self.rows)
        starts = sorted(life.start_s for row in self.rows for life in row.lives if life.ready_at)
        return (
            f"{self.flow:<30}{len(self.points):>7}{kills:>7}{max(row.copies for row in self.rows):>8}"
            f"{sum(row.copies > 1 for row in self.rows):>9}{max(row.recovery_s for row in self.rows):>10.2f} s"
            f"{median(starts) if starts else 0:>8.2f} s"
        )


def _each(points: Sequence[str]) -> Iterator[Kill]:
    seen: Counter[str] = Counter()
    for point in points:
        seen[point] += 1
        yield {point: seen[point]}


HEADING = f"{'flow':<30}{'points':>7}{'kills':>7}{'copies':>8}{'doubled':>9}{'recovery':>12}{'start':>10}"


async def run(flow: Flow, kills: Sequence[Kill], folder: Path, template: Path) -> Row:
    """Live through the flow in a world of its own; `folder` is made, and keeps the database and the log."""
    folder.mkdir()
    row = Row(tuple(kills))
    async with outside(folder, template, flow.settings, webhooks=flow.webhooks, poll_ms=flow.poll_ms) as world:
        lives = Lives(world.spec, kills)
        row.lives = lives.lives
        me = Person(world.telegram, PERSON, lives.check, row.note_recovery)
        with me.looking():
            try:
                async with lives:
                    await flow.play(me, world)
                    await me.close_the_rest(lambda: not world.sandbox.open_numbers())
                    await _settle(row, lambda: wrongs(world, me, len(row.deaths)))
                    lives.check()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this row's verdict
                row.wrong.append(f"{type(error).__name__}: {error}")
            row.copies = max(map(me.copies, world.sent), default=0)
    return row


async def _settle(row: Row, judge: Callable[[], list[str]]) -> None:
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while (wrong := judge()) and time.monotonic() < deadline:  # noqa: ASYNC110 - another process is looked at
        await asyncio.sleep(0.02)
    row.wrong.extend(wrong)
    row.note_recovery()


class Matrix:
    """Runs rows side by side, in folders of their own below `folder`."""

    def __init__(self, flow: Flow, folder: Path, template: Path) -> None:
        self._flow = flow
        self._folder = folder
        self._template = template
        self._count = itertools.count()

    async def every_point(self) -> Result:
        """Of each kind of point the n-th, n rising until the flow completes unkilled."""
        rows = [await self._row(())]
        points = rows[0].lives[0].points
        await self._all(([kill] for kill in _each(points)), rows)
        further = {kind: n + 1 for kind, n in Counter(points).items()}
        while not any(row.wrong for row in rows):
            rows.append(await self._row([further]))
            if rows[-1].missed:
                break
            further[rows[-1].lives[0].points[-1]] += 1
        return Result(self._flow.name, points, rows)

    async def sample(self, singles: int, doubles: int, seed: str) -> Result:
        """So many of the points, and so many rows in which the second life is killed as well."""
        rows = [await self._row(())]
        points, chance = rows[0].lives[0].points, random.Random(seed)
        if not rows[0].wrong:
            kills = list(_each(points))
            plan = [[kill] for kill in chance.sample(kills, min(singles, len(kills)))]
            plan += [[chance.choice(kills), {ANY: chance.randint(1, LATER_POINTS)}] for _ in range(doubles)]
            await self._all(plan, rows)
        return Result(self._flow.name, points, rows)

    async def _row(self, kills: Sequence[Kill]) -> Row:
        return await run(self._flow, kills, self._folder / f"{next(self._count):03}", self._template)

    async def _all(self, plan: Iterable[Sequence[Kill]], rows: list[Row]) -> None:
        ahead = iter(plan)

        async def worker() -> None:
            for kills in ahead:
                if sum(bool(row.wrong) for row in rows) >= ENOUGH_WRONG:
                    return
                rows.append(await self._row(kills))

        async with asyncio.TaskGroup() as group:
            for _ in range(SIDE_BY_SIDE):
                group.create_task(worker())
