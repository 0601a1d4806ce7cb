"""A server of docs/api.md over the sandbox's books, as unpleasant as real ones are.

Its faults are HTTP's: tokens that end early, gateways' pages under any status, bodies cut off half-way, connections
that close after the work was done, purchases and cancels that take their time.
"""

import json
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.domain.catalogue import Catalogue
from bot.domain.sms import IncomingSms
from bot.domain.time import HOUR, SECOND, Ms
from bot.providers.base import WebhookRequest
from bot.providers.sandbox.world import SandboxWorld
from bot.providers.signature import sign

API_KEY = "cp_0123456789abcdef"
WEBHOOK_SECRET = "whsec_cmVzdC1zaW11bGF0b3Itc2VjcmV0LW9mLTMyLWJ5dGVz"
CURRENCY = "USD"
CATALOGUE = Catalogue.shipped()

_PAGE_OF_A_GATEWAY = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>cloud</body></html>"
_CODES = {
    "no_numbers": (409, "no_numbers"),
    "price_risen": (409, "price_risen"),
    "provider_funds": (402, "insufficient_funds"),
    "bad_request": (400, "unknown_service"),
    "gone": (404, "not_found"),
    "denied": (409, "wrong_state"),
    "cancel_too_early": (409, "cancel_too_early"),
}
_CLOSED = ("finished", "cancelled", "expired", "failed")


class Refusal(Exception):
    def __init__(self, status: int, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.response = JSONResponse({"status": "error", "code": code, "message": "No.", **extra}, status)


class CutOff(Response):
    """Half of an answer, after which the server closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"status": "success", "num', "more_body": False})


GARBAGE: tuple[Callable[[], Response], ...] = (
    lambda: HTMLResponse(_PAGE_OF_A_GATEWAY, 200),
    lambda: Response(b"", 200),
    lambda: Response(b"null", 200, media_type="application/json"),
    lambda: Response(b'{"status": "success", "id": 7, "number": "+1', 200, media_type="application/json"),
    lambda: JSONResponse({"status": "success", "id": "x y", "numbers": {}, "prices": 3, "balance": 12.5}),
    lambda: HTMLResponse(_PAGE_OF_A_GATEWAY, 502),
)


class RestSimulator:
    """`world` has the truth; this is its face. Each number's `created_at` and the like are noted at its sale."""

    def __init__(self, clock: Callable[[], Ms], world: SandboxWorld, *, token_s: int = 3600) -> None:
        self.world = world
        self.clock = clock
        self.key = API_KEY
        self.services: tuple[str, ...] = ()
        """The only ones on sale; none: all that the world has."""
        self.token_s = token_s
        self.down = False
        self.requests: list[str] = []
        self.undecided: set[str] = set()
        self.decide_later = False
        self.confirm_later = False
        self.page_limit = 5000
        self._cancelling: set[str] = set()
        self._failed: set[str] = set()
        self._tokens: dict[str, Ms] = {}
        self._sales: dict[str, dict[str, Any]] = {}
        self._keys: dict[str, tuple[dict[str, Any], str]] = {}
        self._refused: dict[str, Refusal] = {}
        self._faults: deque[tuple[str, str]] = deque()
        self._garbage = cycle(GARBAGE)
        self._calls: dict[tuple[str, str], Callable[[dict[str, Any]], Awaitable[Any]]] = {
            ("GET", "allocate_number"): self._allocate,
            ("POST", "allocate_number"): self._allocate,
            ("GET", "fetch_messages"): self._fetch_messages,
            ("POST", "manage_number"): self._manage,
            ("GET", "numbers"): self._numbers,
            ("GET", "prices"): self._prices,
            ("GET", "renewal_price"): self._renewal_price,
            ("GET", "catalogue"): self._catalogue,
            ("GET", "balance"): self._balance,
        }
        self.app = Starlette(routes=[Route("/api/{call:path}", self._handle, methods=["GET", "POST"])])

    # the panel

    def fault(self, verb: str, kind: str, times: int = 1) -> None:
        """`lost_answer`, `garbage`, `revoked`, `status:<HTTP>` or `busy:<seconds>`; the last two have no effect."""
        self._faults.extend([(verb, kind)] * times)

    def end_tokens(self) -> None:
        self._tokens.clear()

    def decide(self, *, sold: bool) -> None:
        """What was undecided is so no more."""
        if not sold:
            self._failed |= self.undecided
        self.undecided.clear()

    async def confirm(self) -> None:
        """The supplier behind confirms what was to be given back."""
        for number_id in self._cancelling:
            await self.world.call("cancel", {"provider_ref": number_id})
        self._cancelling.clear()

    def webhook(self, sms: IncomingSms, kind: str = "sms.received") -> WebhookRequest:
        message = {
            "id": sms.sms_id,
            "number_id": sms.provider_ref,
            "sender": sms.sender,
            "text": sms.text,
            "code": None,
            "received_at": rfc3339(sms.received_at),
        }
        event = {
            "type": kind,
            "timestamp": rfc3339(self.clock()),
            "data": {"number": {"id": sms.provider_ref, "state": "received"}, "message": message},
        }
        body = json.dumps(event, ensure_ascii=False).encode()
        return WebhookRequest(sign(WEBHOOK_SECRET, "e1", self.clock() // SECOND, body), body)

    # the wire

    async def _handle(self, request: Request) -> Response:
        call = request.path_params["call"]
        self.requests.append(f"{request.method} {call}")
        if self.down:
            return HTMLResponse(_PAGE_OF_A_GATEWAY, 502)
        body = await request.body()
        args = {**request.query_params, **(json.loads(body) if body else {})}
        fault = self._take(call, args)
        if fault.startswith("status:"):
            return HTMLResponse(_PAGE_OF_A_GATEWAY, int(fault[7:]), headers={"Location": "https://elsewhere.test/"})
        if fault.startswith("busy:"):
            return Response(b"slow down", 429, headers={"Retry-After": fault[5:]})
        if fault == "revoked":
            self._tokens.clear()
        try:
            answer = await self._answer(request, call, args)
        except Refusal as refusal:
            answer = refusal.response
        if fault == "lost_answer":
            return CutOff()
        return next(self._garbage)() if fault == "garbage" else answer

    def _take(self, call: str, args: dict[str, Any]) -> str:
        verb = verb_of(call, args)
        for place, (wanted, kind) in enumerate(self._faults):
            if wanted == verb:
                del self._faults[place]
                return kind
        return ""

    async def _answer(self, request: Request, call: str, args: dict[str, Any]) -> Response:
        if call == "auth":
            return self._auth(args)
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        given = bearer or str(args.get("apiKey", ""))
        if given != self.key and self._tokens.get(given, 0) <= self.clock():
            raise Refusal(401, "unauthorized")
        act = self._calls.get((request.method, call))
        if act is None:
            raise Refusal(404, "no_such_call")
        row = await act({**args, "key": request.headers.get("idempotency-key", "")})
        pending = row.get("state") in ("buying", "cancelling") and call in ("allocate_number", "manage_number")
        return JSONResponse({"status": "pending" if pending else "success", **row}, 202 if pending else 200)

    def _auth(self, args: dict[str, Any]) -> Response:
        if args.get("apiKey") != self.key:
            raise Refusal(401, "unauthorized")
        token = f"cpt_{secrets.token_urlsafe(12)}"
        self._tokens[token] = self.clock() + self.token_s * SECOND
        return JSONResponse(
            {
                "status": "success",
                "access_token": token,
                "token_type": "Bearer",
                "scope": "full",
                "expires_in": self.token_s,
                "expires_at": rfc3339(self._tokens[token]),
            }
        )

    async def _allocate(self, args: dict[str, Any]) -> dict[str, Any]:
        key = args.pop("key") or secrets.token_hex(8)
        if key in self._refused:
            raise self._refused[key]
        if key in self._keys:
            return await self._again(key, args)
        rental = args.get("kind") == "rental"
        hours = int(args["hours"]) if rental else 0
        sale = {"service": args["service"], "country": args["country"], "kind": args.get("kind", "activation")}
        cap = units(args["max_price"]) if "max_price" in args else 10**12
        try:
            answer = await self._world("allocate", {**sale, "ref": key, "hours": hours, "cap": cap})
        except Refusal as refusal:
            if b"no_numbers" in refusal.response.body or b"price_risen" in refusal.response.body:
                self._refused[key] = refusal
            raise
        number = answer["number"]
        number_id = str(number["provider_ref"])
        self._sales[number_id] = {**sale, "hours": hours, "created_at": self.clock(), **number}
        self._keys[key] = (args, number_id)
        if self.decide_later:
            self.undecided.add(number_id)
        return await self._number(number_id)

    async def _again(self, key: str, args: dict[str, Any]) -> dict[str, Any]:
        before, number_id = self._keys[key]
        if before != args:
            raise Refusal(409, "idempotency_mismatch")
        return await self._number(number_id)

    async def _manage(self, args: dict[str, Any]) -> dict[str, Any]:
        number_id, action = str(args.get("id", "")), args.get("action")
        if number_id not in self._sales:
            raise Refusal(404, "not_found")
        if action == "renew":
            cap = units(args["max_price"]) if "max_price" in args else 10**12
            renewal = {"hours": int(args["hours"]), "cap": cap, "key": args["key"] or secrets.token_hex(8)}
            await self._world("renew", {"provider_ref": number_id, **renewal})
        elif action == "release":
            await self._release(number_id, args.get("refund", "if_possible"))
        elif action in ("finish", "another_code"):
            await self._world(str(action), {"provider_ref": number_id})
        else:
            raise Refusal(400, "bad_request", field="action")
        return await self._number(number_id)

    async def _release(self, number_id: str, refund: str) -> None:
        if self.confirm_later and (await self._number(number_id))["state"] == "waiting":
            self._cancelling.add(number_id)
        if number_id in self._cancelling:
            return
        try:
            await self._world("cancel", {"provider_ref": number_id})
        except Refusal as refusal:
            if refund == "required" or b"cancel_too_early" in refusal.response.body:
                raise
            await self._world("finish", {"provider_ref": number_id})

    async def _numbers(self, args: dict[str, Any]) -> dict[str, Any]:
        ids = list(self._sales)[::-1]
        if "idempotency_key" in args:
            ids = [self._keys[args["idempotency_key"]][1]] if args["idempotency_key"] in self._keys else []
        elif "ids" in args:
            asked = args["ids"].split(",")
            assert len(asked) <= 100, "docs/api.md allows 100"
            wanted = set(asked)
            ids = [number_id for number_id in ids if number_id in wanted]
        rows = [await self._number(number_id) for number_id in ids]
        if "ids" not in args and "idempotency_key" not in args and args.get("state", "open") != "all":
            rows = [row for row in rows if (row["state"] in _CLOSED) == (args.get("state") == "closed")]
        page = self._page(rows, args, 500)
        if args.get("messages") == "1":
            for row in page["page"]:
                row["messages"] = (await self._messages(row["id"]))[-50:]
        return {"numbers": page["page"], "next_cursor": page["next_cursor"]}

    async def _fetch_messages(self, args: dict[str, Any]) -> dict[str, Any]:
        found = [one for one, sale in self._sales.items() if args.get("number", "").strip() in (sale["phone"], "")]
        number_id = args.get("id") or (found[-1] if found else "")
        if number_id not in self._sales:
            raise Refusal(404, "not_found")
        page = self._page(await self._messages(number_id), args, 200)
        number = await self._number(number_id)
        return {
            "number": number["number"],
            "id": number_id,
            "state": number["state"],
            "messages": page["page"],
            "next_cursor": page["next_cursor"],
        }

    async def _prices(self, args: dict[str, Any]) -> dict[str, Any]:
        kind = args.get("kind", "activation")
        answer = await self._world("stock", {"kind": kind, "service": args.get("service")})
        rows = [
            {
                "service": service,
                "country": country,
                "kind": kind,
                "hours": hours,
                "price": amount(cost),
                "stock": left,
            }
            for service, country, hours, cost, left in answer["rows"]
            if args.get("country") in (None, country) and (not self.services or service in self.services)
        ]
        page = self._page(rows, args, self.page_limit)
        return {"currency": CURRENCY, "prices": page["page"], "next_cursor": page["next_cursor"]}

    async def _catalogue(self, args: dict[str, Any]) -> dict[str, Any]:
        answer = await self._world("stock", {"kind": "activation", "service": None})
        named = {row[0]: CATALOGUE.service_name(row[0]) for row in answer["rows"]}
        return {
            "services": [{"code": code, "name": name, "aliases": []} for code, name in named.items()],
            "countries": [{"code": "US", "name": "USA", "dial": "1"}],
        }

    async def _renewal_price(self, args: dict[str, Any]) -> dict[str, Any]:
        hours = int(args["hours"])
        answer = await self._world("renewal_cost", {"provider_ref": args["id"], "hours": hours})
        ends = rfc3339((await self._truth(args["id"]))["expires_at"] + hours * HOUR)
        price = amount(answer["cost"])
        return {"id": args["id"], "hours": hours, "price": price, "currency": CURRENCY, "expires_at": ends}

    async def _balance(self, args: dict[str, Any]) -> dict[str, Any]:
        left = (await self._world("balance", {}))["balance"]
        return {"balance": amount(left), "held": amount(0), "currency": CURRENCY}

    async def _world(self, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        answer = await self.world.call(verb, args)
        if answer["ok"]:
            return answer
        status, code = _CODES[answer["error"]]
        extra: dict[str, Any] = {}
        if "at" in answer:
            extra["cancel_from"] = rfc3339(answer["at"])
        if "cost" in answer:
            extra["price"] = amount(answer["cost"])
        raise Refusal(status, code, **extra)

    async def _truth(self, number_id: str) -> dict[str, Any]:
        [row] = (await self._world("fetch", {"provider_refs": [number_id]}))["numbers"]
        found: dict[str, Any] = row
        return found

    async def _messages(self, number_id: str) -> list[dict[str, Any]]:
        return [
            {
                "id": sms["id"],
                "number_id": number_id,
                "sender": sms["sender"],
                "text": sms["text"],
                "code": None,
                "received_at": rfc3339(sms["received_at"]),
            }
            for sms in (await self._truth(number_id))["sms"]
        ]

    async def _number(self, number_id: str) -> dict[str, Any]:
        sale, truth = self._sales[number_id], await self._truth(number_id)
        state, nowhere = self._state(number_id, truth["state"]), False
        nowhere = state in ("buying", "failed")
        open_now, sms = state in ("waiting", "received"), bool(truth["sms"])
        early = sale["cancel_from"] is not None and self.clock() < sale["cancel_from"]
        late = sale["refund_until"] is not None and self.clock() >= sale["refund_until"]
        return {
            "id": number_id,
            "number": None if nowhere else sale["phone"],
            "country": sale["country"],
            "service": sale["service"],
            "service_name": sale["service"].upper(),
            "kind": sale["kind"],
            "hours": sale["hours"],
            "state": state,
            "price": amount(sale["cost"]),
            "currency": CURRENCY,
            "charged": _charged(sale["kind"], truth),
            "created_at": rfc3339(sale["created_at"]),
            "expires_at": None if nowhere else rfc3339(truth["expires_at"]),
            "closed_at": rfc3339(self.clock()) if state in _CLOSED else None,
            "cancel_from": rfc3339(sale["cancel_from"]),
            "refund_until": rfc3339(sale["refund_until"]),
            "can_cancel": open_now and not sms and not early and not late,
            "can_finish": open_now and (sms or sale["kind"] == "rental"),
            "can_another_code": open_now and sms and sale["kind"] == "activation",
            "can_renew": open_now and sale["kind"] == "rental",
            "message_count": len(truth["sms"]),
        }

    def _state(self, number_id: str, state: str) -> str:
        if number_id in self.undecided:
            return "buying"
        if number_id in self._failed:
            return "failed"
        return "cancelling" if number_id in self._cancelling else state

    def _page(self, rows: list[dict[str, Any]], args: dict[str, Any], most: int) -> dict[str, Any]:
        start, limit = int(args.get("cursor", "0")), min(int(args.get("limit", "100")), most)
        following = start + limit
        return {"page": rows[start:following], "next_cursor": str(following) if following < len(rows) else None}


def verb_of(call: str, args: dict[str, Any]) -> str:
    """The verb of Provider that a request comes from."""
    if call == "manage_number":
        action = str(args.get("action"))
        return "cancel" if action == "release" else action
    if call == "numbers":
        return "find" if "idempotency_key" in args else "fetch"
    names = {
        "allocate_number": "allocate",
        "prices": "stock",
        "renewal_price": "renewal_cost",
        "catalogue": "service_names",
    }
    return names.get(call, call)


def _charged(kind: str, truth: dict[str, Any]) -> bool:
    """As the supplier behind sees it: an activation for its first SMS in time, a rental unless it was given back."""
    if kind == "rental":
        return bool(truth["state"] != "cancelled")
    return truth["state"] in ("received", "finished") or (truth["state"] == "waiting" and bool(truth["sms"]))


def amount(units_: int) -> str:
    return f"{units_ // 10_000}.{units_ % 10_000:04d}"


def units(text: str) -> int:
    whole, _, part = text.partition(".")
    assert len(part) <= 4, "docs/api.md allows four decimals"
    return int(whole) * 10_000 + int(part.ljust(4, "0"))


def rfc3339(at: Ms | None) -> Any:
    if at is None:
        return None
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{at % 1000:03d}Z"
