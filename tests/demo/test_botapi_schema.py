import pytest
from telegram import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters

from tests.demo.telegram_kit import application, served, world_with
from tests.support.botapi_schema import check

MARKUP = {"inline_keyboard": [[{"text": "a", "callback_data": "a"}]]}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("getMe", {}),
        ("GETME", {}),
        ("sendMessage", {"chat_id": 1, "text": "x", "reply_markup": MARKUP}),
        ("sendMessage", {"chat_id": "@name", "text": "x", "reply_parameters": {"message_id": 1}}),
        ("sendMessage", {"chat_id": 1, "text": "x", "reply_markup": {"remove_keyboard": True}}),
        (
            "sendMessage",
            {"chat_id": 1, "text": "x", "reply_markup": {"inline_keyboard": [[{"text": "a", "disabled": {}}]]}},
        ),
        ("sendDocument", {"chat_id": 1, "document": {"file_name": "a", "mime_type": "b", "file_size": 1}}),
        ("sendDocument", {"chat_id": 1, "document": "a file id"}),
        ("setMyCommands", {"commands": [{"command": "a", "description": "b"}], "scope": {"type": "default"}}),
    ],
)
def test_a_correct_request_has_no_problems(method, params):
    assert check(method, params) == []


@pytest.mark.parametrize(
    ("method", "params", "problem"),
    [
        ("sendNothing", {}, "sendNothing: there is no such method"),
        ("sendMessage", {"chat_id": 1}, "sendMessage: text is required"),
        ("sendMessage", {"chat_id": 1, "text": "x", "parsemode": "HTML"}, "sendMessage: there is no parsemode"),
        ("sendMessage", {"chat_id": 1, "text": 5}, "sendMessage.text: 5 is no String"),
        ("sendMessage", {"chat_id": 1.5, "text": "x"}, "sendMessage.chat_id: 1.5 is no Integer"),
        ("getUpdates", {"limit": True}, "getUpdates.limit: True is no Integer"),
        ("deleteMessages", {"chat_id": 1, "message_ids": [1, "2"]}, "deleteMessages.message_ids[1]: '2' is no Integer"),
        (
            "sendMessage",
            {"chat_id": 1, "text": "x", "reply_markup": {"inline_keyboard": [[{"text": "a", "callbackdata": "a"}]]}},
            "there is no callbackdata",
        ),
        (
            "sendMessage",
            {"chat_id": 1, "text": "x", "reply_markup": {"inline_keyboard": [[{"callback_data": "a"}]]}},
            "text is required",
        ),
        (
            "sendMessage",
            {
                "chat_id": 1,
                "text": "x",
                "reply_markup": {"inline_keyboard": [[{"text": "a", "copy_text": {"txt": "a"}}]]},
            },
            "there is no txt",
        ),
        ("sendMessage", {"chat_id": 1, "text": "x", "reply_parameters": {"id": 1}}, "message_id is required"),
        ("sendMessage", {"chat_id": 1, "text": "x", "reply_markup": "{"}, "'{' is no"),
    ],
)
def test_a_wrong_request_is_named_with_its_place(method, params, problem):
    problems = check(method, params)
    assert any(problem in found for found in problems), problems


async def test_what_the_library_really_sends_has_no_problems():
    world, ada = world_with()
    async with served(world) as api, application(api.base_url) as app:
        row = [
            InlineKeyboardButton("Copy", copy_text=CopyTextButton("1")),
            InlineKeyboardButton("Go", callback_data="g"),
        ]
        sent = await app.bot.send_message(
            ada, "x", parse_mode="HTML", reply_markup=InlineKeyboardMarkup([row]), reply_parameters=ReplyParameters(1)
        )
        await sent.edit_text("y", disable_web_page_preview=True)
        await app.bot.send_document(ada, b"data", filename="a.txt", caption="c")
        await app.bot.set_my_commands([("a", "b")], language_code="de")
        await app.bot.get_updates(timeout=0, allowed_updates=["message"])
        found = {recorded.method: check(recorded.method, recorded.params) for recorded in world.requests}
        assert {"sendMessage", "editMessageText", "sendDocument", "setMyCommands", "getUpdates"} <= found.keys()
        assert {method: problems for method, problems in found.items() if problems} == {}
