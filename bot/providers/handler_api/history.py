"""The record of past activations: how one ended where its state no longer says."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.time import DAY, MINUTE, SECOND, Ms
from bot.providers.handler_api import values
from bot.providers.handler_api.answers import Malformed, Reply
from bot.providers.handler_api.calls import Calls
from bot.providers.handler_api.dialects import Dialect

BACK: Ms = 3 * DAY
PAGE = 100
MOST_PAGES = 50
SUCCESS = "6"


@dataclass(frozen=True, slots=True)
class Record:
    charged: bool
    sms: str


class History:
    """One reading of it, page by page as far as it is needed; the numbers of one sweep share it."""

    def __init__(self, calls: Calls, dialect: Dialect, now: Ms) -> None:
        self._calls = calls
        self._size_param = dialect.history
        self._window = {"start": (now - BACK) // SECOND, "end": (now + MINUTE) // SECOND}
        self._records: dict[str, Record] = {}
        self._pages = MOST_PAGES if dialect.history else 0
        self._lock = asyncio.Lock()

    async def of(self, ref: str) -> Record | None:
        """None where there is no record of it. Raises ProviderError."""
        async with self._lock:
            while ref not in self._records and self._pages:
                await self._next_page()
        return self._records.get(ref)

    async def _next_page(self) -> None:
        paging = {"offset": len(self._records), self._size_param: PAGE}
        rows = await self._calls.read("getHistory", records, **self._window, **paging)
        fresh = rows.keys() - self._records.keys()
        self._records.update(rows)
        self._pages = self._pages - 1 if fresh and len(rows) >= PAGE else 0


def records(reply: Reply) -> Mapping[str, Record]:
    if reply.data is None:
        raise Malformed("no history")
    items = values.rows(reply.data)
    found = {}
    for item in items:
        if isinstance(item, dict) and (ref := values.optional_ident(item.get("id"))):
            said = item.get("sms")
            text = said.strip() if isinstance(said, str) else ""
            found[ref] = Record(bool(text) or str(item.get("status")) == SUCCESS, text)
    if items and not found:
        raise Malformed("no row can be read")
    return found
