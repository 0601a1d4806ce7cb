"""Typed buttons: what a press carries, in at most 64 bytes. They hold ids only, and are not trusted."""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import ClassVar, TypeVar, dataclass_transform

from bot.domain.errors import OldButton

LONGEST = 63
"""Of 64: one is left for the mark that asks for a new message."""

_kinds: dict[str, type["Button"]] = {}


@dataclass(frozen=True, slots=True)
class Button:
    """A press. Subclasses have fields of type str, int or bool, packed in their order."""

    prefix: ClassVar[str] = ""

    def pack(self) -> str:
        """The callback data. Raises ValueError where Telegram would refuse it."""
        parts = [self.prefix]
        for field in fields(self):
            value = getattr(self, field.name)
            parts.append(str(int(value)) if isinstance(value, bool) else str(value))
        data = ":".join(parts)
        if len(data.encode()) > LONGEST or any(":" in part for part in parts):
            raise ValueError(f"a {type(self).__name__} button does not fit")
        return data


B = TypeVar("B", bound=Button)


@dataclass_transform(frozen_default=True)
def button(prefix: str) -> Callable[[type[B]], type[B]]:
    """Makes a dataclass of the class and knows it by its prefix."""

    def known(kind: type[B]) -> type[B]:
        made = dataclass(frozen=True, slots=True)(kind)
        made.prefix = prefix
        _kinds[prefix] = made
        return made

    return known


def unpack(data: str) -> Button:
    """The button that was pressed. Raises OldButton for one of another version, or one that nobody made.

    Fields with a default may be missing at its end: a chat still shows what was made before they were added.
    """
    if len(data) > LONGEST:
        raise OldButton
    prefix, *values = data.split(":")
    kind = _kinds.get(prefix)
    if kind is None:
        raise OldButton
    expected = fields(kind)
    needed = sum(field.default is MISSING for field in expected)
    if not needed <= len(values) <= len(expected):
        raise OldButton
    return kind(*(_read(str(field.type), value) for field, value in zip(expected, values, strict=False)))


def _read(kind: str, value: str) -> str | int | bool:
    if "str" in kind:
        return value
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise OldButton
    if "bool" in kind:
        return value == "1"
    return int(value)


@button("m")
class Menu(Button):
    """The first page."""


@button("h")
class Help(Button):
    """What the bot can do."""


@button("sv")
class Services(Button):
    """A page of the services on sale; `kind` is a numbers.Kind."""

    kind: str
    page: int = 0


@button("co")
class Countries(Button):
    """A page of the countries where a service is on sale; `reliable`: those first where it has worked best."""

    kind: str
    service: str
    page: int = 0
    reliable: bool = False


@button("le")
class Lengths(Button):
    """How long a rental shall last."""

    service: str
    country: str


@button("of")
class ShowOffer(Button):
    """The price, promised, with a Confirm below it; of the cheapest, or of the most `reliable`."""

    kind: str
    service: str
    country: str
    hours: int = 0
    reliable: bool = False


@button("ok")
class Confirm(Button):
    """Buy what was quoted."""

    quote_id: str


@button("ac")
class AnotherCode(Button):
    number_id: int


@button("fi")
class Finish(Button):
    number_id: int


@button("ca")
class Cancel(Button):
    number_id: int


@button("rn")
class Renew(Button):
    """For how long to renew."""

    number_id: int


@button("rq")
class RenewFor(Button):
    """The price of a renewal, promised."""

    number_id: int
    hours: int


@button("rk")
class ConfirmRenewal(Button):
    quote_id: str


@button("ag")
class SameNumber(Button):
    """The price of the phone of a number that is over, promised once more."""

    number_id: int


@button("rl")
class Release(Button):
    """End a rental; asks once more unless `sure`."""

    number_id: int
    sure: bool = False


@button("nu")
class ShowNumber(Button):
    """A number's card, as a new message."""

    number_id: int


@button("ms")
class ShowMessages(Button):
    """All SMS of a number."""

    number_id: int


@button("my")
class MyNumbers(Button):
    """What is open."""


@button("hi")
class History(Button):
    """Closed numbers, older than `before_id` (0: the newest)."""

    before_id: int = 0


@button("ba")
class Balance(Button):
    """Money and its statement."""


@button("se")
class Settings(Button):
    """Language and hidden codes."""


@button("la")
class SetLanguage(Button):
    language: str


@button("hc")
class SetHideCodes(Button):
    hide: bool


@button("in")
class Invite(Button):
    """A new one-use link."""


@button("pe")
class People(Button):
    """Who has been let in."""


@button("rm")
class RemovePerson(Button):
    user_id: int
    sure: bool = False


@button("pv")
class Providers(Button):
    """How the providers stand; `refresh` asks them first."""

    refresh: bool = False


@button("nc")
class NotTheCode(Button):
    """Shows what else in this SMS could be its code."""

    sms_id: int


@button("pc")
class PickCode(Button):
    """This candidate is the code; with an empty mark, there is none in this SMS."""

    sms_id: int
    mark: str


@button("sm")
class ShowSms(Button):
    """The SMS as it arrived, after a look at its candidates."""

    sms_id: int


@button("no")
class Nothing(Button):
    """A label among buttons, such as the number of the page."""
