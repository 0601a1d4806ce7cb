"""The program under strace: what it asked of the system, in the order in which it did, or an error in place of it."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from tests.chaos.program import READY, Spec

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 60.0

_CALL = re.compile(r"^(?P<thread>\d+) +(?P<rest>.*)$")
_BEGUN = re.compile(r"^(?P<name>\w+)\((?P<arguments>.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^<\.\.\. (?P<name>\w+) resumed>(?P<arguments>.*)$")
_WHOLE = re.compile(r"^(?P<name>\w+)\((?P<arguments>.*)$")


@dataclass(frozen=True, slots=True)
class Call:
    """A system call. `begun` and `ended` are places in the trace; `line` is all of it, with its result."""

    name: str
    line: str
    begun: int
    ended: int

    @property
    def succeeded(self) -> bool:
        return not re.search(r"= -1 E", self.line)


def require_strace() -> str:
    """Its path; the test is skipped, with the reason, where there is none, or it may not look at our processes."""
    found = shutil.which("strace")
    if found is None:
        _impossible("strace is not installed (on Debian and Ubuntu: apt-get install strace)")
    return str(found)


def _impossible(why: str) -> None:
    if os.environ.get("REQUIRE_STRACE"):
        pytest.fail(why)
    pytest.skip(why)


@contextlib.asynccontextmanager
async def traced(spec: Spec, trace: Path, calls: str) -> AsyncIterator[None]:
    """The program from its start to its end, and in `trace` those of its system calls that `calls` names."""
    command = [require_strace(), "-f", "-y", "-s", "96", "-e", f"trace={calls}", "-e", "signal=none", "-o", str(trace)]
    async with _program(spec, *command):
        yield


@contextlib.asynccontextmanager
async def running(spec: Spec) -> AsyncIterator[int]:
    """The program from its start to its end; its process id."""
    async with _program(spec) as process_id:
        yield process_id


@contextlib.asynccontextmanager
async def _program(spec: Spec, *under: str) -> AsyncIterator[int]:
    program = [sys.executable, "-m", "tests.chaos.program", json.dumps(asdict(spec))]
    process = await asyncio.create_subprocess_exec(
        *under,
        *program,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            while (line := await process.stdout.readline()) and line.decode().strip() != READY:
                pass
        if not line:
            said = (await process.stderr.read()).decode()
            if "ptrace" in said.lower() or "not permitted" in said:
                _impossible(f"strace may not look at our own processes here: {said.strip()[:200]}")
            pytest.fail(said + Path(spec.log).read_text()[-3000:])
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # strace and what it traces
        await process.wait()


@contextlib.asynccontextmanager
async def injected(process_id: int, error: str, calls: str, path: Path) -> AsyncIterator[None]:
    """From here to the end of the block, these calls of a running program on that file fail with that error."""
    tracer = await asyncio.create_subprocess_exec(
        require_strace(),
        *("-f", "-q", "-p", str(process_id), "-P", str(path), "-o", os.devnull),
        *("-e", f"trace={calls}", "-e", f"inject={calls}:error={error}"),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await _attached(process_id, tracer)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            tracer.send_signal(signal.SIGINT)
        await tracer.wait()


async def _attached(process_id: int, tracer: asyncio.subprocess.Process) -> None:
    """Every thread is looked at by now."""
    async with asyncio.timeout(10):
        while not all(_tracer_of(status) == tracer.pid for status in Path(f"/proc/{process_id}/task").glob("*/status")):
            if tracer.returncode is not None and tracer.stderr is not None:
                _impossible(f"strace may not attach here: {(await tracer.stderr.read()).decode().strip()[:200]}")
            await asyncio.sleep(0.01)


def _tracer_of(status: Path) -> int:
    try:
        found = re.search(r"^TracerPid:\s+(\d+)$", status.read_text(), re.MULTILINE)
    except OSError:  # a thread that has ended meanwhile
        return 0
    return int(found[1]) if found else 0


def calls_of(trace: Path) -> list[Call]:
    """All calls that came to an end, in the order of their beginnings."""
    return sorted(_parsed(trace.read_text(errors="replace").splitlines()), key=lambda call: call.begun)


def _parsed(lines: list[str]) -> Iterator[Call]:
    """A call during which another thread made one stands in two lines."""
    open_calls: dict[str, tuple[int, str]] = {}
    for place, line in enumerate(lines):
        if (entry := _CALL.match(line)) is None:
            continue
        thread, rest = entry["thread"], entry["rest"]
        if begun := _BEGUN.match(rest):
            open_calls[thread] = (place, begun["arguments"])
        elif resumed := _RESUMED.match(rest):
            at, arguments = open_calls.pop(thread, (place, ""))
            yield Call(resumed["name"], f"{resumed['name']}({arguments}{resumed['arguments']}", at, place)
        elif whole := _WHOLE.match(rest):
            yield Call(whole["name"], rest, place, place)
