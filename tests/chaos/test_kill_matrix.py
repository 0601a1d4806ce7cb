"""SIGKILL at every commit and every call of the provider and Telegram, n rising until the flow completes unkilled.

The outside world runs in this process and survives. By default every point of the first flow is tried and a seeded
sample of the others', with some rows in which the recovery is killed too; KILL_MATRIX=full tries every point of all,
and KILL_SEED draws other samples.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.flows import FLOWS, Flow
from tests.chaos.lives import cold_start_s
from tests.chaos.matrix import HEADING, Matrix
from tests.chaos.outside import make_template, outside

FULL = os.environ.get("KILL_MATRIX") == "full"
SEED = os.environ.get("KILL_SEED", "1")
SINGLES, DOUBLES = 9, 3


@pytest.fixture
async def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.db"
    await make_template(path)
    return path


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
async def test_a_kill_at_any_point_costs_neither_a_code_nor_money(
    flow: Flow, tmp_path: Path, template: Path, say: Callable[[str, str], None]
) -> None:
    matrix, whole = Matrix(flow, tmp_path, template), FULL or flow is FLOWS[0]
    result = await matrix.every_point() if whole else await matrix.sample(SINGLES, 0, SEED)
    if not result.wrong:
        result.rows += (await matrix.sample(0, DOUBLES, SEED)).rows
    say(f"kill matrix\n{HEADING}", result.line())
    if result.wrong:
        pytest.fail("\n".join(result.wrong), pytrace=False)
    assert {f"{when} /sandbox/{verb}" for when in ("before", "after") for verb in flow.verbs} <= set(result.points)
    # Whether a poll happens within a life is the clock's choice, so it alone may come in the baseline and never again.
    assert not whole or not result.never_killed_at - {"before /sandbox/fetch", "after /sandbox/fetch"}


async def test_the_program_starts_cold_within_a_few_seconds(
    tmp_path: Path, template: Path, say: Callable[[str, str], None]
) -> None:
    """The rows fork theirs from a process that has imported everything; here it comes from the command line."""
    async with outside(tmp_path, template, FLOWS[0].settings, webhooks=True, poll_ms=60_000) as world:
        start_s = await cold_start_s(world.spec)
    say("figures", f"cold start, imports and all: {start_s:.2f} s")
    assert start_s < 5
