"""How the providers look to an admin: their page, and what is told when something is the matter with one."""

from collections.abc import Mapping, Sequence

from bot.domain.money import Units
from bot.domain.numbers import Kind, Number
from bot.domain.time import MINUTE, Ms
from bot.providers.standing import Circuit
from bot.services.delivery import Letter, Undeliverable
from bot.services.supply import Facts, Supplier
from bot.texts import Html, Words
from bot.texts import mark as _
from handlers import buttons as b
from handlers.deps import House
from handlers.screens import Screen, key
from handlers.views_number import NumberViews
from storage.corrections import Corrected
from storage.provider_states import ProviderState

MOST_SHOWN = 20
FRESH_FOR = 3 * MINUTE
"""How old a balance is shown without its age."""

ABOUT_PROVIDER = {
    "low_balance": _(
        "🪫 <b>{provider}</b>: only {amount} is left there, less than {low}. Top up the account at the provider, or it "
        "will soon refuse purchases."
    ),
    "topped_up": _("🔋 <b>{provider}</b>: the account there is filled again, {amount}."),
    "no_contact": _(
        "📡 <b>{provider}</b> stopped answering {since}. Nothing is bought there meanwhile, and codes of its open "
        "numbers come once it is back. Check whether its site works, and whether its address in the settings is right."
    ),
    "bad_key": _(
        "🔑 <b>{provider}</b> refuses the bot's key: nothing can be bought there, and no codes are read. Copy the key "
        "from the account there into <code>{setting}</code> again, then restart the bot."
    ),
    "barred": _(
        "⛔ <b>{provider}</b> has locked the bot out; the lock ends {until}. It usually means too many requests or "
        "cancelled numbers. If it happens again, lower <code>{pace}</code>, or ask the provider's support."
    ),
    "works_again": _("✅ <b>{provider}</b> works again."),
}
ABOUT_NUMBER = {
    "unfindable": _(
        "❓ <b>{provider}</b> didn't answer a purchase and can't list what it sold: #{id}, {title}, {time}. Look on "
        "its site for such a number bought at that time; if there is one, cancel it there. {held}"
    ),
    "given_up": _(
        "⚠️ <b>{provider}</b> never said what became of a purchase: #{id}, {title}, {time}. It is closed here, and "
        "nothing was charged. Look on the provider's site whether such a number is open, and cancel it there."
    ),
    "cancel_given_up": _(
        "⚠️ <b>{provider}</b> never confirmed a cancel: #{id}, {title}, {time}. It is closed here. Look on the "
        "provider's site whether its number {ref} is still open, and cancel it there."
    ),
    "orphan_open": _(
        "⚠️ <b>{provider}</b> sold number {ref} too late: its purchase, #{id}, {title}, had been given up. Now the "
        "provider won't take it back. Nobody gets its codes: close it on the provider's site."
    ),
}
FAILING = {
    "no_contact": _("Stopped answering {since}."),
    "bad_key": _("Refuses the bot's key."),
    "barred": _("Has locked the bot out; the lock ends {until}."),
}
CIRCUITS = {
    Circuit.CLOSED: _("Circuit: closed"),
    Circuit.OPEN: _("Circuit: open, nothing is sent there"),
    Circuit.HALF_OPEN: _("Circuit: half-open, being tried"),
}


class SupplyViews:
    """`facts` of each provider by its name."""

    def __init__(self, facts: Mapping[str, Facts], numbers: NumberViews, house: House) -> None:
        self._facts = facts
        self._numbers = numbers
        self._house = house

    def page(self, t: Words, suppliers: Sequence[Supplier], corrected: Sequence[Corrected], now: Ms) -> Screen:
        """What `main.py providers` prints, for a phone's width."""
        blocks = [t("📡 <b>Providers</b>"), *(self._block(t, one, now) for one in suppliers[:MOST_SHOWN])]
        if len(suppliers) > MOST_SHOWN:
            blocks.append(t("…and {n} more: <code>python main.py providers</code>", n=len(suppliers) - MOST_SHOWN))
        if corrected:
            services = [f"{self._numbers.service(t, one.service)} {one.another} / {one.none}" for one in corrected]
            blocks.append(
                t("🤔 Codes set right by people (to another code / to none): {services}", services=", ".join(services))
            )
        looks = [one.state.looked_at for one in suppliers if one.state]
        if looks:
            blocks.append(t("<i>As of {moment}</i>", moment=t.moment(min(looks), now)))
        refresh = key(t("🔄 Refresh"), b.Providers(refresh=True))
        return Screen(Html("\n\n").join(blocks), ((refresh, key(t("🏠 Menu"), b.Menu())),))

    def _block(self, t: Words, supplier: Supplier, now: Ms) -> Html:
        state, record = supplier.state, supplier.record
        lines = [t("{sign} <b>{name}</b> · {kind}", sign=_sign(state), name=supplier.name, kind=supplier.facts.kind)]
        if state is not None and state.failing:
            lines.append(t(FAILING[state.failing], **self._times(t, state, now)))
        lines.append(self._balance(t, supplier, now))
        if state is not None and state.contact_at is not None:
            lines.append(t("Last contact: {moment}", moment=t.moment(state.contact_at, now)))
        else:
            lines.append(t("Last contact: none yet"))
        if record.is_rated:
            lines.append(t("Success rate: {percent}% of {samples}", percent=record.percent, samples=record.samples))
        else:
            lines.append(t("Success rate: –"))
        return Html("\n").join([*lines, t(CIRCUITS[supplier.circuit])])

    def _balance(self, t: Words, supplier: Supplier, now: Ms) -> Html:
        state = supplier.state
        if state is None or state.balance is None or state.balance_at is None:
            return t("Balance: –")
        amount = t.money(state.balance, supplier.facts.currency)
        if now - state.balance_at > FRESH_FOR:
            return t("Balance: <b>{amount}</b>, {moment}", amount=amount, moment=t.moment(state.balance_at, now))
        if state.low:
            return t("Balance: <b>{amount}</b>, too little", amount=amount)
        return t("Balance: <b>{amount}</b>", amount=amount)

    def _times(self, t: Words, state: ProviderState, now: Ms) -> dict[str, Html]:
        return {
            "since": t.moment(state.failing_at or now, now),
            "until": t.moment(state.barred_until or now, now),
        }

    def knows(self, notice: str) -> bool:
        """Whether it is one of the notices for admins, by its name."""
        return notice in ABOUT_PROVIDER or notice in ABOUT_NUMBER

    def notice(self, t: Words, letter: Letter) -> Screen:
        """What has changed, and the next step. Raises Undeliverable."""
        about_number = letter.owed.name in ABOUT_NUMBER
        text = self._of_number(t, letter) if about_number else self._of_provider(t, letter)
        providers = key(t("📡 Providers"), b.Providers(), fresh=True)
        return Screen(text, ((providers, key(t("🏠 Menu"), b.Menu(), fresh=True)),))

    def _of_provider(self, t: Words, letter: Letter) -> Html:
        state, now = letter.supplier, letter.owed.created_at
        facts = self._facts.get(letter.owed.about)
        if state is None or facts is None:
            raise Undeliverable("it is about a provider that is not set up any more")
        prefix = f"PROVIDERS__{state.provider.upper()}__"
        return t(
            ABOUT_PROVIDER[letter.owed.name],
            provider=state.provider,
            amount=t.money(state.balance or 0, facts.currency),
            low=t.money(facts.low, facts.currency),
            setting=f"{prefix}API_KEY",
            pace=f"{prefix}MAX_IN_FLIGHT",
            **self._times(t, state, now),
        )

    def _of_number(self, t: Words, letter: Letter) -> Html:
        if letter.view is None:
            raise Undeliverable("it is about a number that is gone")
        number, about = letter.view.number, letter.owed.about
        provider, _colon, ref = about.partition(":") if letter.owed.name == "orphan_open" else (number.provider, "", "")
        until = int(about) if letter.owed.name == "unfindable" else letter.owed.created_at
        return t(
            ABOUT_NUMBER[letter.owed.name],
            provider=provider,
            id=number.id,
            title=self._title(t, number),
            time=t.datetime(number.created_at),
            ref=ref or number.provider_ref or "–",
            held=self._held(t, number.price, t.moment(until, letter.owed.created_at)),
        )

    def _title(self, t: Words, number: Number) -> Html:
        title = self._numbers.title(t, number)
        return title + " · " + t.duration(number.hours) if number.kind is Kind.RENTAL else title

    def _held(self, t: Words, price: Units, until: Html) -> Html:
        if not self._house.prepaid or not price:
            return t("It is closed here by itself {until}.", until=until)
        amount = self._house.money(t, price)
        return t("{amount} of the buyer's money stays set aside and goes back {until}.", amount=amount, until=until)


def _sign(state: ProviderState | None) -> str:
    if state is None:
        return "⚪"
    if state.failing:
        return "🔴"
    return "🟡" if state.low else "🟢"
