"""The `handler_api.php` family over HTTP, one dialect at a time, each with its own envelope, types and gaps.

Everything is `text/html`, with or without a line feed at the end, whatever it is. Faults are named by action:

    reset   the deed is done, and the connection reset          cut    the deed is done, and half of the answer is sent
    502     a gateway's page, and nothing is done               slow   the answer takes `slow_s`
    rate    too many requests, with Retry-After                 sql    `ERROR_SQL`
    garbage one of GARBAGE in turn, after the deed
    ban     `BANNED` for BAN, in the member's own form
"""

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from bot.domain.money import parse_units, to_decimal
from bot.domain.time import MINUTE, SECOND, Ms
from tests.simulators.engine import COUNTRIES, SERVICES, Line, No, Sms, Supplier

KEY = "sk_0123456789abcdef"
PAGE_502 = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502</h1></center></body></html>"
BAN: Ms = 10 * MINUTE
GARBAGE = ("", PAGE_502, "STATUS_", '{"status":"succ', '{"foo": [1]}', "ok")
Params = Mapping[str, str]
Handler = Callable[[Params], object]

_HERO_STATUS = {
    "WRONG_MAX_PRICE": 400, "BAD_STATUS": 400, "BAD_KEY": 401, "NO_BALANCE": 402, "BANNED": 403,
    "CHANNELS_LIMIT": 403, "ACCOUNT_INACTIVE": 403, "NOT_FOUND": 404, "BAD_ACTION": 404, "NO_NUMBERS": 404,
    "EARLY_CANCEL_DENIED": 409, "OTP_RECEIVED": 409, "FREE_CANCELLATION_EXPIRED": 409, "ACTIVATION_NOT_ACTIVE": 409,
    "UNPROCESSABLE_ENTITY": 422, "RATE_LIMIT": 429, "SERVER_ERROR": 500, "ACTION_NOT_AVAILABLE": 400,
}  # fmt: skip


class Plain:
    """`sms-activate`: always 200, words in text, rentals with verbs of their own."""

    name = "sms-activate"
    utc_offset_h = 3

    def __init__(self, supplier: Supplier, *, key: str = KEY) -> None:
        self.supplier = supplier
        self.key = key
        self.slow_s = 0.2
        self._garbage = itertools.cycle(GARBAGE)
        self._newline = itertools.cycle(("", "\n", "\r\n"))
        self._empty: Iterator[str] = itertools.cycle(("NO_ACTIVATIONS", "[]", "null"))
        self.actions: dict[str, Handler] = {
            "getBalance": self.balance,
            "getPrices": self.prices,
            "getCountries": lambda p: {
                number: {"id": int(number), "eng": name, "visible": 1} for number, name in COUNTRIES.items()
            },
            "getServicesList": lambda p: {
                "status": "success",
                "services": [{"code": code, "name": name} for code, name in SERVICES.items()],
            },
            "getNumber": lambda p: self.access(self.sell(p)),
            "getNumberV2": lambda p: self.v2(self.sell(p)),
            "getStatus": self.status,
            "setStatus": self.set_status,
            **self.more_actions(),
        }

    def more_actions(self) -> dict[str, Handler]:
        return {
            "getOperators": lambda p: {"status": "success", "countryOperators": {"6": ["axis", "three"]}},
            "getTopCountriesByService": self.top,
            "getStatusV2": self.status_v2,
            "getActiveActivations": self.active,
            "getHistory": self.history,
            "checkExtraActivation": self.check_extra,
            "getExtraActivation": self.extra,
            "getRentServicesAndCountries": self.rent_sale,
            "getRentNumber": self.rent_buy,
            "getRentStatus": self.rent_status,
            "setRentStatus": self.rent_set,
            "getRentList": self.rent_list,
            "continueRentInfo": self.rent_info,
            "continueRentNumber": self.rent_prolong,
        }

    # envelopes

    def money(self, units: int) -> str:
        return f"{to_decimal(units):f}"

    def number(self, value: str) -> object:
        return int(value)

    def code(self, line: Line) -> object:
        return [sms.code for sms in line.sms] or None

    def time(self, at: Ms) -> str:
        """The member's own local time, which it does not name."""
        return datetime.fromtimestamp(at // SECOND, timezone(timedelta(hours=self.utc_offset_h))).strftime(
            "%Y-%m-%d %H:%M:%S"
        )

    def refuse(self, no: No, action: str) -> tuple[int, object]:
        if "Rent" in action:
            return 200, {"status": "error", "message": self.rent_word(no.word)}
        word = {"OTP_RECEIVED": "BAD_STATUS", "ACTIVATION_NOT_ACTIVE": "BAD_STATUS"}.get(no.word, no.word)
        if word == "WRONG_MAX_PRICE":
            return 200, f"{word}:{self.money(int(str(no.info['min'])))}"
        if word == "BANNED":
            return 200, f"BANNED:'{self.time(int(str(no.info['until'])))}'"
        return 200, word

    def rent_word(self, word: str) -> str:
        return {
            "OTP_RECEIVED": "CANT_CANCEL",
            "FREE_CANCELLATION_EXPIRED": "CANT_CANCEL",
            "NO_ACTIVATION": "NO_ID_RENT",
        }.get(word, word)

    def bad_key(self) -> tuple[int, object]:
        return 200, "BAD_KEY"

    # activations

    def balance(self, p: Params) -> object:
        self.supplier.settle()
        return f"ACCESS_BALANCE:{self.money(self.supplier.balance)}"

    def prices(self, p: Params) -> object:
        if p.get("service") and p["service"] not in self.supplier.services:
            raise No("BAD_SERVICE")
        codes = [p["service"]] if p.get("service") else list(self.supplier.services)
        return {
            number: {code: self.price(number) for code in codes}
            for number in self.supplier.countries
            if p.get("country") in (None, number)
        }

    def price(self, number: str) -> dict[str, object]:
        cost = to_decimal(self.supplier.cost(number))
        return {"cost": float(cost), "count": self.supplier.stock(), "physicalCount": 14}

    def top(self, p: Params) -> object:
        rows = ({"country": int(n), "count": 7, "price": 15.0, "freePriceMap": {"15.00": 7}} for n in COUNTRIES)
        return {str(place): row for place, row in enumerate(rows)}

    def sell(self, p: Params) -> Line:
        cap = parse_units(p["maxPrice"]) if p.get("maxPrice") else None
        return self.supplier.sell(
            p.get("service", ""),
            p.get("country", "0"),
            cap,
            order=p.get("orderId", ""),
            operator=p.get("operator", ""),
            without=[one for one in p.get("phoneException", "").split(",") if one],
        )

    def access(self, line: Line) -> str:
        return f"ACCESS_NUMBER:{line.id}:{line.phone}"

    def v2(self, line: Line) -> dict[str, Any]:
        return {
            "activationId": self.number(line.id),
            "phoneNumber": line.phone,
            "activationCost": float(to_decimal(line.cost)),
            "currency": 840,
            "countryCode": line.country,
            "canGetAnotherSms": "1",
            "activationTime": self.time(line.at),
            "activationOperator": "mtt",
        }

    def find(self, p: Params, name: str = "id") -> Line:
        line = self.supplier.line(p.get(name, ""))
        if line.hours:
            raise No("NO_ACTIVATION")
        return line

    def status(self, p: Params) -> object:
        line = self.find(p)
        if line.state != "open":
            return "STATUS_CANCEL"
        if not line.sms:
            return "STATUS_WAIT_CODE"
        return f"STATUS_WAIT_RETRY:{line.sms[-1].code}" if line.waits else f"STATUS_OK:{line.sms[-1].code}"

    def status_v2(self, p: Params) -> object:
        line = self.find(p)
        if line.state != "open":
            return "STATUS_CANCEL"
        sms = line.sms[-1] if line.sms else None
        return {
            "verificationType": 0,
            "sms": {"dateTime": self.time(sms.at), "code": sms.code, "text": sms.text} if sms else [],
            "call": None,
        }

    def set_status(self, p: Params) -> object:
        line = self.find(p)
        verbs = {
            "1": (lambda one: None, "ACCESS_READY"),
            "3": (self.supplier.again, "ACCESS_RETRY_GET"),
            "6": (self.supplier.finish, "ACCESS_ACTIVATION"),
            "8": (self.supplier.cancel, "ACCESS_CANCEL"),
            "-1": (self.supplier.cancel, "ACCESS_CANCEL"),
        }
        if p.get("status") not in verbs:
            raise No("BAD_STATUS")
        act, word = verbs[p["status"]]
        act(line)
        return word

    def listed(self) -> list[Line]:
        return [line for line in self.supplier.open() if not line.hours]

    def active(self, p: Params) -> object:
        rows = [self.row(line) for line in self.listed()]
        if not rows:
            return next(self._empty)
        return {"status": "success", "activeActivations": rows}

    def row(self, line: Line) -> dict[str, Any]:
        return {
            "activationId": line.id,
            "serviceCode": line.service,
            "phoneNumber": line.phone,
            "activationCost": float(to_decimal(line.cost)),
            "activationStatus": "4",
            "smsCode": self.code(line),
            "smsText": f"[{line.sms[-1].text}]" if line.sms else None,
            "activationTime": self.time(line.at),
            "discount": "0.00",
            "repeated": "0",
            "countryCode": line.country,
            "countryName": COUNTRIES[line.country],
            "canGetAnotherSms": "1",
            "currency": 840,
        }

    def recorded(self) -> list[Line]:
        return [line for line in self.supplier.lines.values() if not line.hours]

    def history(self, p: Params) -> object:
        self.supplier.settle()
        first, last = int(p["start"]) * SECOND, int(p["end"]) * SECOND
        offset, limit = int(p.get("offset", 0)), min(int(p.get("limit") or p.get("size") or 50), 100)
        lines = [line for line in reversed(self.recorded()) if first <= line.at <= last]
        status = {"open": "4", "finished": "6", "cancelled": "8", "expired": "10"}
        return [
            {
                "id": self.number(line.id),
                "date": self.time(line.at),
                "phone": line.phone,
                "sms": line.sms[-1].text if line.sms else None,
                "cost": float(to_decimal(line.cost)),
                "status": status[line.state],
                "currency": 840,
            }
            for line in lines[offset : offset + limit]
        ]

    def check_extra(self, p: Params) -> object:
        line = self.used_up(p)
        return {"status": "success", "cost": str(to_decimal(self.supplier.cost(line.country))), "phone": line.phone}

    def extra(self, p: Params) -> object:
        before = self.used_up(p)
        line = self.supplier.sell(before.service, before.country, None)
        line.phone = before.phone
        return self.access(line)

    def used_up(self, p: Params) -> Line:
        line = self.find(p, "activationId")
        if line.state != "finished" or any(one.phone == line.phone for one in self.supplier.open()):
            raise No("RENEW_ACTIVATION_NOT_AVAILABLE")
        return line

    # rentals

    def rent_sale(self, p: Params) -> object:
        number, hours = p.get("country", "6"), int(p.get("rent_time") or p.get("time") or 4)
        stock = self.supplier.stock()
        services = {
            code: {"cost": float(to_decimal(self.supplier.cost(number, hours))), "quant": stock}
            for code in (*SERVICES, "full")
        }
        return {"countries": {"0": 6, "1": 187, "2": 999}, "operators": {"0": "aiva"}, "services": services}

    def rent_buy(self, p: Params) -> object:
        hours = int(p.get("rent_time") or p.get("time") or 0)
        if not 2 <= hours <= 1344:
            raise No("INVALID_TIME")
        return self.rented(self.supplier.sell(p["service"], p["country"], None, hours))

    def rented(self, line: Line) -> object:
        ends = self.time(line.ends).replace(" ", "T")
        return {"status": "success", "phone": {"id": self.number(line.id), "endDate": ends, "number": line.phone}}

    def rent_line(self, p: Params) -> Line:
        line = self.supplier.line(p.get("id", ""))
        if not line.hours:
            raise No("NO_ID_RENT")
        return line

    def rent_status(self, p: Params) -> object:
        line = self.rent_line(p)
        if not line.sms:
            words = {"open": "STATUS_WAIT_CODE", "finished": "STATUS_FINISH", "cancelled": "STATUS_CANCEL"}
            raise No(words[line.state])
        rows = [
            {"phoneFrom": sms.sender, "text": sms.text, "service": line.service, "date": self.time(sms.at)}
            for sms in reversed(line.sms)
        ]
        page, size = int(p.get("page", 1)), int(p.get("size", 10))
        shown = rows[(page - 1) * size : page * size]
        return {
            "status": "success",
            "quantity": str(len(rows)),
            "values": {str(place): row for place, row in enumerate(shown)},
        }

    def rent_set(self, p: Params) -> object:
        line = self.rent_line(p)
        if line.state != "open":
            raise No("ALREADY_FINISH" if line.state == "finished" else "ALREADY_CANCEL")
        (self.supplier.finish if p.get("status") == "1" else self.supplier.cancel)(line)
        return {"status": "success"}

    def rent_list(self, p: Params) -> object:
        lines = [line for line in self.supplier.open() if line.hours]
        if not lines:
            raise No("NO_NUMBERS")
        page, length = int(p.get("page", 1)), int(p.get("length", 10))
        shown = lines[(page - 1) * length : page * length]
        rows = {str(place): {"id": line.id, "phone": line.phone} for place, line in enumerate(shown)}
        return {"status": "success", "values": rows or []}

    def rent_info(self, p: Params) -> object:
        line = self.rent_line(p)
        if line.state != "open":
            raise No("RENT_DIE")
        hours = int(p["hours"])
        added = {
            str(place): {"createDate": self.time(at), "price": self.money(cost), "hours": more}
            for place, (at, more, cost) in enumerate(line.added)
        }
        price = float(to_decimal(self.supplier.cost(line.country, hours)))
        return {"status": "success", "price": price, "currency": 840, "hours": hours, "history": added or []}

    def rent_prolong(self, p: Params) -> object:
        line = self.rent_line(p)
        self.supplier.prolong(line, int(p.get("rent_time") or p.get("time") or 0))
        return self.rented(line)

    # webhooks

    def event(self, line: Line, sms: Sms) -> dict[str, object]:
        if line.hours and "getRentStatus" in self.actions:
            return {
                "rentId": line.id,
                "sms": {"phoneFrom": sms.sender, "text": sms.text, "date": self.time(sms.at)},
            }
        return {
            "activationId": self.number(line.id),
            "service": line.service,
            "text": sms.text,
            "code": sms.code,
            "country": int(line.country),
            "receivedAt": self.time(sms.at),
        }

    # HTTP

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        p = dict(parse_qsl(scope["query_string"].decode()))
        action = p.get("action", "")
        self.supplier.asked.append(action)
        fault = self.fault_of(action, p)
        if fault == "502" or self.supplier.mode == "down":
            await self.answer(send, 502, PAGE_502)
            return
        if fault == "rate":
            await self.answer(send, 429, "Too Many Requests", [(b"retry-after", b"7")])
            return
        status, body = self.refused(fault, action) or self.served(scope, action, p)
        if fault == "slow":
            await asyncio.sleep(self.slow_s)
        if fault in ("reset", "cut"):
            await self.break_off(send, fault, self.text(body))
            return
        await self.answer(send, status, next(self._garbage) if fault == "garbage" else self.text(body))

    def fault_of(self, action: str, p: Params) -> str:
        queue = self.supplier.faults[f"{action}:{p.get('status', '')}"] or self.supplier.faults[action]
        return queue.popleft() if queue else ""

    def refused(self, fault: str, action: str) -> tuple[int, object] | None:
        """What is said instead of doing anything."""
        if fault == "ban":
            return self.refuse(No("BANNED", until=self.supplier.clock() + BAN), action)
        return (200, "ERROR_SQL") if fault == "sql" else None

    def served(self, scope: Scope, action: str, p: Params) -> tuple[int, object]:
        if scope["path"] != "/stubs/handler_api.php":
            return 404, PAGE_502
        if p.get("api_key") != self.key:
            return self.bad_key()
        try:
            if action not in self.actions or (action == "prolong") is not (scope["method"] == "POST"):
                raise No("BAD_ACTION")
            return 200, self.actions[action](p)
        except No as no:
            return self.refuse(no, action)

    def text(self, body: object) -> str:
        return body + next(self._newline) if isinstance(body, str) else json.dumps(body, ensure_ascii=False)

    async def answer(
        self, send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        head = [(b"content-type", b"text/html; charset=UTF-8"), *(headers or [])]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": text.encode()})

    async def break_off(self, send: Send, fault: str, text: str) -> None:
        """Half of the answer, if any of it, and then a connection that is gone: uvicorn closes on a short body."""
        if fault == "cut":
            body = text.encode()
            head = [(b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            await asyncio.sleep(0)
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        if transport is None:
            raise ConnectionError("only a server that shows its transport can reset it")
        transport.abort()


class Hero(Plain):
    """HTTP statuses with `title`, zones in its times, SMS with ids, rentals among the activations."""

    name = "hero"

    def __init__(self, supplier: Supplier, *, key: str = KEY) -> None:
        super().__init__(supplier, key=key)
        supplier.rentals_wait = True

    def more_actions(self) -> dict[str, Handler]:
        return {
            "getOperators": lambda p: {"status": "success", "countryOperators": {"6": ["axis", "three"]}},
            "getTopCountriesByService": self.top,
            "getStatusV2": self.status_v2,
            "getActiveActivations": self.active,
            "getHistory": self.history,
            "getAllSms": self.all_sms,
            "serviceCountRent": self.rent_prices,
            "getRentNumber": self.rent_buy,
            "prolongOptions": self.prolong_options,
            "prolongHistory": self.prolong_history,
            "prolong": self.prolong,
        }

    def time(self, at: Ms) -> str:
        return datetime.fromtimestamp(at // SECOND, timezone(timedelta(hours=3))).isoformat()

    def code(self, line: Line) -> object:
        return line.sms[-1].code if line.sms else ""

    def refuse(self, no: No, action: str) -> tuple[int, object]:
        word = "NOT_FOUND" if no.word == "NO_ACTIVATION" else no.word
        if action == "getPrices":
            return 200, {"status": "false", "msg": "service is incorrect"}
        if word == "NO_NUMBERS" and action != "getRentNumber":
            return 200, "NO_NUMBERS"
        if word in ("BAD_SERVICE", "BAD_COUNTRY"):
            return 200, f"UNPROCESSABLE_ENTITY:{'service' if word == 'BAD_SERVICE' else 'country'}:INVALID"
        info: dict[str, object] = {}
        if word == "BANNED":
            left = (int(str(no.info["until"])) - self.supplier.clock()) // SECOND
            info = {"scope": no.info.get("scope", "global"), "retry_after_seconds": left}
        if word == "WRONG_MAX_PRICE":
            info = {"min": float(to_decimal(int(str(no.info["min"]))))}
        return _HERO_STATUS.get(word, 400), {"title": word, "details": "No.", "info": info}

    def bad_key(self) -> tuple[int, object]:
        return 401, {"title": "BAD_KEY", "details": "Unauthorized"}

    def v2(self, line: Line) -> dict[str, Any]:
        return {
            **super().v2(line),
            "activationId": line.id,
            "countryCode": int(line.country),
            "canGetAnotherSms": True,
            "activationEndTime": self.time(line.ends),
            "activationOperator": "any",
            "verificationType": "sms",
            "subtype": 2 if line.hours else 1,
            "serviceCode": line.service,
            "status": 4,
        }

    def find(self, p: Params, name: str = "id") -> Line:
        return self.supplier.line(p.get(name, ""))

    def status_v2(self, p: Params) -> object:
        line = self.find(p)
        if line.state != "open":
            return "STATUS_CANCEL"
        return {"verificationType": "sms", "data": self.sms(line, line.sms[-1]) if line.sms else None}

    def sms(self, line: Line, sms: Sms) -> dict[str, object]:
        return {
            "id": int(sms.id),
            "phoneFrom": sms.sender,
            "code": sms.code,
            "text": sms.text,
            "service": line.service,
            "date": self.time(sms.at),
            "type": "sms",
        }

    def all_sms(self, p: Params) -> object:
        line = self.find(p)
        if line.state in ("cancelled", "expired"):
            raise No("ACTIVATION_NOT_ACTIVE")
        page, size = int(p.get("page", 1)), int(p.get("size", 10))
        rows = [self.sms(line, sms) for sms in reversed(line.sms)]
        return {"data": rows[(page - 1) * size : page * size], "meta": {"total": len(rows), "service": line.service}}

    def set_status(self, p: Params) -> object:
        if p.get("status") not in ("3", "6", "8"):
            raise No("UNPROCESSABLE_ENTITY")
        return super().set_status(p)

    def listed(self) -> list[Line]:
        return self.supplier.open()

    def recorded(self) -> list[Line]:
        return list(self.supplier.lines.values())

    def active(self, p: Params) -> object:
        start, limit = int(p.get("start", 0)), min(int(p.get("limit", 100)), 100)
        rows = [self.row(line) for line in self.listed()[start : start + limit]]
        return {
            "status": "success",
            "data": rows,
            "activeActivations": {"affected_rows": 0, "num_rows": 0, "row": [], "rows": []},
        }

    def row(self, line: Line) -> dict[str, Any]:
        return {
            **super().row(line),
            "activationCost": str(to_decimal(line.cost)),
            "activationStatus": "4" if not line.sms else "3" if line.waits else "2",
            "smsText": line.sms[-1].text if line.sms else "",
            "countryCode": int(line.country),
            "canGetAnotherSms": True,
            "verificationType": "sms",
            "subtype": "2" if line.hours else "1",
        }

    def rent_prices(self, p: Params) -> object:
        if p["service"] not in (*SERVICES, "full"):
            return '"{}"'
        return {
            number: {
                str(hours): {
                    "count": self.supplier.stock(),
                    "price": str(to_decimal(self.supplier.cost(number, hours))),
                    "retail_price": 99,
                }
                for hours in (2, 24, 72, 720)
            }
            for number in COUNTRIES
            if p.get("country") in (None, number)
        }

    def rent_buy(self, p: Params) -> object:
        return self.v2(self.supplier.sell(p["service"], p["country"], None, int(p["duration"])))

    def rental(self, p: Params) -> Line:
        line = self.find(p)
        if not line.hours or line.state != "open":
            raise No("ACTION_NOT_AVAILABLE")
        return line

    def prolong_options(self, p: Params) -> object:
        line = self.rental(p)
        prices = {hours: to_decimal(self.supplier.cost(line.country, hours)) for hours in (4, 24, 72)}
        options = [{"price": float(price), "duration": {"unit": "hour", "value": h}} for h, price in prices.items()]
        return {"data": {"options": [*options, {"price": 0.1, "duration": {"unit": "minute", "value": 20}}]}}

    def prolong_history(self, p: Params) -> object:
        line = self.find(p)
        return {"data": [{"userPrice": self.money(cost), "hours": hours} for _, hours, cost in line.added]}

    def prolong(self, p: Params) -> object:
        line = self.rental(p)
        self.supplier.prolong(line, int(p["duration"]))
        return self.v2(line)

    def event(self, line: Line, sms: Sms) -> dict[str, object]:
        return {**super().event(line, sms), "phoneFrom": sms.sender, "id": sms.id, "receivedAt": self.time(sms.at)}


class Tiger(Plain):
    """Words in text, a wrong key as 401, costs as text, countries as a bare list."""

    name = "tiger"

    def more_actions(self) -> dict[str, Handler]:
        countries = [{"id": int(number), "eng": name} for number, name in COUNTRIES.items()]
        return {
            "getStatusV2": self.status_v2,
            "getActiveActivations": self.active,
            "getCountries": lambda p: countries,
        }

    def bad_key(self) -> tuple[int, object]:
        return 401, "BAD_KEY"

    def refuse(self, no: No, action: str) -> tuple[int, object]:
        if no.word == "WRONG_MAX_PRICE":
            return 200, "BAD_MAX_PRICE"
        return super().refuse(no, action)

    def price(self, number: str) -> dict[str, object]:
        return {"cost": str(to_decimal(self.supplier.cost(number))), "count": self.supplier.stock()}

    def code(self, line: Line) -> object:
        return line.sms[-1].code if line.sms else ""

    def status(self, p: Params) -> object:
        return "ACCESS_CANCEL" if self.find(p).state == "cancelled" else super().status(p)

    def active(self, p: Params) -> object:
        start, limit = int(p.get("start", 0)), min(int(p.get("limit", 50)), 100)
        return {"status": "success", "data": [self.row(line) for line in self.listed()[start : start + limit]]}

    def row(self, line: Line) -> dict[str, Any]:
        status = 1 if not line.sms else 3 if line.waits else 6
        return {
            **super().row(line),
            "activationId": int(line.id),
            "activationStatus": status,
            "smsText": line.sms[-1].text if line.sms else "",
            "countryCode": int(line.country),
            "canGetAnotherSms": True,
        }


class Bower(Plain):
    """No list of activations and no dates: one number at a time, and its last code."""

    name = "smsbower"

    def more_actions(self) -> dict[str, Handler]:
        return {"getOperators": lambda p: {"status": "success", "countryOperators": []}}

    def bad_key(self) -> tuple[int, object]:
        return 401, {"status": 0, "message": "No access", "data": []}

    def refuse(self, no: No, action: str) -> tuple[int, object]:
        if action == "getPrices":
            return 200, {"error": "Bad service"}
        if no.word == "BAD_SERVICE":
            return 200, "WRONG_SERVICE"
        return super().refuse(no, action)


class Generic(Bower):
    """The seven actions that every member has."""

    name = "generic"

    def more_actions(self) -> dict[str, Handler]:
        return {"getNumberV2": self._not_here}

    def _not_here(self, p: Params) -> object:
        raise No("BAD_ACTION")

    def bad_key(self) -> tuple[int, object]:
        return 200, "NO_KEY"


class Grizzly(Bower):
    """A bare list of activations, or `null`; prose among its words."""

    name = "grizzly"

    def more_actions(self) -> dict[str, Handler]:
        return {"getActiveActivations": self.active}

    def active(self, p: Params) -> object:
        rows = [self.row(line) for line in self.listed()]
        return rows or next(self._empty_list)

    _empty_list = itertools.cycle(("null", "[]"))

    def row(self, line: Line) -> dict[str, Any]:
        return {**super().row(line), "smsCode": line.sms[-1].code if line.sms else None, "activationId": int(line.id)}

    def v2(self, line: Line) -> dict[str, Any]:
        return {**super().v2(line), "activationCancel": self.time(line.at), "activationEnd": self.time(line.ends)}


DIALECTS: dict[str, type[Plain]] = {one.name: one for one in (Plain, Hero, Tiger, Bower, Generic, Grizzly)}
