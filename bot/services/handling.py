"""What programs do with a number that they have, in one call each, answered once the provider has decided."""

import asyncio
from dataclasses import dataclass

from bot.domain.errors import CancelTooEarly, NoAnswer, NotRefundable, WrongState
from bot.domain.numbers import Kind, Number, State
from bot.domain.people import User
from bot.services.bell import Bells
from bot.services.clock import Clock
from bot.services.numbers import Numbers, refundable
from bot.services.orders import Answer

LOOK_AGAIN_S = 1.0
"""A cancel that is refused rings no bell."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call waits for the provider's word; what it does not wait for is done all the same."""

    release_s: float = 10.0


class Handling:
    def __init__(self, clock: Clock, numbers: Numbers, bells: Bells, patience: Patience | None = None) -> None:
        self._clock = clock
        self._numbers = numbers
        self._bells = bells
        self._patience = patience or Patience()

    async def another_code(self, user: User, number_id: int) -> Answer:
        try:
            return Answer(await self._numbers.another_code(user, number_id))
        except NoAnswer:
            return await self._unknown(user, number_id)

    async def finish(self, user: User, number_id: int) -> Answer:
        """Done with it: closed and charged, a rental too. One that is so already stays as it is."""
        number = (await self._numbers.view(user, number_id)).number
        if number.state is State.COMPLETED:
            return Answer(number)
        return await self._finish(user, number)

    async def _finish(self, user: User, number: Number) -> Answer:
        end = self._numbers.end if number.kind is Kind.RENTAL else self._numbers.finish
        try:
            ended = await end(user, number.id)
        except NoAnswer:
            return await self._unknown(user, number.id)
        return Answer(ended, pending=ended.is_open)

    async def _unknown(self, user: User, number_id: int) -> Answer:
        return Answer((await self._numbers.view(user, number_id)).number, pending=True)

    async def release(self, user: User, number_id: int, *, required: bool = False) -> Answer:
        """Give it up, with the money back where that can be; `required`: raises NotRefundable where it cannot.

        Raises CancelTooEarly before the provider takes it back: nothing has happened then.
        """
        number = (await self._numbers.view(user, number_id)).number
        if number.state is State.CANCELLED or (number.state is State.COMPLETED and not required):
            return Answer(number)
        if number.state is State.CANCELLING:
            return await self._settled(user, number)
        if number.state is State.COMPLETED:
            raise NotRefundable
        if number.state is not State.ACTIVE:
            raise WrongState
        if not self._is_refundable(number):
            if required:
                raise NotRefundable
            return await self._finish(user, number)
        if self._clock() < (number.cancel_from or 0):
            raise CancelTooEarly(number.cancel_from)
        give_back = self._numbers.release if number.kind is Kind.RENTAL else self._numbers.cancel
        return await self._settled(user, await give_back(user, number_id))

    def _is_refundable(self, number: Number) -> bool:
        return not number.sms_count if number.kind is Kind.ACTIVATION else refundable(number, self._clock())

    async def _settled(self, user: User, number: Number) -> Answer:
        """Once the provider has confirmed it, or has refused it because a code had come."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience.release_s
        with self._bells.of(user.id) as bell:
            while number.state is State.CANCELLING and (left := deadline - loop.time()) > 0 and not self._bells.closed:
                await bell.wait(min(left, LOOK_AGAIN_S))
                number = (await self._numbers.view(user, number.id)).number
        return Answer(number, pending=number.state is State.CANCELLING)
