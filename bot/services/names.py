"""Services and countries as programs call them: by code, name or alias, in any case, and by nothing only near."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from bot.domain.catalogue import Catalogue, Country, LiveCatalogue, Service


@dataclass(frozen=True, slots=True)
class _Index:
    of: Catalogue
    services: dict[str, Service] = field(default_factory=dict)
    countries: dict[str, Country] = field(default_factory=dict)


class Names:
    """`country_names` gives further names of a country. Codes come before names, and names before aliases."""

    def __init__(self, catalogue: LiveCatalogue, country_names: Callable[[str], Iterable[str]] = lambda _: ()) -> None:
        self._catalogue = catalogue
        self._country_names = country_names
        self._index = self._indexed(catalogue.now)

    def service(self, text: str) -> Service | None:
        now = self._current()
        return now.of.services.get(text.strip()) or now.services.get(_plain(text))

    def country(self, text: str) -> Country | None:
        return self._current().countries.get(_plain(text))

    def _current(self) -> _Index:
        """Made anew when names have been learnt since."""
        if self._index.of is not self._catalogue.now:
            self._index = self._indexed(self._catalogue.now)
        return self._index

    def _indexed(self, catalogue: Catalogue) -> _Index:
        index = _Index(catalogue)
        services = [*catalogue.popular(), *catalogue.services.values()]
        for names_of in (lambda one: (one.code,), lambda one: (one.name,), lambda one: one.aliases):
            for service in services:
                for name in names_of(service):
                    index.services.setdefault(_plain(name), service)
        for country in catalogue.countries.values():
            index.countries[_plain(country.iso2)] = country
        for country in catalogue.countries.values():
            for name in (country.name, *country.aliases, *self._country_names(country.iso2)):
                index.countries.setdefault(_plain(name), country)
        return index


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
