"""The pulse, the background and the lanes: once at a time, never lost, and always ended."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from bot.domain.numbers import Kind
from bot.domain.time import DAY
from bot.scheduler import Pulse, Scheduler
from bot.services.background import Background
from bot.services.lanes import Lanes, each
from bot.services.rhythm import Sweep, Timing
from tests.support.services import House, keep_house


async def test_a_sweep_runs_once_at_a_time_and_once_more_when_it_is_woken_meanwhile() -> None:
    running = most = passes = 0

    async def work() -> bool:
        nonlocal running, most, passes
        running, passes = running + 1, passes + 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return False

    pulse = Pulse(Sweep.POLL, work)
    for _ in range(20):
        pulse.kick()
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    await pulse.drain(1)
    assert (most, passes) == (1, 2)


async def test_a_sweep_that_says_there_is_more_goes_on_at_once_and_one_that_fails_waits() -> None:
    left = [True, True, False]

    async def work() -> bool:
        if not left:
            raise OSError("no disk")
        return left.pop(0)

    pulse = Pulse(Sweep.PRUNE, work)
    pulse.kick()
    await asyncio.sleep(0.01)
    assert left == []
    pulse.kick()
    await asyncio.sleep(0.01)
    left.append(False)
    pulse.kick()
    await asyncio.sleep(0.01)
    assert left == []


async def test_the_scheduler_sweeps_at_its_interval_wakes_at_once_and_stops() -> None:
    passes: list[str] = []

    def sweep(name: str, pause_s: float = 0.0):  # type: ignore[no-untyped-def]
        async def work() -> bool:
            passes.append(name)
            await asyncio.sleep(pause_s)
            return False

        return work

    scheduler = Scheduler({Sweep.POLL: 0.05, Sweep.DELIVER: 60.0, Sweep.EXPIRE: 60.0})
    scheduler.add(Sweep.POLL, sweep("poll"))
    scheduler.add(Sweep.DELIVER, sweep("deliver"))
    scheduler.add(Sweep.EXPIRE, sweep("expire", 30.0))
    scheduler.wake(Sweep.DELIVER)
    await asyncio.sleep(0)
    assert passes == []
    scheduler.start()
    await asyncio.sleep(0.3)
    scheduler.wake(Sweep.DELIVER)
    scheduler.wake(Sweep.PRUNE)
    await asyncio.sleep(0.02)
    assert passes.count("deliver") == 2
    assert passes.count("poll") >= 3
    async with asyncio.timeout(3):
        await scheduler.stop(0.05)
        await scheduler.stop(0.05)
    done = len(passes)
    scheduler.wake(Sweep.POLL)
    await asyncio.sleep(0.1)
    assert len(passes) == done
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("sweep:")]


async def test_background_work_is_waited_for_with_all_that_it_starts() -> None:
    background, done = Background(), []

    async def work(depth: int) -> None:
        await asyncio.sleep(0.005)
        done.append(depth)
        if depth:
            background.spawn(work(depth - 1), "child")

    background.spawn(work(3), "parent")
    await background.drain(2)
    assert done == [3, 2, 1, 0]


async def test_background_work_that_does_not_end_is_cancelled_and_one_that_fails_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    background, ended = Background(), []

    async def forever() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    async def fails() -> None:
        raise ValueError("planted")

    background.spawn(forever(), "forever")
    background.spawn(fails(), "fails")
    async with asyncio.timeout(3):
        await background.drain(0.05)
    assert ended == [True]
    assert "background work fails failed" in caplog.text


async def test_a_lane_takes_one_at_a_time_and_is_free_after_a_failure() -> None:
    background, gate = Background(), asyncio.Event()
    lanes, ran = Lanes(background, "test"), []

    async def work() -> None:
        ran.append(1)
        await gate.wait()
        raise ValueError("planted")

    for _ in range(3):
        lanes.run("a", work)
    lanes.run("b", work)
    await asyncio.sleep(0)
    assert (len(ran), lanes.is_free("a")) == (2, False)
    gate.set()
    await background.drain(1)
    assert lanes.is_free("a")


async def test_who_waits_for_the_lanes_waits_for_the_last_one_but_not_for_ever() -> None:
    background, gate = Background(), asyncio.Event()
    lanes, ended = Lanes(background, "test"), []

    async def work(name: str) -> None:
        await (gate.wait() if name == "slow" else asyncio.sleep(0.01))
        ended.append(name)

    await lanes.settle(60)
    for name in ("slow", "quick"):
        lanes.run(name, partial(work, name))
    await lanes.settle(0.1)
    assert ended == ["quick"]
    gate.set()
    await lanes.settle(60)
    assert ended == ["quick", "slow"]
    await lanes.settle(60)


async def test_a_few_at_a_time_and_none_is_given_up_for_anothers_error() -> None:
    running = most = 0
    done = []

    async def work(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        if item == 3:
            raise ValueError("planted")
        done.append(item)

    with pytest.raises(ValueError, match="planted"):
        await each(range(20), work, 4)
    assert (most, sorted(done)) == (4, [item for item in range(20) if item != 3])


def test_waits_double_up_to_their_longest() -> None:
    timing = Timing()
    assert [timing.before_retry(attempts) // 1000 for attempts in range(8)] == [15, 30, 60, 120, 240, 480, 600, 600]
    assert [timing.before_resend(attempts) // 1000 for attempts in range(6)] == [5, 10, 20, 40, 60, 60]
    assert timing.before_retry(10**6) == timing.retry_longest


async def test_one_question_about_prices_answers_everybody_who_asks_meanwhile(house: House) -> None:
    provider = house.providers["sandbox"]
    lists = await asyncio.gather(*(house.shelf.rows(provider, Kind.ACTIVATION, "wa") for _ in range(4)))
    assert house.wire.count("stock") == 1
    assert all(rows == lists[0] for rows in lists)
    assert lists[0]


async def test_where_texts_are_kept_for_ever_none_is_forgotten(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", retention_days=0, timing=Timing(keep_outbox=1000 * DAY)) as house:
        number = await house.buy(await house.person())
        await house.hook(number)
        await house.deliver()
        house.clock.advance(400 * DAY)
        await house.housekeeping.prune()
        row = await house.db.read.one("SELECT text FROM sms")
        assert row is not None
        assert row["text"] == "Your code is 123456"
