"""The real program as a process of its own, which ends itself by SIGKILL at the n-th point.

A point is a commit, a message to Telegram, a webhook or a verb of the supplier, once before and once after. What the
program reports, a line each, goes to a pipe, which outlives it: every point it passes, and `ready` once it serves.

    python -m tests.chaos.program '<a Spec as JSON>'        reports to standard output
"""

import asyncio
import json
import os
import re
import signal
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Final, NoReturn

import uvloop

from bot import logs
from bot.app import App, Rig
from bot.config import load
from bot.scheduler import INTERVALS_S
from bot.services.rhythm import Sweep, Timing
from bot.web.server import HttpServer

READY: Final = "ready"
ANY: Final = "any point"
HOST: Final = "127.0.0.1"

POINTS: Final = re.compile(
    r"(before|after) (commit|sendMessage|editMessageText|answerCallbackQuery|webhook"
    r"|/sandbox/(allocate|find|fetch|another_code|finish|cancel|renew|renewal_cost))"
)
"""Long polls, price lists and what is said to Telegram at the start change nothing that could be lost."""

SWEEP_EVERY_S: Final = 0.1
QUIET_S: Final = 0.05
"""The first pass of every sweep, which commits too, has ended so long after the start."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One life of the program. `from_birth`: the points of its start count too."""

    environ: dict[str, str]
    port: int
    log: str
    kill_at: dict[str, int] = field(default_factory=dict)
    """Kinds of points (ANY: all of them), and which of each: the process ends at the first of these."""
    from_birth: bool = False
    poll_ms: int = 60_000
    timing: dict[str, int] = field(default_factory=dict)
    synchronous: str = "FULL"


class Fuse:
    """The hook given to the program. What it has written to the pipe can be read after its death."""

    def __init__(self, report: int, kill_at: Mapping[str, int]) -> None:
        self._report = report
        self._left = dict(kill_at)
        self.armed = False

    def say(self, line: str) -> None:
        os.write(self._report, f"{line}\n".encode())

    def __call__(self, point: str) -> None:
        if not self.armed or not POINTS.fullmatch(point):
            return
        self.say(point)
        for kind in (point, ANY):
            if kind in self._left:
                self._left[kind] -= 1
                if self._left[kind] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)


def rig(spec: Spec, hook: Fuse) -> Rig:
    """Every span of the program that a person could notice, shortened; order and relations stay."""
    spans = {
        "answer_due": 1_500,
        "find_grace": 700,
        "retry": 200,
        "retry_longest": 1_000,
        "cancel_slack": 20,
        "poll_young": spec.poll_ms,
        "poll_middle": spec.poll_ms,
        "poll_old": spec.poll_ms,
        "resend": 200,
    }
    often = dict.fromkeys((Sweep.POLL, Sweep.DELIVER, Sweep.EXPIRE, Sweep.RECONCILE), SWEEP_EVERY_S)
    intervals_s = {**INTERVALS_S, **often}
    for longer_than_most_lives in (Sweep.CATALOGUE, Sweep.BACKUP):
        del intervals_s[longer_than_most_lives]
    return Rig(timing=Timing(**(spans | spec.timing)), intervals_s=intervals_s, hook=hook, synchronous=spec.synchronous)


async def _serve(spec: Spec, fuse: Fuse) -> NoReturn:
    config = load(spec.environ, None)
    logs.install(config.log_level, config.log_format, config.secrets())
    fuse.armed = spec.from_birth
    app = await App.open(config, HttpServer.bind(HOST, spec.port), rig=rig(spec, fuse))
    await app.start()
    if not fuse.armed:
        await asyncio.sleep(QUIET_S)
    fuse.armed = True
    fuse.say(READY)
    await asyncio.Event().wait()
    raise AssertionError("it serves until it is killed")


def live(spec: Spec, report: int) -> None:
    """To be called in a fresh process."""
    os.environ.setdefault("PTB_TIMEDELTA", "1")
    log = os.open(spec.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 2)
    try:
        uvloop.run(_serve(spec, Fuse(report, spec.kill_at)))
    finally:
        traceback.print_exc()
        os._exit(1)  # whatever it left open must not keep a failed start from being noticed


def live_in(spec: Spec, report: Connection) -> None:
    """As `live`, in a process forked from one that has imported everything already."""
    live(spec, report.fileno())


if __name__ == "__main__":
    live(Spec(**json.loads(sys.argv[1])), 1)
