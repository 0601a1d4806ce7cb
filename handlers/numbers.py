"""What people do with the numbers they have."""

from bot.domain.numbers import Quote
from bot.services.numbers import refundable
from bot.texts import split
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
        number, card = view.number, self._views.card(talk.t, talk.user, view, self._deps.clock())
        rows = card.rows
        if number.sms_count:
            rows = (*rows, (key(talk.t("📨 All SMS"), b.ShowMessages(number.id), fresh=True),))
        await talk.answer()
        message_id = await talk.say(Screen(card.text, rows))
        if message_id is not None and number.is_open:
            await self._deps.numbers.move_card(talk.user, number.id, talk.chat_id, message_id)
            if number.card_message_id is not None:
                await talk.replace(number.card_message_id, self._views.moved(talk.t, number))

    async def messages(self, talk: Talk, button: b.ShowMessages) -> None:
        messages = await self._deps.numbers.messages(talk.user, button.number_id)
        await talk.answer()
        way_on = ((key(talk.t("🗂 My numbers"), b.MyNumbers(), fresh=True),),)
        for part in split(self._people.messages(talk.t, messages[:10]), LONGEST):
            await talk.say(Screen(part, way_on))

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
        if button.sure:
            await self._deps.numbers.release(talk.user, button.number_id)
            await talk.toast(talk.t("☑️ Released."))
            return
        view = await self._deps.numbers.view(talk.user, button.number_id)
        money_back = refundable(view.number, self._deps.clock())
        lost = talk.t("Release this number for good? Its price is <b>not</b> refunded.")
        back = talk.t("Release this number for good? No SMS has come yet, so its price is refunded.")
        yes = key(talk.t("✖️ Release"), b.Release(button.number_id, sure=True), DANGER)
        await talk.answer()
        await talk.say(Screen(back if money_back else lost, ((yes,),)))

    async def renew(self, talk: Talk, button: b.Renew) -> None:
        view = await self._deps.numbers.view(talk.user, button.number_id)
        keys = [key(talk.t.duration(hours), b.RenewFor(button.number_id, hours)) for hours in RENEWAL_HOURS]
        text = talk.t(
            "⏩ {title}\nHow much longer? The time is added to what is left.",
            title=self._views.title(talk.t, view.number),
        )
        await talk.answer()
        await talk.say(Screen(text, in_columns(keys, 3)))

    async def renew_for(self, talk: Talk, button: b.RenewFor) -> None:
        quote = await self._deps.renewals.quote(talk.user, button.number_id, button.hours)
        await talk.show(self._renewal_offer(talk, quote))

    def _renewal_offer(self, talk: Talk, quote: Quote) -> Screen:
        t, price = talk.t, self._deps.house.money(talk.t, quote.offer.price)
        text = t("⏩ {time} more for <b>{amount}</b>", time=t.duration(quote.offer.hours), amount=price)
        confirm = key(t("✅ Confirm · {amount}", amount=price), b.ConfirmRenewal(quote.id), SUCCESS)
        return Screen(text, ((confirm,), (key(t("‹ Back"), b.Renew(quote.number_id or 0)),)))

    async def confirm_renewal(self, talk: Talk, button: b.ConfirmRenewal) -> None:
        renewal, fresh = await self._deps.renewals.begin(talk.user, button.quote_id)
        if fresh:
            self._deps.background.spawn(self._deps.renewals.renew(renewal), f"renew:{renewal.id}")
        under_way, done = (
            talk.t("⏳ Renewing… I'll let you know when it's done."),
            talk.t("⏩ That renewal is done already."),
        )
        await talk.show(Screen(done if renewal.state == "done" else under_way))
