"""Buying a number."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from bot.domain.keys import Caller
from bot.domain.numbers import Kind, State
from bot.domain.people import User
from bot.services.orders import Answer, Wish
from bot.web.api.auth import Gate
from bot.web.api.deps import ApiDeps
from bot.web.api.errors import ApiError, bad_request
from bot.web.api.models import NumberAnswer, shown_as
from bot.web.api.params import (
    Hours,
    IdempotencyKey,
    KindText,
    MoneyText,
    NameText,
    Strict,
    Whole,
    amount,
    described,
    reads,
)
from bot.web.api.schema import answers

KeyHeader = Annotated[IdempotencyKey | None, Header(alias="Idempotency-Key")]
REPLAYED = {"Idempotent-Replayed": "true"}


class AllocateQuery(BaseModel):
    country: Annotated[NameText, Field(examples=["US"])]
    service: Annotated[NameText, Field(examples=["WhatsApp"])]
    kind: KindText = "activation"
    hours: Annotated[Whole, Hours] | None = None
    max_price: MoneyText | None = None


class AllocateBody(Strict):
    model_config = shown_as({"country": "US", "service": "WhatsApp", "max_price": "0.40"})

    country: NameText
    service: NameText
    kind: KindText = "activation"
    hours: Annotated[int, Hours] | None = None
    max_price: MoneyText | None = None


def routes(deps: ApiDeps) -> APIRouter:
    router = APIRouter(tags=["numbers"])
    spender = Annotated[Caller, Depends(Gate(deps).full)]
    allocating = answers(
        NumberAnswer,
        "unknown_country",
        "unknown_service",
        "insufficient_funds",
        "no_numbers",
        "price_risen",
        "idempotency_mismatch",
        "limit_reached",
        "provider_fault",
        pending="The supplier has not decided yet: ask again under the same key.",
    )

    @router.get("/allocate_number", responses=allocating)
    async def allocate_number(
        who: spender, query: Annotated[AllocateQuery, Query()], key: KeyHeader = None
    ) -> JSONResponse:
        """Buys a number. With an Idempotency-Key, a repetition buys nothing and answers the same number."""
        return await _allocate(deps, who.user, query, key or "")

    @router.post("/allocate_number", responses=allocating, openapi_extra=described(AllocateBody))
    async def allocate_number_by_post(
        who: spender, body: Annotated[AllocateBody, Depends(reads(AllocateBody))], key: KeyHeader = None
    ) -> JSONResponse:
        """Buys a number, as the GET of the same name."""
        return await _allocate(deps, who.user, body, key or "")

    return router


async def _allocate(deps: ApiDeps, user: User, asked: AllocateQuery | AllocateBody, key: str) -> JSONResponse:
    answer = await deps.orders.buy(user, _wish(deps, asked), key)
    if answer.number.state is State.FAILED:
        raise await deps.orders.why_failed(answer.number)
    return await answered(deps, user, answer)


def _wish(deps: ApiDeps, asked: AllocateQuery | AllocateBody) -> Wish:
    country, service = deps.names.country(asked.country), deps.names.service(asked.service)
    if country is None:
        raise ApiError("unknown_country", "There is no country of that code or English name.")
    if service is None:
        raise ApiError("unknown_service", "There is no service of that code or name: see /api/catalogue.")
    kind = Kind(asked.kind)
    if kind is Kind.RENTAL and asked.hours is None:
        raise bad_request("hours", "A rental needs hours.")
    hours = asked.hours or 0 if kind is Kind.RENTAL else 0
    return Wish(service.code, country.iso2, kind, hours, amount(asked.max_price))


async def answered(deps: ApiDeps, user: User, answer: Answer) -> JSONResponse:
    """The number as it is now: 202 where that is not decided yet."""
    shown = await deps.listing.one(user, answer.number.id)
    body: dict[str, Any] = {"status": "pending" if answer.pending else "success", **deps.listing.body(shown)}
    return JSONResponse(body, 202 if answer.pending else 200, REPLAYED if answer.replayed else None)
