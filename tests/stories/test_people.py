"""Who may come in, what they may set, and what is said to those who may not."""

import re

from bot.domain.time import DAY
from tests.support import says
from tests.support.stories import OWNER_ID, Person, Seen, Story, playing, until

PRIVATE = {"ACCESS": "private", "ADMIN_IDS": "", "BILLING": "off"}


def token_of(link: str) -> str:
    found = re.search(r"https://t\.me/\w+\?start=([\w-]+)", link)
    assert found, link
    return found[1]


async def owner_of(story: Story) -> Person:
    """Whoever opened the link that the terminal printed."""
    link = await story.app.owner_link()
    assert link is not None
    owner = story.person("Olga")
    await owner.asks(f"/start {token_of(link)}", says.OWNED)
    return owner


async def invited(story: Story, owner: Person) -> str:
    shown = await owner.asks("/invite", says.ONE_IN)
    return token_of(shown.text)


async def test_the_first_to_open_the_owners_link_owns_the_bot(tmp_path):
    async with playing(tmp_path, settings=PRIVATE) as story:
        link = await story.app.owner_link()
        owner, late = story.person("Olga"), story.person("Late")
        refused = await late.asks("/start", says.NOT_INVITED)
        assert refused.buttons == []
        await owner.asks(f"/start {token_of(link)}", says.OWNED)
        menu = await owner.sees(says.HELLO)
        assert menu.button(says.PEOPLE)
        await late.asks(f"/start {token_of(link)}", says.LINK_USED)
        assert await story.app.owner_link() is None
        (row,) = story.rows("SELECT id FROM users WHERE role = 'owner'")
        assert row["id"] == owner.id


async def test_only_the_newest_owners_link_works(tmp_path):
    async with playing(tmp_path, settings=PRIVATE) as story:
        first = await story.app.owner_link()
        second = await story.app.owner_link()
        olga = story.person("Olga")
        await olga.asks(f"/start {token_of(first)}", says.LINK_USED)
        await olga.asks(f"/start {token_of(second)}", says.OWNED)


async def test_who_is_not_invited_gets_one_sentence_whatever_they_try(tmp_path):
    async with playing(tmp_path, settings=PRIVATE) as story:
        guest = story.person("Eve")
        for words in ("/start", "hello", "/buy whatsapp germany", "/people", "/invite", "/credit 1 1 x", "/nonsense"):
            await guest.asks(words, says.NOT_INVITED)
        for data in ("m", "sv:activation:0", "of:activation:wa:DE:0", "ok:abcdefghijkl", "in", "pe", "garbage"):
            guest.forge(data)
            await guest.sees(says.NOT_INVITED)
        assert story.sold() == []
        assert not [one for one in story.telegram.requests if "Germany" in str(one.params)]


async def test_an_invitation_lets_one_person_in_once(tmp_path):
    async with playing(tmp_path, settings=PRIVATE) as story:
        owner = await owner_of(story)
        token = await invited(story, owner)
        bob, eve = story.person("Bob"), story.person("Eve")
        await bob.asks("/start", says.NOT_INVITED)
        await bob.asks(f"/start {token}", says.WELCOME)
        await bob.sees(says.HELLO, "Bob")
        await eve.asks(f"/start {token}", says.LINK_USED)
        again = await bob.asks(f"/start {token}", says.LINK_USED)
        assert again.buttons, "whoever is in has a way on"
        await bob.asks("/invite", says.ADMINS_ONLY)
        await bob.asks("/people", says.ADMINS_ONLY)


async def test_an_invitation_expires(tmp_path):
    async with playing(tmp_path, settings=PRIVATE) as story:
        owner = await owner_of(story)
        token = await invited(story, owner)
        story.clock.advance(2 * DAY)
        bob = story.person("Bob")
        await bob.asks(f"/start {token}", says.LINK_USED)
        await bob.asks("/start", says.NOT_INVITED)


async def test_links_that_nobody_made_let_nobody_in(tmp_path):
    async with playing(tmp_path, settings=PRIVATE) as story:
        await owner_of(story)
        eve = story.person("Eve")
        for token in ("x", "' OR 1=1 --", "A" * 4000, "ref_123", "0"):
            await eve.asks(f"/start {token}", says.LINK_USED)


async def test_a_removed_person_keeps_their_codes_and_can_buy_no_more(tmp_path):
    async with playing(tmp_path, settings=PRIVATE) as story:
        owner = await owner_of(story)
        bob = story.person("Bob <b>")
        await bob.asks(f"/start {await invited(story, owner)}", says.HELLO)
        card = await bob.buys()
        people = await owner.asks("/people", "2 people", "Bob <b>", str(bob.id))
        assert not [b for b in people.buttons if "Olga" in b["text"]], "the owner is not to be removed"
        await owner.pushes("Bob", "Remove", "Bob <b>")
        await owner.pushes("Remove", "1 person")
        await bob.asks("whatsapp germany", says.NOT_INVITED)
        story.sms(card.phone, "code 515253")
        await bob.sees("515253", kind="message")


async def test_settings_in_russian_turn_everything_russian(tmp_path):
    async with playing(tmp_path, settings={"TOPUP_TEXT": ""}) as story:
        ada = await story.comes("Ada")
        assert "Get a number" in str(story.telegram.commands(ada.id))
        await ada.asks("/settings", says.SETTINGS)
        settings = await ada.pushes("Русский")
        await ada.sees("Настройки")
        card = await _russian_card(ada)
        story.sms(card.phone, "code 414243")
        await ada.sees("414243", kind="message")
        for words in ("/start", "/help", "/numbers", "/history", "/balance", "/buy", "/rent", "/nonsense", "qqzzxx"):
            _is_russian(await ada.asks(words))
        ada.forge("garbage")
        assert re.search("[а-я]", (await ada.sees(kind="answer")).text)
        menu = story.telegram.commands(ada.id)
        assert all(re.search("[а-я]", command["description"]) for command in menu), menu
        assert settings is not None
        await ada.asks("/settings", "Настройки")
        await ada.pushes("English", "Settings")
        assert "Get a number" in str(story.telegram.commands(ada.id))


async def _russian_card(ada: Person) -> Seen:
    offer = await ada.asks("whatsapp германия", "WhatsApp", "Германия")
    _is_russian(offer)
    data = next(b["callback_data"] for b in offer.buttons if b["callback_data"].startswith("ok:"))
    ada.look_from_now()
    ada.world.press(ada.id, ada.id, offer.message_id, data)
    card = await ada.sees("+49")
    _is_russian(card)
    return card


def _is_russian(seen: Seen) -> None:
    """Cyrillic, and no English word but names, commands and examples."""
    shown = " ".join([seen.text, *(button["text"] for button in seen.buttons)])
    assert re.search("[а-яё]", shown), shown
    for english in (" the ", " you ", " is ", "Menu", "Price", "number", "History", "Help"):
        assert english not in re.sub(r"/\w+", "", shown), (english, shown)


async def test_a_russian_client_is_spoken_to_in_russian_from_the_first_word(tmp_path):
    async with playing(tmp_path) as story:
        anton = story.person("Антон", language="ru")
        _is_russian(await anton.asks("/start", "Антон"))
        menu = story.telegram.commands(anton.id)
        assert all(re.search("[а-я]", command["description"]) for command in menu), menu


async def test_a_language_that_is_not_spoken_falls_back_to_english(tmp_path):
    async with playing(tmp_path) as story:
        for language in ("xx", "", "zh-hans", "pt-br", "../../etc"):
            person = story.person("Li", language=language)
            await person.asks("/start", says.HELLO)


async def test_hidden_codes_stand_behind_a_spoiler_and_are_copied_as_before(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        await ada.asks("/settings", says.SETTINGS)
        await ada.pushes(says.HIDE, says.SETTINGS)
        ada.look_from_now()
        story.sms(card.phone, "Your code is 616263")
        sms = await ada.sees("616263", kind="message")
        hidden = sms.marked("spoiler")
        assert "616263" in hidden
        assert any("Your code is 616263" in part for part in hidden), "the text itself tells the code too"
        assert "616263" not in "".join(_outside(sms, hidden))
        assert sms.copied(says.COPY) == "616263"
        await ada.asks("/settings", says.SETTINGS)
        await ada.pushes("Show codes", says.SETTINGS)
        ada.look_from_now()
        story.sms(card.phone, "Your code is 717273")
        assert (await ada.sees("717273", kind="message")).marked("spoiler") == []


def _outside(sms: Seen, hidden: list[str]) -> str:
    rest = sms.text
    for part in hidden:
        rest = rest.replace(part, "", 1)
    return rest


async def test_an_unknown_command_is_answered_with_a_way_on(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        for words in ("/nonsense", "/", "/BUYY now", "//", "/start@other_bot", "/\u0431", "/" + "x" * 200):
            answer = await ada.asks(words)
            assert answer.buttons, words
        await ada.asks("/BUY", says.WHICH_SERVICE)
        await ada.asks("/help@codepigeon_demo_bot", "How it works")


OLD_BUTTONS = (
    "",
    "x",
    "garbage",
    "buy_number:wa:DE:0.15",
    "ok",
    "ok:",
    "ok:a:b",
    "co:activation",
    "co:nonsense:wa:0",
    "sv:activation:-5",
    "sv:activation:99999999",
    "sv:activation:999999999999999999999999",
    "nu:",
    "nu:1e5",
    "nu:٣",
    "nu:-1",
    "nu:999999999999999999",
    "ca:999",
    "hi:-3",
    "la:xx",
    "la:../../etc/passwd",
    "of:activation:zz:ZZ:0",
    "of:rental:wa:DE:-5",
    "of:activation:" + "w" * 30 + ":DE:0",
    "le:" + "w" * 40 + ":US",
    "le:wa:ZZ",
    "co:rental:" + "w" * 45 + ":0",
    "co:activation:<b>:0",
    "rq:1:0",
    "rm:1:1",
    "m" * 64,
    "\u202e\u0000",
    "+",
    "+nonsense",
    "++m",
    "x" * 5000,
    "le:" + "w" * 5000 + ":US",
)


async def test_old_and_forged_buttons_are_answered_and_change_nothing(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        before = story.rows("SELECT * FROM accounts")
        for data in OLD_BUTTONS:
            ada.forge(data)
            answer = await ada.sees(kind="answer")
            shown = next((one for one in ada.since() if one.text), answer)
            said = shown.text or ada.chat()[-1].text  # twice the same refusal is no edit
            assert says.WENT_WRONG not in said, data
            assert said, data
        assert story.rows("SELECT * FROM accounts") == before
        assert story.rows("SELECT * FROM numbers") == []


async def test_a_press_on_a_message_that_is_gone_is_answered_anew(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        offer = await ada.asks("whatsapp germany", says.PRICE)
        data = offer.button(says.CONFIRM)["callback_data"]
        story.telegram.remove(story.telegram.chat(ada.id), [offer.message_id])
        ada.forge(data, offer.message_id)
        card = await ada.sees(says.WAITING)
        assert card.message_id > offer.message_id
        story.sms(card.phone, "code 123987")
        await ada.sees("123987", kind="message")


async def test_a_card_that_its_person_deleted_is_shown_anew(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        story.telegram.remove(story.telegram.chat(ada.id), [card.message_id])
        ada.look_from_now()
        story.sms(card.phone, "code 321654")
        new = await ada.sees(says.SMS_HERE, kind="message")
        assert new.message_id > card.message_id
        await ada.sees("321654", "#1-1", kind="message")
        await ada.pushes(says.FINISH, says.FINISHED)
        done = await ada.sees(says.FINISHED, kind="edit")
        assert done.message_id == new.message_id


async def test_in_a_group_the_bot_only_points_to_the_private_chat(tmp_path):
    async with playing(tmp_path) as story:
        ada, bob = await story.comes("Ada"), await story.comes("Bob")
        group = story.telegram.add_group("Team", [ada.id, bob.id])
        for words in ("/buy whatsapp germany", "/numbers", "/balance", "/start", "/help"):
            before = len(_said_in(story, group))
            ada.say(f"{words}@codepigeon_demo_bot" if " " not in words else words, group)
            await _until_said(story, group, before + 1)
        assert all(says.OUR_OWN_CHAT in text and "https://t.me/codepigeon_demo_bot" in text
                   for text in _said_in(story, group))  # fmt: skip
        assert not story.rows("SELECT * FROM quotes")


def _said_in(story: Story, chat_id: int) -> list[str]:
    return [m.get("text", "") for m in story.telegram.messages(chat_id) if m["from"]["is_bot"] and "text" in m]


async def _until_said(story: Story, chat_id: int, number: int) -> None:
    await until(lambda: len(_said_in(story, chat_id)) >= number, why=lambda: f"{_said_in(story, chat_id)}")


async def test_without_a_provider_nothing_is_sold_and_owner_and_others_are_told_differently(tmp_path):
    nothing = {
        f"PROVIDERS__SANDBOX__{option}": "" for option in ("KIND", "URL", "WEBHOOK_SECRET", "WEBHOOK_SIGNING_SECRET")
    }
    async with playing(tmp_path, settings=nothing) as story:
        owner = await story.comes("Olga", user_id=OWNER_ID)
        ada = await story.comes("Ada")
        menu = await ada.asks("/start", says.NOT_SET_UP)
        assert not [button for button in menu.buttons if says.GET in button["text"]]
        for words in ("/buy", "/buy whatsapp germany", "whatsapp germany", "whatsapp", "germany", "/rent"):
            told = await owner.asks(words, "PROVIDERS__")
            assert told.buttons
            told = await ada.asks(words, says.OWNER_HAS_TO)
            assert "PROVIDERS__" not in told.text
            assert told.buttons
