"""Start a simulator by hand: `python -m tests.simulators hero --port 9000`. It listens on loopback alone.

POST /panel/sms     {"phone", "sender", "text"}: an SMS arrives; `--sms-after 8` lets one come by itself
GET  /panel/record  {"numbers": [{"phone", "state", "charged"}]}: what was sold, by the supplier's own books
POST /panel/spoil   {"verb", "kind", "times"}: answers are lost on their way, see tests/simulators/spoiling.py
"""

import argparse
import asyncio
import json
import random
import socket
import time
from dataclasses import asdict
from typing import Any

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from bot.domain.time import Ms
from tests.simulators.engine import Line, Sms
from tests.simulators.sims import SIMS, HandlerApiSim, Sim
from tests.simulators.webhooks import WebhookSender


def now_ms() -> Ms:
    return time.time_ns() // 1_000_000


class Panel:
    """The supplier, with a way to play it beside its own face."""

    def __init__(self, sim: Sim, sms_after_s: float = 0.0, webhook: str = "") -> None:
        self._sim = sim
        self._sms_after_s = sms_after_s
        self._texted: set[str] = set()
        self._tasks: set[asyncio.Task[object]] = set()
        if webhook and isinstance(sim, HandlerApiSim):
            sim.supplier.observers.append(lambda line, sms: self._keep(post(sim, webhook, line, sms)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith("/panel/"):
            await self._sim.line(scope, receive, send)
            self._text_the_new_ones()
            return
        try:
            answer = self._answer(scope["path"], await Request(scope, receive).body())
        except (ValueError, LookupError, TypeError, AssertionError):
            answer = JSONResponse({"error": "not understood, or about a phone that was never sold"}, 400)
        await answer(scope, receive, send)

    def _answer(self, path: str, body: bytes) -> Response:
        if path == "/panel/record":
            return JSONResponse({"numbers": [asdict(line) for line in self._sim.sold()]})
        said = json.loads(body)
        if path == "/panel/sms":
            self._sim.text(said["phone"], said["sender"], said["text"])
        elif path == "/panel/spoil":
            self._sim.line.spoil(said["verb"], said["kind"], said.get("times", 1))
        else:
            raise LookupError(path)
        return JSONResponse({"ok": True})

    def _text_the_new_ones(self) -> None:
        for line in self._sim.sold() if self._sms_after_s else ():
            if line.phone not in self._texted:
                self._texted.add(line.phone)
                self._keep(self._text_later(line.phone))

    async def _text_later(self, phone: str) -> None:
        await asyncio.sleep(self._sms_after_s)
        self._sim.text(phone, "Service", f"Your code is {random.randint(0, 999_999):06d}")

    def _keep(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def post(sim: HandlerApiSim, url: str, line: Line, sms: Sms) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        await WebhookSender(client, url, sim.name).send([sim.simulator.event(line, sms)])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulators", description="A supplier on loopback.")
    parser.add_argument("dialect", choices=[name for name in SIMS if name != "sandbox"])
    parser.add_argument("--port", type=int, default=9000, help="default 9000; 0 takes any free one")
    parser.add_argument("--sms-after", type=float, default=0.0, help="seconds until each number gets an SMS")
    parser.add_argument("--webhook", default="", help="where to post SMS, as a member of handler_api would")
    args = parser.parse_args()
    sim = SIMS[args.dialect](args.dialect, now_ms)
    config = uvicorn.Config(
        Panel(sim, args.sms_after, args.webhook),
        log_level="warning",
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    with socket.create_server(("127.0.0.1", args.port)) as listener:
        print(f"{args.dialect} on http://127.0.0.1:{listener.getsockname()[1]}, key {sim.key}", flush=True)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
