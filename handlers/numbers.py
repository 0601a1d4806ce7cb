"""What people do with the numbers they have."""

from bot.domain.money import Units
from bot.domain.numbers import Number, Quote
from bot.services.numbers import refundable
from bot.texts import Html, plain, split
from handlers import buttons as b
from handlers.deps import Deps
from handlers.screens import DANGER, SUCCESS, Screen, in_columns, key
from handlers.talk import Talk
from handlers.views_number import LONGEST, NumberViews
from handlers.views_people import HISTORY_ON_A_PAGE, PeopleViews

RENEWAL_HOURS = (4, 24, 72, 168, 720)
NEWEST = 10**15


class NumberHandlers:
    def __init__(self, deps: Deps, views: NumberViews, people: PeopleViews) -> None:
        self._deps = deps
        self._views = views
        self._people = people

    async def list_open(self, talk: Talk) -> None:
        await talk.show(self._people.numbers(talk.t, await self._deps.numbers.open_numbers(talk.user)))

    async def list_pressed(self, talk: Talk, _button: b.MyNumbers) -> None:
        await self.list_open(talk)

    async def history(self, talk: Talk) -> None:
        await self.history_pressed(talk, b.History())

    async def history_pressed(self, talk: Talk, button: b.History) -> None:
        before = button.before_id or NEWEST
        closed = await self._deps.numbers.history(talk.user, before_id=before, limit=HISTORY_ON_A_PAGE)
        await talk.show(self._people.history(talk.t, closed, first=not button.before_id))

    async def show(self, talk: Talk, button: b.ShowNumber) -> None:
        """The number as it stands, as a new message, which is its live card from now on."""
        view = await self._deps.numbers.view(talk.user, button.number_id)
        number = view.number
        await talk.answer()
        message_id = await talk.say(self._views.card(talk.t, talk.user, view, self._deps.clock()))
        if message_id is not None and number.is_open:
            await self._deps.numbers.move_card(talk.user, number.id, talk.chat_id, message_id)
            if number.card_message_id is not None:
                await talk.replace(number.card_message_id, self._views.moved(talk.t, number))

    async def messages(self, talk: Talk, button: b.ShowMessages) -> None:
        view = await self._deps.numbers.view(talk.user, button.number_id)
        messages = await self._deps.numbers.messages(talk.user, button.number_id)
        await talk.answer()
        text = self._views.heading(talk.t, view.number) + Html("\n\n") + self._people.messages(talk.t, messages[:10])
        *others, last = split(text, LONGEST)
        for part in others:
            await talk.say(Screen(part))
        await talk.say(Screen(last, (self._views.way_on(talk.t, view.number),)))

    async def another_code(self, talk: Talk, button: b.AnotherCode) -> None:
        await self._deps.numbers.another_code(talk.user, button.number_id)
        await talk.toast(talk.t("🔁 Asked for another code. It will arrive here."))

    async def finish(self, talk: Talk, button: b.Finish) -> None:
        await self._deps.numbers.finish(talk.user, button.number_id)
        await talk.toast(talk.t("☑️ Finished."))

    async def cancel(self, talk: Talk, button: b.Cancel) -> None:
        number = await self._deps.numbers.cancel(talk.user, button.number_id)
        waits = number.cancel_from is not None and number.cancel_from > self._deps.clock()
        text = talk.t("⏳ Noted. I'll cancel it as soon as the provider allows, and let you know.")
        await talk.toast(text if waits else talk.t("⏳ Cancelling: waiting for the provider to confirm."))

    async def release(self, talk: Talk, button: b.Release) -> None:
        """A rental's end, once it is sure; whether the money comes back is said before."""
        view = await self._deps.numbers.view(talk.user, button.number_id)
        heading, way_on = self._views.heading(talk.t, view.number), self._views.way_on(talk.t, view.number)
        if button.sure:
            await self._deps.numbers.release(talk.user, button.number_id)
            await talk.answer(plain(talk.t("☑️ Released.")))
            await talk.show(Screen(heading + Html("\n\n") + talk.t("You have released this number."), (way_on,)))
            return
        lost = talk.t("Release this number for good? Its price is <b>not</b> refunded.")
        back = talk.t("Release this number for good? No SMS has come yet, so its price is refunded.")
        asked = back if refundable(view.number, self._deps.clock()) else lost
        yes = key(talk.t("✖️ Release"), b.Release(button.number_id, sure=True), DANGER)
        await talk.answer()
        await talk.say(Screen(heading + Html("\n\n") + asked, ((yes,), way_on)))

    async def renew(self, talk: Talk, button: b.Renew) -> None:
        view = await self._deps.numbers.view(talk.user, button.number_id)
        keys = [key(talk.t.duration(hours), b.RenewFor(button.number_id, hours)) for hours in RENEWAL_HOURS]
        text = talk.t(
            "⏩ {title}\nHow much longer? The time is added to what is left.",
            title=self._views.heading(talk.t, view.number),
        )
        await talk.answer()
        await talk.say(Screen(text, (*in_columns(keys, 3), self._views.way_on(talk.t, view.number))))

    async def renew_for(self, talk: Talk, button: b.RenewFor) -> None:
        quote = await self._deps.renewals.quote(talk.user, button.number_id, button.hours)
        view = await self._deps.numbers.view(talk.user, button.number_id)
        balance = await self._deps.wallet.balance(talk.user)
        await talk.show(self._renewal_offer(talk, quote, view.number, balance))

    def _renewal_offer(self, talk: Talk, quote: Quote, number: Number, balance: Units) -> Screen:
        t, price = talk.t, self._deps.house.money(talk.t, quote.offer.price)
        lines = [self._views.heading(t, number), Html("")]
        lines.append(t("⏩ {time} more for <b>{amount}</b>", time=t.duration(quote.offer.hours), amount=price))
        if self._deps.house.prepaid:
            lines.append(t("Your balance: {amount}", amount=self._deps.house.money(t, balance)))
        confirm = key(t("✅ Confirm · {amount}", amount=price), b.ConfirmRenewal(quote.id), SUCCESS)
        _card, menu = self._views.way_on(t, number)
        return Screen(Html("\n").join(lines), ((confirm,), (key(t("‹ Back"), b.Renew(number.id)), menu)))

    async def same_number(self, talk: Talk, button: b.SameNumber) -> None:
        """The phone of a number that is over, at today's price; its Confirm is that of any purchase."""
        quote = await self._deps.again.quote(talk.user, button.number_id)
        view = await self._deps.numbers.view(talk.user, button.number_id)
        balance = await self._deps.wallet.balance(talk.user)
        await talk.show(self._same_number_offer(talk, quote, view.number, balance))

    def _same_number_offer(self, talk: Talk, quote: Quote, number: Number, balance: Units) -> Screen:
        t, price = talk.t, self._deps.house.money(talk.t, quote.offer.price)
        lines = [self._views.heading(t, number), Html("")]
        lines.append(t("📲 The same number again, for one more code: <b>{amount}</b>", amount=price))
        if self._deps.house.prepaid:
            lines.append(t("You pay only if an SMS comes. Otherwise the money returns to your balance."))
            lines.append(t("Your balance: {amount}", amount=self._deps.house.money(t, balance)))
        confirm = key(t("✅ Confirm · {amount}", amount=price), b.Confirm(quote.id), SUCCESS)
        return Screen(Html("\n").join(lines), ((confirm,), self._views.way_on(t, number)))

    async def confirm_renewal(self, talk: Talk, button: b.ConfirmRenewal) -> None:
        renewal, fresh = await self._deps.renewals.begin(talk.user, button.quote_id)
        if fresh:
            self._deps.background.spawn(self._deps.renewals.renew(renewal), f"renew:{renewal.id}")
        under_way, done = (
            talk.t("⏳ Renewing… I'll let you know when it's done."),
            talk.t("⏩ That renewal is done already."),
        )
        way_on = self._views.way_on(talk.t, (await self._deps.numbers.view(talk.user, renewal.number_id)).number)
        await talk.show(Screen(done if renewal.state == "done" else under_way, (way_on,)))
