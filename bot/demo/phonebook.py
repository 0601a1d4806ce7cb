"""The sandbox's phones as the page shows them."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import phonenumbers

from bot.domain.catalogue import Catalogue
from bot.providers.base import RemoteState

CLOSED_SHOWN = 50


class NoSuchPhone(Exception):
    """Nobody has, or had, that phone."""


class PhonesLike(Protocol):
    def phones(self) -> Sequence[Mapping[str, Any]]:
        """`{phone, provider_ref, service, country, kind, state, expires_at, sms_count}`: open ones first."""
        ...


class Phonebook:
    def __init__(self, world: PhonesLike) -> None:
        self._world = world
        self._catalogue = Catalogue.shipped()

    def shown(self) -> list[dict[str, Any]]:
        """All open phones and the newest closed ones, each with `formatted` and `service_name` for people."""
        phones = self._world.phones()
        open_count = sum(not RemoteState(phone["state"]).closed for phone in phones)
        return [self._shown(phone) for phone in phones[: open_count + CLOSED_SHOWN]]

    def held(self, number: str) -> Mapping[str, Any]:
        """The phone of that number, open before closed, with or without the plus. Raises NoSuchPhone."""
        digits = number.removeprefix("+")
        for phone in self._world.phones():
            if phone["phone"].removeprefix("+") == digits:
                return phone
        raise NoSuchPhone("Nobody has this phone.")

    def _shown(self, phone: Mapping[str, Any]) -> dict[str, Any]:
        name = self._catalogue.service_name(phone["service"])
        return {**phone, "formatted": international(phone["phone"]), "service_name": name}


def international(phone: str) -> str:
    """An E.164 number with the spaces that people write; anything else as it is."""
    try:
        parsed = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return phone
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
