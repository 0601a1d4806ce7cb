"""What an operator can see of the program from outside: /readyz once a second, its memory and its CPU time."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

EVERY_S = 1.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Sample:
    at: float
    ready: bool
    pending: int
    oldest_ms: int
    codes: int
    oldest_code_ms: int


@dataclass
class Probe:
    client: httpx.AsyncClient
    base: str
    pid: int
    owed: Callable[[], int]
    """How many codes are owed, by the world's own count."""
    samples: list[Sample] = field(default_factory=list)
    most_owed: int = 0
    unanswered: int = 0

    async def watch(self) -> None:
        while True:
            began = time.monotonic()
            await self.look()
            await asyncio.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))

    async def look(self) -> Sample | None:
        answer = await self._ask() or await self._ask()  # a connection that was just being closed proves nothing
        if answer is None:
            self.unanswered += 1
            return None
        owed = answer.json()["outbox"]
        sample = Sample(time.monotonic(), answer.is_success, **owed)
        self.samples.append(sample)
        self.most_owed = max(self.most_owed, self.owed())
        return sample

    def peak_mib(self) -> float:
        """The most that its memory has been."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    async def _ask(self) -> httpx.Response | None:
        try:
            return await self.client.get(f"{self.base}/readyz")
        except httpx.HTTPError:
            return None
