"""`python -m tests.chaos.world --purchases 10000 --kills 100 --seed 11`: a run, its table, and 1 if all is not well."""

import argparse
import asyncio
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import uvloop

from tests.chaos.world.bot import ROOT
from tests.chaos.world.broken import DEFECTS, copy_with
from tests.chaos.world.plan import Plan
from tests.chaos.world.run import World
from tests.chaos.world.verdict import Verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.world", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="may be given several times; default 11")
    parser.add_argument("--purchases", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--people", type=int, default=160)
    parser.add_argument("--faults", type=float, default=1.0, help="0: none; 1: as planned")
    parser.add_argument("--settle-within", type=float, default=240.0, help="seconds")
    parser.add_argument("--short-waits", action="store_true", help="the same program with shorter waits")
    parser.add_argument("--broken", choices=sorted(DEFECTS), default="")
    parser.add_argument("--keep", type=Path, help="where the database and the log are left")
    args = parser.parse_args()
    plan = Plan(
        purchases=args.purchases,
        kills=args.kills,
        people=args.people,
        faults=args.faults,
        real_program=not args.short_waits,
        settle_within_s=args.settle_within,
        broken=args.broken,
    )
    verdicts = [uvloop.run(_run(replace(plan, seed=seed), args.keep)) for seed in args.seed or [plan.seed]]
    return int(any(verdict.wrongs for verdict in verdicts))


async def _run(plan: Plan, keep: Path | None) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        folder = Path(temporary)
        if keep is not None:
            folder = keep / f"seed-{plan.seed}"
            folder.mkdir(parents=True)
        source = await asyncio.to_thread(copy_with, plan.broken, folder) if plan.broken else ROOT
        world = World(plan, folder, source)
        verdict = await world.run(lambda line: print(f"  {line}", flush=True))
    print(table(plan, world, verdict), flush=True)
    return verdict


def table(plan: Plan, world: World, verdict: Verdict) -> str:
    title = f"seed {plan.seed}" + (f", broken: {plan.broken}" if plan.broken else "")
    lines = [title, *(f"  {name:<60} {value}" for name, value in verdict.figures.items())]
    deeds = ", ".join(f"{kind} {many}" for kind, many in sorted(world.tally.deeds.items()))
    faults = ", ".join(f"{kind} {many}" for kind, many in sorted(world.tally.faults.items()))
    lines += [f"  deeds: {deeds}", f"  faults ({sum(world.tally.faults.values())}): {faults}"]
    lines += [f"  WRONG: {wrong}" for wrong in verdict.wrongs] or ["  all is well"]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
