"""While nothing can be saved, programs are told so, buy nothing, and read all the same; afterwards all goes on."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.stories.test_storage_faults import FAULTS, on_a_disk, said, works
from tests.stories.test_storage_faults import client as story_client
from tests.support.api import ON, WHATSAPP, Api, caller, client
from tests.support.receiver import Call, Receiver, receiving
from tests.support.stories import Story, until

SETTINGS = {**ON, "WEBHOOK_ALLOW": "127.0.0.1"}


async def hooked(api: Api, receiver: Receiver) -> None:
    made = await api.post("webhooks", url=f"{receiver.url}/hook", events=["sms.received"])
    receiver.secrets["/hook"] = (made["secret"],)


async def by_handler_api(api: Api, action: str, **params: str) -> tuple[int, str]:
    asked = {"api_key": api.key, "action": action, **params}
    answer = await api.client.get(f"{api.story.url}/stubs/handler_api.php", params=asked)
    return answer.status_code, answer.text


async def nothing_can_be_changed(api: Api, number: dict[str, str]) -> None:
    """Each is 503 with a sentence."""
    calls = (
        ("allocate_number", {**WHATSAPP}, {"Idempotency-Key": "during"}),
        ("allocate_number", {**WHATSAPP}, {}),
        ("manage_number", {"action": "release", "id": number["id"]}, {}),
        ("auth", {"apiKey": api.key}, {}),
        ("webhooks", {"url": "http://127.0.0.1:1/other"}, {}),
    )
    for path, body, headers in calls:
        answer = await api("POST", path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), path
        assert "Nothing can be saved" in answer.json()["message"]
        assert answer.headers["retry-after"] == "15"
    assert await by_handler_api(api, "getNumber", service="wa", country="187") == (503, "SERVER_ERROR")


@pytest.mark.parametrize(("begin", "name"), FAULTS.values(), ids=FAULTS)
async def test_while_nothing_can_be_saved_programs_are_told_so_and_buy_nothing(
    tmp_path: Path, begin: Callable[[Story], AbstractAsyncContextManager[None]], name: str
):
    async with receiving() as receiver, client() as http, on_a_disk(tmp_path, name, **SETTINGS) as story:
        api = await caller(story, http)
        await hooked(api, receiver)
        number = await api.buys("before")
        await story.settled()
        balance = await api.get("balance")
        async with begin(story):
            await nothing_can_be_changed(api, number)
            assert (await api.get("numbers"))["numbers"][0]["id"] == number["id"]
            assert await api.get("balance") == balance
            assert (await by_handler_api(api, "getBalance"))[0] == 200
            story.sms(number["number"], "code 616161")
            await asyncio.sleep(0.5)
            assert len(said(story)) == 1, "once, and not at every call"
            assert len(story.sold()) == 1
        async with story_client(story) as ready:
            await works(ready)
        found = await api.get("fetch_messages", id=number["id"], wait=10)
        assert [one["code"] for one in found["messages"]] == ["616161"]
        bought = await api.buys("during")
        assert (await api.buys("during"))["id"] == bought["id"]
        assert len(story.sold()) == 2
        await until(lambda: receiver.types() == ["sms.received"])
        assert len(said(story)) == 1


@pytest.mark.parametrize(("begin", "name"), FAULTS.values(), ids=FAULTS)
async def test_an_event_whose_taking_cannot_be_written_down_is_not_sent_again_and_said_once(
    tmp_path: Path, begin: Callable[[Story], AbstractAsyncContextManager[None]], name: str
):
    under_way, go_on = asyncio.Event(), asyncio.Event()

    async def hold(_call: Call) -> None:
        under_way.set()
        await go_on.wait()

    async with receiving() as receiver, client() as http, on_a_disk(tmp_path, name, **SETTINGS) as story:
        api = await caller(story, http)
        await hooked(api, receiver)
        number = await api.buys()
        receiver.before = hold
        story.sms(number["number"], "code 717171")
        await under_way.wait()
        await story.settled()
        async with begin(story):
            go_on.set()
            await until(lambda: bool(said(story)))
            await asyncio.sleep(1.0)
            [delivery] = story.rows("SELECT progress FROM webhook_deliveries")
            assert delivery["progress"] == "pending"
        await until(lambda: story.rows("SELECT progress FROM webhook_deliveries")[0]["progress"] == "delivered", 15)
        assert len(receiver.calls) == 1
        assert len(said(story)) == 1
