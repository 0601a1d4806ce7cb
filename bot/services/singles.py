"""Live numbers that cannot be asked about together: a few questions at a time at each provider, as `Turns` has it.

No number has a task or a timer of its own. Each sweep reads which numbers are live and starts as many askers as there
is room for; an asker puts one question after the other until nobody's turn has come.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.domain.errors import ProviderError, Throttled
from bot.domain.numbers import Kind
from bot.domain.time import Ms, is_within
from bot.providers.base import Provider
from bot.services.background import Background
from bot.services.clock import Clock
from bot.services.pace import Rests, Turns
from bot.services.rhythm import Timing
from storage import due
from storage.db import Database, StorageDown

log = logging.getLogger(__name__)

Read = Callable[[Provider, list[str]], Awaitable[None]]
"""Fetches these numbers and takes in what came. Raises ProviderError when they could not be fetched."""


@dataclass(slots=True)
class _Desk:
    """One provider's askers. What was seen of live numbers does not hold for long: a stop ends them by it."""

    turns: Turns
    seen_at: Ms | None = None
    busy: int = 0
    faults: int = 0
    """In a row."""


class Singles:
    def __init__(self, db: Database, clock: Clock, timing: Timing, background: Background, read: Read) -> None:
        self._db = db
        self._clock = clock
        self._timing = timing
        self._background = background
        self._read = read
        self._rests = Rests(timing)
        self._desks: dict[str, _Desk] = {}

    async def sweep(self, provider: Provider) -> None:
        """See which numbers are live, and ask those whose turn has come."""
        kind = Kind.RENTAL if provider.capabilities.batch else None
        born = await due.live_since(self._db.read, provider.name, kind)
        now = self._clock()
        desk = self._desks.setdefault(provider.name, _Desk(Turns(self._timing)))
        desk.turns.follow(born, now)
        desk.seen_at = now
        while desk.busy < provider.capabilities.at_once and (ref := self._next(provider.name, desk)) is not None:
            desk.busy += 1
            self._background.spawn(self._work(provider, desk, ref), f"ask:{provider.name}")

    def _next(self, name: str, desk: _Desk) -> str | None:
        now = self._clock()
        is_fresh = is_within(self._timing.poll_young - 1, desk.seen_at, now)
        return desk.turns.take(now) if is_fresh and self._rests.is_over(name, now) else None

    async def _work(self, provider: Provider, desk: _Desk, first: str) -> None:
        ref: str | None = first
        try:
            while ref is not None:
                await self._ask(provider, desk, ref)
                ref = self._next(provider.name, desk)
        finally:
            desk.busy -= 1

    async def _ask(self, provider: Provider, desk: _Desk, ref: str) -> None:
        try:
            await self._read(provider, [ref])
        except Throttled as error:
            desk.turns.put_back(ref)
            self._rest(provider.name, error)
        except ProviderError as error:
            desk.turns.failed(ref, self._clock())
            self._note_fault(provider, desk, error)
        except StorageDown:  # which storage has said once already
            desk.turns.failed(ref, self._clock())
        except Exception:  # one bad row must not stop the others
            log.exception("a number of %s could not be read", provider.name)
            desk.turns.failed(ref, self._clock())
        else:
            desk.turns.answered(ref)
            desk.faults = 0

    def _note_fault(self, provider: Provider, desk: _Desk, error: ProviderError) -> None:
        """A few numbers may fail of their own accord; so many in a row mean the provider."""
        desk.faults += 1
        if desk.faults >= provider.capabilities.at_once:
            self._rest(provider.name, error)

    def _rest(self, name: str, error: ProviderError) -> None:
        if self._rests.is_over(name, self._clock()):
            log.warning("questions about single numbers of %s rest: %s", name, error.line)
        self._rests.begin(name, error, self._clock())
