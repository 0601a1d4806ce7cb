"""From what people type to a service and a country."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from rapidfuzz import fuzz, process, utils

from bot.domain.catalogue import Catalogue, Country, Service

GOOD_ENOUGH = 78.0
"""Similarity, of 100, from which a typed word counts as a name."""
EXACT = 101.0
MOST_WORDS = 8
LONGEST = 80
"""Characters; no name is nearly as long, and comparing costs time."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """What typed words were taken for; either may be missing."""

    service: Service | None
    country: Country | None


class Search:
    """Finds services and countries by what people type, forgiving spelling, in every language we speak.

    `country_names` gives a country's names in all shipped languages.
    """

    def __init__(self, catalogue: Catalogue, country_names: Callable[[str], Iterable[str]]) -> None:
        self._services: dict[str, Service] = {}
        for service in catalogue.services.values():
            for name in (service.name, *service.aliases):
                self._add(name, service)
            if service.rank is not None:
                self._services[service.code] = service
        self._countries: dict[str, Country] = {}
        for country in catalogue.countries.values():
            for name in (country.name, country.iso2, *country.aliases, *country_names(country.iso2)):
                self._countries[utils.default_process(name)] = country

    def _add(self, name: str, service: Service) -> None:
        key = utils.default_process(name)
        known = self._services.get(key)
        if known is None or (known.rank is None and service.rank is not None):
            self._services[key] = service

    def service(self, words: str) -> Service | None:
        return _nearest(words, self._services)[0]

    def country(self, words: str) -> Country | None:
        return _nearest(words, self._countries)[0]

    def services(self, words: str, limit: int) -> list[Service]:
        """The services that `words` may mean, best first."""
        hits = process.extract(
            utils.default_process(words[:LONGEST]),
            self._services.keys(),
            scorer=fuzz.WRatio,
            limit=limit * 3,
            score_cutoff=70,
        )
        found = dict.fromkeys(self._services[name] for name, _, _ in sorted(hits, key=self._by_score_and_rank))
        return list(found)[:limit]

    def _by_score_and_rank(self, hit: tuple[str, float, int]) -> tuple[float, int]:
        rank = self._services[hit[0]].rank
        return (-hit[1], 10_000 if rank is None else rank)

    def parse(self, words: str) -> Found:
        """'whatsapp germany', 'germany whatsapp', 'telegram': the split that fits best."""
        parts = words.split()[:MOST_WORDS]
        whole = " ".join(parts)
        service, score = _nearest(whole, self._services)
        if score == EXACT:
            return Found(service, None)
        best, best_score = Found(service, None), 0.0
        for name, place in _splits(parts):
            service, by_name = _nearest(name, self._services)
            country, by_place = _nearest(place, self._countries)
            if service is not None and country is not None and by_name + by_place > best_score:
                best, best_score = Found(service, country), by_name + by_place
        return best if best.service is not None else Found(None, self.country(whole))


def _splits(parts: list[str]) -> Iterator[tuple[str, str]]:
    """Every cut in two, taken both ways round."""
    for cut in range(1, len(parts)):
        before, after = " ".join(parts[:cut]), " ".join(parts[cut:])
        yield before, after
        yield after, before


def _nearest(words: str, names: Mapping[str, T]) -> tuple[T | None, float]:
    """What `words` name, and how surely, of EXACT."""
    typed = utils.default_process(words)
    if typed in names:
        return names[typed], EXACT
    if not 3 <= len(typed) <= LONGEST:
        return None, 0.0
    hit = process.extractOne(typed, names.keys(), scorer=fuzz.ratio, score_cutoff=GOOD_ENOUGH)
    return (names[hit[0]], hit[1]) if hit else (None, 0.0)
