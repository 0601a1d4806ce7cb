"""The provider contract over this program's own API: one bot is another's provider."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from bot.domain.sms import IncomingSms
from bot.providers.base import WebhookRequest
from bot.providers.rest.adapter import RestProvider
from tests.providers.contract import ProviderContract, bought, fetched
from tests.providers.own_driver import Noting, OwnDriver
from tests.providers.serving import serving
from tests.simulators.rest import GARBAGE
from tests.simulators.rest import verb_of as named
from tests.simulators.spoiling import Asked
from tests.support.outlet import Customer, Outlet, an_outlet


class NotedRest(Noting, RestProvider):
    pass


def verb_of(asked: Asked) -> str:
    args = {**asked.query, **(json.loads(asked.body) if asked.body else {})}
    return named(asked.path.removeprefix("/api/"), args)


@dataclass
class Receiver:
    """Where the program sends its events."""

    url: str = ""
    requests: list[WebhookRequest] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.requests.append(WebhookRequest(dict(request.headers), await request.body()))
        await PlainTextResponse("taken")(scope, receive, send)

    def about(self, message_id: str) -> WebhookRequest | None:
        found = (one for one in self.requests if json.loads(one.body)["data"]["message"]["id"] == message_id)
        return next(found, None)


class HookedDriver(OwnDriver):
    """Its customer has had an SMS, `code 9999`, whose event stands for any that the program might send."""

    def __init__(self, customer: Customer, provider: NotedRest, receiver: Receiver) -> None:
        super().__init__(customer, provider)
        self._receiver = receiver

    def webhook(self, sms: IncomingSms) -> WebhookRequest:
        return self._receiver.about(sms.sms_id) or self._receiver.requests[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outlet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outlet]:
    garbage = [(answer.status_code, bytes(answer.body)) for answer in (make() for make in GARBAGE)]
    path = tmp_path_factory.mktemp("own")
    async with an_outlet(path, verb_of, garbage, WEBHOOK_ALLOW="127.0.0.1") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with serving(receiver) as receiver.url:
        yield receiver


async def secret_for(customer: Customer, receiver: Receiver) -> str:
    """Registers the receiver, by the API."""
    answer = await customer.outlet.client.post(
        f"{customer.outlet.url}/api/webhooks",
        json={"url": f"{receiver.url}/events", "events": ["sms.received"]},
        headers={"authorization": f"Bearer {customer.key}"},
    )
    return str(answer.json()["secret"])


@pytest.mark.asyncio(loop_scope="module")
class TestOwnRest(ProviderContract):
    @pytest_asyncio.fixture(loop_scope="module")
    async def driver(self, outlet: Outlet, receiver: Receiver, request: pytest.FixtureRequest) -> OwnDriver:
        customer, told = await outlet.customer(), "webhook" in request.function.__name__
        secrets = (await secret_for(customer, receiver),) if told else ()
        provider = NotedRest(
            "own", outlet.http(), url=outlet.url, api_key=customer.key, signing_secrets=secrets, clock=outlet.clock
        )
        driver = HookedDriver(customer, provider, receiver)
        if told:
            sold = await bought(driver, number=99)
            driver.text(sold.phone, "A", "code 9999")
            await fetched(driver, sold.provider_ref)
        return driver
