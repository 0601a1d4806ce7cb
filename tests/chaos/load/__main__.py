"""`python -m tests.chaos.load`: 100 SMS a second for a minute, and its table; exit code 1 if anything is wrong."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

import uvloop

from tests.chaos.load.run import Load, Plan, run
from tests.chaos.load.verdict import figures, wrongs


def main() -> int:
    usual = Plan()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.load", description=__doc__)
    parser.add_argument("--rate", type=float, default=usual.rate, help="SMS a second, default %(default)s")
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="for so long, default %(default)s")
    parser.add_argument("--people", type=int, default=usual.people, help="with a number each, default %(default)s")
    parser.add_argument("--presses", type=float, default=usual.presses, help="of menus a second, default %(default)s")
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--told", type=float, default=usual.told, help="TELEGRAM_RATE, default %(default)s")
    parser.add_argument("--profile", type=Path, help="where cProfile leaves what the program did")
    args = parser.parse_args()
    plan = Plan(**vars(args))
    load = uvloop.run(_run(plan))
    wrong = wrongs(load)
    print(table(load, wrong), flush=True)
    return int(bool(wrong))


async def _run(plan: Plan) -> Load:
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        return await run(plan, await asyncio.to_thread(Path(folder).resolve), lambda line: print(line, flush=True))


def table(load: Load, wrong: list[str]) -> str:
    plan = load.plan
    title = f"{plan.rate:g} SMS/s for {plan.seconds:g} s to {plan.people} people, {plan.presses:g} presses/s"
    rows = [f"  {name:<42} {value}" for name, value in figures(load).items()]
    return "\n".join([title, *rows, *(f"  WRONG: {one}" for one in wrong), "" if wrong else "  all is well"]).rstrip()


if __name__ == "__main__":
    sys.exit(main())
