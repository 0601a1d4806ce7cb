"""Faults that the server shows on request, each to the next request that fits it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from bot.demo.telegram.errors import ApiError, too_many_requests

STATUSES = {
    "400": "Bad Request: message can't be sent",
    "401": "Unauthorized",
    "403": "Forbidden: bot was blocked by the user",
    "404": "Not Found",
    "409": "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    "500": "Internal Server Error",
    "502": "Bad Gateway",
}
DROPS = frozenset({"drop_before", "drop_after", "timeout_after"})
KINDS = frozenset({"429", "migrate", *STATUSES, *DROPS})


@dataclass(slots=True)
class Fault:
    """`method` is a method's name or `*`; `times` counts down, None is without end."""

    method: str
    kind: str
    times: int | None
    chat_id: int | None
    retry_after: int
    description: str | None
    delay_s: float

    def fits(self, method: str, chat_id: int | None) -> bool:
        return self.method in ("*", method.lower()) and self.chat_id in (None, chat_id)

    def error(self) -> ApiError | None:
        """The refusal to answer with, for the kinds that are one."""
        if self.kind == "429":
            error = too_many_requests(self.retry_after)
            return error if self.description is None else ApiError(429, self.description, **error.parameters)
        if self.kind in STATUSES:
            return ApiError(int(self.kind), self.description or STATUSES[self.kind])
        return None


class FaultBook:
    """`shown` counts the faults that requests have met, by kind."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self.shown: Counter[str] = Counter()

    def add(
        self,
        method: str = "*",
        kind: str = "500",
        times: int | None = 1,
        chat_id: int | None = None,
        retry_after: int = 1,
        description: str | None = None,
        delay_s: float = 30.0,
    ) -> None:
        """Show `kind` to the next `times` requests of `method` (to `chat_id`, where given).

        400, 401, 403, 404, 409, 429, 500, 502: refused with that status before any effect; `drop_before`: the
        connection closes before any effect; `drop_after`: the effect happens, then the connection closes without an
        answer; `timeout_after`: the effect happens, the answer comes `delay_s` later; `migrate`: the group named by
        `chat_id` becomes a supergroup first. Raises ValueError for another kind.
        """
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; known: {', '.join(sorted(KINDS))}")
        self._faults.append(Fault(method.lower(), kind, times, chat_id, retry_after, description, delay_s))

    def clear(self) -> None:
        self._faults.clear()

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self._faults))

    def take(self, method: str, chat_id: int | None) -> Fault | None:
        """The fault that this request meets, counted down."""
        for fault in self._faults:
            if fault.fits(method, chat_id):
                self.shown[fault.kind] += 1
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                return fault
        return None
