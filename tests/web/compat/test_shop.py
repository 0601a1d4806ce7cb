"""What is on sale by handler_api, at the real program."""

import pytest

from bot.domain.catalogue import Catalogue
from bot.services.shelf import FRESH_FOR
from tests.support.outlet import Customer, written

pytestmark = pytest.mark.asyncio(loop_scope="module")
BY_NUMBER = {country.number: country for country in Catalogue.shipped().countries.values()}


async def test_prices_go_by_country_and_service_and_narrow_to_either(ada: Customer):
    everything = await ada.look("getPrices")
    assert len(everything) > 150
    assert set(everything) <= set(BY_NUMBER)
    assert sum(len(services) for services in everything.values()) > 10_000
    assert set(everything["43"]["wa"]) == {"cost", "count", "physicalCount"}
    assert await ada.look("getPrices", country=43) == {"43": everything["43"]}
    assert await ada.look("getPrices", service="wa", country=43) == {"43": {"wa": everything["43"]["wa"]}}
    of_one = await ada.look("getPrices", service="wa")
    assert of_one == {number: {"wa": row["wa"]} for number, row in everything.items() if "wa" in row}


async def test_a_price_has_the_mark_up_on_it(ada: Customer):
    stock = await ada.outlet.story.sandbox.call("stock", {"kind": "activation", "service": "wa"})
    costs = {country: cost for _, country, _, cost, _ in stock["rows"]}
    told = (await ada.look("getPrices", service="wa", country=16))["16"]["wa"]["cost"]
    assert round(told * 10_000) == -(-costs["GB"] * 11 // 10)


async def test_the_united_states_answer_to_both_of_their_numbers(ada: Customer):
    real, virtual = await ada.look("getPrices", country=187), await ada.look("getPrices", country=12)
    assert real["187"] == virtual["12"]
    assert "12" not in await ada.look("getPrices", service="wa")


async def test_a_service_and_a_country_that_there_are_not_have_no_prices(ada: Customer):
    assert await ada.ask("getPrices", service="zzzzz") == "BAD_SERVICE"
    assert await ada.ask("getPrices", service="*") == "BAD_SERVICE"
    assert await ada.ask("getPrices", country=999) == "BAD_COUNTRY"
    assert await ada.look("getPrices", service="full") == {}


async def test_stock_is_told_in_text_by_service_and_only_where_there_is_any(ada: Customer):
    status = await ada.look("getNumbersStatus", country=43)
    assert all(count.isdigit() and int(count) > 0 for count in status.values())
    prices = (await ada.look("getPrices", country=43))["43"]
    assert status == {code: str(cell["count"]) for code, cell in prices.items() if cell["count"]}
    assert await ada.look("getNumbersStatus") == await ada.look("getNumbersStatus", country=0)
    assert await ada.look("getNumbersStatus", country=43, operator="mts") == {}
    assert await ada.look("getNumbersStatus", country=43, operator="any") == status


async def test_countries_have_their_names_in_three_languages(ada: Customer):
    countries = await ada.look("getCountries")
    assert list(countries) == sorted(BY_NUMBER, key=int)
    assert countries["2"] == {
        "id": 2,
        "rus": "Казахстан",
        "eng": "Kazakhstan",
        "chn": "哈萨克斯坦",
        "visible": 1,
        "retry": 1,
        "rent": 1,
        "multiService": 0,
    }


async def test_services_have_names_and_those_of_a_country_are_fewer(ada: Customer):
    answer = await ada.look("getServicesList", lang="en")
    named = {row["code"]: row["name"] for row in answer["services"]}
    assert (answer["status"], named["wa"]) == ("success", "WhatsApp")
    here = {row["code"] for row in (await ada.look("getServicesList", country=171))["services"]}
    assert set() < here < set(named)


async def test_nobody_can_choose_an_operator(ada: Customer):
    assert await ada.ask("getOperators", country=1) == "OPERATORS_NOT_FOUND"


async def test_the_best_countries_of_a_service_come_in_their_order(ada: Customer):
    top = await ada.look("getTopCountriesByService", service="wa")
    assert list(top) == [str(place) for place in range(len(top))]
    prices = [row["price"] for row in top.values()]
    assert prices == sorted(prices)
    assert set(top["0"]) == {"country", "count", "price", "retail_price"}
    free = await ada.look("getTopCountriesByService", service="wa", freePrice="true")
    assert free["0"]["freePriceMap"] == {written(top["0"]["price"]): top["0"]["count"]}
    assert await ada.ask("getTopCountriesByService") == "BAD_SERVICE"


async def test_a_supplier_that_does_not_answer_is_not_taken_for_an_empty_one(ada: Customer):
    ada.outlet.clock.advance(20 * 60_000)  # too old by then to be told instead
    ada.outlet.story.sandbox.mode = "down"
    for action in ("getPrices", "getNumbersStatus", "getTopCountriesByService"):
        assert await ada.ask(action, service="wa") == "SERVER_ERROR"
    assert await ada.look("getRentServicesAndCountries") == {"status": "error", "message": "SERVER_ERROR"}
    assert await ada.ask("getNumber", service="wa", country=43) == "NO_NUMBERS"
    ada.outlet.story.sandbox.mode = "normal"
    ada.outlet.clock.advance(20 * 60_000)
    assert (await ada.look("getPrices", service="wa"))["43"]


async def test_what_is_sold_out_has_a_price_and_no_stock(ada: Customer):
    ada.outlet.story.sandbox.mode = "empty"
    ada.outlet.clock.advance(FRESH_FOR + 1)
    [cell] = (await ada.look("getPrices", service="wa", country=43))["43"].values()
    assert (cell["cost"] > 0, cell["count"]) == (True, 0)
