"""Offers of all providers under one list, and what people type."""

import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bot.domain.catalogue import Catalogue, LiveCatalogue
from bot.domain.errors import NoOffer, NothingToSell, ProviderFault
from bot.domain.numbers import Kind
from bot.domain.time import MINUTE, SECOND
from bot.services.search import Search
from bot.texts import Texts
from tests.support.services import House, keep_house


@cache
def search() -> Search:
    texts = Texts.load()
    catalogue = LiveCatalogue(Catalogue.shipped())
    return Search(catalogue, lambda iso2: [texts.of(one).country(iso2) for one in texts.languages])


@pytest.mark.parametrize(
    ("typed", "service", "country"),
    [
        ("whatsap germny", "wa", "DE"),
        ("вотсап германия", "wa", "DE"),
        ("tg us", "tg", "US"),
        ("US tg", "tg", "US"),
        ("telegram united states", "tg", "US"),
        ("germany whatsapp", "wa", "DE"),
        ("Whatsapp in Germany!", "wa", "DE"),
        ("google voice united states", "gf", "US"),
        ("ватсап россия", "wa", "RU"),
        ("инста сша", "ig", "US"),
        ("chatgpt uk", "dr", "GB"),
        ("telegramm", "tg", None),
        ("full rent", "full", None),
        ("germany", None, "DE"),
        ("uk", None, "GB"),
        ("asdkfj qwoei", None, None),
        ("", None, None),
        ("  👍 ", None, None),
        ("\ud800 \x00", None, None),
    ],
)
def test_words_find_a_service_and_a_country(typed: str, service: str | None, country: str | None) -> None:
    found = search().parse(typed)
    assert (found.service and found.service.code, found.country and found.country.iso2) == (service, country)


def test_an_unclear_word_finds_what_it_may_mean_best_first() -> None:
    assert search().services("telegrm", 5)[0].code == "tg"
    assert len(search().services("o", 5)) <= 5
    assert search().services("", 5) == []


@pytest.mark.parametrize("typed", ["x" * 4096, "ab " * 1365, "whatsapp " * 455, "вотсап " * 585, "\u0301" * 4096])
def test_long_input_is_answered_within_milliseconds(typed: str) -> None:
    search().parse("warm up")
    started = time.perf_counter()
    search().parse(typed)
    search().services(typed, 8)
    assert time.perf_counter() - started < 0.1


async def test_offers_of_all_providers_are_merged_and_the_best_one_wins(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "two.db", ("one", "two")) as house:
        merged = await house.offers.countries(Kind.ACTIVATION, "wa")
        single: dict[str, list[int]] = {}
        for provider in house.providers.values():
            for row in await provider.stock(Kind.ACTIVATION, "wa"):
                if row.stock:
                    single.setdefault(row.country, []).append(row.cost)
        assert {offer.country: offer.price for offer in merged} == {
            country: min(costs) for country, costs in single.items()
        }
        assert {offer.provider for offer in merged} == {"one", "two"}
        assert [offer.price for offer in merged] == sorted(offer.price for offer in merged)


async def test_a_rental_is_offered_by_length_and_any_service_lasts(house: House) -> None:
    lengths = await house.offers.lengths("wa", "GB")
    assert [offer.hours for offer in lengths] == [4, 12, 24, 72, 168, 720]
    assert (await house.offers.best(Kind.RENTAL, "wa", "GB", 24)).hours == 24
    with pytest.raises(NoOffer):
        await house.offers.best(Kind.RENTAL, "wa", "GB", 25)
    with pytest.raises(NoOffer):
        await house.offers.best(Kind.ACTIVATION, "no such service", "GB")


async def test_popular_services_come_first_and_sold_out_ones_not_at_all(house: House) -> None:
    services = await house.offers.services(Kind.ACTIVATION)
    assert [one.code for one in services[:3]] == ["wa", "tg", "go"]
    assert len({one.code for one in services}) == len(services) > 200
    house.world.mode = "empty"
    house.clock.advance(16 * MINUTE)
    assert await house.offers.services(Kind.ACTIVATION) == []
    assert await house.offers.countries(Kind.ACTIVATION, "wa") == []


async def test_a_list_is_read_again_when_it_is_stale_and_once_for_all_who_wait(house: House) -> None:
    await house.offers.countries(Kind.ACTIVATION, "wa")
    await house.offers.countries(Kind.ACTIVATION, "wa")
    assert house.wire.count("stock") == 1
    house.clock.advance(16 * SECOND)
    await house.offers.countries(Kind.ACTIVATION, "wa")
    assert house.wire.count("stock") == 2


async def test_a_provider_that_fails_leaves_the_others_offers_and_its_own_recent_ones(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "two.db", ("one", "two")) as house:
        whole = await house.offers.countries(Kind.ACTIVATION, "wa")
        house.worlds["one"].mode = "down"
        house.clock.advance(16 * SECOND)
        assert await house.offers.countries(Kind.ACTIVATION, "wa") == whole
        house.clock.advance(11 * MINUTE)
        assert {one.provider for one in await house.offers.countries(Kind.ACTIVATION, "wa")} == {"two"}
        house.worlds["two"].mode = "down"
        house.clock.advance(11 * MINUTE)
        with pytest.raises(ProviderFault):
            await house.offers.countries(Kind.ACTIVATION, "wa")


async def test_a_provider_that_fails_is_spared_for_a_moment(house: House) -> None:
    house.world.mode = "down"
    for _ in range(5):
        with pytest.raises(ProviderFault):
            await house.offers.countries(Kind.ACTIVATION, "wa")
    assert house.wire.count("stock") == 1
    house.clock.advance(4 * SECOND)
    house.world.mode = "normal"
    assert await house.offers.countries(Kind.ACTIVATION, "wa")


async def test_without_a_provider_there_is_nothing_to_sell(house: House) -> None:
    house.registry._providers.clear()
    assert not house.offers.sells
    with pytest.raises(NothingToSell):
        await house.offers.services(Kind.ACTIVATION)


async def test_a_country_that_we_do_not_know_is_not_offered(house: House) -> None:
    async def says(verb: str, args: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "rows": [["wa", "ZZ", 0, 5, 5], ["wa", "GB", 0, 9, 5], ["tg", "GB", 0, 1, 5]]}

    house.providers["sandbox"]._backend = says
    offers = await house.offers.countries(Kind.ACTIVATION, "wa")
    assert [(one.country, one.price) for one in offers] == [("GB", 9)]
