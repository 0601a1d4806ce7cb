"""The Bot API's methods by name. A handler checks a request, does it, and returns `result`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.demo.telegram.params import Params
from bot.demo.telegram.world import TelegramWorld

Handler: TypeAlias = Callable[[TelegramWorld, Params], Any]
"""Returns the result, or an awaitable of it, or a Described; raises ApiError."""

METHODS: dict[str, Handler] = {}
"""Keys in lower case: Telegram does not mind the case of a method's name."""


@dataclass(frozen=True, slots=True)
class Described:
    """A result that Telegram explains in a `description`."""

    result: Any
    description: str


def method(name: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        METHODS[name.lower()] = handler
        return handler

    return register
