"""`main.py`, and the simulators, as processes of their own."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.stories import until

ROOT = Path(__file__).parents[2]


@dataclass
class Ran:
    """What a command left: its exit code, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line on stderr."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


@dataclass
class Running:
    process: asyncio.subprocess.Process
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)
    readers: list[asyncio.Task[None]] = field(default_factory=list)

    async def printed(self, words: str, within_s: float = 15.0) -> str:
        return str(
            await until(
                lambda: next((line for line in self.out if words in line), None),
                within_s,
                lambda: f"{words!r} not in {self.out} {self.err}",
            )
        )

    async def ended(self, within_s: float = 15.0) -> Ran:
        code = await asyncio.wait_for(self.process.wait(), within_s)
        await asyncio.gather(*self.readers)
        return Ran(code, "".join(self.out), "".join(self.err))


async def _read(stream: asyncio.StreamReader | None, lines: list[str]) -> None:
    while stream is not None and (line := await stream.readline()):
        lines.append(line.decode())


def running(folder: Path, environ: Mapping[str, str], *arguments: str) -> AbstractAsyncContextManager[Running]:
    """The command started in `folder`; what still runs at the end is killed."""
    return _started(folder, environ, str(ROOT / "main.py"), *arguments)


def simulating(dialect: str) -> AbstractAsyncContextManager[Running]:
    """A supplier on a free port, which it prints with its key."""
    return _started(ROOT, {}, "-m", "tests.simulators", dialect, "--port", "0")


@contextlib.asynccontextmanager
async def _started(folder: Path, environ: Mapping[str, str], *arguments: str) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", **environ},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 22,
    )
    found = Running(process)
    found.readers = [
        asyncio.create_task(_read(process.stdout, found.out)),
        asyncio.create_task(_read(process.stderr, found.err)),
    ]
    try:
        yield found
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await asyncio.gather(*found.readers)


async def run(folder: Path, environ: Mapping[str, str], *arguments: str) -> Ran:
    async with running(folder, environ, *arguments) as started:
        return await started.ended()
