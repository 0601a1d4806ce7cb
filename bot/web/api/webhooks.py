"""Addresses that are told of the caller's events, and what became of the telling."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from bot.domain.errors import NotFound
from bot.domain.keys import Caller
from bot.domain.people import User
from bot.domain.webhooks import Delivery, Progress, Topic, Webhook
from bot.egress import LONGEST_URL
from bot.services.feed import event_id
from bot.services.webhooks import NEWEST, Webhooks
from bot.services.wire import instant, number_id
from bot.web.api.auth import Gate
from bot.web.api.deps import ApiDeps
from bot.web.api.errors import bad_request
from bot.web.api.models import DeliveriesAnswer, ManagedWebhookAnswer, NewWebhookAnswer, WebhooksAnswer
from bot.web.api.params import CursorText, IdText, Strict, Whole, cursor_to, described, id_at, number_of, reads
from bot.web.api.schema import answers

UrlText: TypeAlias = Annotated[
    str, Field(min_length=8, max_length=LONGEST_URL, examples=["https://example.org/codepigeon"])
]
TopicText: TypeAlias = Literal["sms.received", "number.active", "number.completed", "number.expiring", "number.renewed"]
TopicTexts: TypeAlias = Annotated[list[TopicText], Field(min_length=1, max_length=len(Topic))]


class RegisterBody(Strict):
    url: UrlText
    events: TopicTexts | None = None


class ManageWebhookBody(Strict):
    id: IdText
    action: Literal["change", "on", "off", "new_secret", "test", "resend", "remove"]
    url: UrlText | None = None
    events: TopicTexts | None = None
    delivery: IdText | None = None


class DeliveriesQuery(BaseModel):
    id: IdText
    state: Literal["pending", "delivered", "failed"] | None = None
    limit: Annotated[Whole, Field(ge=1, le=500)] = 100
    cursor: CursorText | None = None


def routes(deps: ApiDeps) -> APIRouter:
    router = APIRouter(tags=["webhooks"])
    _add_list(router, deps)
    _add_verbs(router, deps)
    _add_deliveries(router, deps)
    return router


def _add_list(router: APIRouter, deps: ApiDeps) -> None:
    gate = Gate(deps)

    @router.get("/webhooks", responses=answers(WebhooksAnswer))
    async def webhooks(who: Annotated[Caller, Depends(gate.read)]) -> JSONResponse:
        """The caller's addresses, without their secrets."""
        found = await deps.webhooks.of(who.user)
        return _success(webhooks=[await _shown(deps.webhooks, one) for one in found])

    @router.post(
        "/webhooks", responses=answers(NewWebhookAnswer, "limit_reached"), openapi_extra=described(RegisterBody)
    )
    async def register(
        who: Annotated[Caller, Depends(gate.full)], body: Annotated[RegisterBody, Depends(reads(RegisterBody))]
    ) -> JSONResponse:
        """Registers an address; `secret` is shown this once."""
        topics = tuple(Topic) if body.events is None else tuple(map(Topic, body.events))
        made = await deps.webhooks.register(who.user, body.url, topics)
        return _success(**await _shown(deps.webhooks, made), secret=made.secret)


def _add_verbs(router: APIRouter, deps: ApiDeps) -> None:
    gate = Gate(deps)

    @router.post(
        "/manage_webhook",
        responses=answers(ManagedWebhookAnswer, "not_found", "wrong_state", "limit_reached"),
        openapi_extra=described(ManageWebhookBody),
    )
    async def manage_webhook(
        who: Annotated[Caller, Depends(gate.full)],
        body: Annotated[ManageWebhookBody, Depends(reads(ManageWebhookBody))],
    ) -> JSONResponse:
        """Changes, switches, tests, sends again or removes."""
        webhook = await deps.webhooks.view(who.user, _id_in("w", body.id))
        further = await _done(deps.webhooks, who.user, webhook.id, body)
        if body.action != "remove":
            webhook = await deps.webhooks.view(who.user, webhook.id)
        return _success(**await _shown(deps.webhooks, webhook), **further)


async def _done(webhooks: Webhooks, user: User, webhook_id: int, body: ManageWebhookBody) -> dict[str, Any]:
    """What the answer has besides the webhook."""
    match body.action:
        case "change":
            await _change(webhooks, user, webhook_id, body)
        case "on" | "off":
            await webhooks.switch(user, webhook_id, on=body.action == "on")
        case "new_secret":
            return {"secret": (await webhooks.new_secret(user, webhook_id)).secret}
        case "test":
            sent = await webhooks.test(user, webhook_id)
            return {"delivery": _delivery(await webhooks.outcome(user, sent.id))}
        case "resend" if body.delivery is not None:
            return {"delivery": _delivery(await _resent(webhooks, user, webhook_id, body.delivery)), "resent": 1}
        case "resend":
            return {"resent": await webhooks.resend_failed(user, webhook_id)}
        case "remove":
            await webhooks.remove(user, webhook_id)
    return {}


async def _change(webhooks: Webhooks, user: User, webhook_id: int, body: ManageWebhookBody) -> None:
    if body.url is None and body.events is None:
        raise bad_request("url", "A change needs url or events.")
    topics = None if body.events is None else tuple(map(Topic, body.events))
    await webhooks.change(user, webhook_id, url=body.url, topics=topics)


async def _resent(webhooks: Webhooks, user: User, webhook_id: int, delivery: str) -> Delivery:
    found = await webhooks.delivery(user, _id_in("d", delivery))
    if found.webhook_id != webhook_id:
        raise NotFound
    return await webhooks.resend(user, found.id)


def _add_deliveries(router: APIRouter, deps: ApiDeps) -> None:
    reader = Annotated[Caller, Depends(Gate(deps).read)]

    @router.get("/webhook_deliveries", responses=answers(DeliveriesAnswer, "not_found"))
    async def webhook_deliveries(who: reader, query: Annotated[DeliveriesQuery, Query()]) -> JSONResponse:
        """What became of the events of the last week at one address, newest first."""
        progress = Progress(query.state) if query.state else None
        before = id_at(query.cursor, NEWEST)
        webhook_id = _id_in("w", query.id)
        found = await deps.webhooks.deliveries(who.user, webhook_id, query.limit + 1, before, progress)
        return _success(
            deliveries=[_delivery(one) for one in found[: query.limit]], next_cursor=_next(found, query.limit)
        )


def _next(found: Sequence[Delivery], limit: int) -> str | None:
    return cursor_to(str(found[limit - 1].event_id)) if len(found) > limit else None


def _id_in(kind: str, text: str) -> int:
    """`"w5"` → 5; 0, which is nobody's, for what nothing of ours is called."""
    return number_of(f"n{text[1:]}") if text[:1] == kind else 0


async def _shown(webhooks: Webhooks, webhook: Webhook) -> dict[str, Any]:
    counts = await webhooks.backlog(webhook)
    return {
        "id": f"w{webhook.id}",
        "url": webhook.url,
        "events": [topic.value for topic in Topic if topic in webhook.topics],
        "state": "on" if webhook.off is None else "off",
        "off_reason": webhook.off and webhook.off.value,
        "failing_since": instant(webhook.failing_since),
        "created_at": instant(webhook.created_at),
        "pending": counts.pending,
        "failed": counts.failed,
    }


def _delivery(one: Delivery) -> dict[str, Any]:
    return {
        "id": f"d{one.id}",
        "event_id": event_id(one.event_id),
        "type": one.type,
        "number_id": None if one.number_id is None else number_id(one.number_id),
        "state": one.progress.value,
        "attempts": one.attempts,
        "status_code": one.status,
        "error": one.error or None,
        "created_at": instant(one.created_at),
        "next_attempt_at": instant(one.next_attempt_at) if one.progress is Progress.PENDING else None,
        "done_at": instant(one.done_at),
    }


def _success(**fields: Any) -> JSONResponse:
    return JSONResponse({"status": "success", **fields})
