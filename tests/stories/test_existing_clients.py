"""A script written for SMS-Activate, with its official package as it was published: nothing but the host is another."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from smsactivate.api import SMSActivateAPI

from bot.domain.keys import Scope
from bot.domain.people import Seen
from tests.support.outlet import HANDLER_API
from tests.support.stories import Person, Story, playing, until

GERMANY = 43
PATIENCE_S = 10.0


@pytest.fixture
async def story(tmp_path):
    async with playing(tmp_path, settings={"API": "on", "API_RATE": "1000"}) as story:
        yield story


async def a_client(story: Story, name: str = "Ada") -> tuple[Person, Any]:
    person = await story.comes(name)
    user = await story.app.access.see(Seen(person.id, name, language="en"))
    assert story.app.programs is not None
    _, key = await story.app.programs.keys.make(user, "script", Scope.FULL)
    api = SMSActivateAPI(key)
    api._SMSActivateAPI__api_url = f"{story.url}{HANDLER_API}"
    return person, api


def a_script(api: Any, on_number: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """What people's scripts do: buy, wait in a loop, take the code, finish."""
    told: dict[str, Any] = {"before": api.getBalance(), "price": api.getPrices("wa", GERMANY)}
    told["number"] = api.getNumber(service="wa", country=GERMANY, maxPrice=told["price"][str(GERMANY)]["wa"]["cost"])
    number_id = told["number"]["activation_id"]
    told["ready"] = api.setStatus(id=number_id, status=1)
    told["at first"] = api.activationStatus(api.getStatus(id=number_id))
    on_number(told["number"])
    deadline = time.monotonic() + PATIENCE_S
    while not (status := api.getStatus(id=number_id)).startswith("STATUS_OK") and time.monotonic() < deadline:
        time.sleep(0.05)
    told["code"] = status.partition(":")[2]
    told["active"] = api.getActiveActivations()
    told["finished"] = api.setStatus(id=number_id, status=6)
    told["at last"] = api.getStatus(id=number_id)
    told["after"] = api.getBalance()
    return told


async def test_the_official_package_reads_the_balance_buys_polls_gets_the_code_and_finishes(story: Story):
    ada, api = await a_client(story)
    loop, phones = asyncio.get_running_loop(), asyncio.Queue[str]()

    def on_number(number: dict[str, Any]) -> None:
        loop.call_soon_threadsafe(phones.put_nowait, f"+{number['phone']}")

    script = asyncio.create_task(asyncio.to_thread(a_script, api, on_number))
    phone = await phones.get()
    story.sms(phone, "Your WhatsApp code is 123-456")
    told = await script
    assert told["before"] == {"balance": "25.00"}
    assert told["ready"] == "ACCESS_READY"
    assert told["at first"] == {"status": "STATUS_WAIT_CODE", "message": "Waiting for sms"}
    assert told["code"] == "123456"
    assert [row["smsCode"] for row in told["active"]["activeActivations"]] == [["123456"]]
    assert told["finished"] == "ACCESS_ACTIVATION"
    assert told["at last"] == {
        "error": "STATUS_CANCEL",
        "message": "Current activation canceled and no longer available",
    }
    cost = told["price"][str(GERMANY)]["wa"]["cost"]
    assert float(told["after"]["balance"]) == pytest.approx(25 - cost)
    await ada.sees("123456", kind="message")
    await until(lambda: story.state() == "completed")


def a_round(api: Any) -> dict[str, Any]:
    """Everything that the package has a verb for, and this bot an answer to."""
    told: dict[str, Any] = {
        "stock": api.getNumbersStatus(country=GERMANY),
        "countries": api.getCountries(),
        "top": api.getTopCountriesByService("wa", freePrice=True),
        "operators": api.getOperators(country=GERMANY),
        "cashback": api.getBalanceAndCashBack(),
        "v2": api.getNumberV2(service="wa", country=GERMANY),
        "for rent": api.getRentServicesAndCountries(time=24, country=GERMANY),
        "rented": api.getRentNumber(service="wa", time=24, country=GERMANY),
    }
    rent_id = told["rented"]["phone"]["id"]
    told["full"] = api.getFullSms(id=told["v2"]["activationId"])
    told["rent status"] = api.getRentStatus(id=rent_id)
    told["rent list"] = api.getRentList()
    told["given back"] = api.setRentStatus(id=rent_id, status=2)
    second = api.getRentNumber(service="wa", time=24, country=GERMANY)["phone"]["id"]
    told["prolonged"] = api.continueRentNumber(id=second, time=4)
    told["cancelled"] = api.setStatus(id=told["v2"]["activationId"], status=8)
    told["gone"] = api.getStatus(id=99999)
    return told


async def test_every_verb_of_the_official_package_is_understood_and_its_answers_can_be_read(story: Story):
    ada, api = await a_client(story)
    told = await asyncio.to_thread(a_round, api)
    assert int(told["stock"]["wa"]) > 0
    assert told["countries"]["43"]["eng"] == "Germany"
    assert told["top"]["0"]["freePriceMap"]
    assert told["operators"]["error"] == "OPERATORS_NOT_FOUND"
    assert told["cashback"] == {"balance": "25.00"}
    assert told["full"] == "STATUS_WAIT_CODE"
    assert told["for rent"]["services"]["wa"]["cost"] > 0
    assert (told["rent status"]["status"], told["rent status"]["message"]) == ("error", "STATUS_WAIT_CODE")
    assert told["rent list"]["values"]["0"]["phone"] == told["rented"]["phone"]["number"]
    assert told["given back"] == {"status": "success"}
    assert told["prolonged"]["status"] == "success"
    assert told["cancelled"] == "ACCESS_CANCEL"
    assert told["gone"]["error"] == "NO_ACTIVATION"
    assert len(ada.chat()) > 1


async def test_the_official_package_is_told_what_went_wrong(story: Story):
    _, api = await a_client(story)
    api.api_key = "cpk_of_somebody_else"
    assert (await asyncio.to_thread(api.getBalance))["error"] == "BAD_KEY"
    api.api_key = None
    assert (await asyncio.to_thread(api.getBalance))["error"] == "NO_KEY"
    _, poor = await a_client(story, "Poor")
    number = await asyncio.to_thread(poor.getNumber, "nosuch", country=GERMANY)
    assert number["error"] == "BAD_SERVICE"
    story.sandbox.mode = "empty"
    assert (await asyncio.to_thread(poor.getNumber, "wa", country=GERMANY))["error"] == "NO_NUMBERS"
