"""Whatever stands in an SMS, its sender or a name: the message with it is sent, and shows all there is to be seen."""

import itertools
import json
import unicodedata
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace

import httpx
import pytest
import pytest_asyncio
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.catalogue import Catalogue, LiveCatalogue
from bot.domain.numbers import Kind
from bot.domain.people import Seen, User
from bot.domain.time import SECOND
from bot.providers.signature import sign
from bot.services.clock import now_ms
from bot.texts import escape, plain
from handlers import sending
from handlers.deps import House
from handlers.views_number import NumberViews
from handlers.views_shop import ShopViews
from tests.chaos.fuzz.budget import tries
from tests.chaos.fuzz.strategies import flood, names, texts
from tests.support.stories import HOOK_SECRET, OWNER_ID, SIGNING_SECRET, Person, Story, playing, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOT_SHOWN = frozenset("\u2800\ufffc\u030a\u0333\u033f" + "".join(map(chr, range(0xE0000, 0xE0080))))
"""What Telegram takes out of a text, or for nothing."""
TRIED = (
    ("\u2800" * 9000, "blank that is no white space"),
    ("\u030a" * 9000, "marks that Telegram removes"),
    ("\n" * 9000, "lines"),
    ("a\u2800\u030a" * 4000, "x"),
    ("\U000e0001" * 9000, "tags"),
    ("\ufffc" * 5000 + "x", "x"),
    ("&" * 5000, "&" * 5000),
    ("x" * 4097, "\ud800" * 4097),
    ("\ud83d", "\ude00"),
    ("", ""),
    (" \n\t", "\u200b"),
    ("@bank.example #\u202e\u2066\u20691234", "<b>"),
)


@dataclass
class Stage:
    """A person with a number that takes SMS, and the way by which they come."""

    story: Story
    ada: Person
    http: httpx.AsyncClient
    provider_ref: str
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def takes(self, sender: str, text: str) -> list[str]:
        """An SMS, told in JSON that can say anything; the messages that bring it."""
        self.ada.look_from_now()
        last = self.story.telegram.chat(self.ada.id).last_id
        place = next(self.ids)
        sms = {"id": f"s{place}", "sender": sender, "text": text, "received_at": now_ms()}
        event = {"id": "m", "type": "sms.received", "provider_ref": self.provider_ref, "sms": sms}
        body = json.dumps(event).encode()
        headers = sign(SIGNING_SECRET, "m", now_ms() // SECOND, body)
        answer = await self.http.post(f"/hooks/sandbox/{HOOK_SECRET}", content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok", "new": 1})
        await until(lambda: self.state() != "pending", 10)
        assert self.state() == "sent"
        said = [one for one in self.story.telegram.messages(self.ada.id) if one["message_id"] > last]
        return [str(one["text"]) for one in said if one["from"]["is_bot"]]

    async def user(self) -> User:
        return await self.story.app.access.see(Seen(self.ada.id, "Ada", language="en"))

    def state(self) -> str:
        """Of the message that brings the last SMS."""
        [row] = self.story.rows("SELECT state FROM outbox WHERE sms_id = (SELECT max(id) FROM sms)")
        return str(row["state"])

    def breaks_nothing(self) -> None:
        errors = list(self.story.errors)
        self.story.errors.clear()
        assert errors == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with playing(tmp_path_factory.mktemp("shown"), hooks=False) as story:
        ada = await story.comes()
        await ada.buys()
        ref = story.rows("SELECT provider_ref FROM numbers")[0]["provider_ref"]
        async with httpx.AsyncClient(base_url=story.url, trust_env=False) as http:
            yield Stage(story, ada, http, ref)


def seen(text: str) -> str:
    """What of it there is to be seen; half a character is a question mark."""
    clean = plain(escape(text.encode("utf-8", "replace").decode()))
    return "".join(
        char for char in clean if not char.isspace() and unicodedata.category(char) != "Cf" and char not in NOT_SHOWN
    )


@tries(100)
@given(text=texts, sender=texts | names, hidden=st.booleans())
async def test_any_sms_of_any_sender_arrives_whole(stage: Stage, text: str, sender: str, hidden: bool) -> None:
    await stage.story.app.access.choose_hide_codes(await stage.user(), hidden)
    said = await stage.takes(sender, text)
    whole = seen("".join(said))
    assert seen(text) in whole
    assert seen(sender) in whole
    stage.breaks_nothing()


for _text, _sender in TRIED:
    test_any_sms_of_any_sender_arrives_whole = example(text=_text, sender=_sender, hidden=False)(
        test_any_sms_of_any_sender_arrives_whole
    )


@tries(8)
@given(st.lists(st.tuples(texts, names), min_size=1, max_size=4))
async def test_all_sms_of_a_number_can_be_looked_at(stage: Stage, many: list[tuple[str, str]]) -> None:
    for text, sender in many:
        await stage.takes(sender, text)
    stage.ada.forge("+ms:1")
    shown = await stage.ada.sees(kind="message", within_s=10)
    assert shown.text
    await stage.story.settled()
    stage.breaks_nothing()


@tries(25)
@given(first=names, last=names | flood(64), language=names | st.sampled_from(["en", "ru", "zh-hans", "xx", "EN_us"]))
async def test_whoever_comes_is_greeted_and_listed_whatever_their_name(
    stage: Stage, first: str, last: str, language: str
) -> None:
    story = stage.story
    someone = story.person(f"{first} {last}"[:128] or "x", language)
    someone.say("/start")
    greeting = await someone.sees(kind="message")
    assert greeting.buttons
    if OWNER_ID not in story.telegram.people:
        story.person("Olga", user_id=OWNER_ID)
    owner = Person(story.telegram, OWNER_ID, stage.ada._events)
    before = story.telegram.chat(OWNER_ID).last_id
    owner.world.say(OWNER_ID, "/people")
    await until(lambda: story.telegram.chat(OWNER_ID).last_id > before + 1)
    listed = story.telegram.messages(OWNER_ID)[-1]
    assert listed["from"]["is_bot"]
    assert listed["reply_markup"]
    stage.breaks_nothing()


@tries(40)
@given(told=st.dictionaries(st.text(st.sampled_from("abcxyz019_-"), min_size=1, max_size=40) | names, texts | names))
async def test_services_by_any_name_can_be_shown(stage: Stage, told: dict[str, str]) -> None:
    """As a provider tells of them: on the pages of the shop, on buttons, and in the title of a number."""
    catalogue = Catalogue.shipped().with_names(told.items())
    new = [service for code, service in catalogue.services.items() if code in told]
    t, house = stage.story.app._texts.of("en"), House("USD", prepaid=True, topup_text="")
    shop, numbers = ShopViews(LiveCatalogue(catalogue), house), NumberViews(LiveCatalogue(catalogue), house)
    user = await stage.user()
    view = await stage.story.app.numbers.view(user, 1)
    screens = [shop.services(t, Kind.ACTIVATION, new, 0), shop.found(t, new[:8])]
    for service in new[:3]:
        renamed = replace(view, number=replace(view.number, service=service.code))
        screens.append(numbers.card(t, user, renamed, now_ms()))
    for screen in screens:
        assert await sending.send(stage.story.app._line.bot, stage.ada.id, screen)
    stage.breaks_nothing()
