"""A bot of a few lines, so that the page can be tried without the real one: it talks to the worlds directly."""

import asyncio
import time
from typing import Any

from bot.demo.telegram.texts import formatted
from bot.demo.telegram.updates import Update
from bot.demo.telegram.world import TelegramWorld
from bot.domain.numbers import Kind
from bot.providers.sandbox.world import SandboxWorld

Row = list[dict[str, Any]]

SERVICES = (
    ("wa", "🟢 WhatsApp"), ("tg", "✈️ Telegram"), ("go", "🔎 Google"), ("fb", "📘 Facebook"),
    ("ig", "📷 Instagram"), ("ds", "🎮 Discord"), ("am", "📦 Amazon"), ("lf", "🎵 TikTok"), ("ub", "🚕 Uber"),
)  # fmt: skip
COUNTRIES = (
    ("GB", "🇬🇧 United Kingdom · 0.35"), ("US", "🇺🇸 United States · 0.42"), ("DE", "🇩🇪 Germany · 0.61"),
    ("NL", "🇳🇱 Netherlands · 0.55"), ("ID", "🇮🇩 Indonesia · 0.12"), ("BR", "🇧🇷 Brazil · 0.18"),
    ("PL", "🇵🇱 Poland · 0.29"), ("KZ", "🇰🇿 Kazakhstan · 0.21"), ("BA", "🇧🇦 Bosnia & Herzegovina · 0.33"),
    ("IN", "🇮🇳 India · 0.09"),
)  # fmt: skip


def key(text: str, data: str, **more: Any) -> dict[str, Any]:
    return {"text": text, "callback_data": data, **more}


def rows(keys: Row, columns: int) -> list[Row]:
    return [keys[i : i + columns] for i in range(0, len(keys), columns)]


class ScriptedBot:
    def __init__(self, telegram: TelegramWorld, sandbox: SandboxWorld) -> None:
        self.telegram = telegram
        self.sandbox = sandbox
        self.answer_after_s = 0.0
        self.pressed: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        telegram.updates.on_update = self._on_update

    def send(self, chat_id: int, html: str, keyboard: list[Row] | None = None, **more: Any) -> int:
        chat = self.telegram.chat(chat_id)
        message = self.telegram.publish(chat, self.telegram.bot, {**_content(html, keyboard), **more})
        return int(message["message_id"])

    def edit(self, chat_id: int, message_id: int, html: str, keyboard: list[Row] | None = None) -> None:
        chat = self.telegram.chat(chat_id)
        old = chat.messages[message_id]
        kept = {name: old[name] for name in ("message_id", "from", "chat", "date")}
        self.telegram.replace(chat, {**kept, "edit_date": int(time.time()), **_content(html, keyboard)})

    def menu(self, chat_id: int) -> int:
        keys = [key(name, f"s:{code}") for code, name in SERVICES]
        more = [[key("🔍 Find a service", "find"), key("🗓 Rent for longer", "rent", style="primary")]]
        return self.send(chat_id, MENU, rows(keys, 3) + more)

    def _on_update(self, update: Update) -> None:
        task = asyncio.get_running_loop().create_task(self._handle(update.body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, body: dict[str, Any]) -> None:
        if "message" in body and body["message"].get("text") in ("/start", "/buy"):
            self.menu(body["message"]["chat"]["id"])
        elif "message" in body:
            self.send(body["message"]["chat"]["id"], "Say /start to begin.", reply_to_message=body["message"])
        elif "callback_query" in body:
            await self._pressed(body["callback_query"])

    async def _pressed(self, query: dict[str, Any]) -> None:
        chat_id, message_id, data = query["from"]["id"], query["message"]["message_id"], query["data"]
        self.pressed.append(data)
        await asyncio.sleep(self.answer_after_s)
        text, alert = {"find": ("Type a name, such as Uber.", False), "rent": (ALERT, True)}.get(data, ("", False))
        event = {"type": "callback_answer", "user_id": chat_id, "query_id": query["id"]}
        self.telegram.events.emit({**event, "text": text, "show_alert": alert})
        if data.startswith("s:"):
            countries = [key(name, f"c:{data[2:]}:{iso}") for iso, name in COUNTRIES]
            self.edit(
                chat_id,
                message_id,
                COUNTRY_LIST,
                [*rows(countries, 2), [key("‹ Services", "back"), key("1 / 7 ›", "page")]],
            )
        elif data.startswith("c:"):
            await self.buy(chat_id, *data.split(":")[1:], message_id)

    async def buy(self, chat_id: int, service: str, country: str, message_id: int | None = None) -> str:
        """The phone that the sandbox sold; its card replaces the message, or is a new one."""
        args = {"ref": f"r{time.time_ns()}", "kind": Kind.ACTIVATION.value, "service": service, "country": country}
        answer = await self.sandbox.call("allocate", {**args, "cap": 10**9})
        phone = str(answer["number"]["phone"])
        html = CARD.format(phone=phone, until=answer["number"]["expires_at"] // 1000)
        keyboard = [
            [{"text": "Copy number", "copy_text": {"text": phone}}],
            [key("Waiting for the SMS", "noop", disabled={}), key("Cancel", "cancel", style="danger")],
        ]
        if message_id is None:
            self.send(chat_id, html, keyboard)
        else:
            self.edit(chat_id, message_id, html, keyboard)
        return phone

    def code(self, chat_id: int, code: str, text: str) -> int:
        keyboard = [
            [{"text": f"Copy {code}", "copy_text": {"text": code}, "style": "primary"}],
            [key("Another code", "again"), key("Finish", "finish", style="success")],
        ]
        return self.send(chat_id, CODE.format(code=code, text=text), keyboard)

    async def aclose(self) -> None:
        await asyncio.gather(*self._tasks)


def _content(html: str, keyboard: list[Row] | None) -> dict[str, Any]:
    content = dict(formatted(html, "HTML").fields())
    return {**content, "reply_markup": {"inline_keyboard": keyboard}} if keyboard else content


MENU = "<b>What do you need a number for?</b>\nPick a service, or type its name. Your balance is <b>12.40 $</b>."
ALERT = "Rentals last from four hours to thirty days.\nPick a service first."
COUNTRY_LIST = "<b>WhatsApp</b> · pick a country\n<i>Cheapest first; you pay only when a code arrives.</i>"
CARD = (
    "🇬🇧 <b>WhatsApp</b> · United Kingdom · <i>test number</i>\n\n<code>{phone}</code>\n\n"
    'Waiting for the SMS. The number ends <tg-time unix="{until}" format="r">soon</tg-time>.\n'
    "<blockquote>Not charged yet: you pay 0.35 $ when the first code arrives.</blockquote>"
)
CODE = (
    "💬 <b>WhatsApp</b> code\n\n<code>{code}</code>\n\n"
    "<blockquote expandable>{text}</blockquote>\n<i>SMS 17.1 · charged 0.35 $</i>"
)
