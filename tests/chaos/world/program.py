"""`main.py run` with shorter waits, for runs that have to end within a minute or two."""

import asyncio
import os
import signal

import uvloop

from bot import logs
from bot.app import App, Rig
from bot.config import load
from bot.services.rhythm import Timing
from bot.web.server import HttpServer

SPANS = {
    "answer_due": 3_000,
    "find_grace": 2_000,
    "retry": 500,
    "retry_longest": 4_000,
    "unheard": 60_000,
    "cancel_slack": 200,
}


async def _serve() -> None:
    config = load(os.environ, None)
    logs.install(config.log_level, config.log_format, config.secrets())
    app = await App.open(config, HttpServer.bind(config.http_host, config.http_port), rig=Rig(timing=Timing(**SPANS)))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await app.start()
    await stop.wait()
    await app.stop()


if __name__ == "__main__":
    os.environ.setdefault("PTB_TIMEDELTA", "1")
    uvloop.run(_serve())
