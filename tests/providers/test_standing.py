"""What the breaker has seen of a line, call by call; and for how long a number can be charged for."""

import pytest

from bot.domain.errors import BadKey, CancelTooEarly, NoNumbers, ProviderError, ProviderFault, ProviderFunds, Throttled
from bot.domain.numbers import Kind, Offer
from bot.domain.time import DAY, HOUR, MINUTE, SECOND
from bot.providers.base import Capabilities, Refused, Unknown
from bot.providers.breaker import FAULTS, PAUSE, Breaker, Circuit, standing_of
from bot.providers.fivesim.adapter import FiveSim
from bot.providers.handler_api.adapter import _capabilities
from bot.providers.handler_api.dialects import DIALECTS
from bot.providers.sandbox.adapter import SandboxProvider
from bot.providers.sandbox.world import SandboxWorld
from bot.providers.standing import LONG_SILENCE, Standing, after

OFFER = Offer("sandbox", "wa", "GB", Kind.ACTIVATION, cost=50_000, price=50_000, stock=1)


@pytest.mark.parametrize("error", [None, NoNumbers(), ProviderFunds(), CancelTooEarly()])
def test_a_result_and_a_refusal_of_what_was_asked_are_usable_answers(error: ProviderError | None) -> None:
    standing = after(Standing(well_since=50, silent_since=90), error, 100)
    assert standing == Standing(answered_at=100, well_since=50)


def test_a_fault_a_refused_key_and_a_throttle_are_not() -> None:
    well = Standing(answered_at=90, well_since=50)
    assert after(well, ProviderFault(), 100) == Standing(answered_at=90, silent_since=100)
    assert after(well, BadKey(), 100) == Standing(answered_at=90)
    throttled = after(well, Throttled(3), 100)
    assert (throttled.answered_at, throttled.well_since, throttled.silent_since) == (90, 50, 100)
    assert (throttled.barred_since, throttled.barred_until) == (100, 100 + 3 * SECOND)


def test_the_silence_counts_from_its_first_call() -> None:
    standing = Standing()
    for now, error in ((100, Throttled(1)), (200, ProviderFault()), (300, ProviderFault())):
        standing = after(standing, error, now)
    assert standing.silent_since == 100


def test_after_a_long_silence_it_has_to_be_well_anew_and_after_a_short_one_not() -> None:
    standing = Standing(well_since=50, silent_since=100)
    assert after(standing, None, 100 + LONG_SILENCE - 1).well_since == 50
    assert after(standing, None, 100 + LONG_SILENCE).well_since == 100 + LONG_SILENCE


def test_a_ban_lasts_as_long_as_the_longest_word_about_it_and_a_new_one_begins_anew() -> None:
    standing = after(Standing(), Throttled(600), 0)
    standing = after(standing, Throttled(5), MINUTE)
    assert (standing.barred_since, standing.barred_until) == (0, 10 * MINUTE)
    standing = after(standing, Throttled(60), 10 * MINUTE)
    assert (standing.barred_since, standing.barred_until) == (10 * MINUTE, 11 * MINUTE)
    assert after(Standing(), Throttled(1e18), 0).barred_until == 30 * DAY


async def test_the_breaker_notes_every_kind_of_call_and_when_its_circuit_turned() -> None:
    now = 1_000_000
    world = SandboxWorld(clock=lambda: now)
    breaker = Breaker(SandboxProvider("sandbox", world.call, clock=lambda: now), lambda: now)
    assert breaker.standing == Standing()
    await breaker.stock(Kind.ACTIVATION, "wa")
    assert breaker.standing.answered_at == now
    world.faults.add("allocate", "refuse:no_numbers")
    now += 1
    assert isinstance(await breaker.allocate(OFFER, "a"), Refused)
    assert breaker.standing.answered_at == now
    world.faults.add("allocate", "lost_answer", times=FAULTS)
    first = now = now + 1
    for ref in range(FAULTS):
        assert isinstance(await breaker.allocate(OFFER, f"b{ref}"), Unknown)
        now += 1
    assert breaker.standing == Standing(Circuit.OPEN, now - 1, answered_at=first - 1, silent_since=first)
    now += PAUSE
    assert breaker.standing.circuit is Circuit.HALF_OPEN
    await breaker.balance()
    assert breaker.standing == Standing(Circuit.CLOSED, now, answered_at=now, well_since=now)
    assert standing_of(breaker) == breaker.standing
    assert standing_of(breaker.inner) == Standing()


def test_a_number_lives_as_long_as_its_provider_says() -> None:
    rental = Offer("x", "wa", "GB", Kind.RENTAL, cost=1, price=1, stock=1, hours=4)
    instagram = Offer("x", "ig", "GB", Kind.ACTIVATION, cost=1, price=1, stock=1)
    assert Capabilities().life(OFFER) == 20 * MINUTE
    assert Capabilities().life(rental) == 4 * HOUR
    assert _capabilities(DIALECTS["smsbower"]).life(OFFER) == 20 * MINUTE
    assert _capabilities(DIALECTS["sms-activate"]).life(OFFER) == 20 * MINUTE
    assert _capabilities(DIALECTS["sms-activate"]).life(instagram) == HOUR
    assert FiveSim.capabilities.life(OFFER) == 15 * MINUTE
