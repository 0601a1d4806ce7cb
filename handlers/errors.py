"""Every refusal as a sentence in the person's language, with the next step under it."""

from bot.domain import errors as e
from bot.texts import Html, Words
from bot.texts import mark as _
from handlers import buttons as b
from handlers import buttons_webhooks as bw
from handlers.deps import House
from handlers.reasons import why_not_sold
from handlers.screens import Key, Screen, key
from storage.db import StorageDown

PLAIN: dict[type[Exception], str] = {
    e.NotInvited: _("🔒 This bot is private. Ask its owner for an invitation link and open it."),
    e.NotAllowed: _("🔒 Only admins can do that."),
    e.LinkUsed: _("🔒 This link has already been used or has expired. Ask for a new one."),
    e.NotFound: _("🔎 I can't find that: it may be gone, or not yours. Nothing was changed."),
    e.QuoteGone: _("⌛ This price has expired. Nothing was charged. Choose again to see the current one."),
    e.OldButton: _("⌛ This button is out of date and no longer works. Please start from the menu."),
    e.WrongState: _("✋ That isn't possible with this number now. Nothing was changed; its card shows what is."),
    e.BadAmount: _(
        "✏️ I can't read that. Write the person's ID, an amount and a reason: <code>/credit 1234567 5.00 thanks</code>"
    ),
    e.NoOffer: _("😔 No numbers for this right now. Try another country, or come back later."),
    e.NotAgain: _("😔 The provider doesn't give out this number any more. Nothing was charged. Try a new one."),
    e.NothingToSell: _("🔧 Nothing is on sale here yet: the bot's owner has to connect a provider first."),
    e.WebhookOff: _("⏸ This webhook is switched off. Nothing was sent. Switch it on first."),
    e.Denied: _("✋ The provider refused: an SMS has already come, or the number is closed. Nothing was changed."),
    e.Gone: _("📡 The provider no longer knows this number. It will close by itself; its card will show how it ended."),
    e.Throttled: _("📡 The provider is busy. Nothing was changed. Please try again in a minute."),
}
ADDRESSES = {
    "no_url": _(
        "✏️ That's no address I can send to. Write it whole, with a name in it: "
        "<code>/webhooks https://example.org/hook</code>"
    ),
    "not_reachable": _("🔎 This address leads nowhere I may send to: it has to be a public one."),
    "not_secure": _("🔒 Codes are sent over https:// only."),
}
LIMITS = {
    "webhooks": _("✋ You have {n} webhooks already, and more are not allowed. Remove one first."),
    "webhook_tests": _("✋ {n} tests a minute are enough. Wait a moment and try again."),
    "active_numbers": _("✋ Limit of open numbers reached: {n}. Nothing was charged. Finish or cancel one first."),
    "purchases_per_minute": _("✋ Limit per minute reached: {n}. Nothing was charged. Wait a moment and try again."),
    "api_keys": _("✋ You have {n} keys already, and more are not allowed. Revoke one first."),
    "purchases_per_day": _("✋ Limit per day reached: {n}. Nothing was charged. Come back tomorrow."),
}
UNSAVED = _(
    "🔧 I can't save anything right now. Nothing was charged, your numbers and your money are safe, and codes "
    "that come "
    "meanwhile will arrive later. Please try again in a few minutes."
)
UNEXPECTED = _("⚠️ Something went wrong on my side. Your numbers and your money are safe. Please try again.")


class Explainer:
    def __init__(self, house: House) -> None:
        self._house = house

    def screen(self, t: Words, error: Exception) -> Screen:
        """What went wrong, and buttons that lead on."""
        return Screen(self.text(t, error), (self._ways_on(t, error),))

    def text(self, t: Words, error: Exception) -> Html:
        if isinstance(error, e.TooLittleMoney):
            return self._too_little_money(t, error)
        if isinstance(error, e.LimitReached):
            return t(LIMITS[error.limit], n=error.allowed)
        if isinstance(error, e.AddressRefused):
            return t(ADDRESSES[error.reason])
        if isinstance(error, StorageDown):
            return t(UNSAVED)
        for kind, sentence in PLAIN.items():
            if isinstance(error, kind):
                return t(sentence)
        if isinstance(error, e.ProviderError):
            return t("📡 {why} Nothing was charged. Please try again later.", why=why_not_sold(t, error.reason))
        return t(UNEXPECTED)

    def _too_little_money(self, t: Words, error: e.TooLittleMoney) -> Html:
        text = t("💳 The balance is {amount} short. Nothing was charged.", amount=self._house.money(t, error.missing))
        if self._house.topup_text:
            return text + Html("\n") + t("<b>How to top up</b>: {how}", how=self._house.topup_text)
        return text + Html("\n") + t("Ask the bot's owner for a top-up.")

    def _ways_on(self, t: Words, error: Exception) -> tuple[Key, ...]:
        menu = key(t("🏠 Menu"), b.Menu())
        if isinstance(error, e.TooLittleMoney):
            return (key(t("💳 Balance"), b.Balance()), menu)
        if isinstance(error, e.AddressRefused | e.WebhookOff) or _is_about_webhooks(error):
            return (key(t("🪝 Webhooks"), bw.Webhooks()), menu)
        if isinstance(error, e.LimitReached | e.NotFound | e.WrongState):
            return (key(t("🗂 My numbers"), b.MyNumbers()), menu)
        if isinstance(error, e.BadAmount):
            return (key(t("👥 People"), b.People()), menu)
        if isinstance(error, e.NotAllowed | e.NothingToSell | e.LinkUsed):
            return (menu,)
        return (key(t("📱 Get a number"), b.Services("activation")), menu)


def _is_about_webhooks(error: Exception) -> bool:
    return isinstance(error, e.LimitReached) and error.limit.startswith("webhook")
