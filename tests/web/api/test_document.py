"""docs/api.md, the OpenAPI document and the server say the same, and the page at /docs needs nothing from elsewhere."""

import asyncio
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from playwright.async_api import Browser, expect

from bot.web.api import account, buying, events, managing, market, models, numbers, webhooks
from bot.web.api.app import create_api
from bot.web.api.errors import STATUS
from bot.web.api.schema import document
from tests.browser.conftest import DESKTOP, chromium
from tests.support.api import calling
from tests.support.program import running_demo_and_key

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
PARTS = (account, buying, events, managing, market, numbers, webhooks)

__all__ = ["chromium"]


class _Anything:
    """Has every attribute, so that the routes can be listed without anything behind them."""

    def __getattr__(self, name: str) -> Any:
        return self


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    anything: Any = _Anything()
    return document(create_api(anything))


def test_the_document_has_every_route_that_is_served_and_no_other(openapi):
    anything: Any = _Anything()
    routes = [route for part in PARTS for route in part.routes(anything).routes]
    served = {(route.path, method) for route in routes if isinstance(route, APIRoute) for method in route.methods}
    told = {(path, method.upper()) for path, operations in openapi["paths"].items() for method in operations}
    assert told == served
    assert openapi["servers"] == [{"url": "/api"}]


def test_every_call_of_the_document_is_on_the_page_and_the_other_way_round(openapi):
    on_page = set(re.findall(r"^### (?:GET|POST) /api(/\S+)$", PAGE, re.MULTILINE))
    assert on_page == set(openapi["paths"])


def test_the_page_has_every_error_with_its_status():
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \|", PAGE, re.MULTILINE)
    assert {code: int(status) for code, status in rows} == dict(STATUS)


def test_the_page_has_every_field_of_a_number_and_of_a_message():
    table = PAGE.split("## The number")[1].split("| field |")[1].split("\n\n")[0]
    named = {name for line in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert named == set(models.Number.model_fields) == set(models.NUMBER)
    assert set(models.MESSAGE) == set(models.Message.model_fields)


def test_every_call_has_an_example_of_its_answer_and_of_each_refusal(openapi):
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"]
            assert operation["description"]
            for status, answer in operation["responses"].items():
                content = answer["content"].get("application/json", {})
                if int(status) >= 400:
                    assert content["examples"], (path, method, status)
                    for name, example in content["examples"].items():
                        assert (example["value"]["code"], STATUS[name]) == (name, int(status))


async def test_what_is_served_is_the_document_and_it_may_be_kept(tmp_path, openapi):
    async with calling(tmp_path) as api:
        served = await api.client.get(f"{api.story.url}/openapi.json")
        assert served.json() == openapi
        tag = {"If-None-Match": served.headers["etag"]}
        assert (await api.client.get(f"{api.story.url}/openapi.json", headers=tag)).status_code == 304
        page = await api.client.get(f"{api.story.url}/docs")
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert re.findall(r'(?:src|href)="([^"]+)"', page.text)
        for link in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            found = await api.client.get(api.story.url + link)
            assert (found.status_code, len(found.content) > 100) == (200, True), link
        assert (await api.client.get(f"{api.story.url}/docs/../bot.db")).status_code == 404
        assert (await api.client.get(f"{api.story.url}/docs/%2e%2e%2fcore.py")).status_code == 404


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on the PATH")
async def test_the_quick_start_brings_a_code_by_three_commands(tmp_path):
    """As it stands on the page, but for the two values that the demo prints."""
    commands = PAGE.split("## Quick start")[1].split("```sh\n")[1].split("```")[0]
    assert len(commands.splitlines()) == 3
    async with running_demo_and_key() as (url, key):
        own = commands.replace("http://127.0.0.1:8080", url).replace("cpk_the-key-that-was-printed", key)
        shell = await asyncio.create_subprocess_exec(
            "bash", "-c", own, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=tmp_path
        )
        async with asyncio.timeout(40):
            out, err = await shell.communicate()
    assert b'"code":"123456"' in out, (out, err)


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
async def test_a_call_is_tried_out_on_the_page_and_nothing_is_asked_elsewhere(chromium: Browser):
    async with running_demo_and_key() as (url, key):
        context = await chromium.new_context(viewport=DESKTOP)
        page = await context.new_page()
        page.set_default_timeout(15_000)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: line.type == "error" and complaints.append(line.text))
        page.on("request", lambda request: request.url.startswith((url, "data:")) or complaints.append(request.url))
        await page.goto(f"{url}/docs")
        await expect(page.get_by_text("/allocate_number").first).to_be_visible()
        await page.get_by_role("button", name="Authorize").first.click()
        dialog = page.locator(".modal-ux")
        await dialog.get_by_role("textbox").first.fill(key)
        await dialog.get_by_role("button", name="Apply credentials").first.click()
        await dialog.get_by_role("button", name="Close").last.click()
        balance = page.locator(".opblock", has_text="/balance")
        await balance.locator(".opblock-summary-control").click()
        await balance.get_by_role("button", name="Execute").click()
        await expect(balance.locator(".live-responses-table")).to_contain_text("25.0000")
        await context.close()
    assert complaints == []
