"""Whether the program can do its work now: database, Telegram, providers, and what is owed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.domain.time import MINUTE, Ms, is_within
from bot.providers.base import Provider
from bot.providers.breaker import standing_of
from bot.providers.registry import Registry
from bot.services.clock import Clock
from storage import outbox
from storage.db import Database, StorageDown, StorageError
from storage.outbox import Depth

TELEGRAM_SILENT_FOR = 2 * MINUTE
"""A long poll answers at least every half minute; after this long without one, updates do not come in."""


@dataclass(frozen=True, slots=True)
class Report:
    ready: bool
    parts: dict[str, Any] = field(default_factory=dict)


class Health:
    """`telegram_at` tells when Telegram last answered."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        registry: Registry,
        telegram_at: Callable[[], Ms | None],
    ) -> None:
        self._db = db
        self._clock = clock
        self._registry = registry
        self._telegram_at = telegram_at

    async def report(self) -> Report:
        now = self._clock()
        database, owed = await self._database(now)
        telegram_at = self._telegram_at()
        telegram_ok = is_within(TELEGRAM_SILENT_FOR - 1, telegram_at, now)
        parts = {
            "database": database,
            "telegram": {"ok": telegram_ok, "last_contact": telegram_at},
            "providers": {one.name: _provider(one) for one in self._registry},
        }
        if owed:
            parts["outbox"] = owed
        return Report(bool(database["ok"] and telegram_ok), parts)

    async def _database(self, now: Ms) -> tuple[dict[str, Any], dict[str, int]]:
        """Whether it answers, and what it says is owed."""
        try:
            schema, depth = await self._db.version(), await outbox.depth(self._db.read)
        except StorageDown as down:
            return {"ok": False, "error": down.fault}, {}
        except StorageError as error:
            return {"ok": False, "error": type(error).__name__}, {}
        if self._db.fault is not None:  # what can be read still is shown
            return {"ok": False, "error": self._db.fault, "schema": schema}, _owed(depth, now)
        return {"ok": True, "schema": schema}, _owed(depth, now)


def _owed(depth: Depth, now: Ms) -> dict[str, int]:
    return {
        "pending": depth.pending,
        "oldest_ms": _age(depth.oldest_at, now),
        "codes": depth.codes,
        "oldest_code_ms": _age(depth.oldest_code_at, now),
    }


def _age(at: Ms | None, now: Ms) -> Ms:
    return max(0, now - at) if at is not None else 0


def _provider(provider: Provider) -> dict[str, Any]:
    standing = standing_of(provider)
    return {"last_contact": standing.answered_at, "circuit": standing.circuit}
