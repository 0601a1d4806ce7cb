"""People who meanwhile look around in the bot: they write commands and press buttons, at a steady rate."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence

from tests.chaos.load.chats import Chats
from tests.chaos.load.town import Resident

WAYS = ("m", "h", "sv", "co", "ba", "se")
"""Prefixes of buttons that only show something."""
COMMANDS = ("/start", "/buy", "/help")


class Crowd:
    """`said` counts the commands: each of them is answered by a message of its own."""

    def __init__(self, chats: Chats, residents: Sequence[Resident], seed: int) -> None:
        self._chats = chats
        self._residents = residents
        self._chance = random.Random(seed)
        self.said = 0
        self.pressed = 0

    async def act(self, rate: float, seconds: float) -> None:
        began = time.monotonic()
        for place in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + place / rate - time.monotonic()))
            self._deed(self._chance.choice(self._residents).id)

    def _deed(self, user_id: int) -> None:
        buttons = list(self._buttons(user_id))
        if buttons and self._chance.random() < 0.6:
            message_id, data = self._chance.choice(buttons)
            self._chats.press(user_id, user_id, message_id, data)
            self.pressed += 1
        else:
            self._chats.say(user_id, self._chance.choice(COMMANDS))
            self.said += 1

    def _buttons(self, user_id: int) -> Iterator[tuple[int, str]]:
        """Of menus, and of nothing else."""
        for message in self._chats.messages(user_id):
            text = str(message.get("text", ""))
            if message["message_id"] == self._chats.cards.get(user_id) or text.startswith("🔑"):
                continue
            for row in message.get("reply_markup", {}).get("inline_keyboard", ()):
                for button in row:
                    data = str(button.get("callback_data", ""))
                    if data.partition(":")[0] in WAYS:
                        yield message["message_id"], data
