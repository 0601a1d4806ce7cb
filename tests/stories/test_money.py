"""Balances, limits, and what is said when a purchase cannot be."""

from bot.domain.time import MINUTE
from tests.support import says
from tests.support.stories import OWNER_ID, playing


async def test_too_little_money_says_how_much_is_missing_and_how_to_top_up(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes(money=0)
        await ada.asks("whatsapp germany", says.PRICE)
        refused = await ada.pushes(says.CONFIRM, says.SHORT_OF_MONEY)
        assert says.TOP_UP in refused.text
        assert "Send money to the <owner>" in refused.text
        assert refused.button(says.BALANCE)
        assert "$" in refused.text
        assert story.sold() == []
        assert story.rows("SELECT id FROM numbers") == []


async def test_the_statement_shows_where_the_money_went(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes(money=10)
        owner = await story.comes("Olga", user_id=OWNER_ID, money=0)
        await owner.asks(f"/credit {ada.id} 2.50 for your <help>", says.CREDITED, "12.50")
        await ada.buys()
        held = await ada.asks("/balance", "Your balance")
        assert "Set aside" in held.text
        assert "purchase" in held.text
        await ada.pushes(says.CANCEL, says.CANCELLING)
        await ada.sees(says.BACK_ON_BALANCE, kind="message")
        after = await ada.asks("/balance", "$12.50")
        assert "for your <help>" in after.text
        assert "returned" in after.text
        assert "Set aside" not in after.text


UNREADABLE = (
    "",
    "1002",
    "1002 5",
    "Ada 5 gift",
    "1002 much gift",
    "1002 0 gift",
    "1002 1e400 gift",
    "1002 nan gift",
    "1002 99999999999999 gift",
    "1002 0.00001 gift",
    "² 5 gift",
    "99999999999999999999 5 gift",
    "-5 5 gift",
    "1002 -- gift",
)


async def test_a_credit_that_cannot_be_read_changes_nothing(tmp_path):
    async with playing(tmp_path) as story:
        owner = await story.comes("Olga", user_id=OWNER_ID, money=0)
        await story.comes("Ada", user_id=1002, money=0)
        for words in UNREADABLE:
            refused = await owner.asks(f"/credit {words}")
            assert says.CANT_READ in refused.text or says.NOT_FOUND in refused.text, (words, refused.text)
            assert refused.buttons
        assert story.rows("SELECT * FROM transfers") == []


async def test_a_credit_below_zero_takes_money_but_never_more_than_there_is(tmp_path):
    async with playing(tmp_path) as story:
        owner = await story.comes("Olga", user_id=OWNER_ID, money=0)
        ada = await story.comes(money=5)
        await owner.asks(f"/credit {ada.id} -2 mistake", says.CREDITED, "3.00")
        await owner.asks(f"/credit {ada.id} -20 mistake", "short")
        assert story.balance(ada) == 3
        await ada.asks(f"/credit {ada.id} 100 me", says.ADMINS_ONLY)
        await owner.asks("/credit 424242 5 nobody", says.NOT_FOUND)
        assert story.balance(ada) == 3


async def test_each_limit_is_refused_with_its_sentence(tmp_path):
    limits = {"LIMIT_ACTIVE_NUMBERS": "3", "LIMIT_PURCHASES_PER_MINUTE": "2", "LIMIT_PURCHASES_PER_DAY": "4"}
    async with playing(tmp_path, settings=limits) as story:
        ada = await story.comes(money=100)

        async def refused(why: str, number: int) -> None:
            await ada.asks("whatsapp germany", says.PRICE)
            screen = await ada.pushes(says.CONFIRM, why)
            assert str(number) in screen.text
            assert screen.buttons

        await ada.buys()
        await ada.buys()
        await refused(says.LIMIT_MINUTE, 2)
        story.clock.advance(MINUTE)
        await ada.buys()
        await refused(says.LIMIT_OPEN, 3)
        await ada.pushes(says.CANCEL, says.CANCELLING)
        await ada.sees(says.BACK_ON_BALANCE, kind="message")
        story.clock.advance(MINUTE)
        await ada.buys()
        story.clock.advance(MINUTE)
        await ada.pushes(says.CANCEL, says.CANCELLING)
        await ada.sees(says.BACK_ON_BALANCE, kind="message")
        await refused(says.LIMIT_DAY, 4)


async def test_with_billing_off_prices_are_shown_and_nothing_is_held(tmp_path):
    async with playing(tmp_path, settings={"BILLING": "off"}) as story:
        ada = await story.comes()
        menu = await ada.asks("/start", says.HELLO)
        assert not [button for button in menu.buttons if says.BALANCE in button["text"]]
        offer = await ada.asks("whatsapp germany", says.PRICE)
        assert "balance" not in offer.text.lower()
        await ada.pushes(says.CONFIRM, says.WAITING)
        await ada.asks("/balance", says.NOTHING_IS_CHARGED)
        assert story.rows("SELECT * FROM transfers") == []
        await ada.pushes(says.CANCEL, says.CANCELLING)
        await ada.sees(says.NOTHING_CHARGED, kind="message")
        await ada.asks("/credit 1 1 x", says.ADMINS_ONLY)
        assert "balance" not in {command["command"] for command in story.telegram.commands(ada.id)}


async def test_a_price_that_lapsed_is_not_bought(tmp_path):
    async with playing(tmp_path) as story:
        ada = await story.comes()
        await ada.asks("whatsapp germany", says.PRICE)
        story.clock.advance(11 * MINUTE)
        await ada.pushes(says.CONFIRM, says.PRICE_EXPIRED)
        assert story.sold() == []
