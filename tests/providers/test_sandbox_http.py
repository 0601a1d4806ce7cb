"""The sandbox over HTTP: transport failures, the panel, and its webhooks."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.demo.sandbox_server import create_app
from bot.domain.errors import ProviderFault
from bot.domain.time import SECOND
from bot.providers.base import BadWebhook, Unknown, WebhookRequest
from bot.providers.sandbox.adapter import SandboxProvider
from bot.providers.sandbox.backend import HttpBackend
from bot.providers.sandbox.notify import Notification, Retries, WebhookNotifier
from bot.providers.sandbox.records import Received
from bot.providers.sandbox.world import SandboxWorld
from bot.providers.signature import sign, verify
from tests.providers.contract import a_ref, an_offer, bought
from tests.providers.sandbox_driver import SECRET, ManualClock, SandboxDriver
from tests.providers.serving import serving

# what a transport or a gateway may answer


def provider_over(handler: Callable[[httpx.Request], httpx.Response]) -> SandboxProvider:
    client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    return SandboxProvider("sandbox", HttpBackend("http://supplier.example/sandbox", client), clock=ManualClock())


def raising(error: httpx.HTTPError) -> Callable[[httpx.Request], httpx.Response]:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    return handler


BROKEN = {
    "refused connection": raising(httpx.ConnectError("refused")),
    "connect timeout": raising(httpx.ConnectTimeout("reset after sending looks so too")),
    "read timeout": raising(httpx.ReadTimeout("late")),
    "reset": raising(httpx.ReadError("reset")),
    "half an answer": raising(httpx.RemoteProtocolError("cut")),
    "bad gateway": lambda request: httpx.Response(502, html="<h1>502</h1>"),
    "bad gateway with a refusal": lambda request: httpx.Response(502, json={"ok": False, "error": "no_numbers"}),
    "redirect": lambda request: httpx.Response(302, headers={"location": "http://elsewhere.example"}),
    "a page": lambda request: httpx.Response(200, html="<h1>Welcome</h1>"),
    "nothing": lambda request: httpx.Response(200),
    "no object": lambda request: httpx.Response(200, json=["ok"]),
    "not UTF-8": lambda request: httpx.Response(200, content=b'{"ok": "\xff"}'),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_whatever_a_transport_does_a_change_is_unknown_and_a_question_a_fault(name: str) -> None:
    provider = provider_over(BROKEN[name])
    assert isinstance(await provider.cancel("1"), Unknown)
    assert isinstance(await provider.renew("1", 4, 1, "k"), Unknown)
    with pytest.raises(ProviderFault):
        await provider.balance()


@pytest.mark.parametrize(
    "number",
    [
        None,
        [],
        {},
        {"provider_ref": "", "phone": "+447700900123", "cost": 1, "expires_at": 1},
        {"provider_ref": "1", "phone": "447700900123", "cost": 1, "expires_at": 1},
        {"provider_ref": "1", "phone": "+44 7700", "cost": 1, "expires_at": 1},
        {"provider_ref": "1", "phone": "+447700900123", "cost": "1", "expires_at": 1},
        {"provider_ref": "1", "phone": "+447700900123", "cost": True, "expires_at": 1},
        {"provider_ref": "1", "phone": "+447700900123", "cost": 1, "expires_at": None},
        {"provider_ref": 1, "phone": "+447700900123", "cost": 1, "expires_at": 1},
    ],
)
async def test_a_sale_with_a_field_that_makes_no_sense_is_unknown(number: object) -> None:
    driver = SandboxDriver(world := SandboxWorld(clock=ManualClock()), world.call, ManualClock())
    offer = await an_offer(driver)
    provider = provider_over(lambda request: httpx.Response(200, json={"ok": True, "number": number}))
    assert isinstance(await provider.allocate(offer, a_ref()), Unknown)


# the panel


@asynccontextmanager
async def a_served_world() -> AsyncIterator[tuple[SandboxDriver, httpx.AsyncClient]]:
    clock = ManualClock()
    world = SandboxWorld(clock=clock)
    async with serving(create_app(world)) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield SandboxDriver(world, HttpBackend(f"{url}/sandbox", client), clock), client


async def test_the_panel_shows_and_does_what_the_world_can() -> None:
    async with a_served_world() as (driver, client):
        sold = await bought(driver)

        async def panel(action: str, **body: object) -> httpx.Response:
            return await client.post(f"/sandbox/panel/{action}", json=body)

        sent = await panel("sms", phone=sold.phone, sender="A", text="hello")
        assert sent.status_code == 200
        assert sent.json()["id"].startswith("sms-")
        assert (await panel("record")).json() == {"numbers": driver.world.record()}
        assert (await panel("phones")).json() == {"phones": driver.world.phones()}
        assert (await panel("typical", service="wa", index=0)).json()["texts"][0]["sender"] == "WhatsApp"
        assert (await panel("mode", mode="empty")).json() == {"mode": "empty"} == (await panel("mode")).json()
        assert (await panel("faults", verb="balance", kind="refuse:throttled")).status_code == 200
        assert (await client.post("/sandbox/balance", json={})).json() == {"ok": False, "error": "throttled"}
        assert (await client.post("/sandbox/balance")).json()["ok"]


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("sms", b'{"phone": "+447700900123", "sender": "A", "text": "x"}', 404),
        ("sms", b'{"phone": "+447700900123"}', 400),
        ("mode", b'{"mode": "broken"}', 400),
        ("faults", b'{"verb": "fetch", "kind": "explode"}', 400),
        ("typical", b"{}", 400),
        ("record", b"[]", 400),
        ("record", b"{", 400),
        ("nothing", b"{}", 404),
    ],
)
async def test_the_panel_refuses_with_a_sentence(action: str, body: bytes, status: int) -> None:
    app = create_app(SandboxWorld(clock=ManualClock()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox.example") as client:
        answer = await client.post(f"/sandbox/panel/{action}", content=body)
    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")


@pytest.mark.parametrize("body", [b"[]", b"{", b'"x"', b"\xff", b'{"ref": 7}', b""])
async def test_arguments_that_cannot_be_read_are_a_bad_request(body: bytes) -> None:
    app = create_app(SandboxWorld(clock=ManualClock()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox.example") as client:
        answer = await client.post("/sandbox/allocate", content=body)
    assert (answer.status_code, answer.json()["error"]) == (200, "bad_request")


# webhooks


class Inbox:
    """A receiver that answers with the statuses it is given, then 200."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)
        self.requests: list[WebhookRequest] = []
        self.app = Starlette(routes=[Route("/hook", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        self.requests.append(WebhookRequest(dict(request.headers), await request.body()))
        return Response(status_code=self._statuses.pop(0) if self._statuses else 200)


def a_notification(text: str = "Ваш код 1234 🙂") -> Notification:
    return Notification("msg-1", "sb-1", Received("sms-1", "A", text, 1_700_000_000_123))


@asynccontextmanager
async def a_notifier(url: str, **options: object) -> AsyncIterator[WebhookNotifier]:
    async with httpx.AsyncClient(trust_env=False) as client:
        retries = Retries(attempts=4, first_s=0.01)
        notifier = WebhookNotifier(url, SECRET, client, retries=retries, clock=ManualClock(), **options)  # type: ignore[arg-type]
        yield notifier
        await notifier.aclose()


async def drained(notifier: WebhookNotifier) -> None:
    async with asyncio.timeout(5):
        while notifier.pending:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.005)


async def test_a_webhook_is_signed_so_that_the_adapter_trusts_it() -> None:
    inbox, provider = Inbox(), provider_with_secret(SECRET)
    async with serving(inbox.app) as url, a_notifier(f"{url}/hook") as notifier:
        notifier(a_notification())
        await drained(notifier)
    [request] = inbox.requests
    [event] = provider.parse_webhook(request)
    assert event.trusted
    [sms] = event.sms
    assert (event.provider_ref, sms.sms_id, sms.sender, sms.text) == ("sb-1", "sms-1", "A", "Ваш код 1234 🙂")
    assert sms.received_at == 1_700_000_000_123


async def test_a_webhook_is_sent_again_until_it_is_taken_and_says_the_same() -> None:
    inbox = Inbox(500, 404, 302)
    async with serving(inbox.app) as url, a_notifier(f"{url}/hook") as notifier:
        notifier(a_notification())
        await drained(notifier)
    assert len(inbox.requests) == 4
    assert len({request.body for request in inbox.requests}) == 1
    assert {request.headers["webhook-id"] for request in inbox.requests} == {"msg-1"}


async def test_a_webhook_that_nobody_takes_is_given_up() -> None:
    inbox = Inbox(*[503] * 9)
    async with serving(inbox.app) as url, a_notifier(f"{url}/hook") as notifier:
        notifier(a_notification())
        await drained(notifier)
    assert len(inbox.requests) == 4


async def test_a_receiver_that_is_not_there_never_stops_the_world() -> None:
    async with serving(Inbox().app) as url:
        pass
    async with a_notifier(f"{url}/hook", most_pending=5) as notifier:
        for _ in range(50):
            notifier(a_notification())
        assert notifier.pending == 5
        await drained(notifier)


async def test_closing_the_notifier_ends_what_is_still_to_be_sent() -> None:
    async with serving(Inbox(*[503] * 9).app) as url, httpx.AsyncClient(trust_env=False) as client:
        notifier = WebhookNotifier(f"{url}/hook", SECRET, client, retries=Retries(first_s=60))
        notifier(a_notification())
        await asyncio.sleep(0.05)
        await notifier.aclose()
        assert notifier.pending == 0


def provider_with_secret(*secrets: str) -> SandboxProvider:
    clock = ManualClock()
    world = SandboxWorld(clock=clock)
    return SandboxProvider("sandbox", world.call, signing_secrets=secrets, clock=clock)


def signed(secret: str, at_s: int) -> WebhookRequest:
    body = a_notification().body()
    return WebhookRequest(sign(secret, "msg-1", at_s, body), body)


NOW_S = ManualClock().now // SECOND


@pytest.mark.parametrize("age_s", [-300, 0, 300])
def test_a_signature_within_the_tolerance_holds(age_s: int) -> None:
    assert provider_with_secret(SECRET).parse_webhook(signed(SECRET, NOW_S - age_s))[0].trusted


@pytest.mark.parametrize("age_s", [-301, 301, 10**9])
def test_a_signature_beyond_the_tolerance_is_refused_as_forged(age_s: int) -> None:
    with pytest.raises(BadWebhook) as caught:
        provider_with_secret(SECRET).parse_webhook(signed(SECRET, NOW_S - age_s))
    assert caught.value.forged


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg-2"},
        {"webhook-timestamp": str(NOW_S + 1)},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "١٧٠٠"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,é"},
        {"webhook-id": ""},
    ],
)
def test_a_changed_header_is_refused_as_forged(changed: dict[str, str]) -> None:
    good = signed(SECRET, NOW_S)
    with pytest.raises(BadWebhook) as caught:
        provider_with_secret(SECRET).parse_webhook(WebhookRequest({**good.headers, **changed}, good.body))
    assert caught.value.forged


def test_another_secret_is_refused_and_without_a_secret_nothing_is_trusted() -> None:
    request = signed("whsec_b3RoZXI=", NOW_S)
    with pytest.raises(BadWebhook):
        provider_with_secret(SECRET).parse_webhook(request)
    [event] = provider_with_secret().parse_webhook(request)
    assert not event.trusted


def test_one_right_signature_among_several_is_enough_while_a_secret_is_changed() -> None:
    good = signed(SECRET, NOW_S)
    headers = {**good.headers, "webhook-signature": "v1,AAAA v1a,BBBB " + good.headers["webhook-signature"]}
    assert provider_with_secret(SECRET).parse_webhook(WebhookRequest(headers, good.body))[0].trusted


def test_one_of_two_secrets_is_enough_while_one_takes_the_others_place() -> None:
    both = provider_with_secret("whsec_b2xkIHNlY3JldCwgMzIgYnl0ZXM=", SECRET)
    for secret in ("whsec_b2xkIHNlY3JldCwgMzIgYnl0ZXM=", SECRET):
        assert both.parse_webhook(signed(secret, NOW_S))[0].trusted
    with pytest.raises(BadWebhook) as caught:
        both.parse_webhook(signed("whsec_b3RoZXI=", NOW_S))
    assert caught.value.forged


def test_the_signature_is_the_one_that_standard_webhooks_publish() -> None:
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    headers = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    verify((secret,), headers, body, 1614265330)


def test_a_secret_is_the_key_that_its_base64_spells_with_all_its_signs() -> None:
    key = bytes([251, 239, 190, 255]) * 8
    secret = "whsec_" + base64.b64encode(key).decode()
    assert {"+", "/", "="} <= set(secret)
    body = b"{}"
    digest = hmac.new(key, b"msg-1.1614265330." + body, hashlib.sha256).digest()
    headers = {
        "webhook-id": "msg-1",
        "webhook-timestamp": "1614265330",
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    verify((secret,), headers, body, 1614265330)
    assert sign(secret, "msg-1", 1614265330, body) == headers


def test_a_secret_that_is_plain_text_signs_and_verifies_too() -> None:
    assert provider_with_secret("plain secret").parse_webhook(signed("plain secret", NOW_S))[0].trusted
