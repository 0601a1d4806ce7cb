"""What a person is shown: a text and the buttons under it, still without Telegram's types but for the keyboard."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from telegram import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup

from bot.texts import Html, plain
from handlers.buttons import Button

Key: TypeAlias = InlineKeyboardButton
Rows: TypeAlias = tuple[tuple[Key, ...], ...]

SUCCESS, DANGER, PRIMARY = "success", "danger", "primary"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Screen:
    text: Html
    rows: Rows = ()

    @property
    def keyboard(self) -> InlineKeyboardMarkup | None:
        return InlineKeyboardMarkup(self.rows) if self.rows else None


FRESH = "+"
"""Before a button's data: its answer is a new message, because the pressed one has to stay (a code, a card)."""


def key(label: str, button: Button, style: str | None = None, *, fresh: bool = False) -> Key:
    """A button that presses `button`; labels are plain text."""
    data = FRESH + button.pack() if fresh else button.pack()
    return InlineKeyboardButton(_label(label), callback_data=data, style=style)


def copy_key(label: str, text: str) -> Key:
    """A button that puts `text` (at most 256 characters) on the clipboard."""
    return InlineKeyboardButton(_label(label), copy_text=CopyTextButton(text[:256]))


def link_key(label: str, url: str) -> Key:
    return InlineKeyboardButton(_label(label), url=url)


def _label(label: str) -> str:
    return plain(label) if isinstance(label, Html) else label


def in_columns(keys: Iterable[Key], columns: int) -> Rows:
    listed = list(keys)
    return tuple(tuple(listed[at : at + columns]) for at in range(0, len(listed), columns))


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a longer list; `number` counts from 0 and is brought into range."""

    number: int
    pages: int
    start: int
    stop: int


def page_of(total: int, size: int, wanted: int) -> Page:
    pages = max(1, -(-total // size))
    number = min(max(wanted, 0), pages - 1)
    return Page(number, pages, number * size, min(total, (number + 1) * size))


def shown(items: Sequence[T], page: Page) -> Sequence[T]:
    return items[page.start : page.stop]
