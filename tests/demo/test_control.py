"""The control API over HTTP: what a person and a SIM card can do."""

import pytest

from tests.browser.scripted import key
from tests.demo.demo_site import demo_site


async def test_the_state_holds_people_chats_commands_phones_and_the_supplier():
    async with demo_site() as site:
        site.telegram.profile.set_commands("default", "", [{"command": "start", "description": "Begin"}])
        anna = (await site.post("/demo/users", {"name": "Anna", "language": "ru"}))["id"]
        site.bot.send(anna, "<b>Hi</b>")
        phone = await site.bot.buy(anna, "wa", "GB")
        state = await site.get("/demo/state")
        assert state["bot"] == {"name": "Codepigeon", "username": "codepigeon_demo_bot"}
        assert state["users"] == [{"id": anna, "name": "Anna", "username": "", "language": "ru", "blocked": False}]
        assert state["chats"][str(anna)][0]["text"] == "Hi"
        assert state["commands"][str(anna)] == [{"command": "start", "description": "Begin"}]
        assert state["provider"] == {"mode": "normal"}
        (shown,) = state["phones"]
        assert shown["phone"] == phone
        assert shown["formatted"].startswith("+44 ")
        assert shown["service_name"] == "WhatsApp"


async def test_what_a_person_says_reaches_the_bot_and_its_answer_the_chat():
    async with demo_site() as site:
        anna = site.telegram.add_user("Anna")
        said = await site.post(f"/demo/users/{anna}/messages", {"text": "  hello "})
        await site.bot.aclose()
        state = await site.get("/demo/state")
        first, second = state["chats"][str(anna)]
        assert (first["message_id"], first["text"]) == (said["message_id"], "hello")
        assert second["text"] == "Say /start to begin."


async def test_a_press_of_a_button_reaches_the_bot_and_one_that_is_not_there_is_refused():
    async with demo_site() as site:
        anna = site.telegram.add_user("Anna")
        message = site.bot.send(anna, "Pick", [[key("Go", "go")]])
        pressed = await site.post(f"/demo/users/{anna}/press", {"message_id": message, "data": "go"})
        await site.bot.aclose()
        assert pressed["query_id"]
        assert site.bot.pressed == ["go"]
        refused = await site.post(f"/demo/users/{anna}/press", {"message_id": message, "data": "x"}, 409)
        assert refused == {"error": "Telegram refuses: this message has no such button now."}


async def test_a_person_who_blocked_the_bot_cannot_write_until_they_unblock_it():
    async with demo_site() as site:
        anna = site.telegram.add_user("Anna")
        assert await site.post(f"/demo/users/{anna}/block") == {"blocked": True}
        await site.post(f"/demo/users/{anna}/messages", {"text": "hello"}, 409)
        assert await site.post(f"/demo/users/{anna}/unblock") == {"blocked": False}
        await site.post(f"/demo/users/{anna}/messages", {"text": "hello"})


async def test_the_language_of_a_person_can_be_switched():
    async with demo_site() as site:
        anna = site.telegram.add_user("Anna")
        await site.post(f"/demo/users/{anna}/language", {"language": "ru"})
        assert site.telegram.users()[0]["language"] == "ru"


async def test_an_sms_arrives_on_an_open_phone_and_late_on_a_closed_one():
    async with demo_site() as site:
        phone = await site.bot.buy(site.telegram.add_user("Anna"), "wa", "GB")
        bare = phone.removeprefix("+")
        (typical, *_) = await site.get(f"/demo/phones/{bare}/typical")
        assert (await site.post(f"/demo/phones/{bare}/sms", typical))["sms_id"]
        (shown,) = await site.get("/demo/phones")
        assert (shown["state"], shown["sms_count"]) == ("received", 1)
        await site.sandbox.call("finish", {"provider_ref": shown["provider_ref"]})
        assert (await site.post(f"/demo/phones/{phone}/sms", {"sender": "WA", "text": "late"}))["sms_id"]
        (shown,) = await site.get("/demo/phones")
        assert (shown["state"], shown["sms_count"]) == ("finished", 2)


async def test_the_supplier_can_be_set_to_each_of_its_modes_and_to_no_other():
    async with demo_site() as site:
        for mode in ("slow", "empty", "down", "normal"):
            await site.post("/demo/provider", {"mode": mode})
            assert site.sandbox.mode == mode
        refused = await site.post("/demo/provider", {"mode": "odd"}, 422)
        assert refused["error"].startswith("mode: ")


async def test_a_fault_is_added_to_the_book_with_all_that_was_said_of_it():
    async with demo_site() as site:
        body = {"method": "sendMessage", "kind": "429", "times": 2, "chat_id": 1001, "retry_after": 7}
        await site.post("/demo/telegram/faults", body)
        (fault,) = site.telegram.faults
        assert (fault.method, fault.kind, fault.times) == ("sendmessage", "429", 2)
        assert (fault.chat_id, fault.retry_after) == (1001, 7)


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        ("/demo/users/1001/messages", {"text": "   "}, 422, "text: "),
        ("/demo/users/1001/messages", {"text": "x" * 4097}, 422, "text: "),
        ("/demo/users/1001/messages", {"text": "x", "more": 1}, 422, "more: "),
        ("/demo/users/1001/messages", [], 422, "The body: "),
        ("/demo/users/1001/press", {"message_id": 0, "data": "x"}, 422, "message_id: "),
        ("/demo/users/1001/press", {"message_id": 1, "data": "x" * 65}, 422, "data: "),
        ("/demo/users/9/messages", {"text": "x"}, 404, "There is no person 9 in the demo."),
        ("/demo/users/x/block", {}, 422, "user_id: "),
        ("/demo/users", {"name": "", "language": "en"}, 422, "name: "),
        ("/demo/users", {"name": "A", "language": "EN!"}, 422, "language: "),
        ("/demo/phones/447000000000/sms", {"sender": "A", "text": "B"}, 404, "Nobody has this phone."),
        ("/demo/phones/x/sms", {"sender": "A", "text": "B"}, 422, "phone: "),
        ("/demo/telegram/faults", {"kind": "418"}, 422, "kind: "),
        ("/demo/telegram/faults", {"kind": "500", "times": 0}, 422, "times: "),
    ],
)
async def test_a_wrong_request_is_answered_with_a_sentence(path, body, status, sentence):
    async with demo_site() as site:
        site.telegram.add_user("Anna")
        refused = await site.post(path, body, status)
        assert refused["error"].startswith(sentence)
        assert set(refused) == {"error"}


async def test_a_body_that_is_no_json_and_a_text_that_is_no_unicode_are_refused():
    async with demo_site() as site:
        anna = site.telegram.add_user("Anna")
        for body in (b"{", b'{"text": "\\ud800"}'):
            headers = {"Content-Type": "application/json"}
            answer = await site.http.post(f"/demo/users/{anna}/messages", content=body, headers=headers)
            assert answer.status_code == 422
            assert "error" in answer.json()
        assert site.telegram.messages(anna) == []


async def test_a_call_that_does_not_exist_is_answered_with_a_sentence():
    async with demo_site() as site:
        assert await site.post("/demo/state", {}, 404) == {"error": "The demo has no such call."}
        assert (await site.http.get("/demo/nothing")).json() == {"error": "The demo has no such call."}
