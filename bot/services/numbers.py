"""Numbers that a person has: ask for another code, finish, give back, look at."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.domain.errors import NoAnswer, NotFound, ProviderError, ProviderFault, WrongState
from bot.domain.numbers import Actions, Kind, Number, State, actions
from bot.domain.people import User
from bot.domain.sms import Sms
from bot.domain.time import Ms
from bot.providers.base import Done, Provider, RemoteNumber, RemoteState, Unknown, VerbOutcome
from bot.providers.registry import Registry
from bot.services import settle
from bot.services.clock import Clock
from bot.services.inbox import Inbox
from bot.services.rhythm import Sweep, Timing, Wake
from storage import numbers, outbox, renewals
from storage import sms as sms_store
from storage.db import Database

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class View:
    """A number with what can be done with it now, and the newest code that came."""

    number: Number
    actions: Actions
    code: str | None


class Numbers:
    def __init__(
        self, db: Database, clock: Clock, timing: Timing, registry: Registry, inbox: Inbox, wake: Wake
    ) -> None:
        self._db = db
        self._clock = clock
        self._timing = timing
        self._registry = registry
        self._inbox = inbox
        self._wake = wake

    async def another_code(self, user: User, number_id: int) -> Number:
        """Ask the provider for one more SMS on the same number. Raises ProviderError when it will not."""
        view = await self.view(user, number_id)
        if not view.actions.another_code:
            raise WrongState
        await self._at_provider(view.number, lambda provider, ref: provider.another_code(ref))
        async with self._db.transaction() as tx:
            await numbers.note_asked(tx, number_id, view.number.sms_count)
        return await numbers.get(self._db.read, number_id) or view.number

    async def finish(self, user: User, number_id: int) -> Number:
        """Done with it: the provider is told first, so that a crash between leaves nothing open there."""
        view = await self.view(user, number_id)
        if not view.actions.finish:
            raise WrongState
        return await self._finish(view.number, "done")

    async def end(self, user: User, number_id: int) -> Number:
        """End a rental without its money back, also where that would still come."""
        view = await self.view(user, number_id)
        if not view.actions.release or await renewals.pending_of(self._db.read, number_id) is not None:
            raise WrongState
        return await self._finish(view.number, "released")

    async def _finish(self, number: Number, reason: str) -> Number:
        """No SMS may slip between the last poll and the end: some providers show them only before it, some after too.

        Where the look after it fails, the number stays as it is: the poll sees it closed, and what came on it.
        """
        await self._look(number)
        await self._at_provider(number, lambda provider, ref: provider.finish(ref), closed_is_fine=True)
        remote = await self._look(number)
        if remote is None:
            self._wake(Sweep.POLL)
            return number
        async with self._db.transaction() as tx:
            if not_charged(number, remote):  # it was over there already: what came on it came late, and is free
                target = State.CANCELLED if remote.state is RemoteState.CANCELLED else State.EXPIRED
                await settle.given_back(tx, number, target, reason, self._clock())
            else:
                await settle.completed(tx, number, reason, self._clock())
        self._wake(Sweep.DELIVER)
        return await numbers.get(self._db.read, number.id) or number

    async def _look(self, number: Number) -> RemoteNumber | None:
        """Read what has come on the number; None where its provider does not say."""
        provider = self._registry.get(number.provider)
        if provider is None or number.provider_ref is None:
            return None
        try:
            remote = (await provider.fetch([number.provider_ref]))[0]
        except (ProviderError, IndexError) as error:
            why = error.line if isinstance(error, ProviderError) else "no answer"
            log.warning("number %d: %s does not show what came last: %s", number.id, number.provider, why)
            return None
        await self._inbox.read(number.provider, remote)
        return remote

    async def _at_provider(
        self,
        number: Number,
        verb: Callable[[Provider, str], Awaitable[VerbOutcome]],
        *,
        closed_is_fine: bool = False,
    ) -> None:
        provider = self._registry.get(number.provider)
        if provider is None or number.provider_ref is None:
            raise ProviderFault("not set up")
        outcome = await verb(provider, number.provider_ref)
        if isinstance(outcome, Done):
            return
        if isinstance(outcome, Unknown):
            log.warning("number %d: no answer from %s: %s", number.id, number.provider, outcome.detail)
            raise NoAnswer
        if not (closed_is_fine and outcome.error.permanent):
            log.warning("number %d: %s refuses: %s", number.id, number.provider, outcome.error.line)
            raise outcome.error

    async def cancel(self, user: User, number_id: int) -> Number:
        """Give an activation back. The money follows when the provider confirms; too early a cancel is queued."""
        view = await self.view(user, number_id)
        if view.number.state is State.CANCELLING:
            return view.number
        if not view.actions.cancel:
            raise WrongState
        return await self._start_cancel(view.number)

    async def release(self, user: User, number_id: int) -> Number:
        """End a rental: with its money back inside the provider's refund window, else without."""
        view = await self.view(user, number_id)
        if view.number.state is State.CANCELLING:
            return view.number
        if not view.actions.release or await renewals.pending_of(self._db.read, number_id) is not None:
            raise WrongState
        if refundable(view.number, self._clock()):
            return await self._start_cancel(view.number)
        return await self._finish(view.number, "released")

    async def _start_cancel(self, number: Number) -> Number:
        now, earliest = self._clock(), number.cancel_from or 0
        # The earliest time is told by the provider's clock, which may be far from ours: it is asked before long.
        latest = now + self._timing.retry_longest
        check_at = now if earliest <= now else min(earliest + self._timing.cancel_slack, latest)
        async with self._db.transaction() as tx:
            moved = await numbers.move(
                tx, number.id, State.ACTIVE, State.CANCELLING, "cancel_asked", now, check_at=check_at
            )
            if moved is None or await renewals.pending_of(tx, number.id) is not None:
                raise WrongState
            if moved.sms_count > number.sms_count:
                raise WrongState  # a code came between the look and this transaction, which is undone
            await outbox.want_card(tx, settle.chat_of(moved), moved.id, now)
        self._wake(Sweep.RECONCILE)
        self._wake(Sweep.DELIVER)
        return moved

    async def view(self, user: User, number_id: int) -> View:
        """A number of this person's. Raises NotFound for one that is not there or not theirs: nobody learns which."""
        number = await numbers.owned(self._db.read, number_id, user.id)
        if number is None:
            raise NotFound
        return await self.seen(number)

    async def seen(self, number: Number) -> View:
        """The number with what its provider can still do with it."""
        code = await sms_store.newest_code(self._db.read, number.id) if number.sms_count else None
        return View(number, self.possible(number), code)

    def possible(self, number: Number, at: Ms | None = None) -> Actions:
        """What its provider can still do with it; `at`: could do then."""
        provider = self._registry.get(number.provider)
        can = provider.capabilities if provider else None
        return actions(
            number,
            can_retry=bool(can and can.another_code),
            can_renew=bool(can and can.renew),
            can_again=bool(can and can.again),
            now=self._clock() if at is None else at,
        )

    async def move_card(self, user: User, number_id: int, chat_id: int, message_id: int) -> None:
        """From now on this message is the number's live card."""
        await self.view(user, number_id)
        async with self._db.transaction() as tx:
            await numbers.set_card(tx, number_id, chat_id, message_id)
            await outbox.want_card(tx, chat_id, number_id, self._clock())  # it may have changed since it was drawn
        self._wake(Sweep.DELIVER)

    async def open_numbers(self, user: User) -> list[Number]:
        return await numbers.open_of(self._db.read, user.id)

    async def history(self, user: User, *, before_id: int, limit: int) -> list[Number]:
        """Closed numbers, newest first, older than `before_id`."""
        return await numbers.closed_of(self._db.read, user.id, limit, before_id)

    async def messages(self, user: User, number_id: int) -> list[Sms]:
        """The SMS of a number of this person's, newest first."""
        view = await self.view(user, number_id)
        return await sms_store.of_number(self._db.read, view.number.id)


def not_charged(number: Number, remote: RemoteNumber) -> bool:
    """Whether its provider has closed the number without a charge; a rental is charged at its sale."""
    expired = remote.state is RemoteState.EXPIRED and number.kind is Kind.ACTIVATION
    return expired or remote.state is RemoteState.CANCELLED


def refundable(number: Number, now: Ms) -> bool:
    """A rental that its provider still takes back for its money."""
    return number.sms_count == 0 and number.refund_until is not None and now < number.refund_until
