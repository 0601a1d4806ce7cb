"""What is on sale, and by which names it is asked for."""

import json
from bisect import bisect_right
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from bot.domain.keys import Caller
from bot.domain.numbers import Kind, Offer
from bot.services.wire import money
from bot.web.api.auth import Gate
from bot.web.api.deps import ApiDeps
from bot.web.api.models import CatalogueAnswer, PricesAnswer
from bot.web.api.params import CursorText, KindText, NameText, Whole, cursor_to, no_cursor, place_of
from bot.web.api.schema import answers

Place: TypeAlias = tuple[str, str, int]


class PricesQuery(BaseModel):
    kind: KindText = "activation"
    service: NameText | None = None
    country: NameText | None = None
    limit: Annotated[Whole, Field(ge=1, le=5000)] = 1000
    cursor: CursorText | None = None


def routes(deps: ApiDeps) -> APIRouter:
    router = APIRouter(tags=["market"])
    reader = Annotated[Caller, Depends(Gate(deps).read)]

    @router.get("/prices", responses=answers(PricesAnswer, "no_numbers", "provider_fault"))
    async def prices(_who: reader, query: Annotated[PricesQuery, Query()]) -> JSONResponse:
        """What is on sale now: a row for each service, country and length, at the cheapest price in stock."""
        offers = await _wanted(deps, query)
        start = bisect_right(offers, _place_at(query.cursor), key=_place) if query.cursor else 0
        page = offers[start : start + query.limit]
        more = start + query.limit < len(offers)
        answer = {
            "status": "success",
            "currency": deps.currency,
            "prices": [_row(offer) for offer in page],
            "next_cursor": cursor_to(json.dumps(_place(page[-1]))) if more else None,
        }
        return JSONResponse(answer)

    @router.get("/catalogue", responses=answers(CatalogueAnswer))
    async def catalogue(_who: reader) -> JSONResponse:
        """Every service and country by its code, with the names that are understood."""
        now = deps.catalogue.now
        services = [{"code": one.code, "name": one.name, "aliases": list(one.aliases)} for one in now.services.values()]
        countries = [{"code": one.iso2, "name": one.name, "dial": one.dial} for one in now.countries.values()]
        return JSONResponse({"status": "success", "services": services, "countries": countries})

    return router


async def _wanted(deps: ApiDeps, query: PricesQuery) -> list[Offer]:
    """Empty for a service or country that nobody knows."""
    service = deps.names.service(query.service) if query.service is not None else None
    country = deps.names.country(query.country) if query.country is not None else None
    if (query.service is not None and service is None) or (query.country is not None and country is None):
        return []
    only, there = service.code if service else None, country.iso2 if country else None
    return list(await deps.board.offers(Kind(query.kind), only, there))


def _place(offer: Offer) -> Place:
    return (offer.service, offer.country, offer.hours)


def _place_at(cursor: str) -> Place:
    try:
        service, country, hours = json.loads(place_of(cursor))
        return (str(service), str(country), int(hours))
    except (ValueError, TypeError):
        raise no_cursor() from None


def _row(offer: Offer) -> dict[str, Any]:
    return {
        "service": offer.service,
        "country": offer.country,
        "kind": offer.kind.value,
        "hours": offer.hours,
        "price": money(offer.price),
        "stock": max(0, offer.stock),
    }
