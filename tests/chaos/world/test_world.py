"""A small run of the world, and the same against a broken program, which must turn red.

The large ones: `make chaos`.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.world.__main__ import table
from tests.chaos.world.broken import DEFECTS, copy_with
from tests.chaos.world.plan import Plan
from tests.chaos.world.run import World


async def test_nothing_is_lost_and_nobody_pays_twice_while_all_fails_and_the_program_is_killed(
    tmp_path: Path, say: Callable[[str, str], None]
) -> None:
    plan = Plan(seed=21, purchases=700, kills=10, people=110, real_program=False)
    world = World(plan, tmp_path)
    verdict = await world.run()
    say("a world that fails", table(plan, world, verdict))
    assert not verdict.wrongs
    assert len(world.tally.killed_at) == plan.kills


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_each_defect_that_the_world_is_shown_still_finds_the_code_that_it_breaks(tmp_path: Path, defect: str) -> None:
    assert (copy_with(defect, tmp_path) / "main.py").is_file()
