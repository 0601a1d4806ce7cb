import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import ProviderError
from bot.domain.numbers import Kind
from bot.providers.base import RemoteState
from bot.providers.fields import Malformed
from bot.providers.fivesim import answers, orders, prices
from bot.providers.fivesim.products import slug_of
from bot.providers.http import Answer
from tests.providers.garbling import JSON, garbled

SMS: dict[str, Any] = {
    "id": 3027531,
    "created_at": "2018-10-13T08:20:38.809469028Z",
    "date": "2018-10-13T08:19:38Z",
    "sender": "VKcom",
    "text": "VK: 09363 - use this code",
    "code": "09363",
}
ORDER: dict[str, Any] = {
    "id": 11631253,
    "phone": "+79000381454",
    "operator": "beeline",
    "product": "vkontakte",
    "price": 21,
    "status": "RECEIVED",
    "expires": "2018-10-13T08:28:38.809469028Z",
    "sms": [SMS],
    "created_at": "2018-10-13T08:13:38.809469028Z",
    "forwarding": False,
    "forwarding_number": "",
    "country": "russia",
}
COUNTRIES: dict[str, Any] = {
    "england": {"iso": {"gb": 1}, "prefix": {"+44": 1}, "text_en": "England", "virtual18": {"activation": 1}},
    "russia": {"iso": {"ru": 1}, "prefix": {"+7": 1}, "text_en": "Russia", "beeline": {"activation": 1, "hosting": 1}},
}
OPERATORS: dict[str, Any] = {"beeline": {"cost": 4, "count": 1260, "rate": 99.99}, "mts": {"cost": 3.5, "count": 0}}
PRODUCTS: dict[str, Any] = {"1day": {"Category": "hosting", "Qty": 14, "Price": 80}}
KNOWN = prices.countries(COUNTRIES)


def test_the_documented_order_is_read() -> None:
    order = orders.order(ORDER, Kind.ACTIVATION)
    assert (order.id, order.phone, order.cost, order.state) == (11631253, "+79000381454", 210_000, RemoteState.RECEIVED)
    assert (order.created_at, order.expires_at) == (1_539_418_418_809, 1_539_419_318_809)
    [sms] = order.sms
    assert (sms.sender, sms.text, sms.received_at) == ("VKcom", "VK: 09363 - use this code", 1_539_418_838_809)


@pytest.mark.parametrize(
    ("kind", "status", "sms", "state"),
    [
        (Kind.ACTIVATION, "PENDING", None, RemoteState.WAITING),
        (Kind.ACTIVATION, "RECEIVED", None, RemoteState.WAITING),
        (Kind.ACTIVATION, "RECEIVED", [], RemoteState.WAITING),
        (Kind.ACTIVATION, "RECEIVED", [SMS], RemoteState.RECEIVED),
        (Kind.ACTIVATION, "PENDING", [SMS], RemoteState.RECEIVED),
        (Kind.ACTIVATION, "FINISHED", [SMS], RemoteState.FINISHED),
        (Kind.ACTIVATION, "CANCELED", [], RemoteState.CANCELLED),
        (Kind.ACTIVATION, "CANCELED", [SMS], RemoteState.CANCELLED),
        (Kind.ACTIVATION, "BANNED", None, RemoteState.CANCELLED),
        (Kind.ACTIVATION, "TIMEOUT", None, RemoteState.EXPIRED),
        (Kind.ACTIVATION, "TIMEOUT", [SMS], RemoteState.EXPIRED),
        (Kind.RENTAL, "RECEIVED", None, RemoteState.WAITING),
        (Kind.RENTAL, "TIMEOUT", None, RemoteState.FINISHED),
        (Kind.RENTAL, "FINISHED", None, RemoteState.FINISHED),
    ],
)
def test_the_state_is_told_by_the_status_and_the_sms(kind: Kind, status: str, sms: Any, state: RemoteState) -> None:
    assert orders.order({**ORDER, "status": status, "sms": sms}, kind).state is state


def test_an_sms_is_known_by_its_time_in_whichever_digits_it_is_written() -> None:
    times = ("2018-10-13T08:20:38.809469028Z", "2018-10-13T08:20:38.809469Z", "2018-10-13T08:20:38.809Z")
    ids = {orders.sms([{**SMS, "created_at": time}], "1")[0].sms_id for time in times}
    assert len(ids) == 1
    later = orders.sms([{**SMS, "created_at": "2018-10-13T08:20:38.810Z"}], "1")[0].sms_id
    assert later not in ids


@pytest.mark.parametrize("missing", [None, "", "0001-01-01T00:00:00Z", "2018-10-13T08:28:38", 17 * "x"])
def test_an_order_without_a_usable_end_lasts_as_long_as_its_kind(missing: Any) -> None:
    order = orders.order({**ORDER, "expires": missing}, Kind.ACTIVATION)
    assert order.expires_at is None
    assert order.sold(1_000).expires_at == 1_000 + 15 * 60_000
    rental = orders.order({**ORDER, "expires": missing, "product": "1day"}, Kind.RENTAL)
    assert rental.sold(1_000).expires_at == 1_000 + 24 * 3_600_000


def test_an_sms_whose_text_is_only_a_code_still_shows_it() -> None:
    [sms] = orders.sms([{**SMS, "text": None}], "1")
    assert sms.text == "09363"


@given(garbled(ORDER))
def test_a_garbled_order_is_read_or_refused_and_nothing_else(value: Any) -> None:
    try:
        order = orders.order(value, Kind.ACTIVATION)
    except Malformed:
        return
    assert order.phone.startswith("+")
    assert isinstance(order.cost, int)
    assert isinstance(order.state, RemoteState)
    assert orders.parse_ref(order.ref) == (Kind.ACTIVATION, order.id)


@given(garbled({"Data": [ORDER, ORDER], "Total": 2}))
def test_a_garbled_page_counts_every_row_that_it_cannot_read(value: Any) -> None:
    try:
        page = orders.page(value, Kind.RENTAL)
    except Malformed:
        return
    assert page.size == len(value["Data"] or ())


@given(garbled({"Data": [SMS], "Total": 1}))
def test_a_garbled_inbox_is_read_or_refused(value: Any) -> None:
    try:
        found = orders.inbox(value, "h1")
    except Malformed:
        return
    assert all(sms.sms_id.startswith("h:") for sms in found)


@given(garbled(COUNTRIES))
def test_garbled_countries_are_read_or_refused(value: Any) -> None:
    try:
        known = prices.countries(value)
    except Malformed:
        return
    assert all(len(code) == 2 and known.codes[slug] == code for code, slug in known.slugs.items())


@given(garbled({"vkontakte": {"russia": OPERATORS, "england": OPERATORS}}))
def test_a_garbled_price_list_is_read_or_refused(value: Any) -> None:
    try:
        rows = prices.of_product(value, "vkontakte", KNOWN)
    except Malformed:
        return
    assert all(row.cost > 0 <= row.stock for row in rows)


@given(garbled({"russia": {"vkontakte": OPERATORS, "1688": OPERATORS}, "england": {"whatsapp": OPERATORS}}))
def test_a_garbled_list_of_everything_is_read_or_refused(value: Any) -> None:
    try:
        rows = asyncio.run(prices.of_everything(value, KNOWN))
    except Malformed:
        return
    assert all(slug_of(row.service) is not None for row in rows)
    assert {row.service for row in rows if not row.service.startswith("5sim-")} <= {"vk", "wa"}


@given(garbled(PRODUCTS))
def test_garbled_products_are_read_or_refused(value: Any) -> None:
    try:
        rows = prices.hosting(value, "RU")
    except Malformed:
        return
    assert all(row.cost > 0 <= row.stock for row in rows)


@given(st.sampled_from([200, 201, 204, 302, 400, 401, 404, 429, 500, 503]), st.binary(max_size=60) | st.text())
def test_no_answer_at_all_breaks_the_reader(status: int, body: bytes | str) -> None:
    raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    try:
        value = answers.read(Answer(status, {"retry-after": "x"}, raw))
    except (ProviderError, answers.Lost):
        return
    assert status == 200
    assert value is None or isinstance(value, dict | list)


@given(JSON)
def test_any_json_is_an_answer_or_an_error(value: Any) -> None:
    try:
        read = answers.read(Answer(200, {}, json.dumps(value).encode()))
    except (ProviderError, answers.Lost):
        return
    assert read is None or isinstance(read, dict | list)
