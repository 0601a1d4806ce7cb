"""5sim's product slugs and the catalogue's service codes, one to one.

A product that no code of the catalogue stands for has the code `5sim-<slug>`, which no other provider can mean.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from bot.domain.catalogue import ANY_SERVICE, LONGEST_CODE, Catalogue

HOSTING_HOURS: Mapping[str, int] = MappingProxyType({"3hours": 3, "1day": 24, "10days": 240, "1month": 720})
"""Hosting products are lengths, not services: such a number takes every SMS."""

_POPULAR: Mapping[str, str] = MappingProxyType(
    {
        "wa": "whatsapp",
        "tg": "telegram",
        "go": "google",
        "fb": "facebook",
        "ig": "instagram",
        "tw": "twitter",
        "ds": "discord",
        "lf": "tiktok",
        "dr": "openai",
        "acz": "claude",
        "mm": "microsoft",
        "am": "amazon",
        "wx": "apple",
        "ub": "uber",
        "fu": "snapchat",
        "vi": "viber",
        "vk": "vkontakte",
        "me": "line",
        "wb": "wechat",
        "nf": "netflix",
        "tn": "linkedin",
        "oi": "tinder",
        "mt": "steam",
        "ts": "paypal",
        "re": "coinbase",
        "hw": "alibaba",
        "sn": "olx",
        "ya": "yandex",
        "ma": "mailru",
        "ot": "other",
        "ok": "odnoklassniki",
        "mb": "yahoo",
    }
)
"""What names do not tell; all else is matched by name."""

_OWN = "5sim-"
_SLUG = re.compile(rf"[a-z0-9_]{{1,{LONGEST_CODE - len(_OWN)}}}", re.ASCII)
_NAMES_END = re.compile(r"[,/+(&]")


@cache
def slugs() -> Mapping[str, str]:
    """Service code → slug, for every service of the shipped catalogue. Whether 5sim sells it, its price list says."""
    services = Catalogue.shipped().services
    found = {code: slug for code, slug in _POPULAR.items() if code in services}
    taken = {*found.values(), *HOSTING_HOURS}
    for code, service in services.items():
        slug = _slug(service.name)
        if code not in found and code != ANY_SERVICE and len(slug) > 1 and slug not in taken:
            found[code] = slug
            taken.add(slug)
    return MappingProxyType(found)


@cache
def codes() -> Mapping[str, str]:
    """Slug → service code."""
    return MappingProxyType({slug: code for code, slug in slugs().items()})


def code_of(slug: str) -> str | None:
    """None for what cannot be sold as an activation: a length of rental, or what is no slug."""
    if slug in HOSTING_HOURS:
        return None
    own = f"{_OWN}{slug}" if _SLUG.fullmatch(slug) else None
    return codes().get(slug, own)


def slug_of(code: str) -> str | None:
    if not code.startswith(_OWN):
        return slugs().get(code)
    own = code.removeprefix(_OWN)
    return own if _SLUG.fullmatch(own) else None


def own_name(code: str) -> str | None:
    """What to call a product that the catalogue does not have; None for one that it has."""
    return code.removeprefix(_OWN).capitalize() if code.startswith(_OWN) else None


def hosting_of(hours: int) -> str | None:
    return next((product for product, length in HOSTING_HOURS.items() if length == hours), None)


def _slug(name: str) -> str:
    """`"Ticketmaster/Live Nation"` → `"ticketmaster"`: the first of several names, its letters and digits."""
    first = unicodedata.normalize("NFKD", _NAMES_END.split(name)[0]).casefold()
    return "".join(char for char in first if char.isascii() and char.isalnum())
