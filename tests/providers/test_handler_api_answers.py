"""What each answer of the family means, and that no answer whatever is taken for more than it says."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from bot.domain.errors import (
    BadKey,
    BadRequest,
    CancelTooEarly,
    Denied,
    Gone,
    NoNumbers,
    PriceRisen,
    ProviderError,
    ProviderFault,
    ProviderFunds,
    Throttled,
)
from bot.domain.numbers import Kind, Offer
from bot.domain.time import HOUR, MINUTE, SECOND
from bot.providers.base import BadWebhook, Done, Refused, RemoteNumber, Renewed, Sold, Unknown, WebhookRequest
from bot.providers.handler_api import (
    activations,
    active,
    adapter,
    history,
    rent_apart,
    rent_as_activation,
    shelf,
    sms,
    states,
    values,
)
from bot.providers.handler_api.answers import Banned, Malformed, Rejected, Reply, classify
from bot.providers.handler_api.countries import CountryIds
from bot.providers.handler_api.dialects import DIALECTS
from bot.providers.handler_api.lost import in_window
from bot.providers.handler_api.webhook import hints
from bot.providers.handler_api.words import Elsewhere
from bot.providers.http import Answer, ProviderHttp
from tests.providers.garbling import garbled
from tests.simulators.engine import Supplier
from tests.simulators.handler_api import DIALECTS as SIMULATORS

NOW = 1_767_312_000_000
"""2026-01-02 00:00:00 UTC."""


def said(body: str | bytes, status: int = 200, dialect: str = "sms-activate", **headers: str) -> Reply:
    raw = body.encode() if isinstance(body, str) else body
    answer = Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)
    return classify(answer, DIALECTS[dialect], NOW)


WORDS = [
    ("NO_NUMBERS", NoNumbers),
    ("NO_BALANCE", ProviderFunds),
    ("WRONG_MAX_PRICE:0.35", PriceRisen),
    ("BAD_KEY", BadKey),
    ("NO_KEY", BadKey),
    ("API_KEY_NOT_VALID", BadKey),
    ("BAD_SERVICE", BadRequest),
    ("UNPROCESSABLE_ENTITY:service:INVALID", BadRequest),
    ("WRONG_EXCEPTION_PHONE", BadRequest),
    ("ERROR_SQL", ProviderFault),
    ("SERVER_ERROR", ProviderFault),
    ("CHANNELS_LIMIT", Throttled),
    ("RATE_LIMITED", Throttled),
    ("Too Many Requests", Throttled),
    ("error code: 1020", Throttled),
    ("BANNED:'2026-01-02 03:04:05'", Banned),
    ("BANNED:2026-01-02 03:04:05", Banned),
    ("EARLY_CANCEL_DENIED", CancelTooEarly),
    ("BAD_STATUS", Denied),
    ("ORDER_ALREADY_EXISTS", Denied),
    ("NO_ACTIVATION", Gone),
    ("\ufeffNO_NUMBERS\r\n", NoNumbers),
    ('"NO_NUMBERS"', NoNumbers),
]


@pytest.mark.parametrize(("body", "kind"), WORDS, ids=[body for body, _ in WORDS])
def test_a_word_in_text_is_its_error(body: str, kind: type[ProviderError]) -> None:
    with pytest.raises(Rejected) as caught:
        said(body)
    assert type(caught.value.error) is kind


JSON_ERRORS = [
    ("hero", 404, '{"title":"NOT_FOUND","details":"Activation Not Found"}', Gone),
    ("hero", 400, '{"title":"WRONG_MAX_PRICE","info":{"min":0.35}}', PriceRisen),
    ("hero", 402, '{"title":"NO_BALANCE"}', ProviderFunds),
    ("hero", 403, '{"title":"CHANNELS_LIMIT","info":{"current_threads":9}}', Throttled),
    ("hero", 403, '{"title":"BANNED","info":{"scope":"global","retry_after_seconds":90}}', Banned),
    ("hero", 403, '{"title":"BANNED","info":{"scope":"specific","retry_after_seconds":90}}', Throttled),
    ("hero", 409, '{"title":"EARLY_CANCEL_DENIED","info":{"minActivationTime":120}}', CancelTooEarly),
    ("hero", 409, '{"title":"OTP_RECEIVED"}', Denied),
    ("hero", 500, '{"title":"SERVER_ERROR"}', ProviderFault),
    ("hero", 200, '{"status":"false","msg":"service is incorrect"}', BadRequest),
    ("smsbower", 401, '{"status":0,"message":"No access","data":[]}', BadKey),
    ("smsbower", 200, '{"error":"Bad service"}', BadRequest),
    ("sms-activate", 200, '{"status":"error","message":"NO_BALANCE"}', ProviderFunds),
    ("sms-activate", 200, '{"status":"error","message":"CANT_CANCEL"}', Denied),
    ("sms-activate", 200, '{"status":false,"error":"NO_ID_RENT"}', Gone),
    ("grizzly", 200, "The service is prohibited for sale in your region", BadRequest),
    ("grizzly", 200, "SERVICE_UNAVAILABLE_REGION", NoNumbers),
    ("tiger", 401, "BAD_KEY", BadKey),
    ("tiger", 200, "BAD_ACTION", ProviderFault),
    ("generic", 404, "NO_NUMBERS", NoNumbers),
    ("generic", 402, "whatever", ProviderFunds),
    ("generic", 403, "<html>forbidden</html>", BadKey),
    ("generic", 429, "", Throttled),
    ("generic", 502, "<html>Bad Gateway</html>", ProviderFault),
    ("generic", 500, "NO_NUMBERS", ProviderFault),
    ("generic", 301, "", Elsewhere),
    ("generic", 404, "<html>Not Found</html>", Elsewhere),
]


@pytest.mark.parametrize(("dialect", "status", "body", "kind"), JSON_ERRORS)
def test_an_error_is_found_in_json_first_then_in_the_status_then_in_the_text(
    dialect: str, status: int, body: str, kind: type[ProviderError]
) -> None:
    with pytest.raises(Rejected) as caught:
        said(body, status, dialect)
    assert type(caught.value.error) is kind


@pytest.mark.parametrize(
    "word", ["SOMETHING_NEW", "SOMETHING_NEW:1", '{"title":"SOMETHING_NEW"}', '{"status":"error"}']
)
def test_a_word_that_nobody_knows_is_no_success_and_not_surely_a_refusal(word: str) -> None:
    with pytest.raises(Rejected) as caught:
        said(word)
    assert caught.value.error is None or isinstance(caught.value.error, ProviderFault)


@pytest.mark.parametrize(
    "body",
    ["", " \r\n", "<html>ok</html>", "<!DOCTYPE html>", '{"status":"succ', "[", "ok", "ACCESS", "access_number:1:7"],
)
def test_half_of_an_answer_a_page_and_nothing_at_all_are_malformed(body: str) -> None:
    with pytest.raises((Malformed, Rejected)) as caught:
        said(body)
    assert not isinstance(caught.value, Rejected) or caught.value.error is None


def test_a_success_under_an_error_status_is_no_success() -> None:
    with pytest.raises(Malformed):
        said("ACCESS_NUMBER:1:79991234567", 418)
    with pytest.raises(Rejected):
        said("ACCESS_NUMBER:1:79991234567", 503)


@pytest.mark.parametrize(
    ("body", "headers", "seconds"),
    [
        ("RATE_LIMIT", {"retry_after": "7"}, 7),
        ("RATE_LIMIT", {}, 10),
        ("BANNED:'2026-01-02 03:10:00'", {}, 600),
        ("BANNED:'2026-01-02 09:00:00'", {}, 1800),
        ("BANNED:'2020-01-01 00:00:00'", {}, 60),
        ("BANNED:'2026-99-99 99:99:99'", {}, 60),
        ("BANNED", {}, 60),
        ('{"title":"BANNED","info":{"retry_after_seconds":90}}', {}, 90),
        ('{"title":"BANNED","info":{"retry_after_seconds":-5}}', {}, 0),
        ('{"title":"BANNED","info":{"retry_after_seconds":"soon"}}', {}, 60),
    ],
)
def test_how_long_to_wait_is_read_from_wherever_it_stands(body: str, headers: dict[str, str], seconds: float) -> None:
    with pytest.raises(Rejected) as caught:
        said(body, **headers)
    assert isinstance(caught.value.error, Throttled)
    assert caught.value.error.retry_after_s == pytest.approx(seconds)


def test_a_code_may_hold_a_colon() -> None:
    assert said("STATUS_OK:12:34:56").after("STATUS_OK") == "12:34:56"
    assert said("STATUS_WAIT_RETRY:a:b").after("STATUS_WAIT_RETRY") == "a:b"


def test_no_error_repeats_what_was_answered() -> None:
    for body in ("secret sk_123 words", '{"title":"secret sk_123 words"}', "<b>sk_123</b>", '{"a": "sk_123'):
        with pytest.raises((Malformed, Rejected)) as caught:
            said(body)
        assert "sk_123" not in str(caught.value)


# readers


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("ACCESS_NUMBER:3936040355:6285872391152", ("3936040355", "+6285872391152", None, None)),
        (
            '{"activationId":635468024,"phoneNumber":"79584123456","activationCost":12.50}',
            ("635468024", "+79584123456", 125000, None),
        ),
        (
            '{"activationId":"7","phoneNumber":79584123456,"activationCost":"0.00001","countryCode":2}',
            ("7", "+79584123456", 1, None),
        ),
        (
            '{"activationId":"7","phoneNumber":"+79584123456","activationCost":[],'
            '"activationTime":"2026-02-18T16:11:33+00:00","activationEndTime":"2026-02-18T16:56:33+00:00"}',
            ("7", "+79584123456", None, 45 * MINUTE),
        ),
        (
            '{"activationId":"7","phoneNumber":"79584123456","activationTime":"2026-02-18 16:00:00",'
            '"activationEnd":"2026-02-18 15:00:00"}',
            ("7", "+79584123456", None, None),
        ),
    ],
)
def test_a_purchase_is_read_in_all_its_spellings(body: str, expected: tuple[object, ...]) -> None:
    found = activations.bought(said(body))
    assert (found.ref, found.phone, found.cost, found.lasts) == expected


@pytest.mark.parametrize(
    "body",
    [
        "ACCESS_NUMBER:",
        "ACCESS_NUMBER:1",
        "ACCESS_NUMBER:1:",
        "ACCESS_NUMBER::79991234567",
        "ACCESS_NUMBER:1:phone",
        "ACCESS_BALANCE:5",
        "{}",
        "[]",
        "null",
        '{"activationId":true,"phoneNumber":"79991234567"}',
        '{"activationId":1.5,"phoneNumber":"79991234567"}',
        '{"activationId":"1"}',
        '{"status":"success"}',
    ],
)
def test_what_is_no_purchase_is_never_one(body: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        activations.bought(said(body))


@pytest.mark.parametrize(
    ("dialect", "body", "refs"),
    [
        ("sms-activate", "NO_ACTIVATIONS", []),
        ("sms-activate", "[]", []),
        ("grizzly", "null", []),
        ("sms-activate", '{"status":"success","activeActivations":[{"activationId":"5"}]}', ["5"]),
        ("hero", '{"status":"success","data":[],"activeActivations":{"affected_rows":0,"rows":[]}}', []),
        ("hero", '{"status":"success","data":[{"activationId":6}],"activeActivations":{"rows":[]}}', ["6"]),
        ("hero", '{"status":"success","activeActivations":[{"activationId":6}]}', ["6"]),
        ("grizzly", '[{"activationId":6},{"x":1},null,{"activationId":null}]', ["6"]),
    ],
)
def test_the_list_of_activations_is_found_wherever_it_is(dialect: str, body: str, refs: list[str]) -> None:
    batch = DIALECTS[dialect].batch
    assert batch is not None
    assert [row.ref for row in active.active_rows(said(body, dialect=dialect), batch.key)] == refs


@pytest.mark.parametrize("body", ["{}", '{"status":"success"}', '{"data":{}}', "[1,2]", "STATUS_OK:1", '{"data":"x"}'])
def test_what_holds_no_list_of_activations_is_not_an_empty_one(body: str) -> None:
    with pytest.raises(Malformed):
        active.active_rows(said(body), "data")


@pytest.mark.parametrize(
    ("code", "expected"),
    [(None, ""), ("", ""), ([], ""), ("12", "12"), (12, "12"), (["1", "2"], "2"), (["1", None], "1"), ({"a": 1}, "")],
)
def test_the_last_code_of_a_row_is_read_from_all_its_types(code: object, expected: str) -> None:
    [row] = active.active_rows(Reply("", [{"activationId": 1, "smsCode": code}]), "")
    assert row.code == expected


PRICES = [
    ({"6": {"wa": {"cost": 8, "count": 43575, "physicalCount": 14528}}}, [("wa", 80000, 43575)]),
    ({"6": {"wa": {"cost": "0.0421", "count": "5"}}}, [("wa", 421, 5)]),
    ({"6": {"wa_0": {"cost": 0.00001, "count": 1}}}, [("wa", 1, 1)]),
    ({"6": {"wa": {"0.5": 0, "0.7": "3", "0.9": 9}}}, [("wa", 7000, 3)]),
    ({"6": {"wa": {"cost": None, "count": 1}, "tg": {"cost": 1, "count": -4}}}, [("tg", 10000, 0)]),
    ({"6": {"wa": {"cost": 0, "count": 1}, "WA": {"cost": 1, "count": 1}, "tg": {"cost": "1e400", "count": 1}}}, []),
    ({"6": []}, []),
    ([], []),
    ({}, []),
]


@pytest.mark.parametrize(("body", "expected"), PRICES)
def test_prices_are_read_in_all_their_shapes(body: object, expected: list[tuple[str, int, int]]) -> None:
    found = shelf.price_list(said(json.dumps(body)))
    rows = [row for number in found for row in shelf.stock_of("ID", found[number])]
    assert [(row.service, row.cost, row.stock) for row in rows] == expected


@pytest.mark.parametrize("body", ['{"6":5}', '{"a":"b"}', '{"6":{"wa":5}}', "[1]", "STATUS_CANCEL", '{"foo":[1]}'])
def test_what_is_no_price_list_is_not_an_empty_one(body: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        shelf.price_list(said(body))


def test_the_united_states_are_the_ones_that_are_not_virtual() -> None:
    countries = CountryIds({})
    assert countries.number("US") == "187"
    assert countries.iso2("12") is None
    assert countries.iso2("187") == "US"
    assert countries.iso2("204") is None
    with pytest.raises(BadRequest):
        countries.number("XX")


def test_a_dialect_or_the_member_itself_may_number_countries_otherwise() -> None:
    assert CountryIds({"US": "12"}).number("US") == "12"
    countries = CountryIds({})
    countries.learn([("187", "Turkey"), ("999", "Nowhere"), ("12", "USA")])
    assert (countries.iso2("187"), countries.number("US")) == ("TR", "12")


@pytest.mark.parametrize(
    ("units", "decimals", "expected"),
    [(12500, 4, "1.25"), (3499, 2, "0.34"), (99, 2, "0"), (10**7, 4, "1000"), (1, 4, "0.0001")],
)
def test_a_cap_is_rounded_down_to_what_the_wire_takes(units: int, decimals: int, expected: str) -> None:
    assert values.cap(units, decimals) == expected


@pytest.mark.parametrize("offset_h", [-11, -3, 0, 3, 8, 13])
def test_a_time_without_a_zone_is_the_last_one_that_fits(offset_h: int) -> None:
    local = f"2026-01-02 {(23 + offset_h) % 24:02d}:59:30"
    assert values.moment(local, NOW) == NOW - 30 * SECOND
    assert values.moment("2026-01-01T23:59:30Z", NOW) == NOW - 30 * SECOND
    assert values.moment("yesterday", NOW) is None


@pytest.mark.parametrize(
    ("time", "fits"),
    [
        ("2026-01-02 03:00:01", True),
        ("2026-01-01 23:59:00", True),
        ("2026-01-02 03:04:59", True),
        ("2026-01-02 03:06:00", False),
        ("2026-01-01 23:57:00", False),
        ("2026-01-02T00:01:00+00:00", True),
        ("2026-01-02T01:01:00+00:00", False),
        (None, True),
    ],
)
def test_a_purchase_is_recognised_by_its_minute_in_any_zone(time: object, fits: bool) -> None:
    assert in_window(time, NOW) is fits


@pytest.mark.parametrize(
    ("body", "ref"),
    [
        (b'{"activationId":123456,"service":"go","text":"t","code":"1","country":2}', "123456"),
        (b'{"activationId":"9","code":null,"id":"x"}', "9"),
        (b'{"rentId":"26251422","sms":{"phoneFrom":"A","text":"t"}}', "r:26251422"),
    ],
)
def test_a_webhook_is_a_hint_of_a_number(body: bytes, ref: str) -> None:
    [event] = hints(WebhookRequest({}, body))
    assert (event.provider_ref, event.trusted, event.sms) == (ref, False, ())


# fuzz

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["5", "0.5", "success", "wa"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "status",
                    "title",
                    "message",
                    "data",
                    "activeActivations",
                    "activationId",
                    "phoneNumber",
                    "activationCost",
                    "smsCode",
                    "smsText",
                    "id",
                    "phone",
                    "number",
                    "values",
                    "quantity",
                    "history",
                    "price",
                    "hours",
                    "cost",
                    "count",
                    "services",
                    "countries",
                    "options",
                    "duration",
                    "unit",
                    "value",
                    "sms",
                    "verificationType",
                    "dateTime",
                    "date",
                    "code",
                    "text",
                    "phoneFrom",
                    "balance",
                    "countryOperators",
                    "eng",
                    "6",
                    "wa",
                ]
            )
            | st.text(max_size=3),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
WORD = st.sampled_from([body for body, _ in WORDS] + ["ACCESS_NUMBER", "ACCESS_BALANCE", "STATUS_OK", "NO_ACTIVATIONS"])
TEXT = st.tuples(WORD, st.sampled_from(["", ":", " ", "::"]), st.text(max_size=20)).map("".join) | st.text(max_size=40)
BODY = JSON.map(lambda value: json.dumps(value).encode()) | TEXT.map(lambda text: text.encode("utf-8", "replace"))
READERS: dict[str, Callable[[Reply], object]] = {
    "bought": activations.bought,
    "extra": activations.extra_cost,
    "active": lambda reply: active.active_rows(reply, "data"),
    "status": states.status,
    "v2": sms._v2_sms,
    "all": lambda reply: [sms.one_sms("1", item, NOW) for item in sms._data_list(reply)],
    "last": lambda reply: sms.one_sms("1", sms._v2_sms(reply), NOW),
    "history": history.records,
    "prices": lambda reply: [list(shelf.stock_of("ID", row)) for row in shelf.price_list(reply).values()],
    "countries": shelf.country_names,
    "services": shelf.service_names,
    "operators": lambda reply: shelf.operator_names(reply, "6"),
    "balance": adapter._balance,
    "rent countries": rent_apart.countries,
    "rent sale": lambda reply: rent_apart.on_sale(reply, "ID", 24),
    "rented": rent_apart.rented,
    "rent list": rent_apart.rent_list,
    "rent sms": lambda reply: rent_apart.rent_sms("r:1", rent_apart.rent_page(reply)[1], NOW),
    "renewal": rent_apart.renewal,
    "rent prices": rent_as_activation.rent_prices,
    "options": rent_as_activation.renewal_options,
    "added": rent_as_activation.added_hours,
    "renewed": rent_as_activation.renewed_ref,
}


@pytest.mark.parametrize("name", READERS)
@given(
    body=BODY,
    status=st.sampled_from([200, 200, 200, 204, 302, 400, 401, 404, 500]),
    dialect=st.sampled_from(list(DIALECTS)),
)
@settings(max_examples=50, deadline=None)
def test_no_answer_whatever_raises_anything_but_the_typed_errors(
    name: str, body: bytes, status: int, dialect: str
) -> None:
    try:
        reply = classify(Answer(status, {}, body), DIALECTS[dialect], NOW)
        READERS[name](reply)
    except (Rejected, ProviderError, ValueError):
        return
    assert 200 <= status < 300


def samples() -> list[tuple[str, object]]:
    """True answers of the simulators, with the reader that they are for."""
    found: list[tuple[str, object]] = []
    for name in ("sms-activate", "hero", "tiger", "grizzly"):
        supplier = Supplier(lambda: NOW)
        simulator = SIMULATORS[name](supplier)
        line, rent = supplier.sell("wa", "6", None), supplier.sell("wa", "6", None, 24)
        for one in (line, rent):
            supplier.receive(one.phone, "A", "code 1234")
        supplier.prolong(rent, 24)
        over = supplier.sell("wa", "6", None)
        supplier.receive(over.phone, "A", "code 1234")
        supplier.finish(over)
        window = {"start": "0", "end": str(NOW)}
        params = {"id": line.id, "activationId": line.id, "service": "wa", "country": "6", "hours": "4"} | window
        rented = params | {"id": rent.id, "rent_time": "24", "duration": "24"}
        for reader, action in ACTIONS:
            if action in simulator.actions:
                asked = rented if "ent" in action or "rolong" in action else params
                asked = asked | {"activationId": over.id} if "Extra" in action else asked
                found.append((reader, simulator.actions[action](asked)))
    return [(reader, json.loads(json.dumps(answer))) for reader, answer in found if not isinstance(answer, str)]


ACTIONS = [
    ("bought", "getNumberV2"),
    ("active", "getActiveActivations"),
    ("v2", "getStatusV2"),
    ("last", "getStatusV2"),
    ("all", "getAllSms"),
    ("history", "getHistory"),
    ("prices", "getPrices"),
    ("countries", "getCountries"),
    ("services", "getServicesList"),
    ("operators", "getOperators"),
    ("extra", "checkExtraActivation"),
    ("rent sale", "getRentServicesAndCountries"),
    ("rent countries", "getRentServicesAndCountries"),
    ("rent sms", "getRentStatus"),
    ("rent list", "getRentList"),
    ("renewal", "continueRentInfo"),
    ("rented", "continueRentNumber"),
    ("rent prices", "serviceCountRent"),
    ("options", "prolongOptions"),
    ("added", "prolongHistory"),
    ("renewed", "prolong"),
]
SAMPLES = samples()


def test_every_reader_of_json_has_a_true_answer_to_be_garbled() -> None:
    assert {reader for reader, _ in SAMPLES} >= READERS.keys() - {"status", "balance"}
    for reader, answer in SAMPLES:
        READERS[reader](Reply("", answer))


@given(data=st.data())
@settings(max_examples=600, deadline=None)
def test_a_true_answer_with_one_part_of_it_changed_is_read_or_refused(data: st.DataObject) -> None:
    reader, answer = data.draw(st.sampled_from(SAMPLES))
    body = json.dumps(data.draw(garbled(answer))).encode()
    with suppress(Rejected, ProviderError, ValueError):
        READERS[reader](classify(Answer(200, {}, body), DIALECTS["hero"], NOW))


@given(body=BODY)
@settings(max_examples=150, deadline=None)
def test_nothing_is_taken_for_a_purchase_that_does_not_name_an_id_and_a_phone(body: bytes) -> None:
    try:
        found = activations.bought(classify(Answer(200, {}, body), DIALECTS["sms-activate"], NOW))
    except (Rejected, ValueError):
        return
    assert found.ref.encode() in body
    assert found.phone.removeprefix("+").encode() in body


@given(body=st.binary(max_size=60) | BODY)
@settings(max_examples=150, deadline=None)
def test_no_webhook_whatever_raises_anything_but_its_own_error(body: bytes) -> None:
    try:
        [event] = hints(WebhookRequest({}, body))
    except BadWebhook:
        return
    assert not event.trusted


def test_the_spans_of_a_day_are_as_long_as_they_say() -> None:
    assert activations.lifetime(DIALECTS["sms-activate"], "wx") == HOUR
    assert activations.lifetime(DIALECTS["generic"], "wa") == 20 * MINUTE


async def every_verb(body: bytes, status: int, dialect: str) -> None:
    """One and the same answer to whatever is asked."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": [(b"location", b"/elsewhere")]})
        await send({"type": "http.response.body", "body": body})

    offer = Offer("p", "wa", "ID", Kind.ACTIVATION, 10**9, 10**9, 1)
    rental = Offer("p", "wa", "ID", Kind.RENTAL, 10**9, 10**9, 1, hours=24)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        http = ProviderHttp(client, timeout_s=5.0, max_in_flight=8)
        api = adapter.HandlerApi("p", http, site="http://p.test", api_key="k", dialect=dialect, clock=lambda: NOW)
        again = replace(offer, again_of="1", phone="+6285000000001")
        assert isinstance(await api.again(again, "cp-3"), Sold | Refused | Unknown)
        with suppress(ProviderError):
            assert await api.again_cost(again) >= 0
        for one in (offer, rental):
            assert isinstance(await api.allocate(one, "cp-1"), Sold | Refused | Unknown)
            with suppress(ProviderError):
                assert isinstance(await api.find(one, "cp-2", NOW), Sold | None)
        for ref in ("1", "r:1"):
            for verb in (api.another_code, api.finish, api.cancel, api.ready):
                assert isinstance(await verb(ref), Done | Refused | Unknown)
            assert isinstance(await api.renew(ref, 24, 10**9, "k"), Renewed | Refused | Unknown)
            for refs in ([ref], [ref, "2", "3", "4", "5"]):
                with suppress(ProviderError):
                    assert all(isinstance(one, RemoteNumber) for one in await api.fetch(refs))
        for kind in Kind:
            with suppress(ProviderError):
                assert all(row.cost > 0 for row in await api.stock(kind, "wa"))
        asked = (api.balance(), api.countries(), api.service_names(), api.operators("ID"), api.top_countries("wa"))
        for question in asked:
            with suppress(ProviderError):
                await question


@given(
    body=BODY, status=st.sampled_from([200, 200, 200, 302, 403, 404, 429, 500]), dialect=st.sampled_from(list(DIALECTS))
)
@settings(max_examples=150, deadline=None)
def test_no_answer_whatever_breaks_a_verb(body: bytes, status: int, dialect: str) -> None:
    asyncio.run(every_verb(body, status, dialect))
