"""Our own record of every provider, service and country: how often a code came, and how soon.

It is kept in memory and made anew from the database at every start, so that no figure can drift from what happened.
"""

from collections import deque
from collections.abc import Iterable
from statistics import median
from typing import NamedTuple, TypeAlias

from bot.domain.record import NEWEST, WINDOW, Record
from bot.domain.time import SECOND, Ms
from bot.services.clock import Clock
from storage import outcomes
from storage.db import Reader
from storage.outcomes import Mark

PAGE = 200
"""Rows read at once, so that what a person waits for is not kept waiting."""
SETTLED: Ms = 10 * SECOND
"""What ended later than this ago is left for the next pass: an end is dated a little before it is committed."""

Key: TypeAlias = tuple[str, str, str]
"""Provider, service, country."""


class Sample(NamedTuple):
    closed_at: Ms
    code_after: Ms | None


class Tally:
    """Filled by the tally sweep. A process of its own calls `catch_up` once, and has the same figures."""

    def __init__(self, db: Reader, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._samples: dict[Key, deque[Sample]] = {}
        self._records: dict[Key, Record] = {}
        self._swept_at = clock()
        self._mark: Mark = (self._swept_at - WINDOW, 0)

    def of(self, provider: str, service: str, country: str) -> Record:
        """As of the last pass."""
        key = (provider, service, country)
        if key not in self._samples:
            return _record(())
        if key not in self._records:
            self._records[key] = _record(self._samples[key])
        return self._records[key]

    def of_provider(self, provider: str) -> Record:
        """All that it sold together, whatever for."""
        return _record(sample for key, samples in self._samples.items() if key[0] == provider for sample in samples)

    async def catch_up(self) -> None:
        """All that is there to be read."""
        while await self.sweep():
            pass

    async def sweep(self) -> bool:
        """Count a page of what has ended since the last one. True where there is more."""
        now = self._clock()
        if now < self._swept_at:  # set back, what has ended since would come before the mark
            self._begin_anew(now)
        self._swept_at = now
        page = await outcomes.after(self._db, self._mark, now - SETTLED, PAGE)
        for one in page:
            self._mark = (one.closed_at, one.number_id)
            if one.counts:
                self._count((one.provider, one.service, one.country), Sample(one.closed_at, one.code_after))
        if len(page) == PAGE:
            return True
        self._forget(now - WINDOW)
        return False

    def _begin_anew(self, now: Ms) -> None:
        self._samples.clear()
        self._records.clear()
        self._mark = (now - WINDOW, 0)

    def _count(self, key: Key, sample: Sample) -> None:
        self._samples.setdefault(key, deque(maxlen=NEWEST)).append(sample)
        self._records.pop(key, None)

    def _forget(self, before: Ms) -> None:
        stale = [key for key, samples in self._samples.items() if samples[0].closed_at < before]
        for key in stale:
            samples = self._samples[key]
            while samples and samples[0].closed_at < before:
                samples.popleft()
            self._records.pop(key, None)
            if not samples:
                del self._samples[key]


def _record(samples: Iterable[Sample]) -> Record:
    times = [sample.code_after for sample in samples]
    came = [after for after in times if after is not None]
    return Record(len(times), len(came), round(median(came)) if came else None)
