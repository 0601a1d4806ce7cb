"""Headless Chromium on the demo's page, with both worlds and the scripted bot behind it."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.demo.demo_site import Site, demo_site

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 375, "height": 720}


@dataclass(frozen=True)
class Shown:
    """The page of a site that has one person, Anna, unless a test adds more."""

    site: Site
    page: Page
    anna: int


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        assert not os.environ.get("REQUIRE_BROWSER"), "REQUIRE_BROWSER is set, and there is no chromium on the PATH"
        pytest.skip("no chromium on the PATH: the page is not tried in a browser")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
def show(chromium: Browser) -> Callable[..., Any]:
    """`async with show(width=…, …) as shown`: the page, loaded and live. Fails if it logs an error or goes astray."""

    @contextlib.asynccontextmanager
    async def shown(*, viewport: dict[str, int] = DESKTOP, init: str = "", **options: Any) -> AsyncIterator[Shown]:
        complaints: list[str] = []
        async with demo_site() as site:
            anna = site.telegram.add_user("Anna Berg")
            context = await chromium.new_context(viewport=viewport, reduced_motion="reduce", **options)
            await context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
            page = await context.new_page()
            page.set_default_timeout(5000)
            if init:
                await page.add_init_script(init)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda line: line.type == "error" and complaints.append(line.text))
            page.on("request", lambda request: complaints.extend(_astray(request.url, site)))
            await page.goto(site.url)
            await page.get_by_text("Live", exact=True).wait_for(state="attached")
            yield Shown(site, page, anna)
            await context.close()
        assert complaints == []

    return shown


def _astray(url: str, site: Site) -> list[str]:
    return [] if urlsplit(url).netloc == urlsplit(site.url).netloc else [f"the page asked for {url}"]
