"""The wire: bodies, tokens, texts of refusals, edits, callbacks, faults."""

import asyncio
import contextlib
import inspect
import json

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.telegram import server  # noqa: F401 - registers the methods
from bot.demo.telegram.errors import ApiError
from bot.demo.telegram.params import CHATS, FLAGS, INTEGERS, OBJECTS, Params, decode
from bot.demo.telegram.registry import METHODS, Described
from bot.demo.telegram.world import PersonError
from tests.demo.telegram_kit import TOKEN, served, until, world_with

TEXTS = [
    "text",
    "caption",
    "parse_mode",
    "url",
    "title",
    "description",
    "payload",
    "currency",
    "language_code",
    "action",
    "document",
    "photo",
]
NAMES = sorted(CHATS | FLAGS | OBJECTS | (INTEGERS - {"timeout"})) + TEXTS
NESTED = [
    "inline_keyboard",
    "keyboard",
    "remove_keyboard",
    "text",
    "callback_data",
    "url",
    "copy_text",
    "disabled",
    "style",
    "pay",
    "type",
    "offset",
    "length",
    "user",
    "id",
    "message_id",
    "chat_id",
    "quote",
    "allow_sending_without_reply",
    "command",
    "description",
    "emoji",
    "label",
    "amount",
    "is_disabled",
]


async def test_a_text_of_digits_stays_a_text_in_every_kind_of_body():
    world, ada = world_with()
    async with served(world) as api:
        url = f"/bot{TOKEN}/sendMessage"
        fields = {"chat_id": str(ada), "text": "0123"}
        for body in ({"data": fields}, {"json": {"chat_id": ada, "text": "0123"}}, {"params": fields}):
            answer = (await api.http.post(url, **body)).json()
            assert answer["result"]["text"] == "0123"
        multipart = await api.http.post(url, data=fields, files={"unused": ("a.txt", b"x")})
        assert multipart.json()["result"]["text"] == "0123"
        assert world.requests[-1].params == {
            "chat_id": ada,
            "text": "0123",
            "unused": {"file_name": "a.txt", "mime_type": "text/plain", "file_size": 1},
        }


async def test_the_token_may_come_percent_encoded_and_a_wrong_one_is_unauthorized():
    world, _ = world_with()
    async with served(world) as api:
        encoded = await api.http.get(f"/bot{TOKEN.replace(':', '%3A')}/getMe")
        assert encoded.json()["result"]["username"] == "codepigeon_demo_bot"
        wrong = await api.http.get("/bot4242:nope/getMe")
        assert wrong.status_code == 401
        assert wrong.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}
        assert (await api.http.get(f"/file/bot{TOKEN}/none.txt")).status_code == 404
        unknown = await api.call("sendNothing")
        assert (unknown["error_code"], unknown["description"]) == (404, "Not Found: method not found")


async def test_requests_are_refused_in_telegrams_own_words():
    world, ada = world_with()
    async with served(world) as api:

        async def refusal(method: str, **params: object) -> str:
            return (await api.refusal(method, **params)).removeprefix("Bad Request: ")

        said = next(iter(world.messages(ada)))["message_id"]
        assert await refusal("sendMessage", text="x") == "chat_id is empty"
        assert await refusal("sendMessage", chat_id=5, text="x") == "chat not found"
        assert await refusal("sendMessage", chat_id="@nobody", text="x") == "chat not found"
        assert await refusal("sendMessage", chat_id=ada) == "message text is empty"
        assert await refusal("sendMessage", chat_id=ada, text=" \n ") == "text must be non-empty"
        assert await refusal("sendMessage", chat_id=ada, text="x" * 4097) == "message is too long"
        assert "reads HTML only" in await refusal("sendMessage", chat_id=ada, text="x", parse_mode="MarkdownV2")
        assert await refusal("sendMessage", chat_id=ada, text="x", parse_mode="BB") == "unsupported parse_mode"
        assert await refusal("editMessageText", chat_id=ada, message_id=99, text="x") == "message to edit not found"
        assert await refusal("editMessageText", chat_id=ada, message_id=said, text="x") == "message can't be edited"
        assert await refusal("deleteMessage", chat_id=ada, message_id=99) == "message to delete not found"
        reply = {"message_id": 99}
        missing = "message to be replied not found"
        assert await refusal("sendMessage", chat_id=ada, text="x", reply_parameters=reply) == missing
        assert await refusal("sendChatAction", chat_id=ada, action="x") == "wrong parameter action in request"
        assert await refusal("getFile", file_id="x") == "wrong file_id or the file is temporarily unavailable"
        assert await refusal("sendPhoto", chat_id=ada) == "there is no photo in the request"
        assert await refusal("getChatMember", chat_id=ada, user_id=77) == "user not found"
        broken = await api.http.post(f"/bot{TOKEN}/getMe", content=b"{", headers={"content-type": "application/json"})
        assert broken.status_code == 400


async def test_four_thousand_and_ninety_six_characters_count_after_parsing():
    world, ada = world_with()
    async with served(world) as api:
        text = "<b>" + "😀" * 4096 + "</b>"
        sent = await api.result("sendMessage", chat_id=ada, text=text, parse_mode="HTML")
        assert sent["entities"] == [{"type": "bold", "offset": 0, "length": 8192}]
        edit = {"chat_id": ada, "message_id": sent["message_id"], "text": "x" * 4097}
        assert await api.refusal("editMessageText", **edit) == "Bad Request: MESSAGE_TOO_LONG"


async def test_an_edit_that_changes_nothing_is_refused_and_one_that_drops_the_keyboard_is_not():
    world, ada = world_with()
    keyboard = {"inline_keyboard": [[{"text": "a", "callback_data": "a"}]]}
    async with served(world) as api:
        sent = await api.result(
            "sendMessage", chat_id=ada, text="<b>x</b>", parse_mode="HTML", reply_markup=json.dumps(keyboard)
        )
        place = {"chat_id": ada, "message_id": sent["message_id"]}
        same = {**place, "text": "x ", "entities": [{"type": "bold", "offset": 0, "length": 1}]}
        assert (await api.refusal("editMessageText", **same, reply_markup=keyboard)).startswith(
            "Bad Request: message is not modified: specified new message content and reply markup are exactly"
        )
        edited = await api.result("editMessageText", **same)
        assert "reply_markup" not in edited
        assert "edit_date" in edited
        await api.result("editMessageReplyMarkup", **place, reply_markup=keyboard)
        assert world.messages(ada)[-1]["reply_markup"] == keyboard
        assert "not modified" in await api.refusal("editMessageReplyMarkup", **place, reply_markup=keyboard)


async def test_keyboards_are_checked_as_telegram_checks_them():
    world, ada = world_with()
    async with served(world) as api:

        async def refusal(**button: object) -> str:
            markup = {"inline_keyboard": [[button]]}
            answer = await api.refusal("sendMessage", chat_id=ada, text="x", reply_markup=markup)
            return answer.removeprefix("Bad Request: ")

        assert await refusal(text="a", callback_data="x" * 65) == "BUTTON_DATA_INVALID"
        assert await refusal(text="a", callback_data="ж" * 33) == "BUTTON_DATA_INVALID"
        assert await refusal(text="a", copy_text={"text": ""}) == "BUTTON_COPY_TEXT_INVALID"
        assert await refusal(text="a", copy_text={"text": "x" * 257}) == "BUTTON_COPY_TEXT_INVALID"
        prefix = "can't parse inline keyboard button: "
        assert await refusal(text="a") == prefix + "Text buttons are unallowed in the inline keyboard"
        assert await refusal(callback_data="a") == prefix + 'Can\'t find field "text"'
        assert await refusal(text="a", callback_data="a", style="pink") == prefix + "invalid button style specified"
        assert await refusal(text=" ", callback_data="a") == "inline keyboard button text must be non-empty"
        assert "is invalid: Wrong HTTP URL" in await refusal(text="a", url="http://localhost/x")
        fits = {"inline_keyboard": [[{"text": "a", "callback_data": "ж" * 32}]]}
        await api.result("sendMessage", chat_id=ada, text="x", reply_markup=fits)


async def test_a_press_is_answered_once_and_only_while_it_is_young():
    world, ada = world_with()
    keyboard = {"inline_keyboard": [[{"text": "a", "callback_data": "a"}]]}
    async with served(world) as api:
        sent = await api.result("sendMessage", chat_id=ada, text="x", reply_markup=keyboard)
        query = world.press(ada, ada, sent["message_id"], "a")
        [update] = await api.result("getUpdates")
        assert update["callback_query"]["id"] == query
        assert update["callback_query"]["message"] == sent
        await api.result("answerCallbackQuery", callback_query_id=query)
        old = "Bad Request: query is too old and response timeout expired or query ID is invalid"
        assert await api.refusal("answerCallbackQuery", callback_query_id=query) == old
        world.callbacks.lifetime_s = -1
        late = world.press(ada, ada, sent["message_id"], "a")
        assert await api.refusal("answerCallbackQuery", callback_query_id=late) == old


async def test_only_a_forger_can_press_what_is_not_there():
    world, ada = world_with()
    mallory = world.add_user("Mallory")
    async with served(world) as api:
        sent = await api.result("sendMessage", chat_id=ada, text="x")
        with pytest.raises(PersonError, match="no such button"):
            world.press(ada, ada, sent["message_id"], "a")
        with pytest.raises(PersonError, match="not in this chat"):
            world.press(mallory, ada, sent["message_id"], "a")
        world.press_stale(mallory, ada, sent["message_id"], "a")
        await api.result("deleteMessage", chat_id=ada, message_id=sent["message_id"])
        world.press_stale(ada, ada, sent["message_id"], "a")
        with pytest.raises(PersonError, match="never was"):
            world.press_stale(ada, ada, 99, "a")
        forged, gone = await api.result("getUpdates")
        assert (forged["callback_query"]["from"]["id"], forged["callback_query"]["data"]) == (mallory, "a")
        assert gone["callback_query"]["message"] == {
            "message_id": sent["message_id"],
            "chat": {"id": ada, "first_name": "Ada", "type": "private"},
            "date": 0,
        }


async def test_in_a_group_the_bot_hears_commands_mentions_and_replies_only():
    world, ada = world_with()
    bob = world.add_user("Bob")
    async with served(world) as api:
        group = world.add_group("Team", [ada, bob])
        assert group < 0
        hello = await api.result("sendMessage", chat_id=group, text="hello")
        world.say(bob, "nothing for a bot", group)
        world.say(bob, "/buy", group)
        world.say(bob, "/buy@other_bot", group)
        world.say(bob, "hey @codepigeon_demo_bot", group)
        world.say(ada, "thanks", group, reply_to=hello["message_id"])
        added, joined, *heard = await api.result("getUpdates")
        assert added["my_chat_member"]["new_chat_member"]["status"] == "member"
        assert joined["message"]["new_chat_members"][0]["is_bot"]
        assert [update["message"]["text"] for update in heard] == ["/buy", "hey @codepigeon_demo_bot", "thanks"]
        world.kick_bot(ada, group)
        assert await api.refusal("sendMessage", chat_id=group, text="x") == (
            "Forbidden: bot was kicked from the group chat"
        )


async def test_faults_meet_the_requests_they_are_meant_for_and_no_others():
    world, ada = world_with()
    bob = world.add_user("Bob")
    world.say(bob, "hi")
    async with served(world) as api:
        world.faults.add("sendMessage", "429", times=2, chat_id=ada, retry_after=3)
        await api.result("sendMessage", chat_id=bob, text="x")
        await api.result("getMe")
        for _ in range(2):
            answer = await api.call("sendMessage", chat_id=ada, text="x")
            assert answer["description"] == "Too Many Requests: retry after 3"
            assert answer["parameters"] == {"retry_after": 3}
        await api.result("sendMessage", chat_id=ada, text="x")
        group = world.add_group("Team", [ada])
        world.faults.add(kind="migrate", chat_id=group)
        moved = await api.call("sendMessage", chat_id=group, text="x")
        assert moved["description"] == "Bad Request: group chat was upgraded to a supergroup chat"
        await api.result("sendMessage", chat_id=moved["parameters"]["migrate_to_chat_id"], text="x")
        world.faults.add("sendMessage", "403", description="Forbidden: user is deactivated")
        assert await api.refusal("sendMessage", chat_id=ada, text="x") == "Forbidden: user is deactivated"
        with pytest.raises(ValueError, match="unknown fault"):
            world.faults.add(kind="gremlin")
        assert world.faults.shown == {"429": 2, "migrate": 1, "403": 1}


async def test_a_drop_closes_the_connection_without_a_single_byte():
    world, ada = world_with()
    async with served(world) as api:
        world.faults.add("sendMessage", "drop_after")
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await api.call("sendMessage", chat_id=ada, text="x")
        assert world.messages(ada)[-1]["text"] == "x"


async def test_a_payment_that_the_bot_leaves_unanswered_expires():
    world, ada = world_with()
    world.payments.answer_within_s = 0.05
    async with served(world) as api:
        price = [{"label": "Ten", "amount": 50}]
        order = {"chat_id": ada, "title": "T", "description": "D", "payload": "p", "currency": "XTR", "prices": price}
        invoice = await api.result("sendInvoice", **order)
        query = world.pay(ada, ada, invoice["message_id"])
        await until(lambda: world.payments.status(query) == "expired")
        assert "query is too old" in await api.refusal("answerPreCheckoutQuery", pre_checkout_query_id=query, ok=True)
        declined = world.pay(ada, ada, invoice["message_id"])
        answer = {"pre_checkout_query_id": declined, "ok": False}
        assert "error_message" in await api.refusal("answerPreCheckoutQuery", **answer)
        await api.result("answerPreCheckoutQuery", **answer, error_message="Sold out")
        assert world.payments.status(declined) == "declined"
        assert "STARS_INVOICE_INVALID" in await api.refusal("sendInvoice", **{**order, "prices": price * 2})
        refund = {"user_id": ada, "telegram_payment_charge_id": "none"}
        assert "CHARGE_NOT_FOUND" in await api.refusal("refundStarPayment", **refund)


async def test_replies_pins_copies_reactions_and_bulk_deletion():
    world, ada = world_with()
    async with served(world) as api:
        first = await api.result("sendMessage", chat_id=ada, text="a", link_preview_options={"is_disabled": True})
        assert first["link_preview_options"] == {"is_disabled": True}
        reply = await api.result(
            "sendMessage", chat_id=ada, text="b", reply_parameters={"message_id": first["message_id"]}
        )
        assert reply["reply_to_message"] == first
        alone = {"message_id": 99, "allow_sending_without_reply": True}
        assert "reply_to_message" not in await api.result("sendMessage", chat_id=ada, text="c", reply_parameters=alone)
        await api.result("pinChatMessage", chat_id=ada, message_id=first["message_id"])
        assert (await api.result("getChat", chat_id=ada))["pinned_message"] == first
        await api.result("unpinChatMessage", chat_id=ada)
        copied = await api.result("copyMessage", chat_id=ada, from_chat_id=ada, message_id=first["message_id"])
        assert world.messages(ada)[-1]["message_id"] == copied["message_id"]
        reaction = [{"type": "emoji", "emoji": "👍"}]
        await api.result("setMessageReaction", chat_id=ada, message_id=1, reaction=reaction)
        assert "REACTION_INVALID" in await api.refusal(
            "setMessageReaction", chat_id=ada, message_id=1, reaction=[{"type": "emoji", "emoji": "🧮"}]
        )
        ids = [message["message_id"] for message in world.messages(ada)]
        await api.result("deleteMessages", chat_id=ada, message_ids=[*ids, 1000])
        assert world.messages(ada) == []


async def test_a_subscriber_that_falls_behind_is_told_to_reload():
    world, ada = world_with()
    with world.subscribe() as slow:
        for number in range(1200):
            world.say(ada, f"line {number}")
        first = slow.get_nowait()
    assert first == {"type": "resync"}
    assert len(world.messages(ada)) == 1000
    world.say(ada, "after")
    assert slow.qsize() < 1000


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 1005)
    | st.sampled_from(["", "x", "HTML", "<b>", "emoji", "text_mention", "http://[", "@a", "1001", "{", "XTR"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NESTED), inner, max_size=4),
    max_leaves=8,
)


def objects(*fields: str) -> st.SearchStrategy:
    return st.dictionaries(st.sampled_from(fields), VALUES, max_size=4) | VALUES


def lists_of(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(inner, max_size=2) | VALUES


BUTTONS = lists_of(lists_of(objects("text", "callback_data", "url", "copy_text", "disabled", "style", "pay")))
SHAPED = st.fixed_dictionaries(
    {},
    optional={
        "reply_markup": st.fixed_dictionaries({}, optional={"inline_keyboard": BUTTONS, "keyboard": BUTTONS}),
        "entities": lists_of(objects("type", "offset", "length", "url", "user")),
        "reply_parameters": objects("message_id", "chat_id", "quote", "allow_sending_without_reply"),
        "link_preview_options": objects("is_disabled", "url"),
        "commands": lists_of(objects("command", "description")),
        "scope": objects("type", "chat_id", "user_id"),
        "menu_button": objects("type"),
        "prices": lists_of(objects("label", "amount")),
        "reaction": lists_of(objects("type", "emoji")),
        "message_ids": lists_of(VALUES),
        **{name: st.just("x") for name in ("title", "description", "payload")},
        "currency": st.just("XTR"),
    },
)


@given(st.sampled_from(sorted(METHODS)), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8), SHAPED)
@settings(max_examples=150, deadline=None)
def test_no_request_however_odd_breaks_the_server(method, values, shaped):
    world, ada = world_with()
    world.publish(world.chats[ada], world.bot, {"text": "mine"})
    params = Params(decode({"chat_id": ada, "message_id": 2, "text": "x", **values, **shaped}))
    with contextlib.suppress(ApiError):
        result = METHODS[method](world, params)
        if inspect.isawaitable(result):
            result = asyncio.run(result)
        json.dumps(result.result if isinstance(result, Described) else result)
