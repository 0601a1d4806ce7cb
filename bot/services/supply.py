"""The providers as their operator sees them: what is left there, whether they answer, and a word when that changes.

A state is told when it has lasted, once for each change, in the transaction that writes it down: a restart neither
repeats it nor swallows it, and a line that flickers makes no noise.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bot.config import ProviderConfig
from bot.domain.errors import BadKey, ProviderError
from bot.domain.money import Units
from bot.domain.people import User
from bot.domain.record import Record
from bot.domain.time import Ms
from bot.providers.base import Provider
from bot.providers.breaker import standing_of
from bot.providers.registry import Registry
from bot.providers.standing import Circuit, Standing
from bot.services.access import require_admin
from bot.services.admins import Admins
from bot.services.background import Background
from bot.services.clock import Clock
from bot.services.lanes import Lanes
from bot.services.rhythm import Sweep, Timing, Wake
from bot.services.tally import Tally
from storage import provider_states
from storage.db import Database, Tx
from storage.provider_states import ProviderState

log = logging.getLogger(__name__)

REFRESHED_WITHIN_S = 8.0
"""How long somebody who asks for the newest state waits for all providers together."""
ENOUGH_PERCENT = 125
"""Of the low mark: a balance that was low is told to be enough from here on, since refunds make it rise and fall."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the configuration says of a provider."""

    kind: str
    """KIND, with the DIALECT where it has one: 'handler_api hero'."""
    currency: str
    low: Units
    """A balance below this is told, in `currency`; 0: none is."""

    @property
    def enough(self) -> Units:
        return self.low * ENOUGH_PERCENT // 100

    @classmethod
    def of(cls, config: ProviderConfig, currency: str) -> "Facts":
        """`currency`: the installation's."""
        kind = f"{config.kind} {config.dialect}" if config.dialect else config.kind
        return cls(kind, config.currency or currency, config.low_balance)


@dataclass(frozen=True, slots=True)
class Supplier:
    """A row of the providers' table."""

    name: str
    facts: Facts
    state: ProviderState | None
    """None before the first look."""
    circuit: Circuit
    record: Record


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a provider has shown."""

    at: Ms
    balance: Units | None
    bad_key: bool
    standing: Standing


class Supply:
    """`facts` of each provider by its name."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        timing: Timing,
        registry: Registry,
        facts: Mapping[str, Facts],
        tally: Tally,
        admins: Admins,
        background: Background,
        wake: Wake,
    ) -> None:
        self.facts = facts
        self._db = db
        self._clock = clock
        self._timing = timing
        self._registry = registry
        self._tally = tally
        self._admins = admins
        self._wake = wake
        self._lanes = Lanes(background, "look")

    async def table(self, admin: User) -> Sequence[Supplier]:
        """As of the last look, in the order of the configuration."""
        require_admin(admin)
        states = await provider_states.all_by_name(self._db.read)
        return [self._row(one, states.get(one.name)) for one in self._registry]

    def _row(self, provider: Provider, state: ProviderState | None) -> Supplier:
        name = provider.name
        return Supplier(name, self.facts[name], state, standing_of(provider).circuit, self._tally.of_provider(name))

    async def refresh(self, admin: User) -> Sequence[Supplier]:
        """As `table`, once all that answer soon have been looked at."""
        require_admin(admin)
        await self.sweep()
        await self._lanes.settle(REFRESHED_WITHIN_S)
        return await self.table(admin)

    async def sweep(self) -> bool:
        """Look at each provider that is not being looked at already."""
        for provider in self._registry:
            self._lanes.run(provider.name, partial(self._look_at, provider))
        return False

    async def _look_at(self, provider: Provider) -> None:
        balance, error = None, None
        try:
            balance = await provider.balance()
        except ProviderError as why:
            log.info("%s does not tell its balance: %s", provider.name, why.line)
            error = why
        look = Look(self._clock(), balance, isinstance(error, BadKey), standing_of(provider))
        if await self._write_down(provider.name, look):
            self._wake(Sweep.DELIVER)

    async def _write_down(self, name: str, look: Look) -> bool:
        """True where the admins are told something."""
        async with self._db.transaction() as tx:
            before = await provider_states.get(tx, name) or ProviderState(name)
            await provider_states.put(tx, self._judged(before, look))
            return bool(await self._admins.reachable(tx)) and await self._tell(tx, name, look.at)

    async def _tell(self, tx: Tx, name: str, now: Ms) -> bool:
        low, failing = await provider_states.tell_low(tx, name), await provider_states.tell_failing(tx, name)
        notices = []
        if low is not None and self.facts[name].low:
            notices.append("low_balance" if low else "topped_up")
        if failing is not None:
            notices.append(failing or "works_again")
        for notice in notices:
            log.warning("%s: %s", name, notice)
            await self._admins.tell(tx, f"{notice}:{name}", f"{notice}:{name}:{now}", now)
        return bool(notices)

    def _judged(self, before: ProviderState, look: Look) -> ProviderState:
        standing = look.standing
        failing, failing_at = self._failing(before, look)
        state = replace(
            before,
            looked_at=look.at,
            contact_at=standing.answered_at or before.contact_at,
            circuit=standing.circuit,
            circuit_at=standing.circuit_at,
            failing=failing,
            failing_at=failing_at,
            barred_until=standing.barred_until,
        )
        if look.balance is None:
            return state
        facts = self.facts[before.provider]
        low = look.balance < (facts.enough if before.low else facts.low)
        contact_at = max(standing.answered_at or 0, look.at)
        return replace(state, balance=look.balance, balance_at=look.at, contact_at=contact_at, low=low)

    def _failing(self, before: ProviderState, look: Look) -> tuple[str, Ms | None]:
        """What is wrong, and since when. A wrong key is worth a word of its own; other troubles take turns."""
        trouble = self._trouble(look)
        if trouble == "bad_key" and before.failing != trouble:
            return trouble, look.at
        if before.failing:
            is_over = not trouble and self._is_well(look)
            return ("", None) if is_over else (before.failing, before.failing_at)
        if trouble == "no_contact":
            return trouble, look.standing.silent_since
        return trouble, look.at if trouble else None

    def _trouble(self, look: Look) -> str:
        since = look.standing.silent_since
        if look.bad_key:
            return "bad_key"
        if self._bar_ends(look) > look.at:
            return "barred"
        return "no_contact" if since is not None and look.at - since >= self._timing.failing_after else ""

    def _is_well(self, look: Look) -> bool:
        since = look.standing.well_since
        return since is not None and look.at - max(since, self._bar_ends(look)) >= self._timing.well_after

    def _bar_ends(self, look: Look) -> Ms:
        """When it takes requests again, if it wants to be left alone for so long that it matters; else 0.

        Nor does a bar matter that was noted before the clock was set back: it is said again where it holds.
        """
        since, until = look.standing.barred_since or 0, look.standing.barred_until or 0
        return until if since <= look.at and until - since >= self._timing.failing_after else 0
