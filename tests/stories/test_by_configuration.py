"""The demo as a process, selling the numbers of a simulated `hero` in another process: settings alone between them."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.support import says
from tests.support.processes import running, simulating

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
PHONE = re.compile(r"\+\d{6,15}")


class Chat:
    """A person's Telegram client, by the demo's control API."""

    def __init__(self, http: httpx.AsyncClient, user_id: int) -> None:
        self._http = http
        self.user_id = user_id

    async def says(self, text: str) -> None:
        await self._post("messages", {"text": text})

    async def presses(self, label: str) -> None:
        def pressable(message: dict[str, Any]) -> Any:
            rows = message.get("reply_markup", {}).get("inline_keyboard", [])
            return next((one.get("callback_data") for row in rows for one in row if label in one["text"]), None)

        message = await self._until(lambda one: pressable(one) is not None, label)
        await self._post("press", {"message_id": message["message_id"], "data": pressable(message)})

    async def sees(self, *words: str) -> str:
        """The newest message of the bot with all of the words."""
        message = await self._until(lambda one: all(word in one.get("text", "") for word in words), words)
        return str(message["text"])

    async def _until(self, fits: Callable[[dict[str, Any]], bool], what: object) -> dict[str, Any]:
        deadline = time.monotonic() + 15
        while True:
            state = (await self._http.get("/demo/state")).raise_for_status().json()
            messages = [one for one in state["chats"][str(self.user_id)] if one["from"]["is_bot"]]
            if found := next((one for one in reversed(messages) if fits(one)), None):
                return dict(found)
            assert time.monotonic() < deadline, f"{what} not among {[one.get('text') for one in messages]}"
            await asyncio.sleep(0.05)

    async def _post(self, verb: str, body: dict[str, Any]) -> None:
        (await self._http.post(f"/demo/users/{self.user_id}/{verb}", json=body)).raise_for_status()


async def test_the_whole_demo_runs_against_a_supplier_over_http_by_configuration_alone(tmp_path):
    async with simulating("hero") as supplier, httpx.AsyncClient(trust_env=False) as there:
        url, key = re.findall(r"(http://\S+), key (\S+)", await supplier.printed("on http://"))[0]
        settings = {"KIND": "handler_api", "DIALECT": "hero", "URL": url, "API_KEY": key}
        environ = {f"PROVIDERS__HERO__{name}": value for name, value in settings.items()}
        async with running(tmp_path, {**environ, "HTTP_PORT": "0"}, "run") as program:
            found = ADDRESS.search(await program.printed("demo is at"))
            assert found
            async with httpx.AsyncClient(base_url=found[0], trust_env=False) as here:
                people = (await here.get("/demo/state")).json()["users"]
                chat = Chat(here, people[0]["id"])
                await chat.says("/start")
                await chat.sees(says.HELLO)
                await chat.says("whatsapp united kingdom")
                await chat.presses(says.CONFIRM)
                card = PHONE.search((await chat.sees(says.WAITING)).replace(" ", ""))
                assert card
                sold = (await there.get(f"{url}/panel/record")).json()["numbers"]
                assert sold == [{"phone": card[0], "state": "open", "charged": False}]
                sms = {"phone": card[0], "sender": "WhatsApp", "text": "Your WhatsApp code: 482-193. Don't share it."}
                (await there.post(f"{url}/panel/sms", json=sms)).raise_for_status()
                await chat.sees("482193", "Your WhatsApp code: 482-193.", "#1-1")
                await chat.presses(says.FINISH)
                await chat.sees(says.FINISHED)
        sold = (await there.get(f"{url}/panel/record")).json()["numbers"]
        assert sold == [{"phone": card[0], "state": "finished", "charged": True}]
