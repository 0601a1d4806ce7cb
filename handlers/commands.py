"""The command menu, in each language, as Telegram's clients show it."""

from telegram import Bot, BotCommand, BotCommandScopeChat

from bot.texts import Texts, Words, plain
from bot.texts import mark as _

COMMANDS = {
    "menu": _("Start page"),
    "buy": _("Get a number"),
    "rent": _("Rent a number for hours or days"),
    "numbers": _("Your open numbers"),
    "history": _("Your past numbers"),
    "balance": _("Your money and where it went"),
    "settings": _("Language and privacy"),
    "help": _("How it works"),
}


def menu(t: Words, *, prepaid: bool) -> list[BotCommand]:
    shown = {name: text for name, text in COMMANDS.items() if prepaid or name != "balance"}
    return [BotCommand(name, plain(t(text))) for name, text in shown.items()]


async def publish(bot: Bot, texts: Texts, *, prepaid: bool) -> None:
    """Set the menu once for everybody, in English, and once for each other language."""
    await bot.set_my_commands(menu(texts.of("en"), prepaid=prepaid))
    for language in texts.languages:
        if len(language) == 2 and language != "en":
            await bot.set_my_commands(menu(texts.of(language), prepaid=prepaid), language_code=language)


async def publish_for(bot: Bot, chat_id: int, t: Words, *, prepaid: bool) -> None:
    """Set the menu of one chat, whose person chose a language other than their client's."""
    await bot.set_my_commands(menu(t, prepaid=prepaid), scope=BotCommandScopeChat(chat_id))
