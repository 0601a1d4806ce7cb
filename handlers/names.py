"""What a service is called in a person's language: brand names are the same in all, the two general ones are not."""

from typing import Protocol

from bot.domain.catalogue import ANY_SERVICE
from bot.texts import Words
from bot.texts import mark as _

GENERAL = {ANY_SERVICE: _("Any service"), "ot": _("Any other service")}


class Named(Protocol):
    """A catalogue; also one whose names change."""

    def service_name(self, code: str) -> str: ...


def service_name(t: Words, catalogue: Named, code: str) -> str:
    return t(GENERAL[code]) if code in GENERAL else catalogue.service_name(code)
