"""Every command of docs/api.md, as it stands there, in a shell against the running demo."""

import asyncio
import json
import os
import re
import shutil
from collections.abc import Callable

import httpx
import pytest

from tests.support.program import ROOT, running_demo_and_key
from tests.support.receiver import receiving

PAGE = (ROOT / "docs" / "api.md").read_text()

pytestmark = pytest.mark.skipif(not shutil.which("curl") or not shutil.which("bash"), reason="there is no curl here")


async def shell(script: str, **variables: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script),
        env={"PATH": os.environ["PATH"], "NO_PROXY": "*", **variables},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        said = (await process.communicate())[0].decode()
    assert process.returncode == 0, script
    return said


def quick_start() -> str:
    found = re.search(r"## Quick start.*?```sh\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def commands() -> list[str]:
    """All others, each by itself."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    whole = "\n".join(block for language, block in blocks if not language)
    return re.findall(r"^curl(?:[^\n]*\\\n)*[^\n]*$", whole, re.MULTILINE)


def test_the_readme_has_the_same_quick_start() -> None:
    assert quick_start() in (ROOT / "README.md").read_text()


async def test_the_quick_start_ends_with_the_code() -> None:
    async with running_demo_and_key() as (url, key):
        script = quick_start().replace("http://127.0.0.1:8080", url).replace("cpk_the-key-that-was-printed", key)
        assert url in script
        assert key in script
        said = await shell(script)
    answer = json.loads(said[said.index('{"status":"success","number"') :])
    assert [one["code"] for one in answer["messages"]] == ["123456"]


async def test_every_command_of_the_page_is_answered_as_it_says(say: Callable[[str, str], None]) -> None:
    async with (
        receiving() as receiver,
        running_demo_and_key({"WEBHOOK_ALLOW": "127.0.0.1"}) as (url, key),
        httpx.AsyncClient(base_url=f"{url}/api", trust_env=False, timeout=40) as client,
    ):
        client.headers["Authorization"] = f"Bearer {key}"
        token = (await client.post("/auth", json={"apiKey": key})).json()["access_token"]
        real = await things(client, url, receiver.url)
        for command in commands():
            said = await shell(in_place(command, real), API=f"{url}/api", KEY=key, TOKEN=token)
            line = command.replace("\\\n", "").replace("     ", " ")
            expect(line, said)
            say("docs/api.md against the demo", f"{said.strip()[:40]:<42}{line[:70]}")
    assert len(commands()) >= 20


def in_place(command: str, real: dict[str, str]) -> str:
    """With things that are there, in place of the page's examples; a stream is read for a second."""
    for example, there in real.items():
        command = command.replace(example, there)
    if "/events" in command:
        return f"timeout 1 {command} || true"
    return command


def expect(command: str, said: str) -> None:
    if "handler_api.php" in command:
        assert re.match(r"ACCESS_BALANCE:\d|ACCESS_NUMBER:\d+:\d+$|STATUS_OK:123456$|ACCESS_ACTIVATION$", said), said
    elif "/events" in command:
        assert said.startswith(": here"), said
    else:
        assert json.loads(said)["status"] == "success", (command, said)


async def things(client: httpx.AsyncClient, url: str, receiver: str) -> dict[str, str]:
    """By the names that the page uses: two numbers, of which one has had its SMS, a rental, and a webhook."""

    async def bought(**wish: str) -> dict[str, str]:
        made: dict[str, str] = (await client.get("/allocate_number", params={"country": "US", **wish})).json()
        return made

    used, other, rental = (
        await bought(service="wa"),
        await bought(service="tg"),
        await bought(service="wa", kind="rental", hours="24"),
    )
    sms = {"sender": "WhatsApp", "text": "Your code: 123-456"}
    for one in (used, other):
        await client.post(f"{url}/demo/phones/{one['number']}/sms", json=sms)
        await client.get("/fetch_messages", params={"id": one["id"], "wait": 10})
    webhook = (await client.post("/webhooks", json={"url": f"{receiver}/hook"})).json()
    return {
        "max_price=0.40": "max_price=9.99",
        "maxPrice=0.40": "maxPrice=9.99",
        '"max_price":"1.50"': '"max_price":"99"',
        '"id":"n1842","hours"': f'"id":"{rental["id"]}","hours"',
        "%2B12025550143": f"%2B{used['number'].lstrip('+')}",
        "+12025550143": used["number"],
        "n1842,n1843": f"{used['id']},{other['id']}",
        "n1850": rental["id"],
        "id=1842": f"id={other['id'][1:]}",
        "w3": webhook["id"],
        "https://example.org/hook": f"{receiver}/other",
        "https://<host>": url,
    }
