"""Any order of events, and everything must be right after each of them and at the end.

MACHINE_EXAMPLES=5000 tries as many lives instead of a few; MACHINE_STEPS makes them longer. A failure prints its steps,
the shortest that Hypothesis finds, and the seed; MACHINE_SEED repeats a run.
"""

import os
import secrets

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.stateful.machine import Machine
from tests.chaos.stateful.reached import table

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "60"))
STEPS = int(os.environ.get("MACHINE_STEPS", "40"))
SEED = int(os.environ.get("MACHINE_SEED") or secrets.randbits(64))

PROFILE = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    print_blob=True,
    report_multiple_bugs=False,
    phases=[phase for phase in Phase if phase is not Phase.explain],
    suppress_health_check=list(HealthCheck),
)


def test_money_and_messages_are_right_after_any_order_of_events() -> None:
    print(f"MACHINE_SEED={SEED}")
    run_state_machine_as_test(seed(SEED)(Machine), settings=PROFILE)
    print(table())
