"""Who may call handler_api, and how: keys, scopes, forms, and how often."""

import io
import logging
import time
from pathlib import Path

import httpx
import pytest

from bot.domain.keys import Scope
from bot.domain.people import Seen
from bot.web.compat.routes import LARGEST_FORM
from tests.stories.test_secrets import logging_to
from tests.support import says
from tests.support.outlet import HANDLER_API, Customer, Outlet, an_outlet
from tests.support.stories import OWNER_ID, playing

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHANGING = (
    "getNumber",
    "getNumberV2",
    "setStatus",
    "getExtraActivation",
    "getRentNumber",
    "setRentStatus",
    "continueRentNumber",
)


async def called(outlet: Outlet, **params: str) -> httpx.Response:
    return await outlet.client.get(f"{outlet.story.url}{HANDLER_API}", params=params)


async def test_everything_is_html_with_200_and_is_not_to_be_kept(ada: Customer):
    for action in ("getBalance", "getCountries", "getRentList", "nonsense"):
        answer = await called(ada.outlet, api_key=ada.key, action=action)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=UTF-8")
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("action", ["getBalance", "getNumber", "getRentNumber", "nonsense", ""])
async def test_without_a_key_that_works_nobody_learns_anything(outlet: Outlet, action: str):
    assert (await called(outlet, action=action)).text == "NO_KEY"
    assert (await called(outlet, action=action, api_key=" ")).text == "NO_KEY"
    assert (await called(outlet, action=action, api_key="cpk_wrong")).text == "BAD_KEY"
    assert (await called(outlet, action=action, apiKey="cpk_wrong")).text == "NO_KEY"


async def test_an_unknown_action_is_bad(ada: Customer):
    for action in ("", "nonsense", "getbalance", "__init__", "getMultiServiceNumber"):
        assert await ada.ask(action) == "BAD_ACTION"


async def test_a_key_that_may_only_read_changes_nothing(ada: Customer):
    _, number_id, _ = (await ada.ask("getNumber", service="wa", country=43)).split(":")
    reader = Customer(ada.outlet, ada.person, ada.user, await ada.outlet.key(ada.user, Scope.READ))
    before = ada.balance
    for action in CHANGING:
        asked = await reader.ask(action, service="wa", country=43, id=number_id, status=8, rent_time=24)
        assert asked == "BAD_KEY", action
    assert ada.balance == before
    assert (await reader.ask("getBalance")).startswith("ACCESS_BALANCE:")
    assert await reader.ask("getStatus", id=number_id) == "STATUS_WAIT_CODE"
    assert (await reader.look("getActiveActivations"))["status"] == "success"
    assert (await reader.look("getPrices", service="wa"))["43"]


async def test_a_revoked_key_and_that_of_a_removed_person_work_no_longer(ada: Customer, outlet: Outlet):
    app = outlet.story.app
    assert app.programs is not None
    [key] = await app.programs.keys.of(ada.user)
    await app.programs.keys.revoke(ada.user, key.id)
    assert await ada.ask("getBalance") == "BAD_KEY"
    eve, owner = await outlet.customer(), await app.access.see(Seen(OWNER_ID, "Owner", language="en"))
    await app.access.remove(owner, eve.user.id)
    assert await eve.ask("getBalance") == "BAD_KEY"


async def test_a_form_does_as_well_as_a_query_and_both_can_be_mixed(ada: Customer):
    url, expected = f"{ada.outlet.story.url}{HANDLER_API}", "ACCESS_BALANCE:1000.00"
    post = ada.outlet.client.post
    whole, key, action = {"api_key": ada.key, "action": "getBalance"}, {"api_key": ada.key}, {"action": "getBalance"}
    assert (await post(url, data=whole)).text == expected
    assert (await post(url, params=whole)).text == expected
    assert (await post(url, params=action, data=key)).text == expected
    assert (await post(url, files={name: (None, value) for name, value in whole.items()})).text == expected
    assert (await post(url, params=whole, content=b"\xff\x00%%")).text == expected


async def test_a_body_that_is_too_large_or_no_form_is_refused(ada: Customer):
    url, query = f"{ada.outlet.story.url}{HANDLER_API}", {"api_key": ada.key, "action": "getBalance"}
    post = ada.outlet.client.post
    broken = {"content-type": "multipart/form-data; boundary=x"}
    for content, headers in (
        (b"a=" + b"x" * LARGEST_FORM, {}),
        (b"nonsense", broken),
        (b"&a=1" * 2000, {}),
        (b"x", {"content-type": "multipart/form-data"}),
    ):
        answer = await post(url, params=query, content=content, headers=headers)
        assert (answer.status_code, answer.text) == (400, "BAD_VALUES")


async def test_other_methods_and_paths_are_not_there(ada: Customer):
    url = f"{ada.outlet.story.url}{HANDLER_API}"
    assert (await ada.outlet.client.put(url)).status_code == 405
    assert (await ada.outlet.client.get(f"{ada.outlet.story.url}/stubs/")).status_code == 404


async def test_a_number_bought_here_is_in_the_chat_and_in_the_api(ada: Customer):
    _, number_id, phone = (await ada.ask("getNumber", service="wa", country=43)).split(":")
    card = await ada.person.sees(says.WAITING)
    assert card.phone == f"+{phone}"
    headers = {"authorization": f"Bearer {ada.key}"}
    answer = await ada.outlet.client.get(f"{ada.outlet.story.url}/api/numbers", headers=headers)
    assert [(row["id"], row["number"]) for row in answer.json()["numbers"]] == [(f"n{number_id}", f"+{phone}")]


@pytest.mark.parametrize("redact", [True, False])
async def test_the_key_of_the_query_is_in_no_line_of_the_log_even_where_the_server_logs_addresses(
    ada: Customer, redact: bool
):
    stream = io.StringIO()
    with logging_to(stream, redact=redact):
        logging.getLogger("uvicorn.access").setLevel(logging.INFO)
        await called(ada.outlet, api_key=ada.key, action="getBalance")
        await ada.outlet.client.post(f"{ada.outlet.story.url}{HANDLER_API}", data={"api_key": ada.key, "action": "x"})
    assert "api_key=" in stream.getvalue()
    assert (ada.key in stream.getvalue()) is not redact


async def test_whoever_calls_too_often_is_told_for_how_long_to_wait(tmp_path: Path):
    async with an_outlet(tmp_path, API_RATE="2", LIMIT_ACTIVE_NUMBERS="1") as outlet:
        ada = await outlet.customer()
        assert (await ada.ask("getNumber", service="wa", country=43)).startswith("ACCESS_NUMBER")
        assert await ada.ask("getNumber", service="wa", country=43) == "CHANNELS_LIMIT"
        started = time.monotonic()
        answers = [await called(outlet, api_key=ada.key, action="getBalance") for _ in range(15)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert time.monotonic() - started < 2
        assert {(answer.text, answer.headers["retry-after"]) for answer in refused} == {("RATE_LIMIT", "1")}
        assert {answer.text.partition(":")[0] for answer in answers if answer.status_code == 200} == {"ACCESS_BALANCE"}


async def test_without_api_on_nobody_is_there(tmp_path: Path):
    async with playing(tmp_path) as story, httpx.AsyncClient() as client:
        assert (await client.get(f"{story.url}{HANDLER_API}", params={"action": "getBalance"})).status_code == 404
