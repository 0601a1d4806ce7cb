"""5sim.net as its documents, its SDKs and recorded answers show it, at its least pleasant.

Errors are plain text under 200 and 400, nothing is the word null, a number that waits is called RECEIVED, times have
nine digits or fewer, `Total` is 999999, pages are shorter than asked for, a library's User-Agent is turned away.
"""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.domain.time import DAY, HOUR, MINUTE, Ms

API_KEY = "eyJhbGciOiJSUzUxMiJ9.e30.c2ln"
HOURS = {"3hours": 3, "1day": 24, "10days": 240, "1month": 720}
LIFETIME: Ms = 15 * MINUTE

_PAGE_OF_A_GATEWAY = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>cloud</body></html>"


class CutOff(Response):
    """Half of an answer, after which the server closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"id":11631253,"pho', "more_body": False})


GARBAGE: tuple[Callable[[], Response], ...] = (
    lambda: HTMLResponse(_PAGE_OF_A_GATEWAY, 200),
    lambda: Response(b"", 200),
    lambda: Response(b"null", 200, media_type="application/json"),
    lambda: Response(b'{"id":11631253,"phone":"+7900', 200, media_type="application/json"),
    lambda: Response(b'{"id":"x","status":"RECEIVED","Data":{},"balance":"much"}', 200, media_type="application/json"),
    lambda: PlainTextResponse("internal error", 500),
)


@dataclass
class SimOrder:
    id: int
    category: str
    phone: str
    operator: str
    product: str
    country: str
    price: int
    """In units of a ten-thousandth, as everywhere in here."""
    created_at: Ms
    expires: Ms
    reusable: bool = False
    status: str = "PENDING"
    sms: list[dict[str, Any]] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return self.status in ("PENDING", "RECEIVED")

    @property
    def charged(self) -> bool:
        in_time = [sms for sms in self.sms if sms["at"] < self.expires]
        return self.status == "FINISHED" or (self.open and (self.category == "hosting" or bool(in_time)))


class Refusal(Exception):
    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.response = PlainTextResponse(text + "\n", status)


class FiveSimSimulator:
    """`costs`: country → product → operator → [units, count]; the hosting products have the operator `any`."""

    def __init__(self, clock: Callable[[], Ms]) -> None:
        self.clock = clock
        self.key = API_KEY
        self.down = False
        self.empty = False
        self.early_cancel_ms: Ms = 0
        self.reuse_costs_more = 0
        self.inbox = "works"
        self.page_limit = 50
        self.odd_rows: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.balance = 1_000 * 10_000
        self.orders: dict[int, SimOrder] = {}
        self.iso = {"england": "gb", "usa": "us", "russia": "ru", "germany": "de", "hongkong": "hk"}
        self.costs: dict[str, dict[str, dict[str, list[int]]]] = {
            country: {
                "whatsapp": {"virtual4": [1_050 + 10 * n, 1_260], "virtual18": [2_833, 40], "virtual21": [900, 0]},
                "telegram": {"virtual4": [7_777, 12]},
                "notinanycatalogue": {"virtual4": [500, 7]},
            }
            for n, country in enumerate(self.iso)
        }
        self.rents = {"england": {"3hours": [5_000, 14], "1day": [12_500, 9]}, "russia": {"10days": [80_000, 8]}}
        self._faults: deque[tuple[str, str]] = deque()
        self._garbage = cycle(GARBAGE)
        self._next_id = 11_631_253
        self.app = Starlette(routes=[Route("/v1/{path:path}", self._handle, methods=["GET"])])

    # the panel

    def fault(self, verb: str, kind: str, times: int = 1) -> None:
        """`lost_answer`, `garbage`, `price_risen`, `text:<status>:<words>`, `status:<HTTP>`, `busy:<seconds>`."""
        self._faults.extend([(verb, kind)] * times)

    def receive(self, phone: str, sender: str, text: str) -> bool:
        """Late ones are noted too."""
        self._settle()
        holders = [order for order in self.orders.values() if order.phone == phone]
        for order in holders[-1:]:
            order.sms.append({"id": 844928 + len(order.sms), "at": self.clock(), "sender": sender, "text": text})
        return bool(holders)

    def settled(self) -> list[SimOrder]:
        """All orders, in the order of their sale, as they stand by now."""
        self._settle()
        return list(self.orders.values())

    # the wire

    async def _handle(self, request: Request) -> Response:
        path = request.path_params["path"]
        self.requests.append(path)
        if self.down:
            return HTMLResponse(_PAGE_OF_A_GATEWAY, 502)
        if request.headers.get("user-agent", "").lower().startswith(("python", "aiohttp")):
            return PlainTextResponse("error code: 1010", 403)
        fault = self._take(verb_of(path))
        if (instead := _instead(fault)) is not None:
            return instead
        if fault == "price_risen":
            self._raise_prices()
        try:
            answer = self._answer(request, path)
        except Refusal as refusal:
            answer = refusal.response
        if fault == "lost_answer":
            return CutOff()
        return next(self._garbage)() if fault == "garbage" else answer

    def _take(self, verb: str) -> str:
        for place, (wanted, kind) in enumerate(self._faults):
            if wanted == verb:
                del self._faults[place]
                return kind
        return ""

    def _raise_prices(self) -> None:
        for products in self.costs.values():
            for operators in products.values():
                for offer in operators.values():
                    offer[0] += 500

    def _answer(self, request: Request, path: str) -> Response:
        self._settle()
        face, *rest = path.split("/")
        if face == "user":
            return self._user(request, rest)
        assert "authorization" not in request.headers, "the key is nobody's business here"
        match rest:
            case ["countries"]:
                return self._countries()
            case ["prices"]:
                return self._prices(dict(request.query_params))
            case ["products", country, "any"]:
                return self._products(country)
        return RedirectResponse("/404.html", 302)

    def _user(self, request: Request, path: list[str]) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return Response(b"", 401)
        match path:
            case ["profile"]:
                return as_json({"id": 1, "email": "m@example.test", "balance": noisy(self.balance), "rating": 96})
            case ["orders"]:
                return self._list(dict(request.query_params))
            case ["buy", category, country, "any", product]:
                return self._buy(category, country, product, dict(request.query_params))
            case ["reuse", product, digits]:
                return self._reuse(product, f"+{digits}")
            case ["sms", "inbox", order_id]:
                return self._inbox(order_id)
            case ["check" | "finish" | "cancel" | "ban" as verb, order_id]:
                return self._manage(verb, order_id)
        return RedirectResponse("/404.html", 302)

    def _settle(self) -> None:
        for order in self.orders.values():
            if order.status == "PENDING" and order.created_at < self.clock():
                order.status = "RECEIVED"
            if order.open and order.expires <= self.clock():
                self._close(order, "FINISHED" if order.sms or order.category == "hosting" else "TIMEOUT")

    def _close(self, order: SimOrder, status: str) -> None:
        order.status = status
        if not order.charged:
            self.balance += order.price

    def _buy(self, category: str, country: str, product: str, query: dict[str, str]) -> Response:
        if category == "activation" and country not in self.costs:
            raise Refusal("bad country")
        price, operator = self._pick(category, country, product, query.get("maxPrice"))
        reusable = query.get("reuse") == "1"
        return self._sell(category, country, product, operator, price, reusable=reusable)

    def _reuse(self, product: str, phone: str) -> Response:
        """Nobody names a price for it beforehand, and it takes no highest one."""
        holders = [order for order in self.orders.values() if order.phone == phone]
        if not holders or holders[-1].product != product or holders[-1].status != "FINISHED":
            raise Refusal("reuse not possible")
        before = holders[-1]
        if not before.reusable:
            raise Refusal("reuse false")
        if self.clock() > before.expires + DAY:
            raise Refusal("reuse expired")
        price, _ = self._pick("activation", before.country, product, None)
        price += self.reuse_costs_more
        return self._sell("activation", before.country, product, before.operator, price, phone=phone, reusable=True)

    def _sell(
        self, category: str, country: str, product: str, operator: str, price: int, *, reusable: bool, phone: str = ""
    ) -> Response:
        if price > self.balance:
            raise Refusal("not enough user balance")
        self.balance -= price
        self._next_id += 7
        lasts = LIFETIME if category == "activation" else HOURS[product] * HOUR
        now = self.clock()
        order = SimOrder(
            id=self._next_id,
            category=category,
            phone=phone or f"+4470000{self._next_id % 100_000:05d}",
            operator=operator,
            product=product,
            country=country,
            price=price,
            created_at=now,
            expires=now + lasts,
            reusable=reusable,
        )
        self.orders[order.id] = order
        return as_json(self._shown(order, digits=9))

    def _pick(self, category: str, country: str, product: str, most: str | None) -> tuple[int, str]:
        if category == "hosting":
            if product not in self.rents.get(country, {}):
                raise Refusal("no product")
            price, count = self.rents[country][product]
            operators = {"any": [price, count]}
        elif product in self.costs[country]:
            operators = self.costs[country][product]
        else:
            raise Refusal("no product")
        cap = float(most) * 10_000 + 1e-6 if most is not None else float("inf")
        fitting = [(cost, name) for name, (cost, count) in operators.items() if count > 0 and cost <= cap]
        if not fitting or self.empty:
            raise Refusal("no free phones", 200)
        return min(fitting)

    def _order(self, order_id: str, missing: int) -> SimOrder:
        if not order_id.isdigit() or int(order_id) not in self.orders:
            raise Refusal("order not found", missing)
        return self.orders[int(order_id)]

    def _manage(self, verb: str, order_id: str) -> Response:
        order = self._order(order_id, 404 if verb == "check" else 400)
        if verb != "check":
            self._check_state(verb, order)
            self._close(order, {"finish": "FINISHED", "cancel": "CANCELED", "ban": "BANNED"}[verb])
        return as_json(self._shown(order, digits=9))

    def _check_state(self, verb: str, order: SimOrder) -> None:
        if order.category == "hosting":
            raise Refusal("hosting order")
        if not order.open:
            raise Refusal("order expired")
        if verb == "finish" and not order.sms:
            raise Refusal("order no sms")
        if verb != "finish" and order.sms:
            raise Refusal("order has sms")
        if verb == "cancel" and self.clock() < order.created_at + self.early_cancel_ms:
            raise Refusal("you need to wait time")

    def _inbox(self, order_id: str) -> Response:
        if self.inbox == "302":
            return RedirectResponse("/404.html", 302)
        order = self._order(order_id, 404)
        if self.inbox == "garbage":
            return HTMLResponse(_PAGE_OF_A_GATEWAY)
        rows = [{"ID": sms["id"], **shown_sms(sms, 6), "is_wave": False, "wave_uuid": ""} for sms in order.sms]
        return as_json({"Data": rows or None, "Total": len(rows)})

    def _list(self, query: dict[str, str]) -> Response:
        assert query["order"] == "id"
        assert query["reverse"] == "true"
        rows = [order for order in self.orders.values() if order.category == query["category"]][::-1]
        start = int(query.get("offset", "0"))
        page = rows[start : start + min(int(query.get("limit", "15")), self.page_limit)]
        shown = [self._shown(order, digits=6) for order in page] + (self.odd_rows if start == 0 else [])
        return as_json({"Data": shown or None, "ProductNames": [], "Statuses": [], "Total": 999999})

    def _shown(self, order: SimOrder, digits: int) -> dict[str, Any]:
        """A rental's own view has its newest SMS only; an empty list is null in one view, [] in another."""
        sms = order.sms[-1:] if order.category == "hosting" else order.sms
        nothing: Any = None if digits == 9 else []
        return {
            "id": order.id,
            "phone": order.phone,
            "operator": order.operator,
            "product": order.product,
            "price": noisy(order.price),
            "status": order.status,
            "expires": nanoseconds(order.expires, digits),
            "sms": [shown_sms(one, digits) for one in sms] or nothing,
            "created_at": nanoseconds(order.created_at, digits),
            "forwarding": False,
            "forwarding_number": "",
            "country": order.country,
        }

    def _countries(self) -> Response:
        rows: dict[str, Any] = {}
        for slug, iso in self.iso.items():
            rents = {"hosting": 1} if slug in self.rents else {}
            operators = {"virtual4": {"activation": 1, **rents}, "virtual18": {"activation": 1}}
            rows[slug] = {"iso": {iso: 1}, "prefix": {"+44": 1}, "text_en": slug.title(), "text_ru": "", **operators}
        rows["nowhere"] = {"iso": {}, "prefix": {}, "text_en": "Nowhere"}
        return as_json(rows)

    def _prices(self, query: dict[str, str]) -> Response:
        product = query.get("product")
        if product is None:
            return as_json({country: self._priced(products) for country, products in self.costs.items()})
        sold = {
            country: self._priced(products)[product] for country, products in self.costs.items() if product in products
        }
        if not sold and len(product) % 2:
            raise Refusal("product is incorrect")
        return as_json({product: sold} if sold else None)

    def _priced(self, products: dict[str, dict[str, list[int]]]) -> dict[str, Any]:
        return {
            product: {
                name: {"cost": noisy(cost), "count": 0 if self.empty else count, "rate": 99.99}
                for name, (cost, count) in operators.items()
            }
            for product, operators in products.items()
        }

    def _products(self, country: str) -> Response:
        if country not in self.costs:
            raise Refusal("bad country")
        rents = self.rents.get(country, {})
        rows = {
            name: {"Category": "hosting", "Qty": 0 if self.empty else count, "Price": noisy(cost)}
            for name, (cost, count) in rents.items()
        }
        rows["whatsapp"] = {"Category": "activation", "Qty": 1300, "Price": 0.105}
        return as_json(rows)


def _instead(fault: str) -> Response | None:
    """What is answered in place of doing anything."""
    kind, _, rest = fault.partition(":")
    if kind == "text":
        status, _, words = rest.partition(":")
        return PlainTextResponse(words, int(status))
    if kind == "status":
        return HTMLResponse(_PAGE_OF_A_GATEWAY, int(rest), headers={"Location": "https://5sim.test/404.html"})
    if kind == "busy":
        return PlainTextResponse("api limit is 100 requests per second", 429, headers={"Retry-After": rest})
    return None


def verb_of(path: str) -> str:
    """The verb of Provider that a request comes from."""
    parts = path.split("/")
    if parts[0] == "guest":
        return "stock"
    names = {"buy": "allocate", "orders": "fetch", "check": "fetch", "profile": "balance", "reuse": "again"}
    return names.get(parts[1], parts[1])


def as_json(value: Any) -> Response:
    return Response(json.dumps(value, ensure_ascii=False).encode(), media_type="application/json")


def noisy(units: int) -> float | int:
    """Money as a sum of binary fractions comes out."""
    return units // 10_000 if units % 10_000 == 0 else units / 10_000 + 1e-13


def shown_sms(sms: dict[str, Any], digits: int) -> dict[str, Any]:
    return {
        "created_at": nanoseconds(sms["at"], digits),
        "date": nanoseconds(sms["at"] // 1000 * 1000, 0),
        "sender": sms["sender"],
        "text": sms["text"],
        "code": "",
    }


def nanoseconds(at: Ms, digits: int) -> str:
    """`2018-10-13T08:28:38.809469028Z`, cut to `digits` and without the zeros at its end, as Go writes times."""
    fraction = f"{at % 1000:03d}469028"[:digits].rstrip("0")
    stamp = datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{stamp}.{fraction}Z" if fraction else f"{stamp}Z"
