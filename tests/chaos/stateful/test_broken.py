"""The machine can fail: with one promise broken on purpose, it says what is wrong.

By default a short life shows that each defect would be seen. With MACHINE_EXAMPLES of a thousand or more, the machine
must find each of them by itself, from a seed of its own.
"""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from bot.domain.time import MINUTE
from tests.chaos.stateful.broken import (
    CancelsWithoutReadingAgain,
    CapturesWithoutKey,
    GivesBackWithoutGuard,
    MarksBeforeSending,
)
from tests.chaos.stateful.chats import NO_CONTACT
from tests.chaos.stateful.machine import BEAT, Machine
from tests.chaos.stateful.test_machine import EXAMPLES, SEED, STEPS

ANN = 1


def put_off(life: Machine) -> None:
    """Telegram cannot be reached when the code is to be sent."""
    life.code(0, "Your code is 111111", "not yet")
    life.telegram(ANN, [NO_CONTACT] * 3)
    life.sweep(list(BEAT))


def cancelled_unread(life: Machine) -> None:
    """The code is at a supplier who takes the number back all the same, when its person gives it up."""
    life.time_passes(5 * MINUTE, [])
    life.give_back(0, "before", "", asked=True)


def two_codes(life: Machine) -> None:
    life.code(0, "Your code is 111111", "by a webhook")
    life.code(0, "Your code is 222222", "by a webhook")


def given_back_used(life: Machine) -> None:
    """A rental is paid at its sale, and refunded when it is released soon after."""
    life.give_back(0, "", "", asked=True)


@pytest.mark.parametrize(
    ("broken", "live", "rental", "said"),
    [
        (MarksBeforeSending, put_off, False, "did not bring"),
        (CancelsWithoutReadingAgain, cancelled_unread, False, "did not bring"),
        (CapturesWithoutKey, two_codes, False, "was resolved by ['capture', 'capture']"),
        (GivesBackWithoutGuard, given_back_used, True, "was resolved by ['capture', 'release']"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_broken_promise_is_seen(
    broken: type[Machine], live: Callable[[Machine], None], rental: bool, said: str
) -> None:
    whole_life(Machine, live, rental)
    with pytest.raises(AssertionError) as seen:
        whole_life(broken, live, rental)
    assert said in str(seen.value)


def whole_life(kind: type[Machine], live: Callable[[Machine], None], rental: bool) -> None:
    machine = kind()
    try:
        machine.begin(("30", "30"), [(ANN, False), (ANN, False), (ANN, rental)], "one")
        live(machine)
        machine.nothing_is_wrong()
        machine.settle_everything()
    finally:
        machine.close()


@pytest.mark.skipif(EXAMPLES < 1000, reason="a search of minutes: MACHINE_EXAMPLES=1000 or more")
@pytest.mark.parametrize(
    "broken", [MarksBeforeSending, CancelsWithoutReadingAgain, CapturesWithoutKey, GivesBackWithoutGuard]
)
def test_a_broken_promise_is_found(broken: type[Machine]) -> None:
    print(f"MACHINE_SEED={SEED}")
    search = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(seed(SEED)(broken), settings=search)
