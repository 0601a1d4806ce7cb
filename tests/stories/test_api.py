"""The chat and the API are two faces of one bot: what is done in one is seen in the other, at once."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from bot.domain.people import Seen
from bot.providers.sandbox.settings import SandboxSettings
from tests.support import says
from tests.support.api import ON, WHATSAPP, Api, caller, calling, client
from tests.support.stories import OWNER_ID, playing, until


async def test_a_number_that_was_bought_in_the_chat_is_in_the_api(tmp_path):
    async with calling(tmp_path) as api:
        card = await api.person.buys("whatsapp germany")
        [number] = (await api.get("numbers"))["numbers"]
        assert (number["number"], number["country"], number["state"]) == (card.phone, "DE", "waiting")
        api.story.sms(card.phone, "Your code is 246810")
        await api.person.sees("246810", kind="message")
        [message] = (await api.get("fetch_messages", number=card.phone))["messages"]
        assert (message["code"], message["sender"], message["number_id"]) == ("246810", "WhatsApp", number["id"])
        await api.person.pushes(says.FINISH, says.FINISHED)
        [closed] = (await api.get("history"))["numbers"]
        assert (closed["id"], closed["state"], closed["charged"]) == (number["id"], "finished", True)
        assert (await api.get("numbers"))["numbers"] == []


async def test_a_number_that_was_bought_by_a_program_is_in_the_chat(tmp_path):
    async with calling(tmp_path) as api:
        api.person.look_from_now()
        number = await api.buys()
        card = await api.person.sees(says.WAITING)
        assert card.phone == number["number"]
        api.story.sms(number["number"], "Your code is 135790")
        await api.person.sees("135790", kind="message")
        assert (await api.post("manage_number", action="another_code", id=number["id"]))["state"] == "waiting"
        assert (await api.post("manage_number", action="finish", id=number["id"]))["state"] == "finished"
        await api.person.sees(says.FINISHED)
        assert api.story.balance(api.person) == pytest.approx(100 - float(number["price"]))


async def test_a_number_that_is_released_by_a_program_is_given_back_in_the_chat(tmp_path):
    async with calling(tmp_path) as api:
        number = await api.buys()
        await api.person.sees(says.WAITING)
        released = await api.post("manage_number", action="release", number=number["number"], refund="required")
        assert (released["state"], released["charged"]) == ("cancelled", False)
        await api.person.sees(says.CANCELLED)
        assert await api.get("balance") == {
            "status": "success",
            "balance": "100.0000",
            "held": "0.0000",
            "currency": "USD",
        }


async def test_a_program_of_somebody_who_blocks_the_bot_works_on_and_their_chat_catches_up(tmp_path):
    async with calling(tmp_path) as api:
        api.story.telegram.block(api.person.id)
        number = await api.buys()
        api.story.sms(number["number"], "Your code is 998877")
        messages = (await api.get("fetch_messages", id=number["id"], wait=10))["messages"]
        assert [message["code"] for message in messages] == ["998877"]
        await until(lambda: api.story.rows("SELECT id FROM outbox WHERE state = 'parked'"))
        api.person.look_from_now()
        api.story.telegram.unblock(api.person.id)
        api.person.say("/numbers")
        await api.person.sees("998877", kind="message")


async def test_a_rental_is_bought_renewed_and_released_by_a_program(tmp_path):
    async with calling(tmp_path) as api:
        rental = await api.buys("first", kind="rental", hours=4)
        assert (rental["charged"], rental["can_renew"], rental["hours"]) == (True, True, 4)
        priced = await api.get("renewal_price", id=rental["id"], hours=4)
        renewed = await api.post("manage_number", "more", action="renew", id=rental["id"], hours=4, max_price="9")
        assert renewed["expires_at"] == priced["expires_at"] > rental["expires_at"]
        await api.person.sees(says.RENEWED)
        ended = await api.post("manage_number", action="release", id=rental["id"])
        assert ended["state"] == "finished"
        spent = 100 - float((await api.get("balance"))["balance"])
        assert spent == pytest.approx(float(rental["price"]) + float(priced["price"]))


async def test_a_long_poll_is_answered_within_milliseconds_of_the_sms(tmp_path):
    async with calling(tmp_path) as api:
        took = []
        for code in range(100_000, 100_010):
            number = await api.buys()
            poll = asyncio.create_task(api.get("fetch_messages", id=number["id"], wait=30))
            await asyncio.sleep(0.1)
            arrived = time.monotonic()
            api.story.sms(number["number"], f"Your code is {code}")
            answer = await poll
            took.append(1000 * (time.monotonic() - arrived))
            assert answer["messages"][0]["code"] == str(code)
        middle, most = sorted(took)[5], max(took)
        print(f"\nfrom the SMS at the supplier to the answer of the long poll: {middle:.0f} ms, at most {most:.0f}")
        assert sorted(took)[5] < 150


async def test_a_long_poll_waits_its_time_and_a_stop_ends_it(tmp_path):
    async with calling(tmp_path) as api:
        number = await api.buys()
        began = time.monotonic()
        assert (await api.get("fetch_messages", id=number["id"], wait=1))["messages"] == []
        assert 0.9 < time.monotonic() - began < 2
        poll = asyncio.create_task(api("GET", "fetch_messages", params={"id": number["id"], "wait": 30}))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await api.story.app.stop()
        assert (await poll).json()["messages"] == []
        assert time.monotonic() - began < 5


async def test_while_the_program_stops_no_call_is_begun(tmp_path):
    async with calling(tmp_path) as api:
        api.story.app.programs.bells.close()
        for path in ("numbers", "events", "balance"):
            answer = await api("GET", path)
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert answer.headers["retry-after"] == "5"
        assert (await api("POST", "allocate_number", json=WHATSAPP)).status_code == 503
        asked = {"api_key": api.key, "action": "getNumber", "service": "wa", "country": "187"}
        old = await api.client.get(f"{api.story.url}/stubs/handler_api.php", params=asked)
        assert (old.status_code, old.text, old.headers["retry-after"]) == (503, "SERVER_ERROR", "15")
        assert api.story.sold() == []


async def test_anothers_sms_wakes_nobody_and_is_shown_to_nobody(tmp_path):
    async with calling(tmp_path) as api:
        eve = await caller(api.story, api.client, "Eve")
        mine, hers = await api.buys(), await eve.buys()
        poll = asyncio.create_task(eve.get("fetch_messages", id=hers["id"], wait=1))
        await asyncio.sleep(0.1)
        api.story.sms(mine["number"], "Ada's code is 112233")
        assert (await poll)["messages"] == []
        for params in ({"id": mine["id"]}, {"number": mine["number"]}):
            assert (await eve("GET", "fetch_messages", params=params)).status_code == 404


async def _events(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if line == "" and event:
            yield event
            event = {}
        elif name in ("id", "event"):
            event[name] = value
        elif name == "data":
            event["data"] = json.loads(value)


@asynccontextmanager
async def listening(api: Api, last: str = "") -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    headers = {"Authorization": f"Bearer {api.key}", **({"Last-Event-ID": last} if last else {})}
    async with api.client.stream("GET", f"{api.story.url}/api/events", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        yield _events(response)


async def _next(events: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
    async with asyncio.timeout(5):
        return await anext(events)


async def test_the_stream_tells_of_each_event_and_goes_on_where_it_broke_off(tmp_path):
    async with calling(tmp_path) as api:
        eve = await caller(api.story, api.client, "Eve")
        await api.buys()  # before the stream: not told of
        async with listening(api) as events:
            await eve.buys()
            number = await api.buys()
            active = await _next(events)
            assert (active["event"], active["data"]["data"]["number"]["id"]) == ("number.active", number["id"])
            api.story.sms(number["number"], "Your code is 777888")
            received = await _next(events)
            assert received["event"] == received["data"]["type"] == "sms.received"
            assert received["data"]["data"]["message"]["code"] == "777888"
            assert received["data"]["data"]["number"]["state"] == "received"
        await api.post("manage_number", action="finish", id=number["id"])
        async with listening(api, last=active["id"]) as events:
            assert await _next(events) == received
            completed = await _next(events)
            assert (completed["event"], completed["data"]["data"]["number"]["state"]) == (
                "number.completed",
                "finished",
            )
        assert int(completed["id"][1:]) > int(received["id"][1:]) > int(active["id"][1:])


async def test_a_stream_ends_cleanly_at_the_stop_and_when_its_key_is_revoked(tmp_path):
    async with calling(tmp_path) as api:
        async with listening(api) as events:
            user = await api.story.app.access.see(Seen(api.person.id, "Ada", language="en"))
            other = await caller(api.story, api.client, "Eve")
            await api.story.app.programs.keys.revoke(user, api.key_id)
            api.person.say("whatsapp germany")
            await api.person.sees(says.PRICE)
            await api.person.press(says.CONFIRM)
            with pytest.raises(StopAsyncIteration):
                await _next(events)
        async with listening(other) as events:
            began = time.monotonic()
            stopping = asyncio.create_task(api.story.app.stop())
            with pytest.raises(StopAsyncIteration):
                await _next(events)
            await stopping
            assert time.monotonic() - began < 3


async def test_a_key_works_in_each_of_the_three_places_and_so_does_a_token(tmp_path):
    async with calling(tmp_path) as api:
        url = f"{api.story.url}/api"
        made = (await api.client.post(f"{url}/auth", json={"apiKey": api.key})).json()
        assert made.keys() == {"status", "access_token", "token_type", "scope", "expires_in", "expires_at"}
        assert (made["expires_in"], made["scope"], made["token_type"]) == (3600, "full", "Bearer")
        for secret in (api.key, made["access_token"]):
            ways: list[dict[str, Any]] = [
                {"headers": {"Authorization": f"Bearer {secret}"}},
                {"headers": {"Authorization": f"bearer  {secret}"}},
                {"json": {"apiKey": secret}},
                {"content": json.dumps({"apiKey": secret})},
                {"params": {"apiKey": secret}},
            ]
            for way in ways:
                assert (await api.client.request("GET", f"{url}/balance", **way)).status_code == 200, way
        bearer = {"Authorization": f"Bearer {made['access_token']}"}
        assert (await api.client.post(f"{url}/auth/revoke", headers=bearer)).json() == {"status": "success"}
        gone = await api.client.get(f"{url}/balance", headers=bearer)
        assert (gone.status_code, gone.json()["code"]) == (401, "unauthorized")
        assert gone.headers["www-authenticate"] == "Bearer"


async def test_the_documented_call_word_for_word(tmp_path):
    """A GET with a JSON body that has the key, as the documents show it."""
    async with calling(tmp_path) as api:
        answer = await api.client.request(
            "GET",
            f"{api.story.url}/api/allocate_number?country=US&service=WhatsApp",
            headers={"Content-Type": "application/json"},
            content=json.dumps({"apiKey": api.key}),
        )
        body = answer.json()
        assert (answer.status_code, body["status"], body["country"]) == (200, "success", "US")
        assert body["number"].startswith("+1")
        assert {"id", "service", "price", "expires_at"} <= body.keys()
        assert answer.headers["cache-control"] == "no-store"


async def test_who_calls_too_often_is_told_when_to_come_again(tmp_path):
    async with calling(tmp_path, {"API_RATE": "5"}) as api:
        answers = [await api("GET", "balance") for _ in range(40)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert 5 <= len(refused) <= 15
        assert refused[0].json()["code"] == "rate_limited"
        assert refused[0].headers["retry-after"] == "1"
        await asyncio.sleep(1)
        assert (await api("GET", "balance")).status_code == 200


async def test_who_tries_keys_in_vain_is_slowed_down_and_a_good_key_is_not(tmp_path):
    async with calling(tmp_path, {"API_RATE": "5"}) as api:
        wrong = {"Authorization": "Bearer cpk_wrong"}
        codes = {(await api("GET", "balance", headers=wrong)).status_code for _ in range(40)}
        assert codes == {401, 429}
        assert (await api("GET", "balance")).status_code == 200


REFUSALS: tuple[tuple[str, dict[str, Any], int, dict[str, Any]], ...] = (
    ("allocate_number", {"country": "Atlantis", "service": "wa"}, 400, {"code": "unknown_country"}),
    ("allocate_number", {"country": "US", "service": "whatsap"}, 400, {"code": "unknown_service"}),
    ("allocate_number", {"service": "wa"}, 400, {"code": "bad_request", "field": "country"}),
    ("allocate_number", {**WHATSAPP, "kind": "rental"}, 400, {"code": "bad_request", "field": "hours"}),
    ("allocate_number", {**WHATSAPP, "kind": "rental", "hours": 5}, 409, {"code": "no_numbers"}),
    ("allocate_number", {**WHATSAPP, "max_price": "0.01"}, 409, {"code": "price_risen", "price": "0.3900"}),
    ("manage_number", {"action": "finish", "id": "n1"}, 409, {"code": "wrong_state", "state": "waiting"}),
    ("manage_number", {"action": "renew", "id": "n1"}, 400, {"code": "bad_request", "field": "hours"}),
    ("manage_number", {"action": "renew", "id": "n1", "hours": 4}, 409, {"code": "wrong_state", "state": "waiting"}),
    ("manage_number", {"action": "finish", "id": "n999"}, 404, {"code": "not_found"}),
    ("manage_number", {"action": "finish"}, 400, {"code": "bad_request", "field": "number"}),
    ("manage_number", {"action": "release", "id": "n1"}, 409, {"code": "cancel_too_early"}),
    ("nowhere", {}, 404, {"code": "no_such_call"}),
    ("balance", {}, 405, {"code": "method_not_allowed"}),
)


async def test_each_refusal_has_its_code_its_status_and_what_belongs_to_it(tmp_path):
    async with calling(tmp_path, sandbox=SandboxSettings(cancel_from_ms=60_000)) as api:
        number = await api.buys()
        for path, body, status, told in REFUSALS:
            answer = await api("POST", path, json=body)
            said = answer.json()
            assert (answer.status_code, {name: said.get(name) for name in told}) == (status, told), said
            assert said["status"] == "error"
            assert said["message"]
            if told["code"] == "cancel_too_early":
                assert said["cancel_from"] == number["cancel_from"]
        assert (await api.get("numbers"))["numbers"][0]["state"] == "waiting"


async def test_too_little_money_a_limit_and_a_failing_supplier_have_their_codes(tmp_path):
    async with calling(tmp_path, {"LIMIT_ACTIVE_NUMBERS": "1"}) as api:
        poor = await caller(api.story, api.client, "Poor", money=0.1)
        answer = await poor("POST", "allocate_number", json=WHATSAPP)
        assert (answer.status_code, answer.json()["code"], answer.json()["missing"]) == (
            402,
            "insufficient_funds",
            "0.2900",
        )
        for kind, status, code in (("refuse:no_numbers", 409, "no_numbers"), ("price_risen", 409, "price_risen")):
            api.story.sandbox.faults.add("allocate", kind)
            answer = await api("POST", "allocate_number", json=WHATSAPP)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        await api.buys()
        answer = await api("POST", "allocate_number", json=WHATSAPP)
        body = answer.json()
        assert (answer.status_code, body["code"], body["limit"], body["allowed"]) == (
            409,
            "limit_reached",
            "active_numbers",
            1,
        )


async def test_a_body_that_is_too_large_and_one_that_nests_without_end_are_refused(tmp_path):
    async with calling(tmp_path) as api:
        large = await api("POST", "allocate_number", content=b'{"country": "' + b"x" * 1_000_000 + b'"}')
        assert (large.status_code, large.json()["code"]) == (413, "too_large")
        for body in (
            b"[" * 200_000,
            b'{"a":' * 100_000,
            b'{"hours": ' + b"9" * 10_000 + b"}",
            b'{"country": "\\ud800"}',
        ):
            assert (await api("POST", "allocate_number", content=body)).status_code == 400


async def test_pages_hold_what_the_whole_list_holds(tmp_path):
    async with calling(tmp_path) as api:
        for _ in range(5):
            await api.buys()
        for path, name, size in (("numbers", "numbers", 2), ("prices", "prices", 1500)):
            whole = (await api.get(path, limit=500 if path == "numbers" else 5000))[name]
            found: list[Any] = []
            cursor: dict[str, str] = {}
            while True:
                page = await api.get(path, limit=size, **cursor)
                found += page[name]
                if page["next_cursor"] is None:
                    break
                assert len(page[name]) == size
                cursor = {"cursor": page["next_cursor"]}
            assert found[: len(whole)] == whole
            assert len(found) >= len(whole)


async def test_a_removed_person_keeps_no_key(tmp_path):
    async with client() as http, playing(tmp_path, settings={**ON, "ACCESS": "private"}) as story:
        owner = await story.comes("Olga", user_id=OWNER_ID)
        shown = await owner.asks("/invite", says.ONE_IN)
        ada = story.person("Ada")
        await ada.asks("/start " + shown.text.split("start=")[1].split()[0], says.WELCOME)
        shown = await ada.asks("/apikey full script", says.KEY_ONCE)
        key = shown.button(says.COPY_KEY)["copy_text"]["text"]
        headers = {"Authorization": f"Bearer {key}"}
        assert (await http.get(f"{story.url}/api/numbers", headers=headers)).status_code == 200
        owner.forge(f"rm:{ada.id}:1")
        await until(lambda: story.rows("SELECT id FROM users WHERE id = ? AND removed = 1", ada.id))
        answer = await http.get(f"{story.url}/api/numbers", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_where_the_api_is_off_nothing_of_it_is_there(tmp_path):
    async with client() as http, playing(tmp_path) as story:
        for path in ("/api/balance", "/api", "/docs", "/openapi.json", "/docs/swagger-ui.css"):
            assert (await http.get(story.url + path)).status_code == 404
        ada = await story.comes()
        await ada.asks("/apikey", says.UNKNOWN_COMMAND)
        for forged in ("ak", "ka:full", "ks:1", "kr:1:1"):
            ada.forge(forged)
            await ada.sees_any((says.OLD_BUTTON,))
        await ada.asks("/settings", says.SETTINGS)
        assert not any("API" in button["text"] for button in ada.chat()[-1].buttons)
