"""Why something did not happen, as a sentence: every stable reason of bot.domain.errors and of a number's events."""

from bot.texts import Html, Words
from bot.texts import mark as _

NOT_SOLD = {
    "no_numbers": _("No such numbers are available right now."),
    "price_risen": _("The price went up just before the purchase."),
    "provider_funds": _("The bot's own account at the provider is empty; the bot's owner has to top it up."),
    "bad_key": _("The provider doesn't accept the bot's key; the bot's owner has to fix it."),
    "bad_request": _("The provider doesn't sell this any more."),
    "throttled": _("The provider is busy."),
    "denied": _("The provider doesn't give out this number any more."),
    "gone": _("The provider doesn't give out this number any more."),
}
OTHERWISE = _("The provider didn't answer properly.")


def why_not_sold(t: Words, reason: str) -> Html:
    return t(NOT_SOLD.get(reason, OTHERWISE))
