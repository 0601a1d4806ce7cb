"""How activations stand: by the batch list, else one by one, and how the closed ones ended."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from bot.domain.errors import BadKey, Denied, Gone, ProviderError
from bot.domain.numbers import Kind
from bot.domain.sms import IncomingSms
from bot.domain.time import Ms
from bot.providers.base import RemoteNumber, RemoteState
from bot.providers.handler_api import active, sms
from bot.providers.handler_api.active import Active
from bot.providers.handler_api.answers import Malformed, Reply
from bot.providers.handler_api.calls import Calls
from bot.providers.handler_api.dialects import Dialect, SmsSource
from bot.providers.handler_api.history import History
from bot.providers.handler_api.memory import Known, Memory

FEW = 3
"""Up to so many numbers are asked about one by one rather than by the whole list."""


class States:
    def __init__(self, calls: Calls, dialect: Dialect, memory: Memory, clock: Callable[[], Ms]) -> None:
        self._calls = calls
        self._dialect = dialect
        self._memory = memory
        self._clock = clock
        self._few = asyncio.Semaphore(dialect.singles_at_once)
        self.list_from = FEW + 1

    async def fetch(self, refs: Sequence[str]) -> Sequence[RemoteNumber]:
        """One row for each, save those whose own question failed. Raises ProviderError when all of them did."""
        turn, rows, history = self._memory.turn(), {}, self._new_history()
        if self._dialect.batch is not None and len(refs) >= self.list_from:
            rows = await active.every(self._calls, self._dialect.batch)
        return await together(
            self._by_row(rows[ref], turn) if ref in rows else self.one(ref, history) for ref in dict.fromkeys(refs)
        )

    def _new_history(self) -> History:
        return History(self._calls, self._dialect, self._clock())

    async def one(self, ref: str, history: History | None = None) -> RemoteNumber:
        """By `getStatus`. Raises ProviderError."""
        history = history or self._new_history()
        async with self._few:
            known, turn = self._memory.get(ref), self._memory.turn()
            try:
                reply = await self._calls.read("getStatus", status, id=ref)
            except Gone:
                return await self._ended(known, history, gone=True)
            if reply.text == "STATUS_CANCEL":
                return await self._ended(known, history)
            if reply.text == "ACCESS_CANCEL":
                known.ended = RemoteState.CANCELLED
                return await self._ended(known, history)
            return await self._open(known, turn, reply)

    async def _open(self, known: Known, turn: int, reply: Reply) -> RemoteNumber:
        word, _, code = reply.text.partition(":")
        if turn < known.looked:
            return known.remote(known.ended)
        known.looked = turn
        waits = word != "STATUS_OK"
        if self._dialect.sms is not SmsSource.CODES:
            if code:
                known.seen = None
                await self._read_sms(known, (word, code), code, waits=waits)
            known.waiting = waits or known.waiting
        elif waits:
            known.wait(code, self._clock())
        else:
            known.take_code(code, self._clock())
        return known.remote()

    async def _by_row(self, row: Active, turn: int) -> RemoteNumber:
        known = self._memory.get(row.ref)
        if turn < known.looked:
            return known.remote(known.ended)
        if row.subtype == active.RENTAL_SUBTYPE:
            known.kind = Kind.RENTAL
        if self._dialect.sms is SmsSource.CODES:
            return await self._codes_row(known, row)
        known.looked, waits = turn, row.status == active.WAITS_AGAIN
        if row.code or row.text or known.kind is Kind.RENTAL:
            async with self._few:
                await self._read_sms(known, row.mark, row.code or row.text, waits=waits)
        known.waiting = waits or known.waiting
        return known.remote()

    async def _codes_row(self, known: Known, row: Active) -> RemoteNumber:
        """A row shows the old code while it waits for another: only `getStatus` tells the two apart."""
        if not row.code or (known.sms and not known.waiting and known.sms[-1].text == row.code):
            return known.remote()
        return await self.one(known.ref)

    async def _read_sms(self, known: Known, mark: object, code: str, *, waits: bool) -> None:
        """Asked only when the row has changed, or may look as before: while another is awaited, and for rentals."""
        awaits_another = known.waiting and known.sms
        if known.seen == mark and known.kind is Kind.ACTIVATION and not awaits_another:
            return
        read = sms.read_all if self._dialect.sms is SmsSource.ALL else sms.read_last
        refused = False
        found: Sequence[IncomingSms] = ()
        try:
            found = await read(self._calls, known.ref, self._clock())
        except ProviderError as error:
            if not error.permanent or isinstance(error, BadKey):
                raise
            refused = True
        if found:
            known.take(found)
            known.seen = mark
        elif code and (refused or not known.sms):
            known.take_vague(code, self._clock())
            known.waiting = waits

    async def _ended(self, known: Known, history: History, *, gone: bool = False) -> RemoteNumber:
        """`STATUS_CANCEL` means cancelled, expired or finished: what was seen of it, and the record, tell which."""
        if known.ended is not None:
            return known.remote(known.ended)
        if known.kind is Kind.ACTIVATION and known.sms and self._dialect.sms is not SmsSource.ALL:
            return known.remote(RemoteState.FINISHED)
        charged = await self._was_charged(known, history, gone=gone)
        over = known.expires_at is not None and known.expires_at <= self._clock()
        if charged or known.sms or (charged is None and over and known.kind is Kind.RENTAL):
            return known.remote(RemoteState.FINISHED)
        if gone and charged is None and not over:
            return known.remote(RemoteState.GONE)
        return known.remote(RemoteState.EXPIRED if over else RemoteState.CANCELLED)

    async def _was_charged(self, known: Known, history: History, *, gone: bool) -> bool | None:
        """With the SMS that came before the end and had not been seen. None where nobody can tell."""
        if self._dialect.sms is SmsSource.ALL and not gone:
            try:
                known.take(await sms.read_all(self._calls, known.ref, self._clock()))
            except (Denied, Gone):
                return False if not known.sms else None
            if known.sms:
                return True
        record = await history.of(known.ref)
        if record is None:
            return None
        if record.sms and not known.sms:
            if self._dialect.sms is SmsSource.CODES:
                known.take_code(record.sms, self._clock())
            else:
                known.take_vague(record.sms, self._clock())
        return record.charged


def status(reply: Reply) -> Reply:
    word = reply.text.partition(":")[0]
    if not word.startswith("STATUS_") and reply.text != "ACCESS_CANCEL":
        raise Malformed("no state of a number")
    if word == "STATUS_OK" and not reply.text.partition(":")[2].strip():
        raise Malformed("a code without a code")
    return reply


async def together(questions: Any) -> list[RemoteNumber]:
    """The answers to those that were answered. Raises the first error when none was, and a wrong key always."""
    tasks: list[Coroutine[Any, Any, RemoteNumber]] = list(questions)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    for error in errors:
        if not isinstance(error, ProviderError) or isinstance(error, BadKey):
            raise error
    found = [result for result in results if isinstance(result, RemoteNumber)]
    if errors and not found:
        raise errors[0]
    return found
