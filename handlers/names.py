"""What a service is called in a person's language: brand names are the same in all, the two general ones are not."""

from bot.domain.catalogue import ANY_SERVICE, Catalogue
from bot.texts import Words
from bot.texts import mark as _

GENERAL = {ANY_SERVICE: _("Any service"), "ot": _("Any other service")}


def service_name(t: Words, catalogue: Catalogue, code: str) -> str:
    return t(GENERAL[code]) if code in GENERAL else catalogue.service_name(code)
