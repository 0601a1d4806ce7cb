"""docs/api.md is the contract: what it lists is what the adapter reads and what the simulator answers."""

import json
import re
from pathlib import Path
from typing import Any

from bot.domain.errors import ProviderError
from bot.providers.rest import wire
from tests.providers.contract import bought
from tests.providers.rest_driver import a_rest
from tests.simulators.rest import API_KEY

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")


def section(title: str) -> str:
    [text] = re.findall(rf"^#+ {re.escape(title)}\n(.*?)(?=^##+ |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def example(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0])
    return found


def fields_of_a_number() -> set[str]:
    table = section("The number").split("| field |")[1].split("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_the_example_of_a_number_has_the_fields_of_its_table_and_is_read() -> None:
    number = example(section("The number"))
    assert set(number) == fields_of_a_number()
    sold = wire.sold(number)
    assert (sold.provider_ref, sold.phone, sold.cost) == ("n1842", "+12025550143", 3_750)
    assert sold.cancel_from == sold.expires_at - 18 * 60_000
    assert wire.state(number).charged == number["charged"]


def test_the_example_of_a_message_is_read() -> None:
    message = example(PAGE.split("### The message")[1])
    [sms] = wire.messages({"messages": [message]}, "n1842")
    assert (sms.sms_id, sms.sender, sms.text) == ("s9911", "WhatsApp", "Your code: 123-456")


def test_every_documented_error_is_known_with_its_status() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \|", section("Errors"), re.MULTILINE)
    documented = dict(rows)
    assert len(documented) == len(rows) > 15
    assert set(documented) - {"internal"} == set(wire._CODES)
    for code, status in documented.items():
        error = wire.refusal({"status": "error", "code": code}, int(status))
        assert (error is None) == (code == "internal")
        assert error is None or isinstance(error, ProviderError)


def test_every_documented_state_is_known() -> None:
    table = section("The number").split("| `state` | open |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(wire._STATES)


async def test_the_simulator_answers_with_the_fields_that_are_documented() -> None:
    async with a_rest() as driver:
        sold = await bought(driver)
        client, headers = driver.http._client, {"Authorization": f"Bearer {API_KEY}"}
        base = "http://rest.test/api"
        listed = (await client.get(f"{base}/numbers?messages=1", headers=headers)).json()["numbers"]
        assert set(listed[0]) == fields_of_a_number() | {"messages"}
        for call in ("numbers", "prices?service=wa", "balance", f"fetch_messages?id={sold.provider_ref}"):
            name = call.partition("?")[0]
            answer = (await client.get(f"{base}/{call}", headers=headers)).json()
            assert set(answer) == set(example(section(f"GET /api/{name}"))), call
        token = (await client.post(f"{base}/auth", json={"apiKey": API_KEY})).json()
        assert set(token) == set(example(PAGE.split("### POST /api/auth")[1]))


def test_every_call_has_a_curl() -> None:
    calls = re.findall(r"^### (?:GET|POST) /api/(\w+)$", PAGE, re.MULTILINE)
    assert len(calls) == len(set(calls)) >= 11
    for call in calls:
        assert f'curl -s "$API/{call}' in PAGE or f'curl -sN "$API/{call}' in PAGE, call
