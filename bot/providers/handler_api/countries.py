"""Countries of the family by number, and ours by ISO 3166."""

import csv
from collections.abc import Iterable, Mapping
from importlib import resources

from bot.domain.errors import BadRequest


class CountryIds:
    """The shipped list, a dialect's exceptions over it, and what `getCountries` has told since.

    Of two numbers for one country (the United States are 187, and 12 'virtual') the one that is not virtual is used.
    """

    def __init__(self, exceptions: Mapping[str, str]) -> None:
        data = resources.files("bot.domain").joinpath("data", "countries.csv").read_text(encoding="utf-8")
        listed = list(csv.DictReader(data.splitlines()))
        self._names = {row["name"].casefold(): row["iso2"] for row in listed if "virtual" not in row["name"]}
        self._dials = {row["iso2"]: row["dial"] for row in listed}
        self._ids = {row["iso2"]: row["id"] for row in listed if "virtual" not in row["name"]} | dict(exceptions)
        self._isos = {number: iso2 for iso2, number in self._ids.items()}

    def number(self, iso2: str) -> str:
        """Raises BadRequest."""
        try:
            return self._ids[iso2]
        except KeyError:
            raise BadRequest("a country that the provider does not have") from None

    def iso2(self, number: str) -> str | None:
        return self._isos.get(number)

    def fits(self, iso2: str, phone: str) -> bool:
        """Whether a phone, with its plus, can be one of that country."""
        return phone.startswith("+" + self._dials.get(iso2, ""))

    def learn(self, named: Iterable[tuple[str, str]]) -> None:
        """What a member says of its own numbers wins over the shipped list; names that are not known are passed by."""
        told = {number: iso2 for number, name in named if (iso2 := self._names.get(name.casefold())) is not None}
        self._isos |= told
        self._ids = {iso2: number for number, iso2 in self._isos.items()}
