"""Services and countries under one identity each, whatever their names at a provider.

A service's identity is its code in the de-facto numbering of the handler_api family (`wa`), a country's its ISO 3166
alpha-2 code. Both lists ship with the program; names of further services are learnt from the providers.
"""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import resources

ALSO_CALLED = {
    "AE": ("uae", "emirates", "оаэ", "эмираты"),
    "CZ": ("czech republic", "чешская республика"),
    "GB": ("uk", "britain", "great britain", "англия", "британия"),
    "KR": ("korea", "корея"),
    "NL": ("holland", "голландия"),
    "RU": ("russian federation", "рф"),
    "US": ("united states", "united states of america", "america", "америка", "штаты"),
}
"""Country names that people type and no list has."""
ANY_SERVICE = "full"
"""A rental that takes SMS of every service."""
LONGEST_NAME = 40
"""Characters of a name from outside; what is longer is cut."""

LONGEST_CODE = 36
"""Characters: a button has to hold it beside what else it says."""

_CODE = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_CODE}}}", re.ASCII)
_LEADS_AWAY = re.compile(r"://|@|\bt\.me\b|[\w-]\.[a-z]{2,}/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Service:
    code: str
    name: str
    aliases: tuple[str, ...] = ()
    """Other spellings that people type, in any script."""
    rank: int | None = None
    """Place among the popular ones, from 0."""


@dataclass(frozen=True, slots=True)
class Country:
    iso2: str
    name: str
    """In English; a person's language has its own."""
    dial: str
    aliases: tuple[str, ...] = ()
    number: str = ""
    """In the numbering of the handler_api family, `187`."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    services: Mapping[str, Service]
    countries: Mapping[str, Country]

    @classmethod
    def shipped(cls) -> "Catalogue":
        """The lists that come with this release: curated names and aliases laid over the family's codes."""
        services = {row["code"]: Service(row["code"], row["name"]) for row in _rows("services.csv")}
        for rank, row in enumerate(_rows("popular.csv")):
            aliases = tuple(row["aliases"].split("|"))
            services[row["code"]] = Service(row["code"], row["name"], aliases, rank)
        services[ANY_SERVICE] = Service(ANY_SERVICE, "Any service", ("full rent", "любой", "все"))
        countries: dict[str, Country] = {}
        for row in _rows("countries.csv"):
            if "virtual" not in row["name"]:
                iso2 = row["iso2"]
                aliases = ALSO_CALLED.get(iso2, ())
                countries[iso2] = Country(iso2, row["name"], row["dial"], aliases, row["id"])
        return cls(services, countries)

    def with_names(self, names: Iterable[tuple[str, str]]) -> "Catalogue":
        """These lists with the services of `names` (code, name) that they lack; names come from outside.

        A name that another service has already is told apart by its code. Itself where there is nothing to add.
        """
        services, taken = dict(self.services), {one.name.casefold() for one in self.services.values()}
        for code, told in names:
            name = presentable(told)
            if code in services or not name or not is_code(code):
                continue
            if name.casefold() in taken:
                name = f"{name} ({code})"
            services[code] = Service(code, name)
            taken.add(name.casefold())
        return self if len(services) == len(self.services) else replace(self, services=services)

    def service_name(self, code: str) -> str:
        service = self.services.get(code)
        return service.name if service else code

    def popular(self) -> list[Service]:
        ranked = [service for service in self.services.values() if service.rank is not None]
        return sorted(ranked, key=lambda service: service.rank or 0)


@dataclass(slots=True)
class LiveCatalogue:
    """Holds the catalogue as it is now: whoever shows or searches it looks at `now` each time."""

    now: Catalogue

    def service_name(self, code: str) -> str:
        return self.now.service_name(code)


def is_code(text: str) -> bool:
    """Whether a provider's code of a service can be an identity: it goes into buttons and addresses."""
    return _CODE.fullmatch(text) is not None


def presentable(name: str) -> str:
    """A name from outside on one line, without what cannot be seen and without addresses; empty where none is left."""
    if _LEADS_AWAY.search(name):
        return ""
    seen = (char if unicodedata.category(char)[0] not in "CZ" else " " for char in name[: 4 * LONGEST_NAME])
    clean = " ".join("".join(seen).split())
    return clean if len(clean) <= LONGEST_NAME else clean[: LONGEST_NAME - 1].rstrip() + "…"


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = resources.files("bot.domain").joinpath("data", name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())
