"""The command menu, in each language, as Telegram's clients show it."""

from telegram import Bot, BotCommand, BotCommandScopeChat

from bot.texts import Texts, Words, plain
from bot.texts import mark as _
from handlers.deps import House

COMMANDS = {
    "menu": _("Start page"),
    "buy": _("Get a number"),
    "rent": _("Rent a number for hours or days"),
    "numbers": _("Your open numbers"),
    "history": _("Your past numbers"),
    "balance": _("Your money and where it went"),
    "apikey": _("Keys for programs"),
    "webhooks": _("Tell your programs what happens"),
    "settings": _("Language and privacy"),
    "help": _("How it works"),
}


def menu(t: Words, house: House) -> list[BotCommand]:
    hidden = {"balance": not house.prepaid, "apikey": not house.api_url, "webhooks": not house.api_url}
    shown = {name: text for name, text in COMMANDS.items() if not hidden.get(name)}
    return [BotCommand(name, plain(t(text))) for name, text in shown.items()]


async def publish(bot: Bot, texts: Texts, house: House) -> None:
    """Set the menu once for everybody, in English, and once for each other language."""
    await bot.set_my_commands(menu(texts.of("en"), house))
    for language in texts.languages:
        if len(language) == 2 and language != "en":
            await bot.set_my_commands(menu(texts.of(language), house), language_code=language)


async def publish_for(bot: Bot, chat_id: int, t: Words, house: House) -> None:
    """Set the menu of one chat, whose person chose a language other than their client's."""
    await bot.set_my_commands(menu(t, house), scope=BotCommandScopeChat(chat_id))
