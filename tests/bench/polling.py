"""Polling in figures: `python -m tests.bench.polling`, some three minutes with 10,000 numbers; loopback alone.

1  The requests and seconds of one poll of many numbers, at a simulator of each supplier that has a list.
2  One supplier without a list: how long a young and an old number wait for their questions, ten times as fast as life.
3  How long a code takes from the supplier to the messenger, at three suppliers of which one hangs or none.
"""

import argparse
import asyncio
import logging
import tempfile
from pathlib import Path

from tests.bench import hanging, sweeps


async def measure(numbers: int, codes: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        await sweeps.by_pages(Path(folder), numbers)
        await sweeps.one_by_one(Path(folder))
        await hanging.side_by_side(Path(folder), codes, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.polling", description="Polling in figures.")
    parser.add_argument("--numbers", type=int, default=10_000, help="live numbers at each supplier with a list")
    parser.add_argument("--codes", type=int, default=60, help="codes at each of the three suppliers")
    parser.add_argument("--seconds", type=float, default=45.0, help="within which they come")
    args = parser.parse_args()
    logging.disable(logging.WARNING)  # the supplier that hangs would be told of between the rows
    asyncio.run(measure(args.numbers, args.codes, args.seconds))


if __name__ == "__main__":
    main()
