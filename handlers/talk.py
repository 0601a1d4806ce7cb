"""One update being answered: who speaks, in which language, and how to answer them."""

import logging
from dataclasses import dataclass, field

from telegram import Bot
from telegram.error import TelegramError

from bot.domain.people import User
from bot.services.delivery import Blocked, MaybeSent, Moved, NotSent, Undeliverable
from bot.texts import Html, Words, plain
from handlers import sending
from handlers.pace import ANSWER
from handlers.screens import Screen

log = logging.getLogger(__name__)

LONGEST_ALERT = 200
UNSENT = (Blocked, MaybeSent, Moved, NotSent, Undeliverable)


@dataclass(slots=True)
class Talk:
    """`message_id` is the pressed message, None for a typed text; `query_id` the press to be answered."""

    bot: Bot
    user: User
    t: Words
    chat_id: int
    update_id: int
    message_id: int | None = None
    query_id: str | None = None
    args: list[str] = field(default_factory=list)
    """The words after a command."""

    async def show(self, screen: Screen) -> None:
        """In place of the pressed message; as a new one where nothing was pressed."""
        if self.message_id is None:
            await self.say(screen)
            return
        try:
            await sending.edit(self.bot, self.chat_id, self.message_id, screen, claim=ANSWER)
        except sending.EditGone:
            await self.say(screen)
        except UNSENT as error:
            log.warning("an answer was not shown: %s", type(error).__name__)

    async def say(self, screen: Screen) -> int | None:
        """As a new message; its id. One that is lost costs nothing: its command can be given again."""
        try:
            return await sending.send(self.bot, self.chat_id, screen)
        except UNSENT as error:
            log.warning("an answer was not sent: %s", type(error).__name__)
            return None

    async def replace(self, message_id: int, screen: Screen) -> None:
        """Edit another message of this chat, if it is still there."""
        try:
            await sending.edit(self.bot, self.chat_id, message_id, screen)
        except (*UNSENT, sending.EditGone) as error:
            log.info("an older message was not edited: %s", type(error).__name__)

    async def answer(self, text: str = "", *, alert: bool = False) -> bool:
        """Answer the press, once; False where there is none left to answer, or it is too old."""
        query_id, self.query_id = self.query_id, None
        if query_id is None:
            return False
        try:
            await self.bot.answer_callback_query(query_id, text[:LONGEST_ALERT] or None, show_alert=alert)
        except TelegramError as error:
            log.info("a press could not be answered: %s", type(error).__name__)
            return False
        return True

    async def toast(self, text: Html) -> None:
        """A word that passes; as a message where there is no press to hang it on."""
        if not await self.answer(plain(text)):
            await self.say(Screen(text))

    async def alert(self, screen: Screen) -> None:
        """A word to be confirmed, which leaves the pressed message as it is."""
        if not await self.answer(plain(screen.text), alert=True):
            await self.say(screen)
