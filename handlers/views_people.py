"""How a person's own pages look: numbers, history, balance, settings, help, and the admin's."""

from collections.abc import Sequence
from urllib.parse import quote as url_quote

from bot.domain.numbers import Number, State
from bot.domain.people import Role, User
from bot.domain.sms import Sms
from bot.services.wallet import Account
from bot.texts import Html, Texts, Words, foreign
from bot.texts import mark as _
from handlers import buttons as b
from handlers import buttons_keys as bk
from handlers import buttons_webhooks as bw
from handlers.deps import House
from handlers.names import Named, service_name
from handlers.screens import DANGER, PRIMARY, Key, Screen, in_columns, key, link_key
from storage.ledger import Entry

ENTRIES = {
    "credit": _("top-up"),
    "debit": _("correction"),
    "hold": _("purchase"),
    "renewal": _("renewal"),
    "release": _("returned"),
    "refund": _("refund"),
}
ROLES = {Role.OWNER: _("owner"), Role.ADMIN: _("admin"), Role.MEMBER: _("member"), Role.GUEST: _("guest")}
SIGNS = {
    State.BUYING: "⏳",
    State.ACTIVE: "🟢",
    State.CANCELLING: "⏳",
    State.COMPLETED: "☑️",
    State.CANCELLED: "↩️",
    State.EXPIRED: "⌛",
    State.FAILED: "❌",
}
HISTORY_ON_A_PAGE = 8


class PeopleViews:
    def __init__(self, catalogue: Named, house: House, texts: Texts) -> None:
        self._catalogue = catalogue
        self._house = house
        self._texts = texts

    def numbers(self, t: Words, numbers: Sequence[Number]) -> Screen:
        if not numbers:
            return Screen(t("🗂 You have no open numbers."), (self._onward(t), _menu(t)))
        keys = [(key(self._line(t, one), b.ShowNumber(one.id)),) for one in numbers[:20]]
        text = t.plural("🗂 <b>{n} open number</b>", "🗂 <b>{n} open numbers</b>", len(numbers))
        return Screen(text, (*keys, self._onward(t), _menu(t)))

    def _onward(self, t: Words) -> tuple[Key, ...]:
        return (key(t("📱 Get a number"), b.Services("activation"), PRIMARY),)

    def _line(self, t: Words, number: Number) -> str:
        return f"{SIGNS[number.state]} {self._which(t, number, t.phone(number.phone or ''))}"

    def _past(self, t: Words, number: Number) -> str:
        """With its day; the phone without gaps, since a key is short."""
        return f"{SIGNS[number.state]} {t.day(number.created_at)} · {self._which(t, number, number.phone or '')}"

    def _which(self, t: Words, number: Number, phone: str) -> str:
        service = service_name(t, self._catalogue, number.service)
        return f"{service} · {t.flag(number.country)} {phone or t.country(number.country)}"

    def history(self, t: Words, numbers: Sequence[Number], *, first: bool) -> Screen:
        """Closed numbers; each can be looked at again with its messages."""
        if not numbers:
            empty = t("🕘 No past numbers yet.") if first else t("🕘 That's all.")
            return Screen(empty, (self._onward(t), _menu(t)))
        keys: list[tuple[Key, ...]] = [(key(self._past(t, one), b.ShowNumber(one.id)),) for one in numbers]
        if len(numbers) == HISTORY_ON_A_PAGE:
            keys.append((key(t("Earlier ›"), b.History(numbers[-1].id)),))
        return Screen(t("🕘 <b>History</b>"), (*keys, _menu(t)))

    def messages(self, t: Words, messages: Sequence[Sms]) -> Html:
        """The newest SMS of a number, oldest of them first."""
        rows = [
            t("{time} · {sender}", time=t.datetime(sms.received_at), sender=foreign(sms.sender))
            + Html("\n<blockquote>")
            + foreign(sms.text or "…")
            + Html("</blockquote>")
            for sms in reversed(messages)
        ]
        return Html("\n").join(rows)

    def balance(self, t: Words, account: Account) -> Screen:
        lines = [t("💳 Your balance: <b>{amount}</b>", amount=self._house.money(t, account.available))]
        if account.held:
            lines.append(t("⏳ Set aside for open numbers: {amount}", amount=self._house.money(t, account.held)))
        if account.entries:
            lines += [Html(""), *(self._entry(t, entry) for entry in account.entries)]
        if self._house.topup_text:
            lines += [Html(""), t("<b>How to top up</b>: {how}", how=self._house.topup_text)]
        return Screen(Html("\n").join(lines), (self._onward(t), _menu(t)))

    def _entry(self, t: Words, entry: Entry) -> Html:
        sign = "+" if entry.amount > 0 else "−"
        amount = self._house.money(t, abs(entry.amount))
        what = t(ENTRIES.get(entry.kind, entry.kind))
        about = service_name(t, self._catalogue, entry.reason) if entry.number_id else entry.reason
        if about == "welcome":
            about = t("welcome gift")
        return t(
            "{time} · <b>{sign}{amount}</b> · {what}, {about}",
            time=t.datetime(entry.at),
            sign=sign,
            amount=amount,
            what=what,
            about=about,
        )

    def settings(self, t: Words, user: User) -> Screen:
        current = self._texts.of(user.language).language
        languages = [
            key(("● " if code == current else "") + self._texts.of(code).language_name, b.SetLanguage(code))
            for code in self._texts.languages
        ]
        hide = key(
            t("👁 Show codes") if user.hide_codes else t("🙈 Hide codes"),
            b.SetHideCodes(not user.hide_codes),
        )
        text = t("⚙️ <b>Settings</b>\n\nHidden codes stay blurred until you tap them; copying works as before.")
        text = text + Html("\n") + (t("Now codes are hidden.") if user.hide_codes else t("Now codes are shown."))
        for_programs = (key(t("🔑 API keys"), bk.ApiKeys()), key(t("🪝 Webhooks"), bw.Webhooks()))
        programs = (for_programs,) if self._house.api_url else ()
        return Screen(text, (*in_columns(languages, 2), (hide,), *programs, _menu(t)))

    def help(self, t: Words, *, admin: bool) -> Screen:
        text = t(
            "❓ <b>How it works</b>\n\n"
            "1. /buy: pick a service and a country, then confirm the price.\n"
            "2. Enter the number wherever the code is asked for.\n"
            "3. The code arrives here. One tap copies it.\n\n"
            "<b>Another code</b> asks for one more SMS to the same number. <b>Cancel</b> gives the number back while "
            "no SMS has come. <b>Done</b> closes it.\n"
            "/rent gets you a number for hours or days: <b>Renew</b> adds time, <b>Release</b> ends it.\n\n"
            "<code>/buy whatsapp germany</code> goes straight to the price.\n"
            "/numbers shows your open numbers, /history your past ones, /settings your language and privacy."
        )
        if self._house.prepaid:
            text = text + Html("\n") + t("/balance shows your money and where it went.")
        if self._house.api_url:
            text = (
                text + Html("\n") + t("/apikey makes keys for programs of your own, /webhooks tells them what happens.")
            )
        if admin:
            text = text + Html("\n\n") + self._admin_help(t)
        return Screen(text, (self._onward(t), _menu(t)))

    def _admin_help(self, t: Words) -> Html:
        text = t(
            "<b>For admins</b>\n/invite makes a link that lets one person in. /people lists and removes people. "
            "/providers shows balances at the providers, and whether they work."
        )
        if self._house.prepaid:
            text = text + Html("\n") + t("/credit &lt;ID&gt; &lt;amount&gt; &lt;reason&gt; tops up a balance.")
        return text

    def invite(self, t: Words, link: str) -> Screen:
        text = t("✉️ This link lets one person in. It works once, within two days:\n\n{link}", link=link)
        share = link_key(t("📤 Share link"), f"https://t.me/share/url?url={url_quote(link, safe='')}")
        return Screen(text, ((share,), (key(t("👥 People"), b.People()), key(t("🏠 Menu"), b.Menu()))))

    def people(self, t: Words, people: Sequence[User]) -> Screen:
        lines = [t.plural("👥 <b>{n} person</b>", "👥 <b>{n} people</b>", len(people)), Html("")]
        for one in people[:50]:
            name = foreign(one.name)
            lines.append(t("{name} · {role} · <code>{id}</code>", name=name, role=t(ROLES[one.role]), id=one.id))
        removable = [
            key(t("✖️ {name}", name=one.name[:20]), b.RemovePerson(one.id))
            for one in people[:50]
            if not one.role.is_admin
        ]
        invite = (key(t("✉️ Invite"), b.Invite()), key(t("🏠 Menu"), b.Menu()))
        return Screen(Html("\n").join(lines), (*in_columns(removable, 2), invite))

    def remove(self, t: Words, person_id: int, name: str) -> Screen:
        text = t("Remove {name}? They lose access; codes for their open numbers still reach them.", name=foreign(name))
        yes = key(t("✖️ Remove"), b.RemovePerson(person_id, sure=True), DANGER)
        return Screen(text, ((yes, key(t("‹ Back"), b.People())),))

    def not_set_up(self, t: Words, *, admin: bool) -> Screen:
        """Nothing can be sold: what the owner has to do, or whom to ask."""
        if admin:
            text = t(
                "🔧 Nothing is on sale yet: no provider is connected. Set <code>PROVIDERS__MYNAME__KIND</code> and its "
                "other settings as .env.example shows, then restart the bot."
            )
        else:
            text = t("🔧 Nothing is on sale here yet: the bot's owner has to connect a provider first.")
        return Screen(text, (_menu(t),))


def _menu(t: Words) -> tuple[Key, ...]:
    return (key(t("🏠 Menu"), b.Menu()),)
