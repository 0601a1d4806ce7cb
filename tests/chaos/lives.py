"""The program's lives: started, killed by itself, started again on the same database until the test is over."""

import asyncio
import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeAlias

from tests.chaos import program
from tests.chaos.program import READY, Spec

# Forked from a process that has imported the program: its imports take 0.8 s of CPU, its start without them 0.1 s.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([program.__name__])


BORN_WITHIN_S = 20.0

Kill: TypeAlias = Mapping[str, int]
"""Kinds of points, and which of each; empty: none. Interleaving changes the points' order, but not within a kind."""


class DiedByItself(Exception):
    """The program ended although nobody killed it."""


@dataclass
class Life:
    kill_at: Kill
    born_at: float
    points: list[str] = field(default_factory=list)
    ready_at: float | None = None
    died_at: float | None = None
    recovered_at: float | None = None
    """When what the person was waiting for at its death had happened all the same."""

    @property
    def start_s(self) -> float:
        return (self.ready_at or self.born_at) - self.born_at


class Lives:
    """`kills` are the points at which the first lives end, one each; the life after them is not killed.

    The first life counts its points from when it serves; the later ones from their birth.
    """

    def __init__(self, spec: Spec, kills: Sequence[Kill]) -> None:
        self._spec = spec
        self._kills = tuple(kills)
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.lives: list[Life] = []
        self.pid = 0
        """Of the life that is being lived."""

    @property
    def deaths(self) -> list[Life]:
        return [life for life in self.lives if life.died_at is not None]

    @property
    def completed_unkilled(self) -> bool:
        """The last kill that was asked for was never reached."""
        return len(self.deaths) < len(self._kills)

    def check(self) -> None:
        """Raises what went wrong in the background."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def __aenter__(self) -> "Lives":
        self._task = asyncio.create_task(self._run())
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait({self._task, ready}, timeout=BORN_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        self.check()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, DiedByItself):
                await self._task

    async def _run(self) -> None:
        while True:
            at = len(self.lives)
            kill_at = self._kills[at] if at < len(self._kills) else {}
            life = Life(kill_at, time.monotonic())
            self.lives.append(life)
            await self._live(replace(self._spec, kill_at=dict(kill_at), from_birth=at > 0), life)

    async def _live(self, spec: Spec, life: Life) -> None:
        theirs: Connection
        ours, theirs = FORKS.Pipe(duplex=False)
        process = FORKS.Process(target=program.live_in, args=(spec, theirs), daemon=True)
        process.start()
        self.pid = process.pid or 0
        theirs.close()
        try:
            with os.fdopen(os.dup(ours.fileno()), "rb", buffering=0) as pipe:
                ours.close()
                await self._listen(pipe, life)
        finally:
            process.kill()
            process.join()
            code = process.exitcode
            process.close()
        life.died_at = time.monotonic()
        if code != -signal.SIGKILL or not life.kill_at:
            log = Path(spec.log).read_text()[-3000:]
            raise DiedByItself(f"exit code {code} after {len(life.points)} points\n{log}")

    async def _listen(self, pipe: object, life: Life) -> None:
        """To the end of the pipe, which is the end of the process."""
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        try:
            async for line in reader:
                said = line.decode().strip()
                if said == READY:
                    life.ready_at = time.monotonic()
                    self._ready.set()
                else:
                    life.points.append(said)
        finally:
            transport.close()


async def cold_start_s(spec: Spec) -> float:
    """From the command to `ready`, imports and all; the program is killed then."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", program.__name__, json.dumps(asdict(spec)), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        while (line := await process.stdout.readline()) and line.decode().strip() != READY:
            pass
        assert line, Path(spec.log).read_text()[-3000:]
        return time.monotonic() - began
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
