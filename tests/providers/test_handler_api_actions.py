"""Every action that a member is known to have: asked for by the adapter itself, and answered by the simulator."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from bot.domain.errors import NoNumbers
from bot.domain.numbers import Kind
from bot.domain.time import MINUTE
from bot.providers.base import Done, Refused, RemoteState, Renewed, Sold
from bot.providers.handler_api.activations import Activations
from bot.providers.handler_api.calls import Calls
from bot.providers.handler_api.countries import CountryIds
from bot.providers.handler_api.dialects import DIALECTS
from bot.providers.handler_api.memory import Memory
from bot.providers.handler_api.states import States
from bot.providers.http import ProviderHttp
from tests.providers.contract import a_ref, let_cancel, offer_of
from tests.providers.handler_api_driver import HandlerApiDriver, an_offer_of
from tests.simulators.handler_api import DIALECTS as SIMULATORS
from tests.simulators.handler_api import KEY

URL = "http://member.test"
WITH_STATUS = ("setStatus", "setRentStatus")
STATUSES = {"setStatus:1", "setStatus:3", "setStatus:6", "setStatus:8", "setRentStatus:1", "setRentStatus:2"}


class Member:
    """A member of the family in this process, and what it was asked: `action`, or `action:status`."""

    def __init__(self, dialect: str, client: httpx.AsyncClient) -> None:
        self.http = ProviderHttp(client, timeout_s=5.0, max_in_flight=8)
        self.driver = HandlerApiDriver(dialect, self.http, URL)
        self.asked: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = dict(parse_qsl(scope["query_string"].decode()))
        action = query["action"]
        self.asked.add(f"{action}:{query['status']}" if action in WITH_STATUS else action)
        await self.driver.simulator(scope, receive, send)


@asynccontextmanager
async def a_member(dialect: str) -> AsyncIterator[Member]:
    async def face(scope: Scope, receive: Receive, send: Send) -> None:
        await member(scope, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(face)) as client:
        member = Member(dialect, client)
        yield member


async def bought(driver: HandlerApiDriver, number: int, kind: Kind = Kind.ACTIVATION) -> Sold:
    rows = await driver.provider.stock(kind, "wa")
    outcome = await driver.provider.allocate(offer_of(rows[0], driver.simulator.name), a_ref(number))
    assert isinstance(outcome, Sold), outcome
    return outcome


async def looks_around(driver: HandlerApiDriver) -> None:
    provider = driver.provider
    assert await provider.balance() > 0
    assert await provider.countries()
    assert bool(await provider.service_names()) is driver.provider.dialect.names
    await provider.operators("ID")
    await provider.top_countries("wa")
    assert await provider.stock(Kind.ACTIVATION)


async def lives_through_activations(driver: HandlerApiDriver) -> None:
    provider = driver.provider
    first, second = await bought(driver, 1), await bought(driver, 2)
    assert isinstance(await provider.ready(first.provider_ref), Done if provider.dialect.ready else Refused)
    driver.by_batch(True)
    for code in ("code 1111", "code 2222"):
        driver.text(first.phone, "A", code)
        [remote] = await provider.fetch([first.provider_ref])
        assert remote.sms[-1].text == code
        if code == "code 1111":
            assert await provider.another_code(first.provider_ref) == Done()
    driver.by_batch(False)
    assert await provider.finish(first.provider_ref) == Done()
    let_cancel(driver, second)
    assert await provider.cancel(second.provider_ref) == Done()
    if provider.dialect.history:
        driver.restarted()
        assert [one.state for one in await driver.provider.fetch([first.provider_ref])] == [RemoteState.FINISHED]
    if provider.capabilities.again:
        offer = dataclasses.replace(an_offer_of(driver), again_of=first.provider_ref, phone=first.phone, cost=10**9)
        assert isinstance(await driver.provider.again(offer, a_ref(3)), Sold)


async def lives_through_rentals(driver: HandlerApiDriver) -> None:
    provider = driver.provider
    assert await provider.stock(Kind.RENTAL)
    first, second = await bought(driver, 4, Kind.RENTAL), await bought(driver, 5, Kind.RENTAL)
    driver.advance(3 * MINUTE)
    assert await provider.cancel(second.provider_ref) == Done()
    driver.text(first.phone, "A", "one")
    [remote] = await provider.fetch([first.provider_ref])
    assert [sms.text for sms in remote.sms] == ["one"]
    cost = await provider.renewal_cost(first.provider_ref, 24)
    assert isinstance(await provider.renew(first.provider_ref, 24, cost, "n1:renew:1"), Renewed)
    offer = dataclasses.replace(offer_of((await provider.stock(Kind.RENTAL, "wa"))[0], "x"))
    assert await provider.find(offer, a_ref(6), driver.now(), {first.provider_ref}) is None
    assert await provider.finish(first.provider_ref) == Done()


async def everything_asked(dialect: str) -> set[str]:
    async with a_member(dialect) as member:
        await looks_around(member.driver)
        await lives_through_activations(member.driver)
        if member.driver.provider.capabilities.rentals:
            await lives_through_rentals(member.driver)
        return member.asked


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_nothing_is_asked_that_the_member_does_not_know(dialect: str) -> None:
    known: set[str] = set()
    async with a_member(dialect) as member:
        known = set(member.driver.simulator.actions)
    asked = {one.partition(":")[0] for one in await everything_asked(dialect)}
    assert asked - known == set()


async def test_every_action_of_the_family_is_asked_for_by_some_dialect() -> None:
    asked = set().union(*[await everything_asked(dialect) for dialect in DIALECTS])
    known: set[str] = set()
    for dialect in SIMULATORS:
        async with a_member(dialect) as member:
            known |= set(member.driver.simulator.actions)
    assert known - {one.partition(":")[0] for one in asked} == set()
    assert asked >= STATUSES


async def test_a_dialect_may_cancel_by_minus_one() -> None:
    dialect = dataclasses.replace(DIALECTS["generic"], cancel="-1")
    async with a_member("generic") as member:
        sold = await bought(member.driver, 1)
        let_cancel(member.driver, sold)
        clock, memory = member.driver.clock, Memory()
        calls = Calls(member.http, URL, KEY, dialect, clock)
        states = States(calls, dialect, memory, clock)
        activations = Activations(calls, dialect, CountryIds(dialect.country_ids), memory, states, clock)
        assert await activations.cancel(sold.provider_ref) == Done()
        assert member.driver.supplier.lines[sold.provider_ref].state == "cancelled"
        assert "setStatus:-1" in member.asked
        assert "setStatus:8" not in member.asked


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_phone_that_begins_as_none_should_is_not_sold(dialect: str) -> None:
    async with a_member(dialect) as member:
        driver = member.driver
        offer = an_offer_of(driver)
        plain = await driver.provider.allocate(offer, a_ref(1))
        assert isinstance(plain, Sold)
        assert plain.phone.startswith("+625")
        other = await driver.provider.allocate(offer, a_ref(2), except_prefixes=("6251", "625"))
        assert isinstance(other, Sold)
        assert other.phone.startswith("+628")
        none = await driver.provider.allocate(offer, a_ref(3), except_prefixes=("62",))
        assert isinstance(none, Refused)
        assert isinstance(none.error, NoNumbers)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_offer_of_one_operator_is_bought_from_that_one(dialect: str) -> None:
    async with a_member(dialect) as member:
        driver = member.driver
        assert isinstance(await driver.provider.allocate(an_offer_of(driver, operator="axis"), a_ref(1)), Sold)
        assert isinstance(await driver.provider.allocate(an_offer_of(driver), a_ref(2)), Sold)
        assert [line.operator for line in driver.supplier.lines.values()] == ["axis", ""]
