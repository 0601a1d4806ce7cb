"""How the sandbox behaves."""

from dataclasses import dataclass

from bot.domain.money import ONE, Units
from bot.domain.time import MINUTE, Ms


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """The defaults are a usual supplier's; the demo and tests shorten them. Pairs are (least, most)."""

    lifetime_ms: Ms = 20 * MINUTE
    cancel_from_ms: Ms = 2 * MINUTE
    """An activation cannot be cancelled before it is this old."""
    rental_refund_ms: Ms = 20 * MINUTE
    """A rental cancelled before it is this old, without SMS and not renewed, is not charged."""
    takes_back_used: bool = False
    """A cancel is taken although an SMS has come: not every supplier denies it."""
    latency_s: tuple[float, float] = (0.0, 0.0)
    slow_s: tuple[float, float] = (4.0, 7.0)
    """Latency in the mode "slow". Half of a latency passes before the effect, half after it."""
    auto_sms_after_ms: tuple[Ms, Ms] | None = None
    """Each number gets a typical SMS by itself so long after its sale and after each request for another code."""
    restock_ms: Ms = MINUTE
    """One sold number of a service and country comes back on sale in this time."""
    balance: Units = 1_000_000 * ONE
    """The operator's account at the start."""
    keep_closed: int = 50_000
    """Closed numbers remembered; older ones are unknown to every verb."""
