"""The page's files: their types, their caching, and the policy that keeps scripts out."""

import re

import pytest

from bot.demo.pages import FOLDER
from tests.demo.demo_site import demo_site


async def test_every_file_of_the_page_is_served_with_its_type_and_the_strict_policy():
    async with demo_site() as site:
        for path, content_type in [
            ("/", "text/html"),
            ("/demo/page/main.js", "text/javascript"),
            ("/demo/page/style.css", "text/css"),
            ("/demo/page/mark.svg", "image/svg+xml"),
        ]:
            answer = await site.http.get(path)
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith(content_type)
            assert answer.headers["cache-control"] == "no-cache"
            assert answer.headers["x-content-type-options"] == "nosniff"
            policy = answer.headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy


async def test_an_unchanged_file_is_not_sent_again():
    async with demo_site() as site:
        first = await site.http.get("/demo/page/main.js")
        again = await site.http.get("/demo/page/main.js", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = await site.http.get("/demo/page/main.js", headers={"If-None-Match": '"other"'})
        assert other.content == first.content


@pytest.mark.parametrize("name", ["nothing.js", "..%2fcontrol.py", "%2e%2e/control.py", "main.js/x"])
async def test_nothing_outside_the_page_is_served(name):
    async with demo_site() as site:
        answer = await site.http.get(f"/demo/page/{name}")
        assert answer.status_code == 404


def test_the_page_loads_nothing_from_elsewhere_and_has_no_inline_script():
    html = (FOLDER / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"\son\w+=|style=|javascript:", html)
    for path in FOLDER.iterdir():
        text = path.read_text()
        assert not re.search(r"(?:src|href|url\(|from|import)\s*[=(]?\s*[\"']https?:", text), path.name


def test_no_module_of_the_page_writes_markup():
    for path in FOLDER.glob("*.js"):
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", path.read_text()), (
            path.name
        )


def test_every_import_of_the_page_names_a_file_that_is_there():
    for path in FOLDER.glob("*.js"):
        for name in re.findall(r'from "\./([\w.-]+)"', path.read_text()):
            assert (FOLDER / name).is_file(), f"{path.name} imports {name}"
