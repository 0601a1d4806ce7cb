"""One verb on one number, and what more time for one would cost."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from bot.domain.errors import BadRequest, CodepigeonError, Denied, Gone, NotRefundable, WrongState
from bot.domain.keys import Caller
from bot.domain.people import User
from bot.services.orders import Answer
from bot.services.wire import api_state, instant, money, number_id
from bot.web.api.auth import Gate
from bot.web.api.buying import KeyHeader, answered
from bot.web.api.deps import ApiDeps
from bot.web.api.errors import ApiError, bad_request, translated
from bot.web.api.models import NumberAnswer, RenewalPriceAnswer, shown_as
from bot.web.api.numbers import find
from bot.web.api.params import Hours, IdText, MoneyText, PhoneText, Strict, Whole, amount, described, reads
from bot.web.api.schema import answers


class ManageBody(Strict):
    model_config = shown_as({"action": "release", "id": "n1842"})

    action: Literal["another_code", "finish", "release", "renew"]
    id: IdText | None = None
    number: PhoneText | None = None
    hours: Annotated[int, Hours] | None = None
    max_price: MoneyText | None = None
    refund: Literal["if_possible", "required"] = "if_possible"


class RenewalQuery(BaseModel):
    id: IdText | None = None
    number: PhoneText | None = None
    hours: Annotated[Whole, Hours]


def routes(deps: ApiDeps) -> APIRouter:
    router = APIRouter(tags=["numbers"])
    _add_verbs(router, deps)
    _add_price(router, deps)
    return router


def _add_verbs(router: APIRouter, deps: ApiDeps) -> None:
    spender = Annotated[Caller, Depends(Gate(deps).full)]

    @router.post(
        "/manage_number",
        responses=answers(
            NumberAnswer,
            "not_found",
            "insufficient_funds",
            "price_risen",
            "wrong_state",
            "not_refundable",
            "cancel_too_early",
            "idempotency_mismatch",
            "provider_fault",
            pending="The supplier has not confirmed it yet.",
        ),
        openapi_extra=described(ManageBody),
    )
    async def manage_number(
        who: spender, body: Annotated[ManageBody, Depends(reads(ManageBody))], key: KeyHeader = None
    ) -> JSONResponse:
        """Asks for one more SMS, finishes, gives back, or renews."""
        number_id = (await find(deps.listing, who.user, body.id, body.number)).number.id
        try:
            answer = await _done(deps, who.user, number_id, body, key or "")
        except CodepigeonError as error:
            raise await _told(deps, who.user, number_id, error) from error
        return await answered(deps, who.user, answer)


def _add_price(router: APIRouter, deps: ApiDeps) -> None:
    reader = Annotated[Caller, Depends(Gate(deps).read)]

    @router.get(
        "/renewal_price",
        responses=answers(RenewalPriceAnswer, "not_found", "wrong_state", "provider_fault"),
    )
    async def renewal_price(who: reader, query: Annotated[RenewalQuery, Query()]) -> JSONResponse:
        """What more time for a rental would cost now, and the end that it would bring."""
        shown = await find(deps.listing, who.user, query.id, query.number)
        try:
            price, end = await deps.orders.renewal_price(who.user, shown.number.id, query.hours)
        except CodepigeonError as error:
            raise await _told(deps, who.user, shown.number.id, error) from error
        answer = {
            "status": "success",
            "id": number_id(shown.number.id),
            "hours": query.hours,
            "price": money(price),
            "currency": deps.currency,
            "expires_at": instant(end),
        }
        return JSONResponse(answer)


async def _done(deps: ApiDeps, user: User, number_id: int, body: ManageBody, key: str) -> Answer:
    match body.action:
        case "another_code":
            return await deps.handling.another_code(user, number_id)
        case "finish":
            return await deps.handling.finish(user, number_id)
        case "release":
            return await deps.handling.release(user, number_id, required=body.refund == "required")
        case "renew":
            if body.hours is None:
                raise bad_request("hours", "A renewal needs hours.")
            return await deps.orders.renew(user, number_id, body.hours, amount(body.max_price), key)


async def _told(deps: ApiDeps, user: User, number_id: int, error: CodepigeonError) -> ApiError:
    """With the number's state, where that is why."""
    if isinstance(error, BadRequest):
        return bad_request("hours", "The supplier does not do that.")
    if not isinstance(error, WrongState | Denied | Gone | NotRefundable):
        return translated(error)
    state = api_state((await deps.listing.one(user, number_id)).number)
    if isinstance(error, NotRefundable):
        return ApiError("not_refundable", "No money would come back for it now.", state=state)
    return ApiError("wrong_state", f"That cannot be done with a number that is {state}.", state=state)
