"""Whose turn it is where a provider is asked about each number on its own, and which provider wants to be left alone.

Everything here is in memory: after a start all numbers are due anyway, and a provider says again what it wants.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.errors import ProviderError, Throttled
from bot.domain.time import DAY, Ms
from bot.services.rhythm import Timing


@dataclass(slots=True)
class _Turn:
    """`asked_at`: when its last question left; for a number that was never asked, when it could have."""

    born: Ms
    asked_at: Ms
    leaves_at: Ms | None = None
    """When the question left that is under way."""
    failed: bool = False


class Turns:
    """Of one provider's live numbers by their references, each at the pace of its age.

    Among those that are due, the one comes first that has waited longest *for its pace*. While the provider keeps up,
    each gets its pace. When it does not, the paces of all are stretched alike: a crowd of old numbers does not slow a
    young one more than themselves, and no number waits for ever.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._turns: dict[str, _Turn] = {}

    def __len__(self) -> int:
        return len(self._turns)

    def follow(self, born: Mapping[str, Ms], now: Ms) -> None:
        """These are live, by when they were bought; all others are forgotten.

        A new one is due when it has had its pace, and no sooner for having lived long before it was seen here.
        """
        self._turns = {ref: self._turns.get(ref) or self._new(at, now) for ref, at in born.items()}

    def _new(self, born: Ms, now: Ms) -> _Turn:
        return _Turn(born, max(born, now - self._timing.poll_pace(now - born)))

    def take(self, now: Ms) -> str | None:
        """Who is to be asked now; not given out again before `answered`, `failed` or `put_back`. None: nobody yet."""
        best, most = None, (0.0, 0)
        for ref, turn in self._turns.items():
            if turn.leaves_at is None:
                # The distance, since a clock that was set back must not stop the questions.
                waited, pace = abs(now - turn.asked_at), self._pace(turn, now)
                if self._timing.poll_is_due(waited, pace) and (waited / pace, -pace) > most:
                    best, most = ref, (waited / pace, -pace)
        if best is not None:
            self._turns[best].leaves_at = now
        return best

    def _pace(self, turn: _Turn, now: Ms) -> Ms:
        """One that fails is asked as if it were old: it must not take the room of those that answer."""
        return self._timing.poll_pace(DAY if turn.failed else now - turn.born)

    def answered(self, ref: str) -> None:
        if (turn := self._turns.get(ref)) is not None:
            if turn.leaves_at is not None:
                turn.asked_at = turn.leaves_at
            turn.leaves_at, turn.failed = None, False

    def failed(self, ref: str, now: Ms) -> None:
        """Its own question was not answered."""
        if (turn := self._turns.get(ref)) is not None:
            turn.asked_at, turn.leaves_at, turn.failed = now, None, True

    def put_back(self, ref: str) -> None:
        """It was not asked after all, and keeps its place."""
        if (turn := self._turns.get(ref)) is not None:
            turn.leaves_at = None


class Rests:
    """How long each provider is left alone after a failure."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._spans: dict[str, tuple[Ms, Ms]] = {}

    def begin(self, name: str, error: ProviderError, now: Ms) -> None:
        """As long as it says, else for a while. A shorter rest does not end a longer one."""
        span = self._timing.rest(error) if isinstance(error, Throttled) else self._timing.poll_middle
        since, until = (now, now) if self.is_over(name, now) else self._spans[name]
        self._spans[name] = since, max(until, now + span)

    def is_over(self, name: str, now: Ms) -> bool:
        """Also before its beginning: the clock was set back."""
        since, until = self._spans.get(name, (0, 0))
        return not since <= now < until
