"""Whatever somebody types or presses: it is answered, with no error, and changes nothing that is another's."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, fields
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import example, given
from hypothesis import strategies as st

from bot.demo.telegram.texts import TEXT_LIMIT, tidy
from bot.domain.numbers import Kind
from bot.domain.people import Seen
from handlers import buttons
from tests.chaos.fuzz.budget import tries
from tests.chaos.fuzz.strategies import numbers, texts
from tests.support import says
from tests.support.stories import OWNER_ID, Person, Story, playing, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMMANDS = ("start", "menu", "buy", "rent", "numbers", "history", "balance", "settings", "help", "invite", "people",
            "credit", "providers", "START", "buy@codepigeon_demo_bot", "buy@another", "nothing", "", "/")  # fmt: skip
KINDS = tuple(buttons._kinds.values())


@dataclass
class Stage:
    """Eve, who means harm; Bob, who has a number with an SMS, a rental, prices and a balance; and the owner."""

    story: Story
    eve: Person
    bob: Person
    owner: Person
    quotes: tuple[str, ...] = field(default=())

    def bobs(self) -> list[dict[str, Any]]:
        """All that is his."""
        return self.story.rows(
            """SELECT n.id, n.state, n.price, n.expires_at, n.sms_count, a.balance, u.role, u.chosen_language,
                   u.hide_codes, (SELECT count(*) FROM quotes q WHERE q.user_id = u.id) AS quotes
               FROM users u JOIN accounts a ON a.user_id = u.id JOIN numbers n ON n.user_id = u.id
               WHERE u.id = ?""",
            self.bob.id,
        )

    async def is_answered(self, who: Person) -> None:
        """With words or with a nod, and without an error."""
        await until(lambda: who.since(), 5)
        errors = list(self.story.errors)
        self.story.errors.clear()
        assert errors == []
        assert not [one.text for one in who.since() if says.WENT_WRONG in one.text]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    limits = {"LIMIT_PURCHASES_PER_MINUTE": "100000", "LIMIT_PURCHASES_PER_DAY": "100000"}
    async with playing(tmp_path_factory.mktemp("said"), settings=limits) as story:
        bob, owner = await story.comes("Bob", money=100), await story.comes("Olga", user_id=OWNER_ID)
        card = await bob.buys()
        story.sms(card.phone, "Your code is 314159")
        await bob.sees("314159", kind="message")
        user = await story.app.access.see(Seen(bob.id, "Bob", language="en"))
        offers, purchases = story.app.offers, story.app.purchases
        rental = await purchases.quote(user, await offers.best(Kind.RENTAL, "wa", "GB", 24))
        rented = await purchases.allocate(user, rental.id)
        promised = await purchases.quote(user, await offers.best(Kind.ACTIVATION, "tg", "DE"))
        renewal = await story.app.renewals.quote(user, rented.id, 24)
        await story.settled()
        eve = await story.comes("Eve", money=0)
        yield Stage(story, eve, bob, owner, (promised.id, renewal.id))


def said_by_a_client(text: str) -> bool:
    return 0 < len(tidy(text).text) <= TEXT_LIMIT


arguments = st.one_of(
    st.just(""), texts, st.integers().map(str), numbers.map(str), st.sampled_from(("1", "777 5 thanks", "1001 -5 x"))
)
gaps = st.sampled_from((" ", "\n", "\t", "\xa0"))
commands = st.builds(lambda name, gap, rest: f"/{name}{gap}{rest}", st.sampled_from(COMMANDS), gaps, arguments)
typed = (texts | commands).map(lambda text: text[:TEXT_LIMIT])


@tries(150)
@given(text=typed.filter(said_by_a_client), by_the_owner=st.booleans())
@example(text="/start " + "\ud800" * 64, by_the_owner=False)
@example(text="/credit ٣ 5 x", by_the_owner=True)
@example(text="/credit 1001 1e400 x", by_the_owner=True)
@example(text="/credit 1001 ٥ x", by_the_owner=True)
@example(text="/credit " + "9" * 4000 + " 5 x", by_the_owner=True)
@example(text="whatsapp " * 450, by_the_owner=False)
@example(text="\u2800" * 4096, by_the_owner=False)
@example(text="𝟙𝟚𝟛 ￼", by_the_owner=False)
async def test_any_words_are_answered(stage: Stage, text: str, by_the_owner: bool) -> None:
    who = stage.owner if by_the_owner else stage.eve
    before = stage.bobs()
    who.say(text)
    await stage.is_answered(who)
    if not by_the_owner:
        assert stage.bobs() == before


def values(stage_quotes: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.sampled_from(("activation", "rental", "wa", "tg", "full", "DE", "GB", "ZZ", "en", "ru", "xx", "")),
        st.sampled_from(
            ("0", "-1", "1", "2", "3", "999", "1001", "1002", "777", "999999999999999999", "-999999999999999999")
        ),
        st.sampled_from(stage_quotes or ("x",)),
        numbers.map(str),
        st.text(st.sampled_from("٣३１𝟘0123456789-+ :.e_"), max_size=12),
        texts.map(lambda text: text[:60]),
    )


@tries(200)
@given(data=st.data())
async def test_any_press_is_answered_and_changes_nothing_of_anothers(stage: Stage, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    fitting = st.lists(values(stage.quotes), min_size=len(fields(kind)), max_size=len(fields(kind)))
    parts = data.draw(fitting | st.lists(values(stage.quotes), max_size=5))
    mark = data.draw(st.sampled_from(("", "", "+", "++", " ", "\0")))
    pressed = data.draw(st.just(mark + ":".join((kind.prefix, *parts))) | texts)
    chat = data.draw(st.sampled_from((stage.eve.id, stage.eve.id, stage.bob.id)))
    before = stage.bobs()
    stage.eve.forge(pressed[:5000], chat_id=chat)
    await stage.is_answered(stage.eve)
    assert stage.bobs() == before


@tries(60)
@given(data=st.data())
async def test_any_press_of_an_admins_is_answered(stage: Stage, data: st.DataObject) -> None:
    """What is theirs to do they may do: here only that nothing breaks."""
    kind = data.draw(st.sampled_from([kind for kind in KINDS if kind is not buttons.RemovePerson]))
    size = len(fields(kind))
    parts = data.draw(st.lists(values(()), min_size=size, max_size=size))
    stage.owner.forge(":".join((kind.prefix, *parts)))
    await stage.is_answered(stage.owner)
