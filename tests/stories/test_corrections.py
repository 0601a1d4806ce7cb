"""'Not the code?', and what is to be opened instead of typed."""

import pytest

from handlers import buttons as b
from handlers.views_sms import host_of
from tests.support import says
from tests.support.stories import OWNER_ID, playing, until

TWO = "Use 884422 to log in. Your ticket is 117733."
LINK = "https://acme.example.com/verify?t=abc12345"


async def _brought(story, person, card, text):
    person.look_from_now()
    story.sms(card.phone, text)
    return await person.sees(text, kind="message")


@pytest.fixture
async def scene(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        card = await ada.buys()
        yield story, ada, card


def _counted(story):
    return {(row["service"], row["verdict"]): row["many"] for row in story.rows("SELECT * FROM corrections")}


async def test_another_code_is_picked_in_the_message_itself_and_counted_once(scene):
    story, ada, card = scene
    sms = await _brought(story, ada, card, TWO)
    assert sms.copied(says.COPY) == "884422"
    asked = await ada.pushes(says.NOT_THE_CODE, TWO)
    assert asked.message_id == sms.message_id
    assert not [one for one in asked.buttons if "884422" in one["text"]], "that one is shown already"
    picked = await ada.pushes("117733", TWO)
    assert picked.message_id == sms.message_id
    assert picked.copied(says.COPY) == "117733"
    assert "117733" in picked.marked("code")
    await until(lambda: any("117733" in str(one.message.get("reply_markup")) for one in ada.chat()[:-1]))  # the card
    await ada.pushes(says.NOT_THE_CODE, TWO)
    again = await ada.pushes("884422", TWO)
    assert again.copied(says.COPY) == "884422"
    assert _counted(story) == {("wa", "another"): 1}


async def test_who_only_looked_goes_back_and_nothing_has_changed(scene):
    story, ada, card = scene
    sms = await _brought(story, ada, card, TWO)
    await ada.pushes(says.NOT_THE_CODE, TWO)
    back = await ada.pushes(says.BACK, TWO)
    assert (back.text, back.buttons) == (sms.text, sms.buttons)
    assert _counted(story) == {}


async def test_there_may_be_no_code_at_all(scene):
    story, ada, card = scene
    await _brought(story, ada, card, TWO)
    await ada.pushes(says.NOT_THE_CODE, TWO)
    none = await ada.pushes(says.NO_CODE_IN_IT, TWO)
    assert not [one for one in none.buttons if "copy_text" in one]
    assert none.marked("code") == []
    assert none.button(says.WHERE_IS_IT)
    assert _counted(story) == {("wa", "none"): 1}
    assert story.rows("SELECT code FROM sms") == [{"code": None}]


async def test_where_nothing_looks_like_a_code_that_is_said(scene):
    story, ada, card = scene
    await _brought(story, ada, card, "Welcome! We are glad that you are here.")
    await ada.press(says.WHERE_IS_IT)
    await ada.sees("nothing in this SMS", kind="answer")
    assert _counted(story) == {}


async def test_an_address_to_confirm_is_opened_by_a_button_with_its_host(scene):
    story, ada, card = scene
    sms = await _brought(story, ada, card, f"Confirm your email address: {LINK}")
    opened = sms.button(says.OPEN)
    assert (opened["text"], opened["url"]) == ("🔗 Open acme.example.com", LINK)
    assert story.rows("SELECT code, link FROM sms") == [{"code": None, "link": LINK}]


async def test_an_sms_whose_address_telegram_refuses_comes_without_the_button(scene):
    story, ada, card = scene
    story.telegram.faults.add("sendMessage", "400", times=1, chat_id=ada.id)
    sms = await _brought(story, ada, card, f"Confirm your email address: {LINK}")
    assert not [one for one in sms.buttons if "url" in one]
    assert sms.button(says.WHERE_IS_IT)
    await story.settled()
    assert [row["state"] for row in story.rows("SELECT state FROM outbox WHERE kind = 'sms'")] == ["sent"]


async def test_a_button_of_another_version_is_answered(scene):
    story, ada, card = scene
    await _brought(story, ada, card, TWO)
    ada.forge(b.PickCode(1, "zzzz").pack())
    await ada.sees(says.OLD_BUTTON)
    assert _counted(story) == {}
    assert story.rows("SELECT code FROM sms") == [{"code": "884422"}]


async def test_an_sms_whose_text_is_not_kept_any_more_has_nothing_to_pick(scene):
    story, ada, card = scene
    await _brought(story, ada, card, TWO)
    async with story.app._db.transaction() as tx:
        await tx.all("UPDATE sms SET text = '', code = NULL")
    await ada.press(says.NOT_THE_CODE)
    await ada.sees(says.NOT_FOUND)


async def test_admins_see_for_which_services_codes_were_set_right(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes("Ada", user_id=OWNER_ID)
        card = await ada.buys()
        await _brought(story, ada, card, TWO)
        await ada.pushes(says.NOT_THE_CODE, TWO)
        await ada.pushes("117733", TWO)
        await ada.asks("/providers", "Codes set right by people (to another code / to none): WhatsApp 1 / 0")


@pytest.mark.parametrize(
    ("address", "host"),
    [
        (LINK, "acme.example.com"),
        ("HTTP://Example.COM:8080/x?y#z", "example.com"),
        ("https://xn--e1afmkfd.example/a", "xn--e1afmkfd.example"),
        ("https://bank.example@evil.example/a", None),
        ("https://bank.example\\@evil.example/a", None),
        ("https://раypal.example/a", None),
        ("https://127.0.0.1/a", None),
        ("https://localhost/a", None),
        ("https://a..b/c", None),
        ("https://example.com:99999/", None),
        ("https://[::1]/a", None),
        ("javascript:alert(1)", None),
        ("tg://resolve?domain=x", None),
        ("https://example.com/a b", None),
        ("https://example.com/" + "a" * 2000, None),
    ],
)
def test_only_a_plain_address_gets_a_button(address, host):
    assert host_of(address) == host
