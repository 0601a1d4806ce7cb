"""The providers' price lists, kept for as long as they are fresh."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

from bot.domain.catalogue import is_code
from bot.domain.errors import ProviderError
from bot.domain.numbers import Kind
from bot.domain.time import MINUTE, SECOND, Ms, is_within
from bot.providers.base import Provider, Stock
from bot.services.clock import Clock

log = logging.getLogger(__name__)

FRESH_FOR = 15 * SECOND
"""How old a service's price list may be when it is shown; a purchase is capped at the price shown anyway."""
WHOLE_FRESH_FOR = {Kind.ACTIVATION: 15 * MINUTE, Kind.RENTAL: 75 * MINUTE}
"""As long for the list of everything, which tells only which services are sold at all; a sweep reads it before."""
EVERYTHING = "*"
"""In place of a service: every row there is, for programs that ask. People are shown services first."""
EVERYTHING_FRESH_FOR = {Kind.ACTIVATION: MINUTE, Kind.RENTAL: 10 * MINUTE}
"""Some protocols take hundreds of requests to list all rentals."""
RECENT = 10 * MINUTE
"""How old a list may be that is shown because its provider does not answer."""
SPARED_FOR = 3 * SECOND
"""After a failure a provider is not asked for that list, so that one that hangs is not waited for by everybody."""
MOST_ROWS = 20_000
"""Kept of one service's list, whatever a provider sends: every country, in many lengths."""
MOST_SERVICES = 5_000
"""As many in the list of everything, more than anybody has heard of."""
MOST_OF_EVERYTHING = 500_000
MOST_LISTS = 2_000
"""Kept at all: what people ask for may be on sale nowhere."""

Key: TypeAlias = tuple[str, Kind, str | None]


class Troubles:
    """What providers fail to tell: logged when it begins, when it changes and when it is over."""

    def __init__(self) -> None:
        self._reasons: dict[tuple[str, str], str] = {}

    def note(self, provider: str, what: str, error: ProviderError | None) -> None:
        before, now = self._reasons.get((provider, what), ""), error.reason if error else ""
        self._reasons[provider, what] = now
        if before == now:
            return
        if error is None:
            log.info("%s tells its %s again", provider, what)
        else:
            log.warning("%s does not tell its %s: %s", provider, what, error.line)


@dataclass(slots=True)
class PriceList:
    """`at`: when its rows were read."""

    rows: Sequence[Stock] = ()
    at: Ms | None = None
    error: ProviderError | None = None
    failed_at: Ms | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Shelf:
    """Each list is read again once it is stale, one request at a time for each."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lists: dict[Key, PriceList] = {}
        self._troubles = Troubles()

    async def rows(self, provider: Provider, kind: Kind, service: str | None) -> Sequence[Stock]:
        """Of one service; of EVERYTHING; or, for None, one row for each service that is in stock.

        Raises ProviderError when there is no list, not even a recent one.
        """
        key = (provider.name, kind, service)
        listed = self._list(key)
        if self._is_fresh(listed, key):
            return listed.rows  # also while it is being read again
        async with listed.lock:
            if self._is_fresh(listed, key):
                return listed.rows
            if listed.error is None or not is_within(SPARED_FOR, listed.failed_at, self._clock()):
                await self._read(provider, key, listed)
            if listed.error is not None and not is_within(RECENT, listed.at, self._clock()):
                raise listed.error
            return listed.rows

    async def refresh(self, provider: Provider, kind: Kind) -> bool:
        """Read the list of everything, however fresh it is. A failure is noted, and logged when it is new."""
        key = (provider.name, kind, None)
        listed = self._list(key)
        async with listed.lock:
            await self._read(provider, key, listed)
            return listed.error is None

    def _list(self, key: Key) -> PriceList:
        if key not in self._lists and len(self._lists) >= MOST_LISTS:
            old = [one for one, listed in self._lists.items() if not is_within(RECENT, listed.at, self._clock())]
            for one in old:
                if not self._lists[one].lock.locked():
                    del self._lists[one]
        return self._lists.setdefault(key, PriceList())

    def _is_fresh(self, listed: PriceList, key: Key) -> bool:
        _, kind, service = key
        spans = {None: WHOLE_FRESH_FOR[kind], EVERYTHING: EVERYTHING_FRESH_FOR[kind]}
        return is_within(spans.get(service, FRESH_FOR), listed.at, self._clock())

    async def _read(self, provider: Provider, key: Key, listed: PriceList) -> None:
        _, kind, service = key
        try:
            told = await provider.stock(kind, None if service == EVERYTHING else service)
        except ProviderError as error:
            listed.error, listed.failed_at = error, self._clock()
        else:
            most = MOST_OF_EVERYTHING if service == EVERYTHING else MOST_ROWS
            rows = list(islice(told, most)) if service else _on_sale(told)
            listed.rows, listed.at, listed.error = rows, self._clock(), None
        what = f"list of {kind}s" if service in (None, EVERYTHING) else f"{kind} prices"
        self._troubles.note(provider.name, what, listed.error)


def _on_sale(rows: Iterable[Stock]) -> list[Stock]:
    found: dict[str, Stock] = {}
    for row in rows:
        if row.stock > 0 and row.service not in found and is_code(row.service) and len(found) < MOST_SERVICES:
            found[row.service] = row
    return list(found.values())
