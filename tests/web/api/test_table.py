"""Every call of the API by everybody who may not make it, twice under one key, and with garbage: status and code."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from bot.domain.keys import Scope
from tests.support.api import WHATSAPP, Api, caller, calling

OK, NONE = "200", "–"
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = "401 unauthorized", "403 forbidden", "404 not_found"
MISMATCH, REPLAYED = "409 idempotency_mismatch", "200 replayed"
BAD = "400 bad_request"


@dataclass(frozen=True)
class Call:
    """A good call, given ids of an activation with an SMS and of a rental; what it is answered in each column."""

    method: str
    path: str
    good: Callable[[str, str], dict[str, Any]] = lambda number, rental: {}
    garbage: tuple[dict[str, Any], ...] = ()
    read_only: str = OK
    stranger: str = NONE
    twice: tuple[str, str] = (NONE, NONE)
    """Under one Idempotency-Key: the same call again, and then another one."""
    other: Callable[[str, str], dict[str, Any]] = lambda number, rental: {}
    expected: str = OK

    @property
    def name(self) -> str:
        return f"{self.method} /api/{self.path}"

    def sent(self, args: dict[str, Any]) -> dict[str, Any]:
        return {"params": args} if self.method == "GET" else {"json": args}


JUNK = ({"content": b"\x00\xff{{{"}, {"content": b"[1]"}, {"content": b'"' + b"[" * 100_000})
"""Bodies that are no JSON object."""


def junk(**wrong: tuple[Any, ...]) -> tuple[dict[str, Any], ...]:
    """Each value of each parameter by itself, beside what is needed."""
    return tuple({name: value} for name, values in wrong.items() for value in values)


BAD_IDS = ("", " ", "n 1", "n1'", "\x00", "x" * 65, "ñ1")
BAD_PHONES = ("", "12345", "+0123456789", "phone", "+1 202 555", "１２３４５６７８９")
BAD_WHOLES = ("", "-1", "1.5", "1e3", "ten", "999999999999999999999", " 1", "0x10")
BAD_MONEY = ("", "-1", "1,5", "1.00001", "NaN", "1e3", "99999999999")
BAD_CURSORS = ("", "!", "A", "x" * 500, "bm9uZQ")

CALLS = (
    Call("POST", "auth", garbage=({"apiKey": 7},)),
    Call("POST", "auth/revoke", expected=BAD, read_only=BAD),
    Call("GET", "balance"),
    Call("GET", "catalogue"),
    Call(
        "GET",
        "prices",
        lambda number, rental: {"service": "wa", "country": "US"},
        junk(kind=("", "both"), limit=(*BAD_WHOLES, "0", "5001"), cursor=BAD_CURSORS, country=("", "x" * 81)),
    ),
    Call(
        "GET",
        "numbers",
        lambda number, rental: {"ids": f"{number},{rental}"},
        junk(
            limit=(*BAD_WHOLES, "0", "501"),
            cursor=BAD_CURSORS,
            state=("", "old"),
            messages=("2", "yes", ""),
            idempotency_key=("", "ü", "x" * 129),
            ids=(",".join(["n1"] * 101),),
        ),
        stranger="200 and nothing",
    ),
    Call("GET", "history", garbage=junk(limit=BAD_WHOLES, cursor=BAD_CURSORS)),
    Call(
        "GET",
        "fetch_messages",
        lambda number, rental: {"id": number},
        junk(
            id=BAD_IDS,
            number=BAD_PHONES,
            wait=(*BAD_WHOLES, "31"),
            limit=("0", "201"),
            cursor=BAD_CURSORS,
            since=("", "yesterday", "2026-11-23", "2026-11-23T10:15:30", "2026-02-30T00:00:00Z", "x" * 41),
        ),
        stranger=NOT_FOUND,
    ),
    Call("GET", "events", expected="200 stream", read_only="200 stream"),
    Call(
        "GET",
        "renewal_price",
        lambda number, rental: {"id": rental, "hours": 4},
        junk(id=BAD_IDS, hours=(*BAD_WHOLES, "0", "1345")),
        stranger=NOT_FOUND,
    ),
    Call(
        "GET",
        "allocate_number",
        lambda number, rental: WHATSAPP,
        junk(country=("",), service=("",), kind=("sale",), hours=(*BAD_WHOLES, "1345"), max_price=BAD_MONEY),
        read_only=FORBIDDEN,
        twice=(REPLAYED, MISMATCH),
        other=lambda number, rental: {"country": "GB", "service": "wa"},
    ),
    Call(
        "POST",
        "allocate_number",
        lambda number, rental: WHATSAPP,
        junk(
            country=("", 1, None, ["US"]),
            service=("", {}),
            kind=("sale", 1),
            hours=(0, 1345, "4", 1.5, True),
            max_price=(*BAD_MONEY, 1, 1.5),
        ),
        read_only=FORBIDDEN,
        twice=(REPLAYED, MISMATCH),
        other=lambda number, rental: {**WHATSAPP, "max_price": "99"},
    ),
    Call(
        "POST",
        "manage_number",
        lambda number, rental: {"action": "renew", "id": rental, "hours": 4},
        junk(
            action=("", "burn", 1, None),
            id=(*BAD_IDS, 1),
            number=(7,),
            hours=(0, "4", 1345, None),
            max_price=(1, "1,5"),
            refund=("", "maybe", True),
        ),
        read_only=FORBIDDEN,
        stranger=NOT_FOUND,
        twice=(REPLAYED, MISMATCH),
        other=lambda number, rental: {"action": "renew", "id": rental, "hours": 24},
    ),
)


@dataclass
class Row:
    name: str
    cells: dict[str, str] = field(default_factory=dict)


def told(answer: httpx.Response) -> str:
    """`409 price_risen`, or the plain status of a success."""
    replayed = " replayed" if answer.headers.get("Idempotent-Replayed") == "true" else ""
    body = answer.json()
    assert (answer.status_code < 400) == (body["status"] != "error"), body
    assert answer.headers["cache-control"] == "no-store"
    return f"{answer.status_code} {body['code']}" if answer.status_code >= 400 else f"{answer.status_code}{replayed}"


async def asked(api: Api, call: Call, key: str | None, **options: Any) -> str:
    headers = {**options.pop("headers", {}), **({} if key is None else {"Authorization": f"Bearer {key}"})}
    url = f"{api.story.url}/api/{call.path}"
    if call.path == "events":
        async with api.client.stream(call.method, url, headers=headers, **options) as stream:
            if stream.status_code == 200:
                return "200 stream"
            await stream.aread()
            return told(stream)
    return told(await api.client.request(call.method, url, headers=headers, **options))


async def _row(api: Api, eve: Api, call: Call, keys: dict[str, str], ids: tuple[str, str]) -> Row:
    row, good = Row(call.name), call.sent(call.good(*ids))
    row.cells["no key"] = await asked(api, call, None, **good)
    row.cells["wrong key"] = await asked(api, call, "cpk_" + "x" * 43, **good)
    row.cells["revoked key"] = await asked(api, call, keys["revoked"], **good)
    row.cells["read-only key"] = await asked(api, call, keys["read"], **good)
    row.cells["another's"] = NONE
    if call.stranger != NONE:
        answer = await eve(call.method, call.path, **good)
        nothing = answer.json().get("numbers") == []
        row.cells["another's"] = told(answer) + (" and nothing" if nothing else "")
    row.cells["good"] = await asked(api, call, keys["full"], **good)
    row.cells["same key again"] = row.cells["same key, other"] = NONE
    if call.twice[0] != NONE:
        once = {"headers": {"Idempotency-Key": f"key of {call.name}"}}
        assert await asked(api, call, keys["full"], **good, **once) == OK
        row.cells["same key again"] = await asked(api, call, keys["full"], **good, **once)
        row.cells["same key, other"] = await asked(api, call, keys["full"], **call.sent(call.other(*ids)), **once)
    row.cells["garbage"] = await _garbage(api, call, keys["full"], ids)
    return row


async def _garbage(api: Api, call: Call, key: str, ids: tuple[str, str]) -> str:
    """What every bit of garbage is answered with: one word for all of them."""
    answers: dict[str, list[Any]] = {}
    for wrong in call.garbage:
        answers.setdefault(await asked(api, call, key, **call.sent({**call.good(*ids), **wrong})), []).append(wrong)
    needs_body = call.method == "POST" and call.path != "auth/revoke"
    for body in JUNK if needs_body else ():
        answers.setdefault(await asked(api, call, key, **body), []).append(body)
    if call.method == "GET" and call.path != "events":
        twice = {"params": [("limit", "1"), ("limit", "2")]}
        answers.setdefault(await asked(api, call, key, **twice), []).append(twice)
    if call.path == "events":
        for last in ("7", "e", "e-1", "e 1", "x" * 500):
            answers.setdefault(await asked(api, call, key, headers={"Last-Event-ID": last}), []).append(last)
    assert len(answers) <= 1, answers
    return next(iter(answers), NONE)


@pytest.fixture(scope="module")
def documented() -> set[str]:
    from bot.web.api.app import create_api
    from bot.web.api.schema import document

    class Anything:
        def __getattr__(self, name: str) -> Any:
            return self

    paths = document(create_api(Anything()))["paths"]
    return {f"{method.upper()} /api{path}" for path, operations in paths.items() for method in operations}


def test_the_table_has_every_call_that_is_documented(documented):
    elsewhere = {name for name in documented if "webhook" in name}  # tests/web/api/test_webhooks.py
    assert {call.name for call in CALLS} == documented - elsewhere


async def test_every_call_refuses_whom_and_what_it_must(tmp_path, say):
    rows = []
    async with calling(tmp_path) as api:
        eve = await caller(api.story, api.client, "Eve")
        number = (await api.buys())["id"]
        rental = (await api.buys(kind="rental", hours=4))["id"]
        (revoked_id, revoked), (_, read) = await api.made(Scope.FULL), await api.made(Scope.READ)
        user = await api.story.app.access.see(_seen(api))
        await api.story.app.programs.keys.revoke(user, revoked_id)
        keys = {"full": api.key, "read": read, "revoked": revoked}
        for call in CALLS:
            row = await _row(api, eve, call, keys, (number, rental))
            rows.append(row)
            assert row.cells == {
                "no key": UNAUTHORIZED,
                "wrong key": UNAUTHORIZED,
                "revoked key": UNAUTHORIZED,
                "read-only key": call.read_only,
                "another's": call.stranger,
                "good": call.expected,
                "same key again": call.twice[0],
                "same key, other": call.twice[1],
                "garbage": BAD if call.path != "auth/revoke" else NONE,
            }, call.name
    tell(say, rows)


def _seen(api: Api) -> Any:
    from bot.domain.people import Seen

    return Seen(api.person.id, "Ada", language="en")


def tell(say: Callable[[str, str], None], rows: list[Row]) -> None:
    """Each call and credential, with what it is answered."""
    heading = "the API's calls, and what each credential is answered"
    names = list(rows[0].cells)
    widths = [max(len(name), *(len(row.cells[name]) for row in rows)) for name in names]
    first = max(len(row.name) for row in rows)
    say(heading, f"{'':{first}} | " + " | ".join(f"{name:{width}}" for name, width in zip(names, widths, strict=True)))
    for row in rows:
        cells = (f"{row.cells[name]:{width}}" for name, width in zip(names, widths, strict=True))
        say(heading, f"{row.name:{first}} | " + " | ".join(cells))
