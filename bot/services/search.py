"""From what people type to a service and a country."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from rapidfuzz import fuzz, process, utils

from bot.domain.catalogue import Catalogue, Country, LiveCatalogue, Service
from bot.services.small_talk import BETWEEN, FILLERS, GREETINGS, SMALL_TALK

GOOD_ENOUGH = 78.0
"""Similarity, of 100, from which a typed word counts as the name of a country or of a popular service."""
SURE_ENOUGH = 88.0
"""The same for all other services, of which one or another is like any word."""
ANOTHER_BEGINNING = 85.0
"""The same where the first letters differ, and only in words of LONG characters: `jermany`."""
LONG = 6
SHORTEST = 4
"""Characters; what is shorter has to be spelt right."""
BEGINNING = 4
"""As many suffice for a name to be suggested that begins with them."""
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


@dataclass(slots=True)
class Names(Generic[T]):
    """`known`: as they are spelt right. The others may be misspelt: `popular` ones more than `others`."""

    known: dict[str, T] = field(default_factory=dict)
    popular: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def nearest(self, words: str) -> tuple[T | None, float]:
        """What `words` name, and how surely, of EXACT."""
        typed = _clean(words)
        if typed in self.known:
            return self.known[typed], EXACT
        if not SHORTEST <= len(typed) <= LONGEST:
            return None, 0.0
        hit = _alike(typed, self.popular, GOOD_ENOUGH) or _alike(typed, self.others, SURE_ENOUGH)
        return (self.known[hit[0]], hit[1]) if hit else (None, 0.0)


class Search:
    """Finds services and countries by what people type, forgiving spelling, in every language we speak.

    `country_names` gives a country's names in all shipped languages.
    """

    def __init__(self, catalogue: LiveCatalogue, country_names: Callable[[str], Iterable[str]]) -> None:
        self._catalogue = catalogue
        self._indexed = catalogue.now
        self._services = _services(catalogue.now)
        self._countries = _countries(catalogue.now, country_names)

    def service(self, words: str) -> Service | None:
        return self._index().nearest(words)[0]

    def country(self, words: str) -> Country | None:
        return self._countries.nearest(words)[0]

    def _index(self) -> Names[Service]:
        """Made anew when names have been learnt since."""
        if self._indexed is not self._catalogue.now:
            self._indexed = self._catalogue.now
            self._services = _services(self._indexed)
        return self._services

    def is_greeting(self, words: str) -> bool:
        """'hello', 'привет, как дела': somebody says hello, or wants to start."""
        typed = _clean(words).split()
        return bool(GREETINGS & set(typed)) and SMALL_TALK.issuperset(typed)

    def services(self, words: str, limit: int) -> list[Service]:
        """The services that `words` may mean, best first: by how their names begin, or one word spelt like a name."""
        typed = _told(words)
        if not typed:
            return []
        index = self._index()
        near = (index.nearest(word)[0] for word in [" ".join(typed), *typed])
        popular = [one for one in near if one is not None and one.rank is not None]
        beginning = sorted(_beginning(index.known, " ".join(typed)), key=lambda one: (one.rank is None, one.rank or 0))
        found = dict.fromkeys([*popular, *beginning])
        return list(found)[:limit]

    def parse(self, words: str) -> Found:
        """'whatsapp germany', 'germany whatsapp', 'telegram': the split that fits best."""
        parts, index = _told(words), self._index()
        for whole in (_clean(words), " ".join(parts)):
            if parts and (whole in index.known or whole in self._countries.known):
                service = index.known.get(whole)
                return Found(service, None if service else self._countries.known[whole])
        return self._best_split(parts) or self._misspelt(" ".join(parts))

    def _best_split(self, parts: list[str]) -> Found | None:
        best, best_score = None, 0.0
        for name, place in _splits(parts):
            service, by_name = self._index().nearest(name)
            country, by_place = self._countries.nearest(place)
            if service is not None and country is not None and by_name + by_place > best_score:
                best, best_score = Found(service, country), by_name + by_place
        return best

    def _misspelt(self, whole: str) -> Found:
        service, country = self.service(whole), self.country(whole)
        return Found(service, None if service else country)


def _services(catalogue: Catalogue) -> Names[Service]:
    """A name that several have means the popular one, else the one that came first. Codes are never misspelt."""
    index: Names[Service] = Names()
    ranked = catalogue.popular()
    rest = [service for service in catalogue.services.values() if service.rank is None]
    for service in (*ranked, *rest):
        for name in map(_clean, (service.name, *service.aliases)):
            if name and name not in index.known:
                index.known[name] = service
                (index.others if service.rank is None else index.popular).append(name)
    for service in ranked:
        index.known.setdefault(service.code, service)
    return index


def _countries(catalogue: Catalogue, names: Callable[[str], Iterable[str]]) -> Names[Country]:
    index: Names[Country] = Names()
    for country in catalogue.countries.values():
        for name in map(_clean, (country.name, *country.aliases, *names(country.iso2))):
            index.known[name] = country
            index.popular.append(name)
    for country in catalogue.countries.values():
        index.known[_clean(country.iso2)] = country
    return index


def _clean(words: str) -> str:
    return utils.default_process(words[: LONGEST * MOST_WORDS]).replace("ё", "е")


def _told(words: str) -> list[str]:
    """The words that may name something; none of small talk."""
    typed = _clean(words).split()
    if SMALL_TALK.issuperset(typed):
        return []
    told = [word for word in typed if word not in FILLERS and word not in GREETINGS][:MOST_WORDS]
    last = len(told) - 1
    return [word for at, word in enumerate(told) if not (word in BETWEEN and 0 < at < last)]


def _splits(parts: list[str]) -> Iterator[tuple[str, str]]:
    """Every cut in two, taken both ways round."""
    for cut in range(1, len(parts)):
        before, after = " ".join(parts[:cut]), " ".join(parts[cut:])
        yield before, after
        yield after, before


def _alike(typed: str, names: Sequence[str], at_least: float) -> tuple[str, float] | None:
    for name, score, _ in process.extract(typed, names, scorer=fuzz.ratio, score_cutoff=at_least, limit=5):
        if name[0] == typed[0] or (len(typed) >= LONG and score >= ANOTHER_BEGINNING):
            return name, score
    return None


def _beginning(known: Mapping[str, Service], typed: str) -> Iterator[Service]:
    """Whose name, or a word in it, begins with what was typed."""
    if len(typed) >= BEGINNING:
        for name, service in known.items():
            if name.startswith(typed) or f" {typed}" in name:
                yield service
