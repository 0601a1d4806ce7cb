"""Services and countries under one identity each, whatever their names at a provider.

A service's identity is its code in the de-facto numbering of the handler_api family (`wa`), a country's its ISO 3166
alpha-2 code. Both lists ship with the program.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
                countries[iso2] = Country(iso2, row["name"], row["dial"], ALSO_CALLED.get(iso2, ()))
        return cls(services, countries)

    def service_name(self, code: str) -> str:
        service = self.services.get(code)
        return service.name if service else code

    def popular(self) -> list[Service]:
        ranked = [service for service in self.services.values() if service.rank is not None]
        return sorted(ranked, key=lambda service: service.rank or 0)


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = resources.files("bot.domain").joinpath("data", name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())
