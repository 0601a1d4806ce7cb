"""From the configuration to an adapter that answers, and the simulators as they are started by hand."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from bot.config import ConfigError, load
from bot.config.provider import DIALECTS as NAMES
from bot.domain.numbers import Kind
from bot.domain.time import SECOND
from bot.providers.base import RemoteState, Sold, WebhookRequest
from bot.providers.breaker import Breaker
from bot.providers.build import Builder
from bot.providers.fivesim.adapter import FiveSim
from bot.providers.handler_api.adapter import HandlerApi
from bot.providers.handler_api.dialects import DIALECTS
from bot.providers.handler_api.webhook import hints
from bot.providers.rest.adapter import RestProvider
from tests.providers.contract import offer_of
from tests.providers.serving import serving
from tests.simulators.engine import Supplier
from tests.simulators.handler_api import DIALECTS as SIMULATORS
from tests.simulators.handler_api import KEY
from tests.simulators.webhooks import SCHEDULES_S, WebhookSender

HERO = {
    "PROVIDERS__H__KIND": "handler_api",
    "PROVIDERS__H__DIALECT": "Hero",
    "PROVIDERS__H__URL": "https://hero-sms.com/",
    "PROVIDERS__H__API_KEY": KEY,
}


def test_the_names_of_the_configuration_are_the_rows_of_the_table_and_each_has_its_simulator() -> None:
    assert set(NAMES) == set(DIALECTS) == set(SIMULATORS)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PROVIDERS__H__DIALECT", "vero", "is not a dialect that this version knows: use one of sms-activate, hero"),
        ("PROVIDERS__H__DIALECT", None, "PROVIDERS__H__DIALECT is missing: KIND=handler_api needs one of"),
        ("PROVIDERS__H__URL", None, "PROVIDERS__H__URL is missing: KIND=handler_api needs the provider's address"),
        ("PROVIDERS__H__API_KEY", None, "PROVIDERS__H__API_KEY is missing: KIND=handler_api needs the key"),
    ],
)
def test_what_a_site_needs_is_said_in_a_sentence(name: str, value: str | None, says: str) -> None:
    environ = {key: text for key, text in {**HERO, name: value}.items() if text is not None}
    with pytest.raises(ConfigError) as caught:
        load(environ, None)
    [problem] = caught.value.problems
    assert says in problem


async def test_each_kind_is_built_as_its_adapter() -> None:
    rest = {key.replace("__H__", "__R__"): value for key, value in HERO.items() if "DIALECT" not in key}
    five = {"PROVIDERS__F__KIND": "fivesim", "PROVIDERS__F__API_KEY": KEY}
    config = load({**HERO, **rest, **five, "PROVIDERS__R__KIND": "rest"}, None)
    registry = Builder(lambda: 0).build(config.providers)
    try:
        adapters = [one.inner for one in registry if isinstance(one, Breaker)]
        built = {type(one) for one in adapters}
        assert built == {HandlerApi, RestProvider, FiveSim}
        hero = next(one for one in adapters if isinstance(one, HandlerApi))
        assert hero.dialect is DIALECTS["hero"]
    finally:
        await registry.aclose()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_webhook_of_each_member_names_the_number_of_the_purchase(dialect: str) -> None:
    supplier = Supplier(lambda: 1_700_000_000_000)
    simulator = SIMULATORS[dialect](supplier)
    line = supplier.sell("wa", "6", None)
    sms = supplier.receive(line.phone, "A", "code 1234")
    [event] = hints(WebhookRequest({}, json.dumps(simulator.event(line, sms)).encode()))
    assert event.provider_ref == line.id


class Listener:
    """Takes an event at its `after`-th attempt."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.bodies.append(body)
        status = 200 if len(self.bodies) >= self.after else 500
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def test_the_sender_of_webhooks_tries_again_by_its_members_schedule_and_repeats_and_shuffles() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    listener = Listener(after=3)
    async with serving(listener) as url, httpx.AsyncClient(trust_env=False) as client:
        assert await WebhookSender(client, url, "hero", sleep=sleep).send([{"activationId": "1"}]) == 1
        assert waited == list(SCHEDULES_S["hero"][:2])
        listener.after = 10**9
        assert await WebhookSender(client, url, "smsbower", sleep=sleep).send([{"activationId": "1"}]) == 0
        assert waited[2:] == [60, 300]
        listener.after, listener.bodies = 0, []
        events = [{"activationId": str(number)} for number in range(8)]
        sender = WebhookSender(client, url, "hero", sleep=sleep, duplicates=1, shuffled=True)
        assert await sender.send(events) == 16
    sent = [json.loads(body)["activationId"] for body in listener.bodies]
    assert sorted(sent) == sorted([str(number) for number in range(8)] * 2)
    assert sent != sorted(sent)


@pytest.fixture
def by_hand() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.simulators", "hero", "--port", str(port), "--sms-after", "0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            assert process.stdout is not None
            assert url in process.stdout.readline()
            yield url
        finally:
            process.terminate()


async def test_a_simulator_started_by_hand_sells_over_the_configuration_alone(by_hand: str) -> None:
    config = load({**HERO, "PROVIDERS__H__URL": by_hand}, None)
    registry = Builder(lambda: time.time_ns() // 1_000_000).build(config.providers)
    [provider] = registry
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                urllib.request.urlopen(f"{by_hand}/panel/sms", data=b"{}", timeout=1)  # noqa: S310
            except urllib.error.HTTPError:
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        row = next(row for row in await provider.stock(Kind.ACTIVATION, "wa"))
        sold = await provider.allocate(offer_of(row, provider.name), "cp-1")
        assert isinstance(sold, Sold)
        while (remote := (await provider.fetch([sold.provider_ref]))[0]).state is not RemoteState.RECEIVED:
            assert time.monotonic() < deadline
        assert remote.sms[0].sender == "Service"
        assert abs(remote.sms[0].received_at - time.time_ns() // 1_000_000) < 10 * SECOND
    finally:
        await registry.aclose()
