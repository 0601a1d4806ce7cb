"""The sweep that reads price lists before anybody waits for them, and learns the names of services."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import ProviderError, ProviderFault
from bot.domain.numbers import Kind
from bot.domain.time import HOUR, MINUTE, SECOND
from bot.providers.base import Stock
from bot.services.refresh import MOST_NAMES
from bot.services.shelf import MOST_LISTS, MOST_ROWS, MOST_SERVICES
from tests.support.services import House, keep_house


async def sweep(house: House) -> None:
    assert not await house.refresh.sweep()
    await house.background.drain(5)


def names(house: House, told: Mapping[str, str] | Exception, provider: str = "sandbox") -> list[int]:
    """From now on the provider answers so; when it was asked."""
    asked: list[int] = []

    async def answer() -> Mapping[str, str]:
        asked.append(house.clock())
        if isinstance(told, Exception):
            raise told
        return told

    house.providers[provider].service_names = answer  # type: ignore[method-assign]
    return asked


def sells(house: House, *services: str) -> list[int]:
    """From now on that is all, and the list is short; when it was asked for."""
    asked: list[int] = []

    async def stock(kind: Kind, service: str | None = None) -> list[Stock]:
        asked.append(house.clock())
        return [Stock(one, "GB", kind, 100, 5) for one in services if service in (None, one)]

    for provider in house.providers.values():
        provider.stock = stock  # type: ignore[method-assign]
    return asked


async def test_after_a_sweep_the_first_person_waits_for_nothing(house: House) -> None:
    await sweep(house)
    assert house.wire.count("stock") == 2  # activations and rentals
    house.world.mode = "down"
    assert len(await house.offers.services(Kind.ACTIVATION)) > 200
    assert await house.offers.services(Kind.RENTAL)
    assert house.wire.count("stock") == 2


async def test_sweeps_ten_minutes_apart_leave_no_moment_in_which_somebody_waits(house: House) -> None:
    asked = sells(house, "wa")
    for _ in range(6):
        await sweep(house)
        house.clock.advance(10 * MINUTE + 30 * SECOND)
        before = len(asked)
        assert await house.offers.services(Kind.ACTIVATION)
        assert len(asked) == before


async def test_all_rentals_are_listed_once_an_hour_and_nobody_waits_for_them_meanwhile(house: House) -> None:
    kinds: list[Kind] = []

    async def stock(kind: Kind, service: str | None = None) -> list[Stock]:
        kinds.append(kind)
        return [Stock("wa", "GB", kind, 100, 5, 24 if kind is Kind.RENTAL else 0)]

    house.providers["sandbox"].stock = stock  # type: ignore[method-assign]
    for _ in range(12):
        await sweep(house)
        house.clock.advance(10 * MINUTE)
        assert await house.offers.services(Kind.RENTAL)
    assert (kinds.count(Kind.ACTIVATION), kinds.count(Kind.RENTAL)) == (12, 2)


async def test_whoever_looks_while_a_list_is_read_again_sees_the_one_before(house: House) -> None:
    await sweep(house)
    house.clock.advance(10 * MINUTE)
    gate = asyncio.Event()
    house.wire.before["stock"] = gate.wait
    await house.refresh.sweep()
    await asyncio.sleep(0.01)
    async with asyncio.timeout(1):
        assert await house.offers.services(Kind.ACTIVATION)
    gate.set()
    await house.background.drain(5)


async def test_a_provider_that_hangs_delays_nobody_and_is_not_asked_twice_at_once(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "two.db", ("one", "two")) as house:
        gate = asyncio.Event()
        house.wires["one"].before["stock"] = gate.wait
        await house.refresh.sweep()
        await house.refresh.sweep()
        async with asyncio.timeout(2):
            while house.wires["two"].count("stock") < 2:  # noqa: ASYNC110 - what it waits for has no event
                await asyncio.sleep(0.005)
        assert house.wires["one"].count("stock") == 1
        gate.set()
        await house.background.drain(5)
        assert house.wires["one"].count("stock") == 2


async def test_a_failing_provider_is_logged_when_that_changes_and_only_then(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.services.shelf")
    async with keep_house(tmp_path / "two.db", ("one", "two")) as house:
        house.worlds["one"].mode = "down"
        for _ in range(3):
            await sweep(house)
            await house.offers.services(Kind.ACTIVATION)
            house.clock.advance(10 * MINUTE)
        said = [record.getMessage() for record in caplog.records]
        assert len(said) == 2  # of activations and of rentals
        assert all("one does not tell its list of" in line for line in said)
        caplog.clear()
        house.worlds["one"].mode = "normal"
        for _ in range(2):
            await sweep(house)
            house.clock.advance(10 * MINUTE)
        assert [record.levelname for record in caplog.records] == ["INFO", "INFO"]


async def test_names_are_asked_once_an_hour_and_after_a_failure_with_the_next_sweep(house: House) -> None:
    sells(house, "zzq")
    asked = names(house, {"zzq": "Zed Quarters"})
    for _ in range(13):
        await sweep(house)
        house.clock.advance(10 * MINUTE)
    assert [at - asked[0] for at in asked] == [0, HOUR, 2 * HOUR]
    house.clock.advance(HOUR)
    failed = names(house, ProviderFault("no answer"))
    for _ in range(3):
        await sweep(house)
        house.clock.advance(10 * MINUTE)
    assert len(failed) == 3
    assert house.catalogue.service_name("zzq") == "Zed Quarters"  # what was learnt stays


async def test_a_service_is_shown_by_its_code_until_its_name_is_learnt(house: House) -> None:
    sells(house, "zzq", "wa")
    assert [one.name for one in await house.offers.services(Kind.ACTIVATION)] == ["WhatsApp", "zzq"]
    names(house, {"zzq": "Zed Quarters", "wa": "Not WhatsApp"})
    await sweep(house)
    assert [one.name for one in await house.offers.services(Kind.ACTIVATION)] == ["WhatsApp", "Zed Quarters"]


async def test_the_first_of_two_providers_names_a_service(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "two.db", ("one", "two")) as house:
        sells(house, "zzq")
        names(house, {"zzq": "By two", "zzr": "Only two"}, "two")
        await sweep(house)
        names(house, {"zzq": "By one"}, "one")
        house.clock.advance(HOUR)
        await sweep(house)
        assert [house.catalogue.service_name(code) for code in ("zzq", "zzr")] == ["By one", "Only two"]


async def test_equal_names_leave_the_catalogue_as_it_is(house: House) -> None:
    sells(house, "zzq")
    names(house, {"zzq": "Zed Quarters"})
    await sweep(house)
    learnt = house.catalogue.now
    house.clock.advance(HOUR)
    await sweep(house)
    assert house.catalogue.now is learnt


async def test_a_provider_that_never_ends_fills_no_memory(house: House) -> None:
    names(house, {f"z{number}": f"Name {number}" for number in range(100_000)})
    sells(house, *(f"z{number}" for number in range(30_000)), "a:b", "no code at all")
    shipped = len(house.catalogue.now.services)
    await sweep(house)
    assert len(house.catalogue.now.services) == shipped + MOST_NAMES
    services = await house.offers.services(Kind.ACTIVATION)
    assert len(services) == MOST_SERVICES
    assert not any(":" in one.code or " " in one.code for one in services)


async def test_a_list_of_one_service_is_cut_and_lists_of_nothing_are_forgotten(house: House) -> None:
    async def endless(kind: Kind, service: str | None = None) -> list[Any]:
        return [Stock("wa", "GB", kind, 100, 5)] * (MOST_ROWS + 5)

    provider = house.providers["sandbox"]
    provider.stock = endless  # type: ignore[method-assign]
    assert len(await house.shelf.rows(provider, Kind.ACTIVATION, "wa")) == MOST_ROWS
    for number in range(MOST_LISTS + 100):
        house.clock.advance(2 * SECOND)
        provider.stock = _nothing  # type: ignore[method-assign]
        assert await house.shelf.rows(provider, Kind.ACTIVATION, f"typed{number}") == []
    assert len(house.shelf._lists) <= MOST_LISTS


async def _nothing(kind: Kind, service: str | None = None) -> list[Stock]:
    return []


async def test_a_list_that_fails_while_a_recent_one_is_there_is_not_missed(house: House) -> None:
    rows = await house.shelf.rows(house.providers["sandbox"], Kind.ACTIVATION, "wa")
    house.world.mode = "down"
    house.clock.advance(9 * MINUTE)
    assert await house.shelf.rows(house.providers["sandbox"], Kind.ACTIVATION, "wa") == rows
    house.clock.advance(2 * MINUTE)
    with pytest.raises(ProviderError):
        await house.shelf.rows(house.providers["sandbox"], Kind.ACTIVATION, "wa")
