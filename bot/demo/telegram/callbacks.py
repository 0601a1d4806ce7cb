"""Presses that wait for the bot's answer."""

from collections import OrderedDict
from collections.abc import Callable
from itertools import count

from bot.demo.telegram.errors import OLD_QUERY, bad_request

KEPT = 10_000


class Callbacks:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._numbers = count(1)
        self.lifetime_s = 15.0
        """How long a press may be answered."""

    def open(self, user_id: int) -> str:
        """The id of a new query of that person."""
        query_id = str((user_id << 32) + next(self._numbers))
        self._open[query_id] = (user_id, self._clock())
        if len(self._open) > KEPT:
            self._open.popitem(last=False)
        return query_id

    def close(self, query_id: str) -> int:
        """The id of the person who pressed. Raises ApiError 400 when answered already, unknown or too old."""
        user_id, at = self._open.pop(query_id, (0, 0.0))
        if not user_id or self._clock() - at > self.lifetime_s:
            raise bad_request(OLD_QUERY)
        return user_id
