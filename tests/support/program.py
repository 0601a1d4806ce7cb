"""The real program as a process of its own."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
KEY = re.compile(r"cpk_[\w-]+")


@contextlib.asynccontextmanager
async def running_demo(environ: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """`python main.py demo` on a free port: the address that it prints. It must stop cleanly at SIGTERM."""
    async with running_demo_and_key(environ) as (address, _):
        yield address


@contextlib.asynccontextmanager
async def running_demo_and_key(environ: Mapping[str, str] | None = None) -> AsyncIterator[tuple[str, str]]:
    """The same, and the key of its API that it prints."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR", "LANG")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "main.py"),
        "demo",
        cwd=ROOT,
        env={**kept, "HTTP_PORT": "0", **(environ or {})},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(30):
            found = await _said(process, ADDRESS), await _said(process, KEY)
        yield found
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _said(process: asyncio.subprocess.Process, what: re.Pattern[str]) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        if match := what.search(line.decode()):
            return match[0]
    raise AssertionError("the program ended without printing it")
