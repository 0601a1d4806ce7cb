"""The one address of the protocol, by GET and by POST."""

import math
from collections.abc import AsyncGenerator, Mapping
from functools import partial
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from bot.domain.keys import Caller
from bot.web.api.auth import Gate
from bot.web.api.deps import ApiDeps
from bot.web.compat.activations import Activations
from bot.web.compat.face import Action, Face
from bot.web.compat.lists import Lists
from bot.web.compat.params import Params
from bot.web.compat.rents import Rents
from bot.web.compat.shapes import amount, currency_numbers
from bot.web.compat.shop import Shop

PATH = "/stubs/handler_api.php"
LARGEST_FORM = 65_536
MOST_FIELDS = 100
_HEADERS = {"Content-Type": "text/html; charset=UTF-8", "Cache-Control": "no-store"}
"""Everything is HTML by its header, as it always was: clients look at the text."""


def routes(deps: ApiDeps) -> APIRouter:
    router, gate, face = APIRouter(include_in_schema=False), Gate(deps), Face(actions(deps))

    @router.api_route(PATH, methods=["GET", "POST"])
    async def handler_api(request: Request) -> Response:
        try:
            given = {**request.query_params, **await _form(request)}
        except (ClientDisconnect, ValueError):
            return Response("BAD_VALUES", 400, _HEADERS)
        said = await face.answer(given, partial(gate.caller, request))
        again = {"Retry-After": str(math.ceil(said.retry_after_s))} if said.status in (429, 503) else {}
        return Response(said.text.encode("utf-8", "replace"), said.status, {**_HEADERS, **again})

    return router


def actions(deps: ApiDeps) -> Mapping[str, Action]:
    currency, shop = currency_numbers().get(deps.currency), Shop(deps)
    activations, rents = Activations(deps, shop, currency), Rents(deps, shop, currency)
    lists = Lists(deps, activations, currency)

    async def balance(who: Caller, p: Params) -> str:
        return f"ACCESS_BALANCE:{amount(await deps.wallet.balance(who.user))}"

    return {
        "getBalance": Action(balance),
        "getBalanceAndCashBack": Action(balance),
        "getNumbersStatus": Action(shop.numbers_status),
        "getPrices": Action(shop.prices),
        "getCountries": Action(shop.countries),
        "getServicesList": Action(shop.services),
        "getOperators": Action(shop.operators),
        "getTopCountriesByService": Action(shop.top_countries),
        "getTopCountriesByServiceRank": Action(shop.top_countries),
        "getNumber": Action(activations.buy, changes=True),
        "getNumberV2": Action(activations.buy_v2, changes=True),
        "getStatus": Action(activations.status),
        "getStatusV2": Action(activations.status_v2),
        "getFullSms": Action(activations.full_sms),
        "setStatus": Action(activations.set_status, changes=True),
        "getActiveActivations": Action(lists.active),
        "getHistory": Action(lists.history),
        "checkExtraActivation": Action(activations.check_extra),
        "getExtraActivation": Action(activations.extra, changes=True),
        **_of_rentals(rents),
    }


def _of_rentals(rents: Rents) -> Mapping[str, Action]:
    return {
        "getRentServicesAndCountries": Action(rents.on_sale, rental=True),
        "getRentNumber": Action(rents.buy, changes=True, rental=True),
        "getRentStatus": Action(rents.status, rental=True),
        "setRentStatus": Action(rents.set_status, changes=True, rental=True),
        "getRentList": Action(rents.open_rentals, rental=True),
        "continueRentInfo": Action(rents.renewal, rental=True),
        "continueRentNumber": Action(rents.renew, changes=True, rental=True),
    }


async def _form(request: Request) -> Mapping[str, str]:
    """The fields of a POST. Raises ValueError for a body that is too large, or no form."""
    if request.method != "POST":
        return {}
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_FORM:
            raise ValueError("too large")
    if "multipart/form-data" not in request.headers.get("content-type", ""):
        return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS))
    return await _multipart(request, bytes(body))


async def _multipart(request: Request, body: bytes) -> Mapping[str, str]:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        parser = MultiPartParser(request.headers, stream(), max_files=0, max_fields=MOST_FIELDS)
        return {name: value for name, value in (await parser.parse()).multi_items() if isinstance(value, str)}
    except (MultiPartException, KeyError) as why:
        raise ValueError("no form") from why
