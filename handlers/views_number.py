"""How a number and its SMS look."""

from bot.domain.numbers import Kind, Number, State
from bot.domain.people import User
from bot.domain.sms import Sms
from bot.domain.time import Ms
from bot.services.numbers import View
from bot.texts import Html, Words, foreign, split, visible_length
from bot.texts import mark as _
from handlers import buttons as b
from handlers.deps import House
from handlers.names import Named, service_name
from handlers.reasons import why_not_sold
from handlers.screens import DANGER, SUCCESS, Key, Rows, Screen, copy_key, key

LONGEST = 4096

_STANDING = {
    State.BUYING: _("⏳ Getting your number…"),
    State.COMPLETED: _("☑️ Finished."),
    State.CANCELLED: _("↩️ Cancelled. {money}"),
    State.EXPIRED: _("⌛ No SMS came in time. {money}"),
}

_LATE = _("⌛ Closed before the SMS came; the SMS is yours all the same. {money}")


class NumberViews:
    """`catalogue` names the services."""

    def __init__(self, catalogue: Named, house: House) -> None:
        self._catalogue = catalogue
        self._house = house

    def title(self, t: Words, number: Number) -> Html:
        """'WhatsApp · 🇩🇪 Germany'."""
        return t(
            "<b>{service}</b> · {flag} {country}",
            service=service_name(t, self._catalogue, number.service),
            flag=t.flag(number.country),
            country=t.country(number.country),
        )

    def heading(self, t: Words, number: Number) -> Html:
        """The title, and the number below it once there is one."""
        title = self.title(t, number)
        return title + Html("\n") + t.phone(number.phone) if number.phone else title

    def way_on(self, t: Words, number: Number) -> tuple[Key, ...]:
        """Below what is said about a number: to its card, and to the menu."""
        return (key(t("📱 This number"), b.ShowNumber(number.id), fresh=True), key(t("🏠 Menu"), b.Menu(), fresh=True))

    def card(self, t: Words, user: User, view: View, now: Ms) -> Screen:
        """The live card: what the number is, how it stands, and what can be done with it now."""
        number = view.number
        lines = [self.title(t, number)]
        if number.phone:
            lines.append(Html("<code>") + number.phone + Html("</code>"))
        lines += [Html(""), self._standing(t, view, now)]
        if view.code:
            lines.append(t("Latest code: {code}", code=_code(view.code, hidden=user.hide_codes)))
        if number.state is State.ACTIVE and number.expires_at:
            lines.append(t("Ends {moment}", moment=t.moment(number.expires_at, now)))
        if price := self._price(t, number):
            lines.append(price)
        if self._house.many_providers and number.state is not State.FAILED:
            lines.append(t("Provider: {name}", name=number.provider))
        if number.test and number.phone:
            lines.append(t("<i>Test number: no real phone behind it.</i>"))
        return Screen(Html("\n").join(lines), self._card_rows(t, user, view))

    def moved(self, t: Words, number: Number) -> Screen:
        """What is left of a card that was shown anew further down."""
        return Screen(self.title(t, number) + Html("\n") + t("⬇️ Its card is further down."))

    def _standing(self, t: Words, view: View, now: Ms) -> Html:
        number = view.number
        if number.state is State.BUYING and number.attempt > 1:
            return t("⏳ The provider before had none. Asking {provider} now…", provider=number.provider)
        if number.state is State.BUYING and number.check_attempts:
            return t(
                "⏳ The provider has not said yet whether the number is yours. It is asked again and again: either the "
                "number shows here, or nothing is charged."
            )
        if number.state is State.ACTIVE:
            return t(_waiting(number))
        if number.state is State.CANCELLING:
            return self._cancelling(t, number, now)
        if number.state is State.FAILED:
            return t("❌ {why} Nothing was charged.", why=why_not_sold(t, number.reason))
        late = number.sms_count > 0 and number.state in (State.CANCELLED, State.EXPIRED)
        return t(_LATE if late else _STANDING[number.state], money=self.money_back(t, number))

    def _cancelling(self, t: Words, number: Number, now: Ms) -> Html:
        if number.cancel_from and number.cancel_from > now and not number.cancel_sent:
            moment = t.moment(number.cancel_from, now)
            return t("⏳ Will be cancelled {moment}: the provider doesn't allow it sooner.", moment=moment)
        return t("⏳ Cancelling: waiting for the provider to confirm.")

    def money_back(self, t: Words, number: Number) -> Html:
        """What became of the price of a number that brought nothing."""
        if not self._house.prepaid or not number.price:
            return t("Nothing was charged.")
        return t("{amount} is back on your balance.", amount=self._house.money(t, number.price))

    def _price(self, t: Words, number: Number) -> Html | None:
        amount = self._house.money(t, number.price)
        if number.state in (State.FAILED, State.CANCELLED, State.EXPIRED):
            return None
        settled = number.sms_count or number.state is State.COMPLETED
        if number.kind is Kind.RENTAL or settled or not self._house.prepaid:
            return t("Price: {amount}", amount=amount)
        return t("Price: {amount}, charged only if an SMS comes", amount=amount)

    def _card_rows(self, t: Words, user: User, view: View) -> Rows:
        number, can = view.number, view.actions
        rows: list[tuple[Key, ...]] = []
        if number.is_open and number.phone:
            rows.append((copy_key(t("📋 Copy number"), number.phone),))
        if number.is_open and view.code:
            rows.append((_copy_code(t, user, view.code),))
        verbs = [
            (can.another_code, key(t("🔁 Another code"), b.AnotherCode(number.id))),
            (can.finish, key(t("✅ Done"), b.Finish(number.id), SUCCESS)),
            (can.renew, key(t("⏩ Renew"), b.Renew(number.id), SUCCESS)),
            (can.cancel, key(t("✖️ Cancel"), b.Cancel(number.id), DANGER)),
            (can.release, key(t("✖️ Release"), b.Release(number.id), DANGER)),
        ]
        if possible := tuple(one for allowed, one in verbs if allowed):
            rows.append(possible)
        if can.again:
            rows.append((key(t("📲 Same number again"), b.SameNumber(number.id), fresh=True),))
        if not number.is_open:
            again = b.ShowOffer(number.kind, number.service, number.country, number.hours)
            other = b.Countries(number.kind, number.service)
            rows.append((key(t("🔄 Same again"), again, fresh=True), key(t("🌍 Other countries"), other, fresh=True)))
        everything = (key(t("📨 All SMS"), b.ShowMessages(number.id), fresh=True),) if number.sms_count else ()
        rows.append((*everything, key(t("🏠 Menu"), b.Menu(), fresh=True)))
        return tuple(rows)

    def sms(self, t: Words, user: User, view: View, sms: Sms) -> list[Screen]:
        """The message that drops in: the code large and on its own, then the whole text.

        A text too long for one message goes on in others; code, id and copy button are all in the first.
        """
        number = view.number
        head: list[Html] = []
        if sms.code:
            head += [t("🔑 {code}", code=_code(sms.code, hidden=user.hide_codes)), Html("")]
        head.append(self.heading(t, number))
        head.append(t("From {sender}", sender=foreign(sms.sender or "?")))
        body = Html("<blockquote>") + self._body(user, sms) + Html("</blockquote>")
        foot = Html(f"<i>#{number.id}-{sms.ordinal}</i>")
        first, *rest = split(Html("\n").join([*head, body]), LONGEST - visible_length(foot) - 1)
        way_on = self.way_on(t, number)
        copying = ((_copy_code(t, user, sms.code),),) if sms.code else ()
        first = Html(first.rstrip("\n"))
        screens = [Screen(first + Html("\n") + foot, (*copying, way_on)), *(Screen(part) for part in rest)]
        if rest:
            screens[-1] = Screen(rest[-1], (way_on,))
        return screens

    def _body(self, user: User, sms: Sms) -> Html:
        text = foreign(sms.text or "…")
        return Html("<tg-spoiler>") + text + Html("</tg-spoiler>") if user.hide_codes else text


def _waiting(number: Number) -> str:
    if number.kind is Kind.RENTAL:
        return _("🟢 Yours. Every SMS arrives here by itself.")
    if number.sms_count:
        return _("✅ The SMS is here.")
    return _("🟢 Waiting for the SMS. It arrives here by itself.")


def _copy_code(t: Words, user: User, code: str) -> Key:
    label = t("📋 Copy code") if user.hide_codes else t("📋 Copy {code}", code=code)
    return copy_key(label, code)


def _code(code: str, *, hidden: bool) -> Html:
    shown = Html("<code>") + code + Html("</code>")
    # Telegram takes no code inside a spoiler, so a hidden code is bold and is copied by its button.
    return Html("<tg-spoiler><b>") + code + Html("</b></tg-spoiler>") if hidden else shown
