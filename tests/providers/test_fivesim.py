import asyncio
import dataclasses

import httpx
import pytest

from bot.clients import ClientSettings, make_client
from bot.domain.catalogue import ANY_SERVICE, Catalogue
from bot.domain.errors import (
    BadKey,
    BadRequest,
    CancelTooEarly,
    Denied,
    Gone,
    NoNumbers,
    PriceRisen,
    ProviderError,
    ProviderFault,
    ProviderFunds,
    Throttled,
)
from bot.domain.numbers import Kind, Offer
from bot.domain.time import HOUR, MINUTE, SECOND
from bot.providers.base import Done, Refused, RemoteState, Sold, Unknown
from bot.providers.fivesim import answers
from bot.providers.fivesim.adapter import FiveSim
from bot.providers.fivesim.products import HOSTING_HOURS, codes, slugs
from bot.providers.http import Answer, ProviderHttp
from tests.providers.contract import a_ref, an_offer, assert_refused, bought, fetched, offer_of, used_up
from tests.providers.fivesim_driver import FiveSimDriver, a_fivesim
from tests.providers.sandbox_driver import ManualClock
from tests.providers.serving import serving
from tests.simulators.fivesim import API_KEY, FiveSimSimulator

HTML = b"<!DOCTYPE html><html><title>502 Bad Gateway</title></html>"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"no free phones", NoNumbers),
        (200, b"\xef\xbb\xbfno free phones\r\n", NoNumbers),
        (200, b'"no free phones"', NoNumbers),
        (400, b"no free phones", NoNumbers),
        (400, b"not enough product qty", NoNumbers),
        (400, b"not enough user balance", ProviderFunds),
        (400, b"Not enough user balance.", ProviderFunds),
        (400, b"not enough rating", Throttled),
        (400, b"select country", BadRequest),
        (400, b"select operator", BadRequest),
        (400, b"bad country", BadRequest),
        (400, b"bad operator", BadRequest),
        (400, b"no product", BadRequest),
        (400, b"country is incorrect", BadRequest),
        (400, b'{"error": "product is incorrect"}', BadRequest),
        (400, b"server offline", ProviderFault),
        (400, b"reuse expired", Denied),
        (400, b"order has sms", Denied),
        (400, b"order no sms", Denied),
        (400, b"hosting order", Denied),
        (400, b"order expired", Denied),
        (400, b"order not found", Gone),
        (404, b"order not found", Gone),
        (404, b"<html><head><title>not found</title></head><body>not found</body></html>", Gone),
        (400, b"you need to wait time", CancelTooEarly),
        (401, b"", BadKey),
        (401, HTML, BadKey),
        (403, b"error code: 1010", ProviderFault),
        (302, b'<a href="/404.html">Found</a>.', ProviderFault),
        (429, b"", Throttled),
        (503, b"ip address limit is 100 requests per second", Throttled),
        (503, b"", Throttled),
    ],
)
def test_a_refusal_is_told_by_its_words_then_by_its_status(status: int, body: bytes, error: type) -> None:
    with pytest.raises(ProviderError) as caught:
        answers.read(Answer(status, {}, body))
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, HTML),
        (200, b"something new"),
        (200, b"{"),
        (200, b"17"),
        (200, b"true"),
        (200, b'{"error": "something new"}'),
        (400, b'{"id": 1, "status": "PENDING"}'),
        (500, b"internal error"),
        (502, HTML),
        (503, HTML),
        (404, HTML),
        (500, b"order not found"),
    ],
)
def test_what_nobody_can_know_is_neither_a_success_nor_a_refusal(status: int, body: bytes) -> None:
    with pytest.raises(answers.Lost) as caught:
        answers.read(Answer(status, {}, body))
    assert "something" not in str(caught.value)


def test_the_word_null_and_objects_are_answers() -> None:
    assert answers.read(Answer(200, {}, b"null")) is None
    assert answers.read(Answer(200, {}, b' {"id": 1}\n')) == {"id": 1}


def test_every_popular_service_has_a_slug_and_no_two_services_share_one() -> None:
    for service in Catalogue.shipped().popular():
        assert codes()[slugs()[service.code]] == service.code
    assert len(codes()) == len(slugs())
    assert not set(codes()) & set(HOSTING_HOURS)
    assert ANY_SERVICE not in slugs()
    assert (slugs()["vk"], slugs()["me"], slugs()["dh"], slugs()["ka"]) == ("vkontakte", "line", "ebay", "shopee")
    assert all(slug.isascii() and slug.isalnum() and slug == slug.lower() for slug in codes())


async def test_the_cheapest_operator_in_stock_is_what_a_country_costs() -> None:
    async with a_fivesim() as driver:
        driver.simulator.costs["england"]["whatsapp"]["virtual33"] = [1_050, 40]
        driver.simulator.costs["usa"]["whatsapp"] = {"virtual4": [1_000, 0], "virtual5": [2_000, 0]}
        rows = {row.country: row for row in await driver.provider.stock(Kind.ACTIVATION, "wa")}
        assert (rows["GB"].cost, rows["GB"].stock) == (1_050, 1_300)
        assert (rows["US"].cost, rows["US"].stock) == (1_000, 0)


@pytest.mark.parametrize("service", ["dr", "dh", "zzzzz", "no such", "full"])
async def test_a_service_that_5sim_does_not_sell_has_no_rows_however_it_says_so(service: str) -> None:
    async with a_fivesim() as driver:
        assert list(await driver.provider.stock(Kind.ACTIVATION, service)) == []


async def test_a_product_that_is_in_no_catalogue_has_a_code_and_a_name_of_its_own_and_can_be_bought() -> None:
    async with a_fivesim() as driver:
        rows = await driver.provider.stock(Kind.ACTIVATION)
        assert {row.service for row in rows} == {"wa", "tg", "5sim-notinanycatalogue"}
        assert {row.country for row in rows} == {"GB", "US", "RU", "DE", "HK"}
        assert await driver.provider.service_names() == {"5sim-notinanycatalogue": "Notinanycatalogue"}
        [row, *_] = await driver.provider.stock(Kind.ACTIVATION, "5sim-notinanycatalogue")
        assert isinstance(await driver.provider.allocate(offer_of(row, "fivesim"), a_ref()), Sold)
        assert driver.simulator.requests[-1].endswith("/any/notinanycatalogue")


@pytest.mark.parametrize("service", ["5sim-", "5sim-../../user/profile", "5sim-A", "nosuchcode", "5sim-" + "x" * 33])
async def test_a_code_that_is_none_of_a_product_is_asked_for_nowhere(service: str) -> None:
    async with a_fivesim() as driver:
        assert await driver.provider.stock(Kind.ACTIVATION, service) == ()
        assert set(driver.simulator.requests) <= {"guest/countries"}


async def test_names_are_told_without_reading_the_long_list_twice() -> None:
    async with a_fivesim() as driver:
        assert await driver.provider.service_names()
        await driver.provider.service_names()
        assert driver.simulator.requests.count("guest/prices") == 1


async def test_a_number_that_is_dearer_again_than_today_s_price_is_cancelled_at_once() -> None:
    async with a_fivesim() as driver:
        assert driver.provider.capabilities.again
        offer, before = await used_up(driver), await driver.provider.balance()
        driver.simulator.reuse_costs_more = 700
        assert_refused(await driver.provider.again(offer, a_ref(2)), PriceRisen)
        assert driver.simulator.requests[-1].startswith("user/cancel/")
        assert await driver.provider.balance() == before


async def test_a_number_that_is_dearer_again_and_cannot_be_given_back_is_the_person_s() -> None:
    async with a_fivesim() as driver:
        offer = await used_up(driver)
        driver.simulator.reuse_costs_more, driver.simulator.early_cancel_ms = 700, MINUTE
        kept = await driver.provider.again(offer, a_ref(2))
        assert isinstance(kept, Sold)
        assert kept.cost == offer.cost + 700
        assert (await fetched(driver, kept.provider_ref)).state is RemoteState.WAITING


async def test_a_number_bought_without_the_wish_to_have_it_again_is_denied() -> None:
    async with a_fivesim() as driver:
        offer = await used_up(driver)
        for order in driver.simulator.orders.values():
            order.reusable = False
        assert_refused(await driver.provider.again(offer, a_ref(2)), Denied)


async def test_rentals_are_for_every_service_and_come_in_four_lengths() -> None:
    async with a_fivesim() as driver:
        rows = await driver.provider.stock(Kind.RENTAL)
        assert {(row.service, row.country, row.hours, row.cost) for row in rows} == {
            ("full", "GB", 3, 5_000),
            ("full", "GB", 24, 12_500),
            ("full", "RU", 240, 80_000),
        }
        assert list(await FiveSim.stock(driver.provider, Kind.RENTAL, "wa")) == []
        row = next(row for row in rows if row.hours == 24)
        offer = Offer("fivesim", "full", "GB", Kind.RENTAL, row.cost, row.cost, 1, hours=24)
        for strange in (dataclasses.replace(offer, hours=48), dataclasses.replace(offer, service="wa")):
            assert_refused(await driver.provider.allocate(strange, a_ref()), BadRequest)
        driver.simulator.rents["england"]["1day"][0] += 1
        assert_refused(await driver.provider.allocate(offer, a_ref()), PriceRisen)
        assert driver.simulator.orders == {}


async def test_a_price_is_read_without_the_noise_of_binary_fractions() -> None:
    async with a_fivesim() as driver:
        offer = await an_offer(driver)
        assert offer.cost in (1_050, 1_060, 1_070, 1_080, 1_090)
        assert isinstance(sold := await driver.provider.allocate(offer, a_ref()), Sold)
        assert sold.cost == offer.cost
        assert await driver.provider.balance() == 1_000 * 10_000 - offer.cost


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("400:not enough user balance", ProviderFunds),
        ("400:not enough rating", Throttled),
        ("400:server offline", ProviderFault),
        ("200:no free phones", NoNumbers),
        ("401:", BadKey),
    ],
)
async def test_a_refused_purchase_is_a_refusal_with_its_reason(words: str, error: type[ProviderError]) -> None:
    async with a_fivesim() as driver:
        offer = await an_offer(driver)
        driver.next_call("allocate", f"text:{words}")
        assert_refused(await driver.provider.allocate(offer, a_ref()), error)


@pytest.mark.parametrize("fault", ["status:500", "status:502", "status:404", "text:500:internal error", "garbage"])
async def test_a_purchase_without_a_usable_answer_is_unknown(fault: str) -> None:
    async with a_fivesim() as driver:
        offer = await an_offer(driver)
        driver.next_call("allocate", fault)
        assert isinstance(await driver.provider.allocate(offer, a_ref()), Unknown)


async def test_a_supplier_that_is_not_there_has_sold_nothing() -> None:
    clock = ManualClock()
    async with make_client(ClientSettings()) as client:
        async with serving(FiveSimSimulator(clock).app) as url:
            http = ProviderHttp(client, timeout_s=5.0, max_in_flight=8)
            provider = FiveSim("fivesim", http, url=f"{url}/v1", api_key=API_KEY, clock=clock)
            row = (await provider.stock(Kind.ACTIVATION, "wa"))[0]
        assert_refused(await provider.allocate(offer_of(row, "fivesim"), a_ref()), ProviderFault)


async def test_a_rate_limit_is_waited_for_and_not_asked_again_meanwhile() -> None:
    async with a_fivesim() as driver:
        offer = await an_offer(driver)
        driver.next_call("allocate", "busy:30")
        error = assert_refused(await driver.provider.allocate(offer, a_ref()), Throttled)
        assert isinstance(error, Throttled)
        assert error.retry_after_s == 30.0
        asked = len(driver.simulator.requests)
        with pytest.raises(Throttled):
            await driver.provider.balance()
        assert len(driver.simulator.requests) == asked


async def test_the_key_goes_to_no_public_list_and_a_wrong_one_is_told_apart() -> None:
    async with a_fivesim() as driver:
        other = FiveSim(
            "other", driver.provider._api._http, url=driver.provider._api._base, api_key="x", clock=driver.now
        )
        assert await other.stock(Kind.ACTIVATION, "wa")
        with pytest.raises(BadKey):
            await other.balance()


async def test_a_number_called_received_waits_until_there_is_an_sms() -> None:
    async with a_fivesim() as driver:
        sold = await bought(driver)
        driver.advance(SECOND)
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.WAITING
        assert next(iter(driver.simulator.orders.values())).status == "RECEIVED"


@pytest.mark.parametrize(
    ("verb", "state", "charged"),
    [("ban", RemoteState.CANCELLED, False), ("cancel", RemoteState.CANCELLED, False)],
)
async def test_an_order_closed_by_hand_at_the_supplier_shows_as_it_is(
    verb: str, state: RemoteState, charged: bool
) -> None:
    async with a_fivesim() as driver:
        sold = await bought(driver)
        driver.simulator._manage(verb, sold.provider_ref)
        assert (await fetched(driver, sold.provider_ref)).state is state
        assert driver.charged(a_ref()) == [charged]


async def test_further_sms_come_by_themselves_and_cannot_be_asked_for() -> None:
    async with a_fivesim() as driver:
        sold = await bought(driver)
        driver.text(sold.phone, "A", "code 1111")
        assert_refused(await driver.provider.another_code(sold.provider_ref), Denied)
        driver.advance(1)
        driver.text(sold.phone, "A", "code 1111")
        first, second = (await fetched(driver, sold.provider_ref)).sms
        assert (first.text, first.sms_id != second.sms_id) == (second.text, True)


async def test_an_sms_has_the_same_id_in_the_list_and_in_its_order() -> None:
    async with a_fivesim() as driver:
        first, second = await bought(driver, number=1), await bought(driver, number=2)
        driver.advance(123)
        driver.text(first.phone, "A", "code 1111")
        [alone] = await driver.provider.fetch([first.provider_ref])
        listed, _ = await driver.provider.fetch([first.provider_ref, second.provider_ref])
        assert any(path == "user/orders" for path in driver.simulator.requests)
        assert alone.sms == listed.sms


async def test_a_cancel_too_early_is_told_apart_and_works_later() -> None:
    async with a_fivesim() as driver:
        driver.simulator.early_cancel_ms = 2 * MINUTE
        sold = await bought(driver)
        assert_refused(await driver.provider.cancel(sold.provider_ref), CancelTooEarly)
        driver.advance(2 * MINUTE)
        assert await driver.provider.cancel(sold.provider_ref) == Done()
        assert await driver.provider.cancel(sold.provider_ref) == Done()


async def test_a_finish_asked_for_twice_is_done_and_one_without_sms_is_denied() -> None:
    async with a_fivesim() as driver:
        sold = await bought(driver)
        assert_refused(await driver.provider.finish(sold.provider_ref), Denied)
        driver.text(sold.phone, "A", "code 1111")
        assert await driver.provider.finish(sold.provider_ref) == Done()
        assert await driver.provider.finish(sold.provider_ref) == Done()


@pytest.mark.parametrize("ref", ["", "x", "h", "0", "-1", "1.0", "1/../2", "h77777777", "١٢٣", "9" * 30])
async def test_a_reference_that_is_none_of_theirs_is_gone(ref: str) -> None:
    async with a_fivesim() as driver:
        [number] = await driver.provider.fetch([ref])
        assert number.state is RemoteState.GONE
        assert_refused(await driver.provider.cancel(ref), Gone)


# rentals


@pytest.mark.parametrize(("inbox", "texts"), [("works", ["one", "two"]), ("302", ["two"]), ("garbage", ["two"])])
async def test_a_rentals_sms_are_read_from_its_inbox_where_there_is_one(inbox: str, texts: list[str]) -> None:
    async with a_fivesim() as driver:
        driver.simulator.inbox = inbox
        sold = await bought(driver, Kind.RENTAL)
        for text in ("one", "two"):
            driver.advance(SECOND)
            driver.text(sold.phone, "A", text)
        number = await fetched(driver, sold.provider_ref)
        assert [sms.text for sms in number.sms] == texts
        assert number.state is RemoteState.RECEIVED


async def test_an_inbox_that_is_not_there_is_asked_for_once_an_hour() -> None:
    async with a_fivesim() as driver:
        driver.simulator.inbox = "302"
        sold = await bought(driver, Kind.RENTAL)
        for _ in range(3):
            await fetched(driver, sold.provider_ref)
        asked = [path for path in driver.simulator.requests if "inbox" in path]
        assert len(asked) == 1
        driver.simulator.inbox = "works"
        driver.advance(HOUR)
        driver.text(sold.phone, "A", "one")
        assert len((await fetched(driver, sold.provider_ref)).sms) == 1


# the batch


async def test_many_numbers_cost_pages_and_not_requests_each() -> None:
    async with a_fivesim() as driver:
        refs = [(await bought(driver, number=number)).provider_ref for number in range(130)]
        driver.simulator.requests.clear()
        rows = await driver.provider.fetch(refs)
        assert [row.provider_ref for row in rows] == refs
        assert {row.state for row in rows} == {RemoteState.WAITING}
        assert driver.simulator.requests == ["user/orders"] * 3  # 50 orders are the most that a page holds


async def test_an_order_that_cannot_be_read_hides_no_other() -> None:
    async with a_fivesim() as driver:
        sold = [await bought(driver, number=number) for number in range(3)]
        driver.simulator.odd_rows = [{"id": "x"}, {"id": 5, "status": "NEW"}]
        driver.simulator.orders[int(sold[1].provider_ref)].status = "BRAND_NEW_STATUS"
        driver.text(sold[2].phone, "A", "code 1111")
        rows = await driver.provider.fetch([one.provider_ref for one in sold])
        assert [row.state for row in rows] == [RemoteState.WAITING, RemoteState.WAITING, RemoteState.RECEIVED]
        with pytest.raises(ProviderFault):
            await driver.provider.fetch([sold[1].provider_ref])


# purchases whose answer was lost


async def lost(driver: FiveSimDriver, offer: Offer, number: int) -> None:
    driver.next_call("allocate", "lost_answer")
    assert isinstance(await driver.provider.allocate(offer, a_ref(number)), Unknown)


async def found(driver: FiveSimDriver, offer: Offer, number: int, **known: list[str]) -> Sold | None:
    return await driver.provider.find(offer, a_ref(number), driver.now(), **known)


async def test_two_lost_purchases_find_one_number_each_and_the_same_one_again() -> None:
    async with a_fivesim() as driver:
        offer = await an_offer(driver)
        await lost(driver, offer, 1)
        await lost(driver, offer, 2)
        first, second = await found(driver, offer, 1), await found(driver, offer, 2)
        assert first is not None
        assert second is not None
        assert first.provider_ref != second.provider_ref
        assert await found(driver, offer, 1) == first
        assert await found(driver, offer, 3) is None


@pytest.mark.parametrize("kind", Kind)
async def test_a_lost_purchase_is_told_from_others_by_product_country_and_time(kind: Kind) -> None:
    async with a_fivesim() as driver:
        offer = await an_offer(driver, kind)
        await lost(driver, offer, 1)
        elsewhere = dataclasses.replace(offer, country="RU" if offer.country == "GB" else "GB")
        other = dataclasses.replace(offer, hours=3 if offer.hours == 24 else 24) if offer.hours else offer
        for different in (elsewhere, dataclasses.replace(other, service="tg") if not offer.hours else other):
            assert await found(driver, different, 2) is None
        assert await driver.provider.find(offer, a_ref(2), driver.now() + 2 * MINUTE) is None
        assert await driver.provider.find(offer, a_ref(2), driver.now() - 6 * MINUTE) is None
        sold = await found(driver, offer, 1)
        assert sold is not None
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.WAITING


async def test_a_number_that_is_known_to_be_somebodys_is_not_found() -> None:
    async with a_fivesim() as driver:
        offer = await an_offer(driver)
        await lost(driver, offer, 1)
        [order_id] = driver.simulator.orders
        assert await found(driver, offer, 1, known=[str(order_id)]) is None
        assert await found(driver, offer, 1) is not None


async def test_a_number_found_for_one_purchase_is_not_sold_again_by_the_answer_to_another() -> None:
    """Purchase 2 is booked but its answer is still on its way when purchase 1, which never arrived, is looked for."""
    async with a_fivesim() as driver:
        offer = await an_offer(driver)
        order = driver.simulator._buy("activation", *(await driver.provider._shop.place(offer)), {})
        adopted = await found(driver, offer, 1)
        assert adopted is not None
        assert adopted.provider_ref in order.body.decode()
        driver.simulator._buy = lambda *args: order  # type: ignore[method-assign]
        assert isinstance(await driver.provider.allocate(offer, a_ref(2)), Unknown)
        assert await found(driver, offer, 2) is None


async def test_concurrent_lost_purchases_keep_exactly_one_number_each() -> None:
    async with a_fivesim() as driver:
        offer = await an_offer(driver)
        for _ in range(10):
            driver.next_call("allocate", "lost_answer")
        outcomes = await asyncio.gather(*(driver.provider.allocate(offer, a_ref(number)) for number in range(20)))
        answered = [one.provider_ref for one in outcomes if isinstance(one, Sold)]
        assert len(answered) == 10
        unknown = [number for number, one in enumerate(outcomes) if isinstance(one, Unknown)]
        adopted = [await found(driver, offer, number) for number in unknown]
        refs = [one.provider_ref for one in adopted if one is not None]
        assert sorted(answered + refs) == sorted(str(order_id) for order_id in driver.simulator.orders)


async def test_an_unreadable_order_is_never_taken_for_no_order() -> None:
    async with a_fivesim() as driver:
        offer = await an_offer(driver)
        await lost(driver, offer, 1)
        driver.simulator.odd_rows = [{"id": 5, "status": "NEW"}]
        with pytest.raises(ProviderFault):
            await found(driver, offer, 1)


async def test_an_outcome_says_what_happened_without_the_key_or_the_address() -> None:
    async with a_fivesim() as driver:
        offer = await an_offer(driver)
        driver.next_call("allocate", "lost_answer")
        outcome = await driver.provider.allocate(offer, a_ref())
        driver.set_mode("down")
        refused = await driver.provider.cancel("5")
        for said in (repr(outcome), repr(refused)):
            assert "eyJ" not in said
            assert "127.0.0.1" not in said
        assert isinstance(refused, Unknown | Refused)


@pytest.mark.parametrize("url", ["", "https://5sim.net", "https://5sim.net/v1/"])
async def test_the_address_may_be_left_out_or_written_with_or_without_its_version(url: str) -> None:
    asked: list[str] = []

    def profile(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"balance": 12.5})

    async with httpx.AsyncClient(transport=httpx.MockTransport(profile)) as client:
        http = ProviderHttp(client, timeout_s=5.0, max_in_flight=1)
        provider = FiveSim("fivesim", http, url=url, api_key=API_KEY, clock=lambda: 0)
        assert await provider.balance() == 125_000
    assert asked == ["https://5sim.net/v1/user/profile"]
