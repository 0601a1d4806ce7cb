"""The calls about webhooks: what they do, and every one of them by everybody who may not make it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.domain.keys import Scope
from bot.domain.people import Seen
from bot.egress import LONGEST_URL
from tests.support.api import caller, calling
from tests.support.receiver import receiving, telling
from tests.support.stories import Story, until
from tests.web.api.test_document import PAGE
from tests.web.api.test_table import (
    BAD,
    BAD_CURSORS,
    BAD_IDS,
    BAD_WHOLES,
    FORBIDDEN,
    NOT_FOUND,
    UNAUTHORIZED,
    Call,
    _row,
    junk,
    tell,
)

ALLOW = {"WEBHOOK_ALLOW": "127.0.0.1"}
HERE = "http://127.0.0.1:9/hook"
BAD_URLS = (
    *("", "https", "example.org/hook", "ftp://example.org/", "https://u:p@127.0.0.1/", "https://10.0.0.7/"),
    *("http://93.184.215.14/", "http://2130706433/", "http://[::1]/", "https://a\\b/", "https://é.example/"),
    *("https://127.0.0.1/" + "x" * LONGEST_URL, 5, None, ["https://example.org/"]),
)
BAD_EVENTS = ([], ["webhook.test"], ["sms"], "sms.received", [1], {"sms.received": True}, ["sms.received"] * 6)

CALLS = (
    Call("GET", "webhooks"),
    Call(
        "POST",
        "webhooks",
        lambda webhook, delivery: {"url": HERE},
        junk(url=BAD_URLS, events=BAD_EVENTS),
        read_only=FORBIDDEN,
    ),
    Call(
        "POST",
        "manage_webhook",
        lambda webhook, delivery: {"id": webhook, "action": "change", "events": ["sms.received"]},
        junk(id=(*BAD_IDS, 1), action=("", "explode", 1, None), url=BAD_URLS[:-2], events=BAD_EVENTS, delivery=(1, "")),
        read_only=FORBIDDEN,
        stranger=NOT_FOUND,
    ),
    Call(
        "GET",
        "webhook_deliveries",
        lambda webhook, delivery: {"id": webhook},
        junk(id=BAD_IDS, limit=(*BAD_WHOLES, "0", "501"), cursor=BAD_CURSORS, state=("", "lost")),
        stranger=NOT_FOUND,
    ),
)


async def test_every_call_refuses_whom_and_what_it_must(tmp_path: Path, say: Callable[[str, str], None]) -> None:
    rows = []
    async with calling(tmp_path, ALLOW) as api:
        eve = await caller(api.story, api.client, "Eve")
        webhook = (await api.post("webhooks", url=HERE))["id"]
        (revoked_id, revoked), (_, read) = await api.made(Scope.FULL), await api.made(Scope.READ)
        user = await api.story.app.access.see(Seen(api.person.id, "Ada", language="en"))
        assert api.story.app.programs is not None
        await api.story.app.programs.keys.revoke(user, revoked_id)
        keys = {"full": api.key, "read": read, "revoked": revoked}
        for call in CALLS:
            row = await _row(api, eve, call, keys, (webhook, "d1"))
            rows.append(row)
            refused = {"no key": UNAUTHORIZED, "wrong key": UNAUTHORIZED, "revoked key": UNAUTHORIZED}
            told = {"read-only key": call.read_only, "another's": call.stranger, "good": call.expected, "garbage": BAD}
            assert row.cells == row.cells | refused | told, call.name
        assert [one["url"] for one in (await api.get("webhooks"))["webhooks"]] == [HERE, HERE]
        assert (await eve.get("webhooks"))["webhooks"] == []
    tell(say, rows)


def _pending(story: Story) -> list[dict[str, Any]]:
    return story.rows("SELECT id FROM webhook_deliveries WHERE progress = 'pending'")


async def test_a_webhook_s_life(tmp_path: Path) -> None:
    async with receiving() as receiver, calling(tmp_path, ALLOW) as api:
        url = f"{receiver.url}/hook"
        made = await api.post("webhooks", url=url, events=["sms.received"])
        assert (made["events"], made["state"], made["off_reason"]) == (["sms.received"], "on", None)
        receiver.secrets["/hook"] = (made["secret"],)
        [listed] = (await api.get("webhooks"))["webhooks"]
        assert listed == {key: value for key, value in made.items() if key not in ("status", "secret")}

        async def manage(action: str, **fields: Any) -> dict[str, Any]:
            return await api.post("manage_webhook", id=made["id"], action=action, **fields)

        with telling(api.story.clock):
            tested = await manage("test")
            assert (tested["delivery"]["state"], tested["delivery"]["status_code"]) == ("delivered", 200)
            api.story.sms((await api.buys())["number"], "Your code is 717273")
            await until(lambda: receiver.types() == ["webhook.test", "sms.received"] and not _pending(api.story))
            page = await api.get("webhook_deliveries", id=made["id"], limit=1)
            [delivery] = page["deliveries"]
            assert (delivery["type"], delivery["state"], delivery["attempts"]) == ("sms.received", "delivered", 1)
            rest = await api.get("webhook_deliveries", id=made["id"], cursor=page["next_cursor"])
            assert ([one["type"] for one in rest["deliveries"]], rest["next_cursor"]) == (["webhook.test"], None)
            assert (await manage("resend", delivery=delivery["id"]))["resent"] == 1
            await until(lambda: [call.id for call in receiver.taken].count(delivery["event_id"]) == 2)

        receiver.status = lambda _call: 500
        failed = (await manage("test"))["delivery"]
        assert (failed["state"], failed["status_code"], failed["next_attempt_at"]) == ("failed", 500, None)
        assert (await manage("on"))["failed"] == 1
        given_up = (await api.get("webhook_deliveries", id=made["id"], state="failed"))["deliveries"]
        assert [one["id"] for one in given_up] == [failed["id"]]
        assert (await manage("resend"))["resent"] == 1
        assert (await manage("off"))["off_reason"] == "owner"
        answer = await api("POST", "manage_webhook", json={"id": made["id"], "action": "resend"})
        assert (answer.status_code, answer.json()["code"], answer.json()["state"]) == (409, "wrong_state", "off")
        assert (await manage("on"))["state"] == "on"
        changed = await manage("change", events=["number.active"], url=f"{receiver.url}/other")
        assert (changed["events"], changed["url"]) == (["number.active"], f"{receiver.url}/other")
        assert (await manage("new_secret"))["secret"] != made["secret"]
        await manage("remove")
        assert (await api.get("webhooks"))["webhooks"] == []


async def test_a_sixth_address_too_many_tests_and_what_is_not_there(tmp_path: Path) -> None:
    async with calling(tmp_path, ALLOW) as api:
        ids = [(await api.post("webhooks", url=f"{HERE}/{n}"))["id"] for n in range(5)]
        full = await api("POST", "webhooks", json={"url": HERE})
        assert (full.status_code, full.json()["limit"], full.json()["allowed"]) == (409, "webhooks", 5)
        for absent in ({"id": "w999", "action": "test"}, {"id": "n1", "action": "on"}):
            assert (await api("POST", "manage_webhook", json=absent)).status_code == 404
        body = {"id": ids[0], "action": "resend", "delivery": "d999"}
        assert (await api("POST", "manage_webhook", json=body)).status_code == 404
        tested = await api.post("manage_webhook", id=ids[0], action="test")
        assert tested["delivery"]["error"] == "no_contact"
        other = {"id": ids[1], "action": "resend", "delivery": tested["delivery"]["id"]}
        assert (await api("POST", "manage_webhook", json=other)).status_code == 404
        for _ in range(9):
            await api.post("manage_webhook", id=ids[0], action="test")
        often = await api("POST", "manage_webhook", json={"id": ids[0], "action": "test"})
        assert (often.status_code, often.json()["limit"]) == (409, "webhook_tests")
        _, read = await api.made(Scope.READ)
        seen = await api("GET", "webhooks", headers={"Authorization": f"Bearer {read}"})
        assert "secret" not in seen.text


async def test_the_event_stream_and_the_webhook_tell_the_same(tmp_path: Path) -> None:
    async with receiving() as receiver, calling(tmp_path, ALLOW) as api:
        await api.post("webhooks", url=receiver.url)
        headers = {"Authorization": f"Bearer {api.key}"}
        async with api.client.stream("GET", f"{api.story.url}/api/events", headers=headers) as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == ": here"
            await api.buys()
            await until(lambda: len(receiver.taken) == 1)
            told = [line for line in [await asyncio.wait_for(anext(lines), 5) for _ in range(4)] if line]
    [call] = receiver.taken
    assert told == [f"id: {call.id}", f"event: {call.type}", f"data: {call.body.decode()}"]


async def test_the_answers_have_the_fields_that_the_page_tells_of(tmp_path: Path) -> None:
    part = PAGE.split("### GET /api/webhooks")[1].split("\n## ")[0]

    def fields(table: str) -> set[str]:
        rows = table.strip().split("\n\n")[0].splitlines()[1:]
        return {name.strip("` ") for row in rows for name in row.split("|")[1].split("` `")}

    async with calling(tmp_path, ALLOW) as api:
        webhook = await api.post("webhooks", url=HERE)
        tested = await api.post("manage_webhook", id=webhook["id"], action="test")
    tables = part.split("| field | type | |")
    assert fields(tables[1]) == set(webhook) - {"status", "secret"}
    assert fields(tables[2]) == set(tested["delivery"])
