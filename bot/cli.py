"""The commands of `python main.py`."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeAlias

from bot import checks, keeping, logs, roster
from bot.app import App
from bot.clients import ProxyUnusable
from bot.config import Config, ConfigError, load
from bot.demo.sandbox_server import create_app as create_sandbox_app
from bot.demo.stage import Stage
from bot.domain.errors import BadAmount, NotFound, TooLittleMoney
from bot.domain.money import to_decimal
from bot.providers.build import LONE_SANDBOX
from bot.providers.sandbox.world import SandboxWorld
from bot.services.clock import now_ms
from bot.services.wallet import Wallet
from bot.web.server import HttpServer, PortTaken
from handlers.line import TokenRefused
from storage.backup import BackupFailed
from storage.db import Database, DatabaseUnusable, StorageDown
from storage.lock import is_there

Command: TypeAlias = Callable[[Config, argparse.Namespace], Coroutine[Any, Any, int]]

CANNOT_START = (DatabaseUnusable, StorageDown, PortTaken, ProxyUnusable, TokenRefused)
"""Their texts are lines for the operator."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 1 failed on the way, 2 could not start as things are."""
    os.environ.setdefault("PTB_TIMEDELTA", "1")  # or python-telegram-bot warns on every 429
    arguments = _parser().parse_args(argv)
    try:
        config = load()
    except ConfigError as error:
        print("The configuration has to be mended first:", *error.problems, sep="\n  ", file=sys.stderr)
        return 2
    logs.install(config.log_level, config.log_format, config.secrets())
    command: Command = arguments.command
    try:
        return _runner()(command(config, arguments))
    except CANNOT_START as error:
        print(f"codepigeon: {error}", file=sys.stderr)
        return 2
    except BackupFailed as error:
        print(f"codepigeon: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _runner() -> Callable[[Coroutine[Any, Any, int]], int]:
    try:
        import uvloop
    except ImportError:  # a platform without it: asyncio's own loop serves as well, if slower
        return asyncio.run
    return uvloop.run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="main.py", description="codepigeon: phone numbers for codes, in a Telegram chat."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, command: Command, what: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=what, description=what)
        added.set_defaults(command=command)
        return added

    add("run", run, "start the bot; without BOT_TOKEN, the demo")
    add("demo", demo, "start the demo, whatever the configuration says")
    sandbox_parser = add("sandbox", sandbox, "run the sandbox provider as a process of its own, on loopback")
    sandbox_parser.add_argument("--port", type=_port, default=9000, help="default 9000; 0 takes any free one")
    add("check", check, "show the configuration, and whether everything answers")
    add("providers", providers, "show each provider's balance, last contact, success rate and circuit")
    backup_parser = add("backup", backup, "copy the database while the bot runs, and look at the copy")
    backup_parser.add_argument("path", nargs="?", help="a new file, or a folder; default: the folder BACKUP_DIR")
    restore_parser = add("restore", restore, "put a backup in the place of the database of a bot that does not run")
    restore_parser.add_argument("path", help="the backup")
    restore_parser.add_argument("--force", action="store_true", help="replace the database, and keep it beside")
    credit_parser = add("credit", credit, "give a person money (or take it, below zero)")
    credit_parser.add_argument("user_id", type=int, help="the person's Telegram id, as /people shows it")
    credit_parser.add_argument("amount", help="in CURRENCY, such as 5 or 2.50")
    credit_parser.add_argument("reason", nargs="+", help="what the statement shows")
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("must be a number from 0 to 65535")
    return int(text)


async def run(config: Config, _arguments: argparse.Namespace) -> int:
    return await _serve(config, as_demo=config.bot_token is None)


async def demo(config: Config, _arguments: argparse.Namespace) -> int:
    return await _serve(config, as_demo=True)


async def _serve(config: Config, *, as_demo: bool) -> int:
    """Start, wait for a signal, stop. A second signal does not wait."""
    stop = _stop_signal()
    http = HttpServer.bind("127.0.0.1" if as_demo else config.http_host, config.http_port)
    try:
        stage = await Stage.open(config, http.port) if as_demo else None
    except BaseException:
        await http.stop()
        raise
    try:
        app = await App.open(stage.config if stage else config, http, stage)
    except BaseException:
        await http.stop()
        if stage is not None:
            await stage.aclose()
        raise
    try:
        starting = asyncio.ensure_future(_start(app, http, as_demo=as_demo))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await stopping
        else:
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await starting
    finally:
        await app.stop()
    return 0


async def _start(app: App, http: HttpServer, *, as_demo: bool) -> None:
    await app.start()
    if as_demo:
        print(f"codepigeon's demo is at http://127.0.0.1:{http.port}/  (Ctrl+C ends it)", flush=True)
        if key := await app.demo_key():
            print(f"Its API is described at http://127.0.0.1:{http.port}/docs; a key for it: {key}", flush=True)
        return
    print(f"codepigeon runs as @{app.bot_username}. Ctrl+C ends it.", flush=True)
    if not app.offers.sells:
        print("No provider is set up, so nothing can be sold yet: see PROVIDERS in .env.example.", flush=True)
    if link := await app.owner_link():
        print(f"Nobody owns this bot yet. Whoever opens this link first does: {link}", flush=True)


async def sandbox(_config: Config, arguments: argparse.Namespace) -> int:
    """For a bot elsewhere on this machine: PROVIDERS__X__KIND=sandbox and PROVIDERS__X__URL=<the printed address>."""
    stop = _stop_signal()
    http = HttpServer.bind("127.0.0.1", arguments.port)
    world = SandboxWorld(clock=now_ms, settings=LONE_SANDBOX)
    try:
        await http.start(create_sandbox_app(world))
        print(f"The sandbox provider is at http://127.0.0.1:{http.port}/sandbox  (Ctrl+C ends it)", flush=True)
        await stop.wait()
    finally:
        await http.stop()
        await world.aclose()
    return 0


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()

    def stop_or_leave() -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    if os.name == "posix":  # elsewhere asyncio takes no handlers, and Ctrl+C raises KeyboardInterrupt
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop_or_leave)
    return stop


async def check(config: Config, _arguments: argparse.Namespace) -> int:
    return 0 if await checks.report(config) else 2


async def providers(config: Config, _arguments: argparse.Namespace) -> int:
    await roster.show(config)
    return 0


async def backup(config: Config, arguments: argparse.Namespace) -> int:
    await keeping.back_up_to(config, arguments.path)
    return 0


async def restore(config: Config, arguments: argparse.Namespace) -> int:
    await keeping.restore_from(config, arguments.path, force=arguments.force)
    return 0


async def credit(config: Config, arguments: argparse.Namespace) -> int:
    """Beside a running bot too: one transaction on a connection of its own, which never checkpoints."""
    if not is_there(config.database_path):
        raise DatabaseUnusable(f"There is no database at {config.database_path} yet. Start the bot once first.")
    async with await Database.open(config.database_path, exclusive=False) as db:
        key = f"terminal:{os.urandom(9).hex()}"
        try:
            balance = await Wallet(db, now_ms).credit_as(
                None, arguments.user_id, arguments.amount, " ".join(arguments.reason), key=key
            )
        except NotFound:
            print(f"Nobody with the id {arguments.user_id} has ever written to this bot.", file=sys.stderr)
            return 2
        except BadAmount:
            print("The amount must be a number other than 0 with at most four decimals.", file=sys.stderr)
            return 2
        except TooLittleMoney as error:
            print(f"Their balance is {to_decimal(error.missing)} short of that.", file=sys.stderr)
            return 2
    print(f"Done. The balance of {arguments.user_id} is now {to_decimal(balance)} {config.currency}.")
    return 0
