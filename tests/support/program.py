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
ADDRESS = re.compile(rb"http://127\.0\.0\.1:\d+")


@contextlib.asynccontextmanager
async def running_demo(environ: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """`python main.py demo` on a free port: the address that it prints. It must stop cleanly at SIGTERM."""
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
            yield await _address(process)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        if match := ADDRESS.search(line):
            return match[0].decode()
    raise AssertionError("the program ended without printing its address")
