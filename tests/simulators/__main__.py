"""Start a simulator by hand: `python -m tests.simulators hero --port 9000`. It listens on loopback alone.

`POST /panel/sms` with {"phone", "sender", "text"} lets an SMS arrive; `--sms-after 8` lets one come by itself.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Callable

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.domain.time import SECOND, Ms
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld
from tests.simulators import rest
from tests.simulators.engine import Line, Sms, Supplier
from tests.simulators.fivesim import FiveSimSimulator
from tests.simulators.handler_api import DIALECTS, KEY, Plain
from tests.simulators.webhooks import WebhookSender

Deliver = Callable[[str, str, str], object]


def now_ms() -> Ms:
    return time.time_ns() // 1_000_000


class Panel:
    """`app` with a way to let an SMS arrive beside it."""

    def __init__(self, app: ASGIApp, deliver: Deliver) -> None:
        self._app = app
        self._deliver = deliver

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/panel/sms":
            await self._app(scope, receive, send)
            return
        try:
            body = json.loads(await Request(scope, receive).body())
            self._deliver(body["phone"], body["sender"], body["text"])
            answer = JSONResponse({"ok": True})
        except (ValueError, LookupError, TypeError, StopIteration):
            answer = JSONResponse({"error": "phone of a sold number, sender and text are wanted"}, 400)
        await answer(scope, receive, send)


def handler_api(dialect: str, sms_after_s: float, webhook: str) -> ASGIApp:
    supplier = Supplier(now_ms)
    simulator = DIALECTS[dialect](supplier)
    tasks: set[asyncio.Task[object]] = set()

    def keep(task: "asyncio.Task[object]") -> None:
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def text_later(line: Line) -> None:
        await asyncio.sleep(sms_after_s)
        supplier.receive(line.phone, "Service", f"Your code is {random.randint(0, 999_999):06d}")

    if sms_after_s:
        supplier.sold.append(lambda line: keep(asyncio.create_task(text_later(line))))
    if webhook:
        supplier.observers.append(lambda line, sms: keep(asyncio.create_task(post(simulator, webhook, line, sms))))
    return Panel(simulator, supplier.receive)


async def post(simulator: Plain, url: str, line: Line, sms: Sms) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        await WebhookSender(client, url, simulator.name).send([simulator.event(line, sms)])


def the_rest(sms_after_s: float) -> ASGIApp:
    after_ms = int(sms_after_s * SECOND)
    settings = SandboxSettings(auto_sms_after_ms=(after_ms, after_ms + 1)) if after_ms else SandboxSettings()
    world = SandboxWorld(clock=now_ms, settings=settings)
    return Panel(rest.RestSimulator(now_ms, world).app, world.receive)


def fivesim() -> ASGIApp:
    simulator = FiveSimSimulator(now_ms)
    return Panel(simulator.app, simulator.receive)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulators", description="A supplier on loopback.")
    parser.add_argument("dialect", choices=[*DIALECTS, "fivesim", "rest"])
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--sms-after", type=float, default=0.0, help="seconds until each number gets an SMS")
    parser.add_argument("--webhook", default="", help="where to post SMS, as a member of handler_api would")
    args = parser.parse_args()
    if args.dialect in DIALECTS:
        app = handler_api(args.dialect, args.sms_after, args.webhook)
        key = KEY
    else:
        app = the_rest(args.sms_after) if args.dialect == "rest" else fivesim()
        key = rest.API_KEY if args.dialect == "rest" else "any"
    print(f"{args.dialect} on http://127.0.0.1:{args.port}, key {key}", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=args.port, log_level="warning", lifespan="off", ws="none")


if __name__ == "__main__":
    main()
