"""Two users: one never sees, presses or receives anything of the other's."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from bot.domain.codes import extract
from bot.services.corrections import mark_of
from handlers import buttons as b
from handlers import buttons_keys as bk
from handlers import buttons_webhooks as bw
from handlers import face
from tests.support import says
from tests.support.stories import Person, Story, playing

API = {"API": "on", "WEBHOOK_ALLOW": "127.0.0.1"}
HOOK = "http://127.0.0.1:9/adas-own"
CODE, TEXT, SENDER = "753159", "Ada's very own message 753159", "AdasBank"


@dataclass(frozen=True)
class Owned:
    """What Ada has: an activation with an SMS, a rental, and two promised prices."""

    number: int
    rental: int
    quote: str
    renewal_quote: str
    ada: int
    key: int = 1
    """Of the API."""
    mark: str = ""
    webhook: int = 1
    delivery: int = 1


def presses(own: Owned) -> dict[type[b.Button], list[b.Button]]:
    """Every kind of button, with the owner's ids where it has any."""
    return {
        b.Menu: [b.Menu()],
        b.Help: [b.Help()],
        b.Nothing: [b.Nothing()],
        b.Services: [b.Services("activation")],
        b.Countries: [b.Countries("activation", "wa")],
        b.Lengths: [b.Lengths("wa", "DE")],
        b.ShowOffer: [b.ShowOffer("activation", "wa", "DE")],
        b.Confirm: [b.Confirm(own.quote), b.Confirm(own.renewal_quote)],
        b.AnotherCode: [b.AnotherCode(own.number)],
        b.Finish: [b.Finish(own.number), b.Finish(own.rental)],
        b.Cancel: [b.Cancel(own.number), b.Cancel(own.rental)],
        b.Renew: [b.Renew(own.rental)],
        b.RenewFor: [b.RenewFor(own.rental, 24)],
        b.ConfirmRenewal: [b.ConfirmRenewal(own.renewal_quote), b.ConfirmRenewal(own.quote)],
        b.SameNumber: [b.SameNumber(own.number), b.SameNumber(own.rental)],
        b.Release: [b.Release(own.rental), b.Release(own.rental, True), b.Release(own.number, True)],
        b.ShowNumber: [b.ShowNumber(own.number), b.ShowNumber(own.rental)],
        b.ShowMessages: [b.ShowMessages(own.number)],
        b.MyNumbers: [b.MyNumbers()],
        b.History: [b.History(), b.History(own.rental + 1)],
        b.Balance: [b.Balance()],
        b.Settings: [b.Settings()],
        b.SetLanguage: [b.SetLanguage("ru"), b.SetLanguage("en")],
        b.SetHideCodes: [b.SetHideCodes(True), b.SetHideCodes(False)],
        b.Invite: [b.Invite()],
        b.People: [b.People()],
        b.RemovePerson: [b.RemovePerson(own.ada), b.RemovePerson(own.ada, True)],
        b.Providers: [b.Providers(), b.Providers(True)],
        b.NotTheCode: [b.NotTheCode(1)],
        b.PickCode: [b.PickCode(1, ""), b.PickCode(1, own.mark)],
        b.ShowSms: [b.ShowSms(1)],
        bk.ApiKeys: [bk.ApiKeys()],
        bk.NewKey: [bk.NewKey("read"), bk.NewKey("root")],
        bk.ShowKey: [bk.ShowKey(own.key)],
        bk.RevokeKey: [bk.RevokeKey(own.key), bk.RevokeKey(own.key, True)],
        bw.Webhooks: [bw.Webhooks()],
        bw.ShowWebhook: [bw.ShowWebhook(own.webhook)],
        bw.SetTopic: [bw.SetTopic(own.webhook, "sms.received", False), bw.SetTopic(own.webhook, "sms.received", True)],
        bw.TestWebhook: [bw.TestWebhook(own.webhook)],
        bw.SwitchWebhook: [bw.SwitchWebhook(own.webhook, False), bw.SwitchWebhook(own.webhook, True)],
        bw.NewSecret: [bw.NewSecret(own.webhook), bw.NewSecret(own.webhook, True)],
        bw.RemoveWebhook: [bw.RemoveWebhook(own.webhook), bw.RemoveWebhook(own.webhook, True)],
        bw.Deliveries: [bw.Deliveries(own.webhook), bw.Deliveries(own.webhook, 5)],
        bw.SendAgain: [bw.SendAgain(own.delivery)],
        bw.SendFailedAgain: [bw.SendFailedAgain(own.webhook)],
    }


REFUSED = (
    b.Confirm,
    b.AnotherCode,
    b.Finish,
    b.Cancel,
    b.Renew,
    b.RenewFor,
    b.ConfirmRenewal,
    b.SameNumber,
    b.Release,
    b.ShowNumber,
    b.ShowMessages,
    b.Invite,
    b.People,
    b.RemovePerson,
    b.Providers,
    b.NotTheCode,
    b.PickCode,
    b.ShowSms,
    bk.ShowKey,
    bk.RevokeKey,
    bw.ShowWebhook,
    bw.SetTopic,
    bw.TestWebhook,
    bw.SwitchWebhook,
    bw.NewSecret,
    bw.RemoveWebhook,
    bw.Deliveries,
    bw.SendAgain,
    bw.SendFailedAgain,
)
"""The rest shows the stranger their own page."""
REFUSALS = (says.NOT_FOUND, says.PRICE_EXPIRED, says.ADMINS_ONLY)

COMMANDS = {
    "start": ["/start", "/start {quote}"],
    "menu": ["/menu"],
    "buy": ["/buy", "/buy whatsapp germany"],
    "rent": ["/rent"],
    "numbers": ["/numbers", "/numbers {number}"],
    "history": ["/history"],
    "balance": ["/balance", "/balance {ada}"],
    "settings": ["/settings"],
    "help": ["/help"],
    "invite": ["/invite"],
    "people": ["/people"],
    "providers": ["/providers"],
    "credit": ["/credit {ada} -5 mine", "/credit {ada} 5 yours"],
    "apikey": ["/apikey", "/apikey 1", "/apikey 1 mine now", "/apikey full", "/apikey read"],
    "webhooks": ["/webhooks", "/webhooks 1", "/webhooks http://127.0.0.1:9/mine"],
}


class _Anything:
    """Has every attribute, so that a table of handlers can be built without any."""

    def __getattr__(self, name: str) -> Any:
        return self


def test_every_button_and_every_command_is_in_the_tables():
    own = Owned(1, 2, "q", "r", 3)
    assert set(presses(own)) == set(b._kinds.values())
    anything: Any = _Anything()
    key_presses, key_commands = face._about_keys(anything)
    hook_presses, hook_commands = face._about_webhooks(anything, anything)
    assert set(COMMANDS) == {*face._commands(anything, anything, anything, anything), *key_commands, *hook_commands}
    assert set(presses(own)) == {
        *face._presses(anything, anything, anything, anything, anything),
        *key_presses,
        *hook_presses,
    }


async def _belongings(story: Story, ada: Person) -> Owned:
    await ada.asks(f"/webhooks {HOOK}", "signed with this secret")
    card = await ada.buys()
    story.sms(card.phone, TEXT, SENDER)
    await ada.sees(CODE, kind="message")
    ada.forge("of:rental:wa:DE:24")
    await ada.sees(says.PRICE)
    await ada.pushes(says.CONFIRM, says.YOURS)
    ada.forge("rq:2:24")
    renewal = await ada.sees("more for")
    quote = await ada.asks("telegram germany", says.PRICE)
    await ada.asks(f"/apikey full {SENDER}", says.KEY_ONCE)
    await story.settled()
    return Owned(
        number=1,
        rental=2,
        quote=quote.button(says.CONFIRM)["callback_data"].removeprefix("ok:"),
        renewal_quote=renewal.button(says.CONFIRM)["callback_data"].removeprefix("rk:"),
        ada=ada.id,
        mark=mark_of(extract(TEXT, SENDER)),
    )


def _state_of(story: Story, ada: Person) -> list[Any]:
    return [
        story.rows("SELECT id, user_id, state, reason, sms_count, price, expires_at, card_message_id FROM numbers"),
        story.rows("SELECT id, text, code, link FROM sms"),
        story.rows("SELECT id, amount FROM transfers"),
        story.rows("SELECT id FROM renewals"),
        story.rows("SELECT id, name, revoked_at FROM api_keys WHERE user_id = ?", ada.id),
        story.rows("SELECT id, url, topics, secret, off FROM webhooks WHERE user_id = ?", ada.id),
        story.rows("SELECT id FROM webhook_deliveries d WHERE webhook_id = 1"),
        story.rows("SELECT balance FROM accounts WHERE user_id = ?", ada.id),
        story.rows("SELECT role, chosen_language, hide_codes FROM users WHERE id = ?", ada.id),
        story.sold(),
        [(one.message_id, one.text) for one in ada.chat()],
    ]


def _check_that_nothing_leaked(story: Story, eve: Person) -> None:
    phones = [record["phone"] for record in story.sold()]
    shown = " ".join([one.text + str(one.message.get("reply_markup", "")) for one in eve.log()])
    digits = "".join(character for character in shown if character.isdigit() or character == "+")
    for secret in (CODE, TEXT, SENDER, "adas-own"):
        assert secret not in shown
    assert not [phone for phone in phones if phone in digits or phone in shown]


@pytest.mark.parametrize("where", ["in their own chat", "in the owner's chat"])
async def test_a_stranger_gets_nowhere_with_the_owners_buttons(tmp_path, where):
    async with playing(tmp_path, settings=API) as story:
        ada, eve = await story.comes("Ada", money=100), await story.comes("Eve", money=100)
        own = await _belongings(story, ada)
        before = _state_of(story, ada)
        for kind, buttons in presses(own).items():
            for pressed in buttons:
                eve.forge(pressed.pack(), chat_id=ada.id if where == "in the owner's chat" else None)
                await eve.sees(kind="answer")
                if kind in REFUSED:
                    await eve.sees_any(REFUSALS)
                assert _state_of(story, ada) == before, pressed
        await asyncio.sleep(0.2)
        assert _state_of(story, ada) == before
        _check_that_nothing_leaked(story, eve)


async def test_a_stranger_gets_nowhere_with_any_command(tmp_path):
    async with playing(tmp_path, settings=API) as story:
        ada, eve = await story.comes("Ada", money=100), await story.comes("Eve", money=100)
        own = await _belongings(story, ada)
        before = _state_of(story, ada)
        for lines in COMMANDS.values():
            for line in lines:
                await eve.asks(line.format(quote=own.quote, number=own.number, ada=own.ada))
                assert _state_of(story, ada) == before, line
        _check_that_nothing_leaked(story, eve)


async def test_what_is_the_owners_reaches_the_owner_alone(tmp_path):
    async with playing(tmp_path, settings=API) as story:
        ada, eve = await story.comes("Ada", money=100), await story.comes("Eve", money=100)
        await _belongings(story, ada)
        cards = [await person.buys("instagram poland") for person in (ada, eve)]
        eve.look_from_now()
        for card, code in zip(cards, ("111999", "222888"), strict=True):
            story.sms(card.phone, f"code {code}")
        await eve.sees("222888", kind="message")
        await ada.sees("111999", kind="message")
        await story.settled()
        assert not [one for one in eve.log() if "111999" in one.text]
        assert not [one for one in ada.log() if "222888" in one.text]
        sent = story.sent() + story.sent("editMessageText")
        assert not [p for p in sent if p["chat_id"] == eve.id and (CODE in str(p) or cards[0].phone in str(p))]
