"""The sweep that keeps the catalogue warm: price lists before somebody waits for them, names of services not yet known.

Each provider is asked in its own lane, one question after the other, so that one that hangs delays nobody.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from itertools import chain, islice

from bot.domain.catalogue import LiveCatalogue
from bot.domain.errors import ProviderError
from bot.domain.numbers import Kind
from bot.domain.time import HOUR, Ms, is_within
from bot.providers.base import Provider
from bot.providers.registry import Registry
from bot.services.background import Background
from bot.services.clock import Clock
from bot.services.lanes import Lanes
from bot.services.shelf import Shelf, Troubles

SELDOM = HOUR
"""Between two questions for names, and for all rentals: some protocols take hundreds of requests to list those."""
MOST_NAMES = 2_000
"""Learnt from one provider, whatever it sends."""


class Refresh:
    """`catalogue` holds the shipped lists at first; what is learnt lives as long as the process, and is asked anew."""

    def __init__(
        self, clock: Clock, registry: Registry, shelf: Shelf, catalogue: LiveCatalogue, background: Background
    ) -> None:
        self._clock = clock
        self._registry = registry
        self._shelf = shelf
        self._catalogue = catalogue
        self._shipped = catalogue.now
        self._lanes = Lanes(background, "catalogue")
        self._troubles = Troubles()
        self._names: dict[str, tuple[tuple[str, str], ...]] = {}
        self._done_at: dict[tuple[str, str], Ms] = {}

    async def sweep(self) -> bool:
        for provider in self._registry:
            self._lanes.run(provider.name, partial(self._refresh, provider))
        return False

    async def _refresh(self, provider: Provider) -> None:
        """What fails is logged where it is noted, and asked for again with the next sweep."""
        await self._shelf.refresh(provider, Kind.ACTIVATION)
        if provider.capabilities.rentals:
            await self._seldom(provider, "rentals", lambda: self._shelf.refresh(provider, Kind.RENTAL))
        await self._seldom(provider, "names", lambda: self._ask_names(provider))

    async def _seldom(self, provider: Provider, what: str, ask: Callable[[], Awaitable[bool]]) -> None:
        done_at = self._done_at.get((provider.name, what))
        if not is_within(SELDOM - 1, done_at, self._clock()) and await ask():
            self._done_at[provider.name, what] = self._clock()

    async def _ask_names(self, provider: Provider) -> bool:
        try:
            names = await provider.service_names()
        except ProviderError as error:
            self._troubles.note(provider.name, "names of services", error)
            return False
        self._troubles.note(provider.name, "names of services", None)
        self._learn(provider.name, names)
        return True

    def _learn(self, provider: str, names: Mapping[str, str]) -> None:
        """Whoever comes first among the providers names a service that several of them sell."""
        unknown = ((code, name) for code, name in names.items() if code not in self._shipped.services)
        self._names[provider] = tuple(islice(unknown, MOST_NAMES))
        told = chain.from_iterable(self._names.get(one.name, ()) for one in self._registry)
        latest = self._shipped.with_names(told)
        if latest.services != self._catalogue.now.services:
            self._catalogue.now = latest
