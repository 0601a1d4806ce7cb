"""Planted markers never reach the log; with the redaction off each one does, so the tests see what they look for."""

import contextlib
import io
import json
import logging
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import aiosqlite
import pytest
import telegram
import uvicorn
from telegram.request import HTTPXRequest

from bot.clients import ClientSettings, make_client, telegram_httpx_kwargs
from bot.logs import CHATTY, Redactor, install
from handlers.sending import sorted_out
from tests.config.loopback import serve

TOKEN = "123456789:AAMarkerMarkerMarkerMarkerMarkerMa"
KEY = 'k"e\\y märker/+&'
SMS = "your code is 424242"
REQUESTS = "telegram.request.BaseRequest"
LIBRARIES = (*CHATTY, REQUESTS, "uvicorn", "uvicorn.error", "uvicorn.asgi")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """What `install` changes in the process is put back."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    loggers = [logging.getLogger(name) for name in LIBRARIES]
    states = [(logger, logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    for logger, was_level, propagate, had in states:
        logger.setLevel(was_level)
        logger.propagate = propagate
        logger.handlers[:] = had


def basic(user_and_password: str) -> str:
    return b64encode(user_and_password.encode()).decode()


LEAKS = [
    (TOKEN, f"POST https://api.telegram.org/bot{TOKEN}/sendMessage"),
    (TOKEN.split(":")[1], f"path /bot{quote(TOKEN, safe='')}/getMe"),
    (TOKEN.split(":")[1], f"twice /bot{quote(quote(TOKEN, safe=''), safe='')}/getMe"),
    ("planted1", "GET https://sms.example/api?api_key=planted1&action=getNumber"),
    ("planted1", "GET https://sms.example/api?action=x&apiKey=planted1"),
    ("planted1", "{'apiKey': 'planted1', 'n': 1}"),
    ("planted1", '{"api_key": "planted1", "n": 1}'),
    ("planted1", "[('X-Api-Key', 'planted1')]"),
    ("planted1", "[(b'x-api-key', b'planted1')]"),
    ("planted12345", "Authorization: Bearer planted12345"),
    ("cGxhbnRlZA", "{'secret': 'whsec_cGxhbnRlZA==', 'n': 1}"),
    ("planted12345", "sent Bearer planted12345 to it"),
    (basic("me:planted1"), f"headers={{'authorization': 'Basic {basic('me:planted1')}'}}"),
    (basic("me:planted1"), f"[(b'Proxy-Authorization', b'Basic {basic('me:planted1')}')]"),
    ("planted1", "X-Telegram-Bot-Api-Secret-Token: planted1"),
    ("planted1", 'POST /hooks/acme/planted1?x=1 HTTP/1.1" 200'),
    ("planted1", "POST https://me.example/hooks/acme/planted1"),
    ("planted1", "redirect=%2Fhooks%2Facme%2Fplanted1"),
    ("planted1", "proxy http://me:planted1@10.0.0.1:3128"),
    (KEY, f"a known key {KEY} by itself"),
    (quote(KEY, safe=""), f"?k={quote(KEY, safe='')}&x"),
    (quote(KEY, safe="").lower(), f"?k={quote(KEY, safe='').lower()}&x"),
    (repr(KEY)[1:-1], f"shown as {KEY!r}"),
]


@pytest.mark.parametrize(("marker", "line"), LEAKS)
@pytest.mark.parametrize("fmt", ["text", "json"])
def test_no_secret_passes_and_without_redaction_each_does(fmt: str, marker: str, line: str):
    def logged(*, redact: bool) -> str:
        stream = io.StringIO()
        install("DEBUG", fmt, [KEY], redact=redact, stream=stream)
        logging.getLogger("bot.test").info("about %s", line)
        return json.loads(stream.getvalue())["message"] if fmt == "json" else stream.getvalue()

    assert marker in logged(redact=False)
    assert marker not in logged(redact=True)
    assert "[redacted]" in logged(redact=True)


@pytest.mark.parametrize("fmt", ["text", "json"])
@pytest.mark.parametrize("redact", [True, False])
def test_a_traceback_is_redacted_like_everything_else(fmt: str, redact: bool):
    stream = io.StringIO()
    install("INFO", fmt, [KEY], redact=redact, stream=stream)
    try:
        try:
            raise ConnectionError(f"no answer from /bot{TOKEN}/getMe")
        except ConnectionError as error:
            raise RuntimeError(f"gave up, key {KEY}") from error
    except RuntimeError:
        logging.getLogger("bot.test").exception("failed")
    written = json.loads(stream.getvalue())["error"] if fmt == "json" else stream.getvalue()
    assert "RuntimeError: gave up" in written
    assert "ConnectionError: no answer" in written
    assert (TOKEN in written, KEY in written) == (not redact, not redact)


def test_a_harmless_line_is_left_as_it_is():
    lines = ["number 17 active in 12:30", "api_key is missing", "GET /hooks", "it took 3.5 s", "https://a.example/x@y"]
    assert [Redactor(["zzz"])(line) for line in lines] == lines


def test_an_empty_secret_redacts_nothing():
    assert Redactor([""])("abc") == "abc"


@pytest.mark.parametrize("name", CHATTY)
def test_a_chatty_library_is_silent_below_warning_at_any_level(name: str):
    def logged(*, redact: bool) -> str:
        stream = io.StringIO()
        install("DEBUG", "text", [], redact=redact, stream=stream)
        logging.getLogger(name).debug("payload %s", SMS)
        logging.getLogger(name).info("payload %s", SMS)
        return stream.getvalue()

    assert logged(redact=False).count(SMS) == 2
    assert logged(redact=True) == ""


async def what_libraries_log(tmp_path: Path, *, redact: bool) -> str:
    """What aiosqlite, httpx and python-telegram-bot really say while they handle the markers."""
    stream = io.StringIO()
    install("DEBUG", "text", [TOKEN], redact=redact, stream=stream)
    async with aiosqlite.connect(tmp_path / "x.db") as db:
        await db.execute("SELECT ?", (f"sql {SMS}",))
    answer = b'{"ok": true, "result": true}'
    async with serve(body=answer) as server, make_client(ClientSettings()) as client:
        await client.get(f"{server.url}/hooks/acme/planted1")
        request = HTTPXRequest(httpx_kwargs=telegram_httpx_kwargs(ClientSettings()))
        async with request:
            bot = telegram.Bot(TOKEN, base_url=f"{server.url}/bot", request=request)
            await bot.delete_webhook(api_kwargs={"text": f"chat {SMS}"})
    return stream.getvalue()


MARKERS = (f"sql {SMS}", f"chat {SMS}", TOKEN, "planted1")


async def test_real_libraries_leak_nothing_at_debug(tmp_path: Path):
    written = await what_libraries_log(tmp_path, redact=True)
    assert [marker for marker in MARKERS if marker in written] == []


async def test_real_libraries_do_leak_without_redaction(tmp_path: Path):
    written = await what_libraries_log(tmp_path, redact=False)
    assert [marker for marker in MARKERS if marker not in written] == []


@pytest.mark.parametrize("redact", [True, False])
@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad Request"])
async def test_an_answer_that_repeats_a_message_is_logged_by_nobody(status: bytes, redact: bool):
    """PTB logs a whole answer that is no JSON, at ERROR: a gateway's page may repeat what was sent."""
    stream = io.StringIO()
    install("DEBUG", "text", [TOKEN], redact=redact, stream=stream)
    page = f"<html>cannot serve: {SMS}</html>".encode()
    raw = b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status, len(page), page)
    request = HTTPXRequest(httpx_kwargs=telegram_httpx_kwargs(ClientSettings()))
    async with serve(raw=raw) as server, request:
        bot = telegram.Bot(TOKEN, base_url=f"{server.url}/bot", request=request)
        with pytest.raises(telegram.error.TelegramError) as caught:
            await bot.delete_webhook()
    logging.getLogger("handlers").error("not sent: %s", sorted_out(caught.value))
    assert "not sent" in stream.getvalue()
    assert (f"{REQUESTS}: Can not load" in stream.getvalue()) is not redact
    assert (SMS in stream.getvalue()) is not redact


def test_a_record_that_cannot_be_formatted_shows_no_arguments():
    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr):
        logging.getLogger().handlers[:] = [install("INFO", "text", [])]
        logging.getLogger("bot.test").info("%d numbers", SMS)
    assert SMS not in stderr.getvalue()
    assert "could not be logged" in stderr.getvalue()


def test_a_message_cannot_forge_a_second_line():
    stream = io.StringIO()
    install("INFO", "text", [], stream=stream)
    logging.getLogger("bot.test").info("a\nINFO forged\r\x1b[2J\x9b1m")
    assert stream.getvalue().splitlines()[0].endswith(r"INFO bot.test: a\x0aINFO forged\x0d\x1b[2J\x9b1m")
    assert stream.getvalue().count("\n") == 1


def test_json_is_one_object_a_line_with_its_time():
    stream = io.StringIO()
    install("INFO", "json", [], stream=stream)
    logging.getLogger("bot.a").info("first\nline")
    logging.getLogger("bot.b").warning("ж")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["logger"], first["level"], first["message"]) == ("bot.a", "INFO", "first\nline")
    assert first["time"].endswith("Z")
    assert len(first["time"]) == len("2026-01-31T12:00:00.000Z")
    assert second == {"time": second["time"], "level": "WARNING", "logger": "bot.b", "message": "ж"}


def test_the_level_holds_for_us_and_for_warnings_of_libraries():
    stream = io.StringIO()
    install("ERROR", "text", [], stream=stream)
    logging.getLogger("bot.test").warning("ours")
    logging.getLogger("httpx").warning("theirs")
    assert stream.getvalue() == ""


def test_uvicorn_writes_through_our_handler():
    async def app(scope: object, receive: object, send: object) -> None: ...

    uvicorn.Config(app)
    stream = io.StringIO()
    install("INFO", "text", [TOKEN], stream=stream)
    logging.getLogger("uvicorn.error").error("failed %s", TOKEN)
    logging.getLogger("uvicorn.access").warning("odd %s", TOKEN)
    assert stream.getvalue().count("[redacted]") == 2


def test_installing_again_replaces_the_earlier_handler():
    first, second = io.StringIO(), io.StringIO()
    install("INFO", "text", [], stream=first)
    install("INFO", "text", [], stream=second)
    logging.getLogger("bot.test").info("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1
