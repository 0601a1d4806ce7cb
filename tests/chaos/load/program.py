"""`main.py run` as a process of its own on a port of its own, with its log in a file."""

import asyncio
import contextlib
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import ROOT

HOST = "127.0.0.1"
STOPS_WITHIN_S = 30.0


@dataclass
class Program:
    process: asyncio.subprocess.Process
    base: str
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]

    async def stop(self) -> tuple[int | None, float]:
        """As an operator stops it: its exit code, None where it had to be killed, and the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = await asyncio.wait_for(self.process.wait(), STOPS_WITHIN_S)
        except TimeoutError:
            return None, STOPS_WITHIN_S
        return code, time.monotonic() - began


@contextlib.asynccontextmanager
async def started(folder: Path, environ: Mapping[str, str], profile: Path | None) -> AsyncIterator[Program]:
    """`profile`: where cProfile leaves what the program's main thread did."""
    log = folder / "load.log"
    profiler = ["-m", "cProfile", "-o", str(profile)] if profile is not None else []
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as reserved, log.open("wb") as output:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind((HOST, 0))
        port = reserved.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *profiler,
            str(ROOT / "main.py"),
            "run",
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", "HTTP_PORT": str(port), **environ},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            yield Program(process, f"http://{HOST}:{port}", log)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
