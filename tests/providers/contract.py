"""What every adapter must keep, whatever its supplier: one suite, run against a simulator of each.

To put a new adapter under it, write a `Driver` for the supplier's simulator and

    class TestNewSupplier(ProviderContract):
        @pytest.fixture
        async def driver(self): ...

Tests of what the adapter's capabilities deny are skipped.
"""

import contextlib
import dataclasses
from typing import Protocol

import pytest

from bot.domain.errors import (
    BadRequest,
    CancelTooEarly,
    Denied,
    Gone,
    NoNumbers,
    PriceRisen,
    ProviderError,
    ProviderFault,
)
from bot.domain.numbers import Kind, Offer
from bot.domain.sms import IncomingSms
from bot.domain.time import HOUR, MINUTE, SECOND, Ms
from bot.providers.base import (
    BadWebhook,
    Done,
    Provider,
    Refused,
    RemoteNumber,
    RemoteState,
    Renewed,
    Sold,
    Stock,
    Unknown,
    WebhookRequest,
)


class Driver(Protocol):
    """The simulator's side of one supplier, beside the adapter under test."""

    provider: Provider

    def now(self) -> Ms:
        """The clock of both the simulator and the adapter; it moves only by `advance`."""
        ...

    def advance(self, ms: Ms) -> None: ...

    def text(self, phone: str, sender: str, text: str) -> None:
        """An SMS arrives at the supplier."""
        ...

    def set_mode(self, mode: str) -> None:
        """`normal`; `empty`: out of stock; `down`: no call gets a usable answer, and none takes effect."""
        ...

    def next_call(self, verb: str, fault: str) -> None:
        """One call of a verb of Provider: `lost_answer` (it takes effect, no answer), `garbage`, `price_risen`."""
        ...

    def charged(self, ref: str) -> list[bool]:
        """The supplier's own truth: for each number sold under our reference, whether it is charged."""
        ...

    def webhook(self, sms: IncomingSms) -> WebhookRequest:
        """What the supplier would send now, signed where its protocol signs."""
        ...


def a_ref(number: int = 1) -> str:
    return f"cp-0123456789abcdef0123456789-{number:03d}"


async def an_offer(driver: Driver, kind: Kind = Kind.ACTIVATION) -> Offer:
    if kind is Kind.RENTAL and not driver.provider.capabilities.rentals:
        pytest.skip("no rentals here")
    row = next(row for row in await driver.provider.stock(kind, "wa") if row.stock > 5)
    return offer_of(row, driver.provider.name)


def offer_of(row: Stock, provider: str) -> Offer:
    return Offer(
        provider=provider,
        service=row.service,
        country=row.country,
        kind=row.kind,
        cost=row.cost,
        price=row.cost,
        stock=row.stock,
        hours=row.hours,
        operator=row.operator,
    )


async def bought(driver: Driver, kind: Kind = Kind.ACTIVATION, number: int = 1) -> Sold:
    outcome = await driver.provider.allocate(await an_offer(driver, kind), a_ref(number))
    assert isinstance(outcome, Sold)
    return outcome


async def fetched(driver: Driver, provider_ref: str) -> RemoteNumber:
    [number] = await driver.provider.fetch([provider_ref])
    assert number.provider_ref == provider_ref
    return number


def assert_refused(outcome: object, error: type[ProviderError]) -> ProviderError:
    assert isinstance(outcome, Refused), outcome
    assert type(outcome.error) is error, outcome.error
    return outcome.error


def needs(driver: Driver, capability: str) -> None:
    if not getattr(driver.provider.capabilities, capability):
        pytest.skip(f"cannot: {capability}")


class ProviderContract:
    # buying

    async def test_what_is_on_sale_has_a_price_a_country_and_no_negative_stock(self, driver: Driver) -> None:
        rows = await driver.provider.stock(Kind.ACTIVATION)
        assert any(row.stock for row in rows)
        for row in rows:
            assert row.kind is Kind.ACTIVATION
            assert row.cost > 0 <= row.stock
            assert len(row.country) == 2
            assert row.country.isupper()
            assert row.hours == 0

    async def test_asking_for_one_service_gives_only_that_one_at_the_same_costs(self, driver: Driver) -> None:
        everything = await driver.provider.stock(Kind.ACTIVATION)
        only = await driver.provider.stock(Kind.ACTIVATION, "wa")
        assert only
        assert {(row.country, row.cost) for row in only} == {
            (row.country, row.cost) for row in everything if row.service == "wa"
        }

    async def test_services_are_called_something_by_their_codes_or_nothing_at_all(self, driver: Driver) -> None:
        sold = {row.service for row in await driver.provider.stock(Kind.ACTIVATION)}
        names = await driver.provider.service_names()
        if not names:
            pytest.skip("the protocol has no names")
        assert sold & names.keys()
        assert all(code and name and isinstance(name, str) for code, name in names.items())
        driver.set_mode("down")
        with contextlib.suppress(ProviderFault):
            assert await driver.provider.service_names() == names

    async def test_a_bought_number_is_e164_costs_no_more_than_offered_and_waits(self, driver: Driver) -> None:
        offer = await an_offer(driver)
        sold = await driver.provider.allocate(offer, a_ref())
        assert isinstance(sold, Sold)
        assert sold.phone.startswith("+")
        assert sold.phone[1:].isdigit()
        assert 0 < sold.cost <= offer.cost
        assert sold.expires_at > driver.now()
        number = await fetched(driver, sold.provider_ref)
        assert (number.state, number.sms) == (RemoteState.WAITING, ())
        assert number.expires_at == sold.expires_at
        assert driver.charged(a_ref()) == [False]

    async def test_two_purchases_give_two_phones(self, driver: Driver) -> None:
        first, second = await bought(driver, number=1), await bought(driver, number=2)
        assert first.phone != second.phone
        assert first.provider_ref != second.provider_ref

    async def test_an_empty_shelf_is_a_refusal(self, driver: Driver) -> None:
        offer = await an_offer(driver)
        driver.set_mode("empty")
        assert_refused(await driver.provider.allocate(offer, a_ref()), NoNumbers)
        assert driver.charged(a_ref()) == []
        assert not any(row.stock for row in await driver.provider.stock(Kind.ACTIVATION, "wa"))

    async def test_a_cost_above_the_offer_is_a_refusal(self, driver: Driver) -> None:
        offer = await an_offer(driver)
        cheaper = dataclasses.replace(offer, cost=offer.cost - 1)
        assert_refused(await driver.provider.allocate(cheaper, a_ref()), PriceRisen)
        driver.next_call("allocate", "price_risen")
        assert_refused(await driver.provider.allocate(offer, a_ref()), PriceRisen)
        assert driver.charged(a_ref()) == []

    async def test_an_unknown_service_is_a_refusal(self, driver: Driver) -> None:
        offer = dataclasses.replace(await an_offer(driver), service="zzzzz")
        outcome = await driver.provider.allocate(offer, a_ref())
        assert isinstance(outcome, Refused)
        assert isinstance(outcome.error, BadRequest | NoNumbers)

    async def test_buying_lowers_the_balance_and_an_uncharged_end_restores_it(self, driver: Driver) -> None:
        before = await driver.provider.balance()
        sold = await bought(driver)
        assert await driver.provider.balance() == before - sold.cost
        driver.advance(sold.expires_at - driver.now())
        assert await driver.provider.balance() == before

    # answers that do not come

    async def test_a_lost_answer_is_unknown_and_the_number_is_found_by_our_reference(self, driver: Driver) -> None:
        needs(driver, "find")
        offer, since = await an_offer(driver), driver.now()
        driver.next_call("allocate", "lost_answer")
        assert isinstance(await driver.provider.allocate(offer, a_ref()), Unknown)
        found = await driver.provider.find(offer, a_ref(), since)
        assert found is not None
        assert (await fetched(driver, found.provider_ref)).state is RemoteState.WAITING
        assert driver.charged(a_ref()) == [False]

    async def test_nothing_is_found_where_nothing_was_bought(self, driver: Driver) -> None:
        needs(driver, "find")
        await bought(driver, number=2)
        assert await driver.provider.find(await an_offer(driver), a_ref(1), driver.now()) is None

    async def test_a_garbled_answer_to_a_purchase_is_unknown_however_it_is_garbled(self, driver: Driver) -> None:
        offer = await an_offer(driver)
        for number in range(6):
            driver.next_call("allocate", "garbage")
            assert isinstance(await driver.provider.allocate(offer, a_ref(number)), Unknown)

    async def test_a_garbled_answer_to_a_question_is_a_fault_however_it_is_garbled(self, driver: Driver) -> None:
        sold = await bought(driver)
        for _ in range(6):
            driver.next_call("fetch", "garbage")
            with pytest.raises(ProviderFault):
                await driver.provider.fetch([sold.provider_ref])

    async def test_a_lost_answer_to_a_question_is_a_fault(self, driver: Driver) -> None:
        driver.next_call("balance", "lost_answer")
        with pytest.raises(ProviderFault):
            await driver.provider.balance()

    async def test_a_supplier_that_is_down_sells_nothing_and_is_never_taken_for_empty(self, driver: Driver) -> None:
        offer, sold = await an_offer(driver), await bought(driver, number=2)
        driver.set_mode("down")
        outcome = await driver.provider.allocate(offer, a_ref())
        assert isinstance(outcome, Unknown) or type(assert_is_refused(outcome)) is ProviderFault
        for question in (
            driver.provider.stock(Kind.ACTIVATION, "wa"),
            driver.provider.find(offer, a_ref(), driver.now()),
            driver.provider.fetch([sold.provider_ref]),
            driver.provider.balance(),
        ):
            with pytest.raises(ProviderFault):
                await question
        driver.set_mode("normal")
        assert driver.charged(a_ref()) == []
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.WAITING

    async def test_a_lost_answer_to_a_cancel_is_unknown_and_the_state_tells_the_truth(self, driver: Driver) -> None:
        sold = await bought(driver)
        let_cancel(driver, sold)
        driver.next_call("cancel", "lost_answer")
        assert isinstance(await driver.provider.cancel(sold.provider_ref), Unknown)
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.CANCELLED
        assert await driver.provider.cancel(sold.provider_ref) == Done()

    # SMS

    def shown_sender(self, _driver: Driver, sender: str) -> str:
        """What the protocol says of the sender of an SMS."""
        return sender

    async def test_an_sms_arrives_with_its_sender_text_and_time_and_charges(self, driver: Driver) -> None:
        sold = await bought(driver)
        driver.advance(7 * SECOND)
        driver.text(sold.phone, "Sénder", "Ваш код: ١٢٣٤٥٦ 🙂\n2nd line\t'\"<&>")
        number = await fetched(driver, sold.provider_ref)
        assert number.state is RemoteState.RECEIVED
        [sms] = number.sms
        assert (sms.provider_ref, sms.sender) == (sold.provider_ref, self.shown_sender(driver, "Sénder"))
        assert sms.text == "Ваш код: ١٢٣٤٥٦ 🙂\n2nd line\t'\"<&>"
        assert abs(sms.received_at - driver.now()) < SECOND
        assert driver.charged(a_ref()) == [True]

    async def test_an_sms_seen_twice_has_one_id(self, driver: Driver) -> None:
        sold = await bought(driver)
        driver.text(sold.phone, "A", "code 1111")
        first, again = await fetched(driver, sold.provider_ref), await fetched(driver, sold.provider_ref)
        assert first.sms == again.sms

    async def test_two_equal_texts_are_two_sms_in_their_order(self, driver: Driver) -> None:
        sold = await bought(driver)
        driver.text(sold.phone, "A", "code 2222")
        driver.advance(2 * SECOND)
        needs(driver, "another_code")
        assert await driver.provider.another_code(sold.provider_ref) == Done()
        driver.text(sold.phone, "A", "code 2222")
        first, second = (await fetched(driver, sold.provider_ref)).sms
        assert first.text == second.text
        assert first.sms_id != second.sms_id
        assert first.received_at < second.received_at

    async def test_a_number_asked_for_another_code_waits_until_it_comes(self, driver: Driver) -> None:
        needs(driver, "another_code")
        sold = await bought(driver)
        driver.text(sold.phone, "A", "code 3333")
        assert await driver.provider.another_code(sold.provider_ref) == Done()
        number = await fetched(driver, sold.provider_ref)
        assert number.state is RemoteState.WAITING
        assert [sms.text for sms in number.sms] == ["code 3333"]
        driver.text(sold.phone, "A", "code 4444")
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.RECEIVED

    async def test_a_number_that_waited_in_vain_for_another_code_ends_charged(self, driver: Driver) -> None:
        needs(driver, "another_code")
        sold = await bought(driver)
        driver.text(sold.phone, "A", "code 3333")
        assert await driver.provider.another_code(sold.provider_ref) == Done()
        driver.advance(sold.expires_at - driver.now())
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.FINISHED
        assert driver.charged(a_ref()) == [True]

    async def test_each_sms_belongs_to_its_number(self, driver: Driver) -> None:
        first, second = await bought(driver, number=1), await bought(driver, number=2)
        driver.text(second.phone, "A", "for the second")
        rows = await driver.provider.fetch([first.provider_ref, second.provider_ref])
        assert [[sms.text for sms in row.sms] for row in rows] == [[], ["for the second"]]

    # the end

    async def test_a_finished_number_is_closed_and_charged(self, driver: Driver) -> None:
        sold = await bought(driver)
        driver.text(sold.phone, "A", "code 5555")
        assert await driver.provider.finish(sold.provider_ref) == Done()
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.FINISHED
        assert driver.charged(a_ref()) == [True]

    async def test_a_cancel_too_early_says_from_when_it_works(self, driver: Driver) -> None:
        sold = await bought(driver)
        if sold.cancel_from is None or sold.cancel_from <= driver.now():
            pytest.skip("can be cancelled at once")
        driver.advance(sold.cancel_from - driver.now() - 1)
        error = assert_refused(await driver.provider.cancel(sold.provider_ref), CancelTooEarly)
        assert isinstance(error, CancelTooEarly)
        assert error.at in (None, sold.cancel_from)
        driver.advance(1)
        assert await driver.provider.cancel(sold.provider_ref) == Done()

    async def test_a_cancelled_number_is_closed_and_not_charged(self, driver: Driver) -> None:
        sold = await bought(driver)
        let_cancel(driver, sold)
        assert await driver.provider.cancel(sold.provider_ref) == Done()
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.CANCELLED
        assert driver.charged(a_ref()) == [False]

    async def test_a_cancel_after_a_code_is_denied_and_changes_nothing(self, driver: Driver) -> None:
        sold = await bought(driver)
        driver.text(sold.phone, "A", "code 6666")
        let_cancel(driver, sold)
        assert_refused(await driver.provider.cancel(sold.provider_ref), Denied)
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.RECEIVED

    async def test_a_number_without_code_expires_at_its_time_and_is_not_charged(self, driver: Driver) -> None:
        sold = await bought(driver)
        driver.advance(sold.expires_at - driver.now() - 1)
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.WAITING
        driver.advance(1)
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.EXPIRED
        assert driver.charged(a_ref()) == [False]
        assert_refused(await driver.provider.cancel(sold.provider_ref), Denied)

    async def test_a_number_with_a_code_is_finished_by_time(self, driver: Driver) -> None:
        sold = await bought(driver)
        driver.text(sold.phone, "A", "code 7777")
        driver.advance(sold.expires_at - driver.now())
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.FINISHED

    async def test_a_late_sms_is_shown_and_not_charged(self, driver: Driver) -> None:
        cancelled, expired = await bought(driver, number=1), await bought(driver, number=2)
        let_cancel(driver, cancelled)
        assert await driver.provider.cancel(cancelled.provider_ref) == Done()
        driver.text(cancelled.phone, "A", "late 1")
        driver.advance(MINUTE + max(0, expired.expires_at - driver.now()))
        driver.text(expired.phone, "A", "late 2")
        rows = await driver.provider.fetch([cancelled.provider_ref, expired.provider_ref])
        assert [row.state for row in rows] == [RemoteState.CANCELLED, RemoteState.EXPIRED]
        assert [[sms.text for sms in row.sms] for row in rows] == [["late 1"], ["late 2"]]
        assert driver.charged(a_ref(1)) == driver.charged(a_ref(2)) == [False]

    async def test_an_unknown_number_is_gone_and_the_known_ones_are_still_answered(self, driver: Driver) -> None:
        sold = await bought(driver)
        rows = await driver.provider.fetch(["77777777", sold.provider_ref])
        assert [row.state for row in rows] == [RemoteState.GONE, RemoteState.WAITING]
        assert_refused(await driver.provider.cancel("77777777"), Gone)
        assert_refused(await driver.provider.finish("77777777"), Gone)
        assert await driver.provider.fetch([]) in ([], ())

    # the same number again

    async def test_a_number_that_was_used_is_had_again_on_the_same_phone(self, driver: Driver) -> None:
        offer = await used_up(driver)
        before = await driver.provider.balance()
        again = await driver.provider.again(offer, a_ref(2))
        assert isinstance(again, Sold)
        assert (again.phone, again.provider_ref == offer.again_of) == (offer.phone, False)
        assert 0 < again.cost <= offer.cost
        assert await driver.provider.balance() == before - again.cost
        assert again.expires_at > driver.now()
        assert ((await fetched(driver, again.provider_ref)).state, driver.charged(a_ref(2))) == ("waiting", [False])
        driver.advance(2 * SECOND)
        driver.text(again.phone, "A", "code 1")
        first, second = await driver.provider.fetch([offer.again_of, again.provider_ref])
        assert [[sms.text for sms in one.sms] for one in (first, second)] == [["code 1"], ["code 1"]]
        assert first.sms[0].sms_id != second.sms[0].sms_id
        assert (first.state, second.state) == (RemoteState.FINISHED, RemoteState.RECEIVED)
        assert driver.charged(a_ref(2)) == [True]

    async def test_a_number_had_again_without_an_sms_is_not_charged(self, driver: Driver) -> None:
        offer = await used_up(driver)
        before = await driver.provider.balance()
        again = await driver.provider.again(offer, a_ref(2))
        assert isinstance(again, Sold)
        let_cancel(driver, again)
        assert await driver.provider.cancel(again.provider_ref) == Done()
        assert (await fetched(driver, again.provider_ref)).state is RemoteState.CANCELLED
        assert await driver.provider.balance() == before
        assert driver.charged(a_ref(2)) == [False]

    async def test_a_number_that_is_dearer_again_than_was_agreed_is_a_refusal(self, driver: Driver) -> None:
        offer = await used_up(driver)
        before = await driver.provider.balance()
        outcome = await driver.provider.again(dataclasses.replace(offer, cost=offer.cost - 1), a_ref(2))
        assert_refused(outcome, PriceRisen)
        assert await driver.provider.balance() == before
        assert not any(driver.charged(a_ref(2)))

    async def test_a_lost_answer_to_again_is_unknown_and_the_number_is_found(self, driver: Driver) -> None:
        needs(driver, "find")
        offer, since = await used_up(driver), driver.now()
        driver.next_call("again", "lost_answer")
        assert isinstance(await driver.provider.again(offer, a_ref(2)), Unknown)
        found = await driver.provider.find(offer, a_ref(2), since, {offer.again_of})
        assert found is not None
        assert (found.phone, found.provider_ref == offer.again_of) == (offer.phone, False)
        assert driver.charged(a_ref(2)) == [False]

    async def test_nothing_is_found_where_a_number_was_not_had_again(self, driver: Driver) -> None:
        needs(driver, "find")
        offer = await used_up(driver)
        assert await driver.provider.find(offer, a_ref(2), driver.now(), {offer.again_of}) is None

    async def test_a_garbled_answer_to_again_is_unknown_however_it_is_garbled(self, driver: Driver) -> None:
        offer = await used_up(driver)
        for number in range(2, 8):
            driver.next_call("again", "garbage")
            outcome = await driver.provider.again(offer, a_ref(number))
            assert isinstance(outcome, Unknown) or assert_refused(outcome, Denied)  # an earlier one took effect

    async def test_an_open_an_unused_and_an_unknown_number_are_not_had_again(self, driver: Driver) -> None:
        offer = await used_up(driver)
        unused, opened = await bought(driver, number=2), await bought(driver, number=3)
        let_cancel(driver, unused)
        assert await driver.provider.cancel(unused.provider_ref) == Done()
        driver.text(opened.phone, "A", "code 2")
        for sold in (unused, opened):
            other = dataclasses.replace(offer, again_of=sold.provider_ref, phone=sold.phone)
            assert_refused(await driver.provider.again(other, a_ref(4)), Denied)
        unknown = dataclasses.replace(offer, again_of="77777777", phone="+447000099999")
        refusal = await driver.provider.again(unknown, a_ref(4))
        assert isinstance(refusal, Refused)
        assert isinstance(refusal.error, Gone | Denied)
        assert driver.charged(a_ref(4)) == []

    # rentals

    async def test_a_rental_lasts_its_hours_takes_every_sms_and_is_charged_at_sale(self, driver: Driver) -> None:
        offer = await an_offer(driver, Kind.RENTAL)
        sold = await driver.provider.allocate(offer, a_ref())
        assert isinstance(sold, Sold)
        assert sold.expires_at == driver.now() + offer.hours * HOUR
        assert driver.charged(a_ref()) == [True]
        driver.text(sold.phone, "A", "one")
        driver.text(sold.phone, "B", "two")
        number = await fetched(driver, sold.provider_ref)
        assert number.state is RemoteState.RECEIVED
        assert [sms.sender for sms in number.sms] == ["A", "B"]
        driver.advance(offer.hours * HOUR)
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.FINISHED

    async def test_a_renewal_adds_its_hours_to_the_end_for_the_cost_that_was_named(self, driver: Driver) -> None:
        needs(driver, "renew")
        sold = await bought(driver, Kind.RENTAL)
        driver.advance(HOUR)
        before = await driver.provider.balance()
        cost = await driver.provider.renewal_cost(sold.provider_ref, 24)
        renewed = await driver.provider.renew(sold.provider_ref, 24, cost, "n1:renew:1")
        assert isinstance(renewed, Renewed)
        assert renewed.expires_at == sold.expires_at + 24 * HOUR
        assert (await fetched(driver, renewed.provider_ref)).expires_at == renewed.expires_at
        assert await driver.provider.balance() == before - cost
        driver.advance(sold.expires_at - driver.now() + 1)
        assert not (await fetched(driver, renewed.provider_ref)).state.closed
        driver.advance(renewed.expires_at - driver.now())
        assert (await fetched(driver, renewed.provider_ref)).state is RemoteState.FINISHED

    async def test_a_renewal_dearer_than_its_cap_is_a_refusal(self, driver: Driver) -> None:
        needs(driver, "renew")
        sold = await bought(driver, Kind.RENTAL)
        cost = await driver.provider.renewal_cost(sold.provider_ref, 4)
        assert_refused(await driver.provider.renew(sold.provider_ref, 4, cost - 1, "n1:renew:1"), PriceRisen)
        assert (await fetched(driver, sold.provider_ref)).expires_at == sold.expires_at

    async def test_a_renewal_whose_answer_was_lost_shows_in_the_end_of_the_rental(self, driver: Driver) -> None:
        needs(driver, "renew")
        sold = await bought(driver, Kind.RENTAL)
        cost = await driver.provider.renewal_cost(sold.provider_ref, 4)
        driver.next_call("renew", "lost_answer")
        assert isinstance(await driver.provider.renew(sold.provider_ref, 4, cost, "n1:renew:1"), Unknown)
        assert (await fetched(driver, sold.provider_ref)).expires_at == sold.expires_at + 4 * HOUR

    async def test_an_ended_rental_and_an_activation_are_not_renewed(self, driver: Driver) -> None:
        needs(driver, "renew")
        rental, activation = await bought(driver, Kind.RENTAL, 1), await bought(driver, number=2)
        with pytest.raises(Denied):
            await driver.provider.renewal_cost(activation.provider_ref, 4)
        driver.advance(rental.expires_at - driver.now())
        assert_refused(await driver.provider.renew(rental.provider_ref, 4, 10**9, "n1:renew:1"), Denied)

    async def test_a_rental_given_back_within_its_window_and_without_sms_is_not_charged(self, driver: Driver) -> None:
        sold = await bought(driver, Kind.RENTAL)
        if sold.refund_until is None:
            pytest.skip("rentals are never refunded")
        driver.advance(sold.refund_until - driver.now() - 1)
        assert await driver.provider.cancel(sold.provider_ref) == Done()
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.CANCELLED
        assert driver.charged(a_ref()) == [False]

    async def test_a_rental_is_not_refunded_after_its_window_but_can_be_released(self, driver: Driver) -> None:
        sold = await bought(driver, Kind.RENTAL)
        driver.advance((sold.refund_until or driver.now()) - driver.now())
        assert_refused(await driver.provider.cancel(sold.provider_ref), Denied)
        assert not (await fetched(driver, sold.provider_ref)).state.closed
        assert await driver.provider.finish(sold.provider_ref) == Done()
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.FINISHED
        assert driver.charged(a_ref()) == [True]

    async def test_a_rental_with_an_sms_is_not_refunded(self, driver: Driver) -> None:
        sold = await bought(driver, Kind.RENTAL)
        driver.text(sold.phone, "A", "hello")
        assert_refused(await driver.provider.cancel(sold.provider_ref), Denied)
        assert driver.charged(a_ref()) == [True]

    # webhooks

    async def test_a_webhook_tells_of_the_sms_that_a_poll_shows(self, driver: Driver) -> None:
        needs(driver, "webhooks")
        sold = await bought(driver)
        driver.text(sold.phone, "A", "code 8888 🙂")
        [sms] = (await fetched(driver, sold.provider_ref)).sms
        [event] = driver.provider.parse_webhook(driver.webhook(sms))
        assert event.provider_ref == sold.provider_ref
        if event.trusted:
            assert event.sms == (sms,)

    async def test_a_webhook_sent_twice_tells_of_one_sms(self, driver: Driver) -> None:
        needs(driver, "webhooks")
        request = driver.webhook(an_sms(driver))
        assert driver.provider.parse_webhook(request) == driver.provider.parse_webhook(request)

    async def test_a_forged_webhook_is_not_trusted(self, driver: Driver) -> None:
        needs(driver, "webhooks")
        request = driver.webhook(an_sms(driver))
        forged = WebhookRequest(request.headers, request.body.replace(b"9999", b"0000"))
        assert forged.body != request.body
        if driver.provider.parse_webhook(request)[0].trusted:
            with pytest.raises(BadWebhook) as caught:
                driver.provider.parse_webhook(forged)
            assert caught.value.forged
        else:
            assert not driver.provider.parse_webhook(forged)[0].trusted

    async def test_a_webhook_replayed_much_later_is_refused_where_it_is_signed(self, driver: Driver) -> None:
        needs(driver, "webhooks")
        request = driver.webhook(an_sms(driver))
        if not driver.provider.parse_webhook(request)[0].trusted:
            pytest.skip("not signed")
        driver.advance(301 * SECOND)
        with pytest.raises(BadWebhook) as caught:
            driver.provider.parse_webhook(request)
        assert caught.value.forged

    @pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"\xff", b'{"type":"sms.received"}', b"[" * 9999])
    async def test_a_body_that_is_no_event_is_refused(self, driver: Driver, body: bytes) -> None:
        needs(driver, "webhooks")
        with pytest.raises(BadWebhook):
            driver.provider.parse_webhook(WebhookRequest({}, body))


async def used_up(driver: Driver) -> Offer:
    """The phone of an activation that had its SMS and is over, for what it costs once more."""
    needs(driver, "again")
    sold = await bought(driver)
    driver.text(sold.phone, "A", "code 1")
    await fetched(driver, sold.provider_ref)
    assert await driver.provider.finish(sold.provider_ref) == Done()
    driver.advance(3 * SECOND)
    offer = dataclasses.replace(await an_offer(driver), again_of=sold.provider_ref, phone=sold.phone)
    return dataclasses.replace(offer, cost=await driver.provider.again_cost(offer))


def let_cancel(driver: Driver, sold: Sold) -> None:
    driver.advance(max(0, (sold.cancel_from or 0) - driver.now()))


def an_sms(driver: Driver) -> IncomingSms:
    return IncomingSms("12345", "sms-1", "A", "code 9999", driver.now())


def assert_is_refused(outcome: object) -> ProviderError:
    assert isinstance(outcome, Refused)
    return outcome.error
