"""What an operator can see of the program from outside: /readyz once a second, its memory and its CPU time."""

import asyncio
import os
import time
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


@dataclass
class Probe:
    client: httpx.AsyncClient
    base: str
    pid: int
    samples: list[Sample] = field(default_factory=list)
    unanswered: int = 0

    async def watch(self) -> None:
        while True:
            began = time.monotonic()
            await self.look()
            await asyncio.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))

    async def look(self) -> Sample | None:
        try:
            answer = await self.client.get(f"{self.base}/readyz")
        except httpx.HTTPError:
            self.unanswered += 1
            return None
        assert answer.headers.get("content-type") == "application/json", answer.text
        owed = answer.json()["outbox"]
        sample = Sample(time.monotonic(), answer.is_success, owed["pending"], owed["oldest_ms"])
        self.samples.append(sample)
        return sample

    def peak_mib(self) -> float:
        """The most that its memory has been."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS
