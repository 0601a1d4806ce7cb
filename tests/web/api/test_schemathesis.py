"""schemathesis against the running demo: no answer of 5xx, none that the OpenAPI document does not have."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import httpx

from tests.support.program import ROOT, running_demo_and_key

MANY = "1000000"
ENVIRON = {
    "API_RATE": MANY[:5],
    "DEMO_BALANCE": MANY,
    "LIMIT_ACTIVE_NUMBERS": MANY,
    "LIMIT_PURCHASES_PER_MINUTE": MANY,
    "LIMIT_PURCHASES_PER_DAY": MANY,
}
GENERATED = re.compile(r"(\d+) generated, (\d+) passed")
OPTIONS = (
    *("--exclude-path", "/events"),  # a stream has no end: tests/stories/test_api.py reads it
    *("--checks", "all"),
    *("--exclude-checks", "positive_data_acceptance"),  # a country of the right form need not exist
    *("--generation-database", "none"),
    *("--seed", "1"),
    *("--request-timeout", "35"),
    "--no-color",
)


async def _bought(url: str, key: str) -> dict[str, str]:
    """An activation with an SMS, as parameters of the calls."""
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False) as client:
        number = (await client.get("/api/allocate_number", params={"country": "US", "service": "wa"})).json()
        sms = {"sender": "WhatsApp", "text": "Your code is 123456"}
        assert (await client.post(f"/demo/phones/{number['number']}/sms", json=sms)).status_code == 200
        waited = await client.get("/api/fetch_messages", params={"id": number["id"], "wait": 10}, timeout=15)
        assert waited.json()["messages"]
    known = {"id": number["id"], "number": number["number"]}
    return {"country": "US", "service": "WhatsApp", "kind": "activation", "max_price": "9.99", **known}


async def _numbers(url: str, key: str) -> int:
    """How many there are, 500 at most."""
    params = {"state": "all", "limit": 500, "apiKey": key}
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        return len((await client.get("/api/numbers", params=params)).json()["numbers"])


async def _run(url: str, key: str, folder: Path, *options: str, **environ: str) -> int:
    """How many cases it made. Raises AssertionError where it found anything."""
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/openapi.json"),
        *("--header", f"Authorization: Bearer {key}", *OPTIONS, *options),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode()
    match = GENERATED.search(said)
    assert process.returncode == 0, said
    assert match is not None, said
    assert match[1] == match[2], said
    return int(match[1])


async def test_nothing_that_a_machine_thinks_of_breaks_the_api_or_its_document(tmp_path, say):
    async with running_demo_and_key(ENVIRON) as (url, key):
        real = {"SCHEMATHESIS_HOOKS": "tests.web.api.real_values", "REAL_VALUES": json.dumps(await _bought(url, key))}
        at_random = await _run(url, key, tmp_path, "--phases", "examples,coverage,fuzzing", "--max-examples", "4")
        deeper = await _run(
            url, key, tmp_path, "--phases", "fuzzing", "--mode", "positive", "--max-examples", "20", **real
        )
        numbers = await _numbers(url, key)
    what = "schemathesis against the running demo"
    say(what, f"{at_random} cases at random and {deeper} with what exists, all as documented")
    say(what, f"on the way they bought {numbers} numbers")
    assert min(at_random, deeper) > 200
    assert numbers > 20, "the cases with what exists do not get far"
