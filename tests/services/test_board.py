"""The price board: one offer for each service, country and length, of all providers."""

from pathlib import Path

import pytest

from bot.domain.errors import NothingToSell, ProviderFault
from bot.domain.money import ONE
from bot.domain.numbers import Kind
from bot.domain.time import MINUTE
from bot.providers.base import Stock
from bot.providers.registry import Registry
from bot.services.board import FRESH_FOR
from tests.support.services import House, ManualClock, keep_house, keep_services


@pytest.fixture
async def house(tmp_path: Path):
    async with keep_house(tmp_path / "h.db", ("first", "second")) as house:
        yield house


async def test_everything_has_each_service_country_and_length_once_and_in_order(house: House):
    for kind in Kind:
        offers = await house.board.offers(kind)
        keys = [(offer.service, offer.country, offer.hours) for offer in offers]
        assert keys == sorted(set(keys))
        assert len(keys) > 10_000


async def test_the_cheaper_provider_has_the_place_and_after_it_is_sold_out_the_other_one(house: House):
    [best] = await house.board.offers(Kind.ACTIVATION, "wa", "GB")
    both = [row for name, row in await house.offers.rows(Kind.ACTIVATION, "wa") if row.country == "GB"]
    assert best.price == min(row.cost for row in both)
    house.worlds[best.provider].mode = "empty"
    house.clock.advance(MINUTE)
    [other] = await house.board.offers(Kind.ACTIVATION, "wa", "GB")
    assert (other.provider == best.provider, other.stock > 0) == (False, True)
    house.worlds[other.provider].mode = "empty"
    house.clock.advance(MINUTE)
    [none] = await house.board.offers(Kind.ACTIVATION, "wa", "GB")
    assert (none.price, none.stock) == (best.price, 0)


async def test_one_service_and_everything_tell_the_same_of_it(house: House):
    board = house.board
    everything = await board.offers(Kind.ACTIVATION)
    assert await board.offers(Kind.ACTIVATION, "tg") == [offer for offer in everything if offer.service == "tg"]
    assert await board.offers(Kind.ACTIVATION, country="FR") == [one for one in everything if one.country == "FR"]


async def test_everything_is_read_once_a_minute_however_often_it_is_asked_for(house: House):
    board = house.board
    for _ in range(3):
        await board.offers(Kind.ACTIVATION)
    assert house.wires["first"].count("stock") == 1
    house.clock.advance(FRESH_FOR + 1)
    await board.offers(Kind.ACTIVATION, country="GB")
    assert house.wires["first"].count("stock") == 2


async def test_a_provider_that_is_down_takes_nothing_off_but_its_own_and_all_of_them_are_an_error(house: House):
    house.worlds["first"].mode = "down"
    assert {offer.provider for offer in await house.board.offers(Kind.ACTIVATION)} == {"second"}
    house.worlds["second"].mode = "down"
    with pytest.raises(ProviderFault):
        await house.board.offers(Kind.RENTAL)


class Odd:
    """A provider that lists what has no name and no place here."""

    name = "odd"

    def __init__(self, house: House) -> None:
        self.capabilities = house.providers["first"].capabilities

    async def stock(self, kind: Kind, service: str | None = None) -> list[Stock]:
        return [
            Stock("wa", "GB", kind, ONE, 5),
            Stock("w a", "GB", kind, ONE, 5),
            Stock("*", "GB", kind, ONE, 5),
            Stock("wa", "XX", kind, ONE, 5),
        ]

    async def aclose(self) -> None: ...


async def test_what_has_no_usable_code_and_no_known_country_is_left_out(house: House, tmp_path: Path):
    async with keep_services(tmp_path / "s.db", Registry({"odd": Odd(house)}), ManualClock()) as services:
        [only] = await services.board.offers(Kind.ACTIVATION)
        assert (only.service, only.country) == ("wa", "GB")


async def test_without_a_provider_there_is_nothing_to_sell(tmp_path: Path):
    async with keep_services(tmp_path / "s.db", Registry({}), ManualClock()) as services:
        with pytest.raises(NothingToSell):
            await services.board.offers(Kind.ACTIVATION)
