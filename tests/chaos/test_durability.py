"""Seen from outside, by the system calls that the program makes: what it acknowledges has reached the disk before."""

import json
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bot.providers.signature import sign
from tests.chaos.flows import BRISK, buying
from tests.chaos.outside import PERSON, SECRET, SIGNING_SECRET, make_template, outside
from tests.chaos.person import Person
from tests.chaos.tracing import Call, calls_of, traced

CALLS = "read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,fsync,fdatasync,openat"
TEXT = "482917 is your code"


async def post_sms(port: int, provider_ref: str) -> int:
    sms = {"id": "s1", "sender": "Bank", "text": TEXT, "received_at": int(time.time() * 1000)}
    body = json.dumps({"id": "m", "type": "sms.received", "provider_ref": provider_ref, "sms": sms}).encode()
    headers = sign(SIGNING_SECRET, "m", int(time.time()), body)
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        answer = await http.post(f"http://127.0.0.1:{port}/hooks/sandbox/{SECRET}", content=body, headers=headers)
    return answer.status_code


def promised_too_early(calls: list[Call], database: Path) -> list[str]:
    """What the answer to the webhook left behind: writes to the -wal that no sync had followed yet; or that it had
    written nothing at all."""
    asked = next(call for call in calls if call.name.startswith(("read", "recv")) and "POST /hooks/" in call.line)
    answered = next(
        call
        for call in calls
        if call.begun > asked.ended and call.name.startswith(("write", "send")) and "HTTP/1.1 200" in call.line
    )
    wal = f"<{database}-wal>"
    between = [call for call in calls if asked.ended < call.begun and call.ended < answered.begun and wal in call.line]
    written = [call for call in between if call.name.startswith("pwrite")]
    synced = [call for call in between if call.name in ("fsync", "fdatasync") and call.succeeded]
    if not written:
        return ["nothing was written down before the answer"]
    return [call.line for call in written if not any(sync.begun > call.ended for sync in synced)]


@pytest.mark.parametrize("synchronous", ["FULL", "NORMAL", "OFF"])
async def test_a_webhook_is_answered_after_its_sms_has_reached_the_disk(tmp_path: Path, synchronous: str) -> None:
    """With anything less than FULL it is not, and this test would see it."""
    trace = tmp_path / "trace"
    await make_template(tmp_path / "template.db")
    async with outside(tmp_path, tmp_path / "template.db", BRISK, webhooks=False, poll_ms=600_000) as world:
        async with traced(replace(world.spec, synchronous=synchronous), trace, CALLS):
            me = Person(world.telegram, PERSON, lambda: None, lambda: None)
            with me.looking():
                await me.reach("a number", me.phone, *buying(me), within_s=60)
            number = world.sandbox.record()[0]
            assert await post_sms(world.spec.port, number["provider_ref"]) == 200
        early = promised_too_early(calls_of(trace), world.database)
    assert bool(early) is (synchronous != "FULL"), early
