"""Short messages about what happened while nobody was looking: to a number, a webhook, or what the admins see to."""

from bot.services.delivery import Letter, Undeliverable
from bot.texts import Words
from bot.texts import mark as _
from handlers import buttons as b
from handlers import views_upkeep
from handlers.screens import Screen, key
from handlers.views_number import NumberViews
from handlers.views_supply import SupplyViews
from handlers.views_webhooks import WebhookViews

NOTICES = {
    "cancelled": _("↩️ {title}: cancelled. {money}"),
    "provider_cancelled": _("↩️ {title}: the provider took the number back. {money}"),
    "expired_no_code": _("⌛ {title}: no SMS came in time. {money}"),
    "no_answer": _("⌛ {title}: closed without a final word from the provider. {money}"),
    "cancel_refused": _("✋ {title}: not cancelled, because an SMS had already come. The number is still yours."),
    "renewed": _("⏩ {title}: renewed. It now ends {moment}."),
    "not_renewed": _("❌ {title}: the provider didn't renew it. Nothing was charged."),
}


def notice(t: Words, views: NumberViews, supply: SupplyViews, webhooks: WebhookViews, letter: Letter) -> Screen:
    """Raises Undeliverable for a notice of another version."""
    if webhooks.knows(letter.owed.name):
        return webhooks.notice(t, letter)
    if supply.knows(letter.owed.name):
        return supply.notice(t, letter)
    if views_upkeep.knows(letter.owed.name):
        return views_upkeep.notice(t, letter)
    if letter.view is None or letter.owed.notice not in NOTICES:
        raise Undeliverable(f"no words for the notice {letter.owed.notice!r}")
    number = letter.view.number
    text = t(
        NOTICES[letter.owed.notice],
        title=views.title(t, number),
        money=views.money_back(t, number),
        moment=t.moment(number.expires_at or 0, letter.owed.created_at),
    )
    again = key(t("🔄 Same again"), b.ShowOffer(number.kind, number.service, number.country, number.hours), fresh=True)
    here, menu = views.way_on(t, number)
    return Screen(text, ((here if number.is_open else again, menu),))
