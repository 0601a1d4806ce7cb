"""Tokens and the balance."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from bot.domain.errors import Unauthorized
from bot.domain.keys import Caller
from bot.domain.time import SECOND
from bot.services.keys import TOKEN_LIFE, TOKEN_PREFIX
from bot.services.wire import instant, money
from bot.web.api.auth import Gate, secret_of
from bot.web.api.deps import ApiDeps
from bot.web.api.errors import bad_request
from bot.web.api.models import BalanceAnswer, Success, TokenAnswer, shown_as
from bot.web.api.params import NameText, Strict, described, reads
from bot.web.api.schema import answers


class KeyBody(Strict):
    model_config = shown_as({"apiKey": "cpk_9fQx"})

    apiKey: NameText | None = None


def routes(deps: ApiDeps) -> APIRouter:
    router = APIRouter(tags=["account"])
    gate = Gate(deps)
    reader = Annotated[Caller, Depends(gate.read)]

    @router.post(
        "/auth",
        responses=answers(TokenAnswer),
        openapi_extra=described(KeyBody, required=False),
    )
    async def auth(request: Request, who: reader, _body: Annotated[KeyBody, Depends(reads(KeyBody))]) -> dict[str, Any]:
        """Makes an access token from a key, so that the key itself need not travel with each call."""
        secret = await secret_of(request)
        if secret.startswith(TOKEN_PREFIX):
            raise Unauthorized
        token = await deps.keys.token(secret)
        return {
            "status": "success",
            "access_token": token.text,
            "token_type": "Bearer",
            "scope": who.scope.value,
            "expires_in": TOKEN_LIFE // SECOND,
            "expires_at": instant(token.expires_at),
        }

    @router.post("/auth/revoke", responses=answers(Success))
    async def revoke(request: Request, _who: reader) -> dict[str, Any]:
        """Ends the access token that comes as bearer, at once. A key is revoked in the chat."""
        secret = await secret_of(request)
        if not secret.startswith(TOKEN_PREFIX):
            raise bad_request("Authorization", "That is a key, not a token: a key is revoked in the chat.")
        await deps.keys.end_token(secret)
        return {"status": "success"}

    @router.get("/balance", responses=answers(BalanceAnswer))
    async def balance(who: reader) -> dict[str, Any]:
        """What can be spent, and what is set aside for open numbers."""
        account = await deps.wallet.account(who.user)
        return {
            "status": "success",
            "balance": money(account.available),
            "held": money(account.held),
            "currency": deps.currency,
        }

    return router
