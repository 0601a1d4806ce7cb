"""From an update to the handler that answers it: who it is, what they want, and what to say when it can't be."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias

from telegram import Chat, Message, Update
from telegram import User as TelegramUser
from telegram.ext import Application, CallbackQueryHandler, ChatMemberHandler, ContextTypes, MessageHandler, filters

from bot.domain.errors import CodepigeonError, LimitReached, Refusal, TooLittleMoney
from bot.domain.people import Role, Seen, User
from bot.services.access import require_member
from handlers import buttons as b
from handlers.deps import Deps
from handlers.errors import Explainer
from handlers.screens import FRESH, Screen, key
from handlers.talk import Talk
from storage.db import StorageDown

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 1.5
"""A press whose work takes longer is answered without words, for the client's spinner's sake."""

Press: TypeAlias = Callable[[Talk, Any], Awaitable[None]]
Command: TypeAlias = Callable[[Talk], Awaitable[None]]
Text: TypeAlias = Callable[[Talk, str], Awaitable[None]]

ON_CARD = (b.AnotherCode, b.Finish, b.Cancel, b.Renew, b.Release, b.ShowNumber, b.ShowMessages)
"""Presses on a number's own message, which a refusal must not overwrite."""

App: TypeAlias = Application[Any, Any, Any, Any, Any, Any]


class Router:
    def __init__(
        self,
        deps: Deps,
        explainer: Explainer,
        presses: dict[type[b.Button], Press],
        commands: dict[str, Command],
        text: Text,
        came_back: Command,
    ) -> None:
        self._deps = deps
        self._explainer = explainer
        self._presses = presses
        self._commands = commands
        self._text = text
        self._came_back = came_back

    def register(self, app: App) -> None:
        app.add_handler(CallbackQueryHandler(self.pressed))
        app.add_handler(ChatMemberHandler(self.member_changed, ChatMemberHandler.MY_CHAT_MEMBER))
        private = filters.ChatType.PRIVATE & filters.UpdateType.MESSAGE
        app.add_handler(MessageHandler(private, self.said))
        app.add_handler(MessageHandler(filters.ChatType.GROUPS & filters.COMMAND, self.said_in_group))

    async def pressed(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        query = update.callback_query
        if query is None or query.message is None or query.message.chat.type != Chat.PRIVATE:
            return
        talk = await self._talk(update, context, query.from_user, query.from_user.id)
        if talk is None:
            return
        if query.message.chat.id == talk.chat_id:  # a forged press is answered in the chat of whoever pressed
            talk.message_id = query.message.message_id
        button: b.Button | None = None
        try:
            data = query.data or ""
            if data.startswith(FRESH):
                talk.message_id = None
            button = _allowed(talk.user, data.removeprefix(FRESH))
            await self._within_time(talk, self._presses[type(button)](talk, button))
            await talk.answer()
        except Exception as error:  # noqa: BLE001 - every refusal is answered, an unexpected one is logged
            await self._refuse(talk, error, in_place=not isinstance(button, ON_CARD) and button is not None)

    async def _within_time(self, talk: Talk, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=ANSWER_WITHIN_S)
            if not done:
                await talk.answer()
            await task
        finally:
            task.cancel()

    async def said(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        message, person = update.effective_message, update.effective_user
        if message is None or person is None:
            return
        talk = await self._talk(update, context, person, message.chat.id)
        if talk is None:
            return
        try:
            await self._came_back(talk)
            await self._heard(talk, message)
        except Exception as error:  # noqa: BLE001 - every refusal is answered, an unexpected one is logged
            await self._refuse(talk, error, in_place=True)

    async def _heard(self, talk: Talk, message: Message) -> None:
        words = (message.text or "").split()
        name = _command(words)
        if name != "start" or len(words) < 2:
            require_member(talk.user)
        if name is None:
            await self._text(talk, message.text or "")
            return
        talk.args = words[1:]
        handler = self._commands.get(name)
        if handler is None:
            await talk.say(self._unknown(talk))
        else:
            await handler(talk)

    def _unknown(self, talk: Talk) -> Screen:
        text = talk.t("🤔 I don't know that command. /help shows what I can do.")
        return Screen(text, ((key(talk.t("❓ Help"), b.Help()), key(talk.t("🏠 Menu"), b.Menu())),))

    async def said_in_group(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        message, person = update.effective_message, update.effective_user
        words = (message.text or "").split() if message is not None else []
        if message is None or person is None or _command(words) not in self._commands:
            return
        t = self._deps.texts.of(person.language_code or "")
        username = context.bot.username
        text = t("🔒 Codes are private, so let's talk in our own chat: {link}", link=f"https://t.me/{username}")
        await Talk(context.bot, await self._user(person), t, message.chat.id, update.update_id).say(Screen(text))

    async def member_changed(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Blocked or back: delivery learns of a block when it sends, so only the way back matters here."""
        change = update.my_chat_member
        if change is None or change.chat.type != Chat.PRIVATE or change.new_chat_member.status != "member":
            return
        with suppress(StorageDown):  # whatever they write next brings them back as well
            user = await self._user(change.from_user)
            t = self._deps.texts.of(user.language)
            await self._came_back(Talk(context.bot, user, t, change.chat.id, update.update_id))

    async def _talk(
        self, update: Update, context: ContextTypes.DEFAULT_TYPE, person: TelegramUser, chat_id: int
    ) -> Talk | None:
        """None where nobody can be known now, which they have been told."""
        query_id = update.callback_query.id if update.callback_query else None
        try:
            user = await self._user(person)
        except StorageDown as down:
            guest = User(person.id, person.full_name or "", "", person.language_code or "", Role.GUEST, False, 0)
            t = self._deps.texts.of(guest.language)
            unknown = Talk(context.bot, guest, t, chat_id, update.update_id, query_id=query_id)
            await self._refuse(unknown, down, in_place=False)
            return None
        t = self._deps.texts.of(user.language)
        return Talk(context.bot, user, t, chat_id, update.update_id, query_id=query_id)

    async def _user(self, person: TelegramUser) -> User:
        seen = Seen(person.id, person.full_name or "", person.username or "", person.language_code or "")
        return await self._deps.access.see(seen)

    async def _refuse(self, talk: Talk, error: Exception, *, in_place: bool) -> None:
        if isinstance(error, StorageDown):  # which storage has said once already
            log.info("update %d was refused: %s", talk.update_id, error.fault)
        elif not isinstance(error, CodepigeonError):
            log.error("update %d could not be handled", talk.update_id, exc_info=error)
        elif not isinstance(error, Refusal):
            log.warning("a provider could not serve: %s", type(error).__name__)
        screen = self._explainer.screen(talk.t, error)
        if talk.user.role is Role.GUEST:
            screen = Screen(screen.text)  # every button would be refused
        if isinstance(error, LimitReached | TooLittleMoney | StorageDown):
            talk.message_id = None  # the offer stays: its Confirm works again once the limit, balance or disk allows
        if in_place and talk.user.role is not Role.GUEST:
            await talk.answer()
            await talk.show(screen)
        elif talk.query_id is not None:
            await talk.alert(screen)
        else:
            await talk.say(screen)


def _command(words: list[str]) -> str | None:
    """'buy' for '/buy', '/Buy' and '/buy@our_bot'; None for other words."""
    return words[0].partition("@")[0].removeprefix("/").lower() if words and words[0].startswith("/") else None


def _allowed(user: User, data: str) -> b.Button:
    """The button, for whoever may press it: who was removed still settles the numbers that they have."""
    if not user.removed:
        require_member(user)
    button = b.unpack(data)
    if not isinstance(button, ON_CARD):
        require_member(user)
    return button
