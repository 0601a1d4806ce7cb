"""Nobody but this machine's own page and programs gets at the demo."""

import httpx
import pytest

from bot.demo.guard import LARGEST_BODY_BYTES
from tests.demo.demo_site import Site, demo_site

JSON = {"Content-Type": "application/json"}
PATHS = ["/", "/demo/state", "/demo/events", "/demo/page/main.js", "/demo/nothing"]


def port_of(site: Site) -> int:
    return httpx.URL(site.url).port or 0


@pytest.mark.parametrize("path", PATHS)
async def test_a_foreign_host_name_is_refused_on_every_path(path):
    async with demo_site() as site:
        port = port_of(site)
        for host in (f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", f"127.0.0.1.evil.example:{port}"):
            answer = await site.http.get(path, headers={"Host": host})
            assert answer.status_code == 403, host
            assert answer.json()["error"].startswith("The demo answers only under http://127.0.0.1:")


async def test_every_loopback_name_is_served():
    async with demo_site() as site:
        for name in ("127.0.0.1", "localhost", "[::1]", "LOCALHOST"):
            answer = await site.http.get("/demo/state", headers={"Host": f"{name}:{port_of(site)}"})
            assert answer.status_code == 200, name


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:1", "http://localhost"])
async def test_a_write_with_a_foreign_origin_is_refused(origin):
    async with demo_site() as site:
        answer = await site.http.post("/demo/users", json={"name": "Eve"}, headers={"Origin": origin})
        assert answer.status_code == 403
        assert site.telegram.users() == []


async def test_a_write_from_the_page_itself_is_taken():
    async with demo_site() as site:
        headers = {"Origin": f"http://localhost:{port_of(site)}", "Sec-Fetch-Site": "same-origin"}
        headers["Host"] = f"localhost:{port_of(site)}"
        answer = await site.http.post("/demo/users", json={"name": "Anna"}, headers=headers)
        assert answer.status_code == 200


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain", ""])
async def test_nothing_that_a_form_could_send_is_taken(content_type):
    async with demo_site() as site:
        headers = {"Content-Type": content_type}
        answer = await site.http.post("/demo/users", content=b'{"name": "Eve"}', headers=headers)
        assert answer.status_code == 415
        assert site.telegram.users() == []


@pytest.mark.parametrize("came_from", ["cross-site", "same-site"])
async def test_what_the_browser_says_comes_from_another_site_is_refused(came_from):
    async with demo_site() as site:
        headers = {"Sec-Fetch-Site": came_from, "Sec-Fetch-Mode": "cors"}
        for path in PATHS:
            assert (await site.http.get(path, headers=headers)).status_code == 403
        answer = await site.http.post("/demo/users", json={"name": "Eve"}, headers=headers)
        assert answer.status_code == 403


async def test_a_link_elsewhere_may_lead_to_the_page_but_to_nothing_else():
    async with demo_site() as site:
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        assert (await site.http.get("/", headers=headers)).status_code == 200
        assert (await site.http.get("/demo/state", headers=headers)).status_code == 403


async def test_an_origin_sent_twice_is_refused():
    async with demo_site() as site:
        headers = [("Origin", site.url), ("Origin", "http://evil.example")]
        assert (await site.http.post("/demo/users", json={"name": "Eve"}, headers=headers)).status_code == 400
        assert site.telegram.users() == []


async def test_a_body_too_large_or_of_unsaid_length_is_refused():
    async with demo_site() as site:
        large = b" " * (LARGEST_BODY_BYTES + 1)
        assert (await site.http.post("/demo/users", content=large, headers=JSON)).status_code == 413

        async def chunks():
            yield b'{"name": "Eve"}'

        assert (await site.http.post("/demo/users", content=chunks(), headers=JSON)).status_code == 411
        assert site.telegram.users() == []
