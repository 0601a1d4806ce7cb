"""An unchanged python-telegram-bot application against the server, over real HTTP."""

import asyncio
import logging

import pytest
from telegram import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup, InputFile, LabeledPrice, Update
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, NetworkError, RetryAfter, TimedOut
from telegram.ext import CallbackQueryHandler, MessageHandler, PreCheckoutQueryHandler, filters

from bot.demo.telegram.server import create_app
from tests.demo.telegram_kit import application, polling, served, until, world_with
from tests.support.telegram import serving

MORE = InlineKeyboardMarkup([[InlineKeyboardButton("More", callback_data="more")]])


def echo_bot(base_url):
    async def echo(update: Update, _):
        await update.effective_message.reply_text(update.effective_message.text, reply_markup=MORE)

    async def more(update: Update, _):
        await update.callback_query.answer("more!")
        await update.callback_query.edit_message_text("<b>more</b>", parse_mode=ParseMode.HTML)

    app = application(base_url)
    app.add_handler(MessageHandler(filters.TEXT, echo))
    app.add_handler(CallbackQueryHandler(more))
    return app


async def test_a_polling_bot_echoes_a_text_and_edits_its_message_when_the_button_is_pressed():
    world, ada = world_with()
    async with served(world) as api, polling(echo_bot(api.base_url)):
        with world.subscribe() as events:
            world.say(ada, "12345")
            await until(lambda: len(world.messages(ada)) == 3)
            echoed = world.messages(ada)[-1]
            assert echoed["text"] == "12345"
            query = world.press(ada, ada, echoed["message_id"], "more")
            await until(lambda: world.messages(ada)[-1]["text"] == "more")
        edited = world.messages(ada)[-1]
        assert edited["message_id"] == echoed["message_id"]
        assert edited["entities"] == [{"type": "bold", "offset": 0, "length": 4}]
        assert "reply_markup" not in edited
        seen = [events.get_nowait() for _ in range(events.qsize())]
        assert [event["type"] for event in seen] == ["message", "message", "callback_answer", "edit"]
        assert (seen[2]["query_id"], seen[2]["text"], seen[2]["user_id"]) == (query, "more!", ada)


async def test_a_second_bot_makes_the_older_one_see_a_conflict():
    world, _ = world_with()
    async with served(world) as api:
        older, newer = application(api.base_url), application(api.base_url)
        async with older, newer:
            poll = asyncio.create_task(older.bot.get_updates(timeout=10, read_timeout=10))
            await until(lambda: world.requests and world.requests[-1].method == "getUpdates")
            await asyncio.sleep(0.05)
            second = asyncio.create_task(newer.bot.get_updates(timeout=10, read_timeout=10))
            with pytest.raises(Conflict, match="terminated by other getUpdates request; make sure that only one bot"):
                await poll
            world.say(1001, "hello")
            assert [update.message.text for update in await second] == ["hello"]


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
async def test_every_refusal_becomes_the_error_that_the_library_has_for_it():
    world, ada = world_with()
    group = world.add_group("Team", [ada])
    async with served(world) as api, application(api.base_url) as app:
        bot = app.bot
        with pytest.raises(BadRequest, match="Chat not found"):
            await bot.send_message(99, "x")
        stranger = world.add_user("Eve")
        with pytest.raises(Forbidden, match="bot can't initiate conversation with a user"):
            await bot.send_message(stranger, "x")
        world.block(ada)
        with pytest.raises(Forbidden, match="bot was blocked by the user"):
            await bot.send_message(ada, "x")
        world.unblock(ada)
        new_id = world.migrate_group(group)
        with pytest.raises(ChatMigrated) as migrated:
            await bot.send_message(group, "x")
        assert migrated.value.new_chat_id == new_id
        await bot.send_message(new_id, "x")
        world.faults.add("sendMessage", "429", retry_after=7)
        with pytest.raises(RetryAfter, match="Flood control exceeded"):
            await bot.send_message(ada, "x")
        for kind in ("500", "502"):
            world.faults.add("sendMessage", kind)
            with pytest.raises(NetworkError):
                await bot.send_message(ada, "x")


async def test_a_connection_dropped_before_the_effect_leaves_no_message_and_after_it_leaves_one():
    world, ada = world_with()
    async with served(world) as api, application(api.base_url) as app:
        before = len(world.messages(ada))
        world.faults.add("sendMessage", "drop_before")
        with pytest.raises(NetworkError):
            await app.bot.send_message(ada, "lost")
        assert len(world.messages(ada)) == before
        world.faults.add("sendMessage", "drop_after", chat_id=ada)
        with pytest.raises(NetworkError):
            await app.bot.send_message(ada, "sent")
        assert [message["text"] for message in world.messages(ada)[before:]] == ["sent"]
        world.faults.add("*", "timeout_after", delay_s=5)
        with pytest.raises(TimedOut):
            await app.bot.send_message(ada, "slow", read_timeout=0.2)
        assert world.messages(ada)[-1]["text"] == "slow"
        await app.bot.send_message(ada, "fine again")


async def test_blocking_and_unblocking_reach_the_bot_as_my_chat_member():
    world, ada = world_with()
    world.block(ada)
    world.unblock(ada)
    async with served(world) as api, application(api.base_url) as app:
        changes = [update.my_chat_member for update in await app.bot.get_updates()]
        seen = [(c.chat.id, c.old_chat_member.status, c.new_chat_member.status) for c in changes]
        assert seen == [(ada, "member", "kicked"), (ada, "kicked", "member")]


async def test_buttons_of_every_kind_come_back_as_they_were_sent():
    world, ada = world_with()
    async with served(world) as api, application(api.base_url) as app:
        row = [
            InlineKeyboardButton("Copy", copy_text=CopyTextButton("123456"), style="success"),
            InlineKeyboardButton("Site", url="https://example.com"),
            InlineKeyboardButton("Wait", api_kwargs={"disabled": {}}),
        ]
        sent = await app.bot.send_message(ada, "code", reply_markup=InlineKeyboardMarkup([row]))
        copy, site, wait = sent.reply_markup.inline_keyboard[0]
        assert (copy.copy_text.text, copy.style) == ("123456", "success")
        assert site.url == "https://example.com/"
        assert wait.api_kwargs == {"disabled": {}}


async def test_a_document_is_stored_and_can_be_downloaded():
    world, ada = world_with()
    async with served(world) as api, application(api.base_url) as app:
        data = b"a;b\n1;2\n"
        sent = await app.bot.send_document(ada, InputFile(data, "history.csv"), caption="<i>7</i>", parse_mode="HTML")
        assert (sent.document.file_name, sent.document.file_size, sent.caption) == ("history.csv", len(data), "7")
        file = await app.bot.get_file(sent.document.file_id)
        assert bytes(await file.download_as_bytearray()) == data
        again = await app.bot.send_document(ada, sent.document.file_id)
        assert again.document.file_id == sent.document.file_id


async def test_stars_are_paid_confirmed_and_refunded():
    world, ada = world_with()
    async with served(world) as api:
        app = application(api.base_url)

        async def confirm(update: Update, _):
            await update.pre_checkout_query.answer(ok=update.pre_checkout_query.invoice_payload == "p1")

        app.add_handler(PreCheckoutQueryHandler(confirm))
        async with polling(app):
            invoice = await app.bot.send_invoice(ada, "Ten", "Ten credits", "p1", "XTR", [LabeledPrice("Ten", 50)])
            assert invoice.reply_markup.inline_keyboard[0][0].pay
            query = world.pay(ada, ada, invoice.message_id)
            await until(lambda: world.payments.status(query) == "paid")
            paid = world.messages(ada)[-1]["successful_payment"]
            assert (paid["total_amount"], paid["invoice_payload"]) == (50, "p1")
            charge = paid["telegram_payment_charge_id"]
            await app.bot.refund_star_payment(ada, charge)
            assert world.payments.status(query) == "refunded"
            assert world.messages(ada)[-1]["refunded_payment"]["total_amount"] == 50
            with pytest.raises(BadRequest, match=r"(?i)charge_already_refunded"):
                await app.bot.refund_star_payment(ada, charge)


async def test_commands_are_shown_in_the_language_of_the_client():
    world, ada = world_with()
    async with served(world) as api, application(api.base_url) as app:
        await app.bot.set_my_commands([("buy", "Get a number")])
        await app.bot.set_my_commands([("buy", "Nummer holen")], language_code="de")
        assert world.commands(ada) == [{"command": "buy", "description": "Get a number"}]
        world.set_language(ada, "de-at")
        assert world.commands(ada) == [{"command": "buy", "description": "Nummer holen"}]


async def test_a_bot_gets_what_was_said_while_the_server_was_away(caplog):
    caplog.set_level(logging.CRITICAL)
    world, ada = world_with()
    async with served(world) as api:
        base_url = api.base_url
        bot = polling(echo_bot(base_url))
        await bot.__aenter__()
        await until(lambda: world.requests and world.requests[-1].method == "getUpdates")
    world.say(ada, "are you there?")
    async with serving(create_app(world), port=int(base_url.rpartition(":")[2])):
        await until(lambda: world.messages(ada)[-1]["from"]["is_bot"])
        await bot.__aexit__(None, None, None)
    assert [message["text"] for message in world.messages(ada)] == ["/start", "are you there?", "are you there?"]
