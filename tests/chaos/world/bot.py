"""The program as a process: started, killed without warning, started again on the same database."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.chaos.world.plan import Plan, Tally

ROOT = Path(__file__).resolve().parents[3]
UP_WITHIN_S = 30.0


class DidNotStart(Exception):
    """With the end of the program's log."""


class Bot:
    """`source` is the checkout that runs: this one, or a broken copy of it."""

    def __init__(self, environ: Mapping[str, str], folder: Path, plan: Plan, tally: Tally, source: Path = ROOT) -> None:
        self._environ = dict(environ)
        self.log = folder / "program.log"
        self._plan = plan
        self._tally = tally
        self._source = source
        self._process: asyncio.subprocess.Process | None = None
        # Bound and never listening, it keeps the program's port for it between two lives.
        self._reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", 0))
        self.port: int = self._reserved.getsockname()[1]
        self._stopping = False

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Returns when it serves. Raises DidNotStart."""
        command = ["main.py", "run"] if self._plan.real_program else ["-m", "tests.chaos.world.program"]
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.log.parent),
            "PYTHONPATH": str(self._source),
            "HTTP_PORT": str(self.port),
            **self._environ,
        }
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *command, cwd=self._source, env=environ, stdout=log, stderr=log
            )
        await self._up()

    async def _up(self) -> None:
        deadline = time.monotonic() + UP_WITHIN_S
        async with httpx.AsyncClient(trust_env=False) as client:
            while time.monotonic() < deadline:
                if self._process is None or self._process.returncode is not None:
                    break
                with contextlib.suppress(httpx.HTTPError):
                    answer = await client.get(f"{self.base}/readyz", timeout=2)
                    if answer.json()["parts"]["telegram"]["ok"] if "parts" in answer.json() else answer.is_success:
                        return
                await asyncio.sleep(0.02)
        raise DidNotStart(self.log.read_text(errors="replace")[-3000:])

    async def kill(self) -> None:
        """SIGKILL, and a start right after it."""
        process = self._process
        assert process is not None
        if process.returncode is not None:
            raise DidNotStart(f"it ended by itself with {process.returncode}\n" + self.log.read_text()[-3000:])
        process.send_signal(signal.SIGKILL)
        await process.wait()
        died = time.monotonic()
        self._tally.killed_at.append(died)
        await self.start()
        self._tally.recoveries_s.append(time.monotonic() - died)

    async def stop(self) -> int | None:
        """As an operator stops it; its exit code."""
        process, self._process = self._process, None
        self._reserved.close()
        if process is None:
            return None
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), 20)
            except TimeoutError:
                process.kill()
                await process.wait()
        return process.returncode
