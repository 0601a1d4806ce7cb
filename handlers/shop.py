"""The way to a number: menu, services, countries, price, Confirm; and the same by words."""

from dataclasses import replace

from bot.domain.errors import NoOffer, OldButton
from bot.domain.numbers import Kind
from bot.texts import Html
from handlers import buttons as b
from handlers.deps import Deps
from handlers.screens import Screen
from handlers.talk import Talk
from handlers.views_people import PeopleViews
from handlers.views_shop import Listed, ShopViews


class ShopHandlers:
    def __init__(self, deps: Deps, views: ShopViews, people: PeopleViews) -> None:
        self._deps = deps
        self._views = views
        self._people = people

    async def menu(self, talk: Talk, news: Html | None = None) -> None:
        """The first page, with `news` above it."""
        selling = self._deps.offers.sells
        screen = self._views.menu(talk.t, talk.user.name, admin=talk.user.role.is_admin, selling=selling)
        await talk.show(Screen(news + Html("\n\n") + screen.text, screen.rows) if news else screen)

    async def _not_set_up(self, talk: Talk) -> None:
        await talk.show(self._people.not_set_up(talk.t, admin=talk.user.role.is_admin))

    async def menu_pressed(self, talk: Talk, _button: b.Menu) -> None:
        await self.menu(talk)

    async def nothing_pressed(self, talk: Talk, _button: b.Nothing) -> None:
        await talk.answer()

    async def services(self, talk: Talk, button: b.Services) -> None:
        kind = _kind(button.kind)
        if not self._deps.offers.sells:
            await self._not_set_up(talk)
            return
        services = await self._deps.offers.services(kind)
        await talk.show(self._views.services(talk.t, kind, services, button.page))

    async def countries(self, talk: Talk, button: b.Countries) -> None:
        kind = _kind(button.kind)
        rated = await self._deps.offers.any_rated(kind, button.service)
        asked = button if rated else replace(button, reliable=False)
        offers = await self._deps.offers.countries(kind, asked.service, reliable=asked.reliable)
        listed = [Listed(offer, self._deps.offers.record(offer)) for offer in offers]
        await talk.show(self._views.countries(talk.t, kind, asked, listed, rated=rated))

    async def lengths(self, talk: Talk, button: b.Lengths) -> None:
        offers = await self._deps.offers.lengths(button.service, button.country)
        if not offers:
            raise NoOffer
        await talk.show(self._views.lengths(talk.t, button.service, button.country, offers))

    async def offer(self, talk: Talk, button: b.ShowOffer) -> None:
        """The price, promised: from here on the button carries the quote's id and nothing else."""
        kind = _kind(button.kind)
        offer = await self._deps.offers.best(
            kind, button.service, button.country, button.hours, reliable=button.reliable
        )
        quote = await self._deps.purchases.quote(talk.user, offer)
        balance = await self._deps.wallet.balance(talk.user)
        record = self._deps.offers.record(offer)
        await talk.show(self._views.offer(talk.t, quote, balance, record, reliable=button.reliable))

    async def confirm(self, talk: Talk, button: b.Confirm) -> None:
        """The pressed message becomes the number's card; everything on it comes through the outbox."""
        card = (talk.chat_id, talk.message_id) if talk.message_id is not None else None
        number, fresh = await self._deps.purchases.begin(talk.user, button.quote_id, card)
        if fresh:
            self._deps.background.spawn(self._deps.purchases.buy(number), f"buy:{number.id}")
        await talk.answer()

    async def buy(self, talk: Talk) -> None:
        """/buy, with or without words after it."""
        if talk.args:
            await self.words(talk, " ".join(talk.args))
        else:
            await self.services(talk, b.Services(Kind.ACTIVATION))

    async def rent(self, talk: Talk) -> None:
        await self.services(talk, b.Services(Kind.RENTAL))

    async def words(self, talk: Talk, words: str) -> None:
        """Whatever somebody typed: a service, perhaps with a country; or a greeting."""
        if self._deps.search.is_greeting(words):
            await self.menu(talk)
            return
        if not self._deps.offers.sells:
            await self._not_set_up(talk)
            return
        found = self._deps.search.parse(words)
        if found.service is not None and found.country is not None:
            await self.offer(talk, b.ShowOffer(Kind.ACTIVATION, found.service.code, found.country.iso2))
        elif found.service is not None:
            await self.countries(talk, b.Countries(Kind.ACTIVATION, found.service.code))
        elif found.country is not None:
            await talk.show(self._views.popular_in(talk.t, found.country.iso2, self._deps.catalogue.now.popular()))
        elif similar := self._deps.search.services(words, 8):
            await talk.show(self._views.found(talk.t, similar))
        else:
            await talk.show(self._views.not_understood(talk.t))


def _kind(value: str) -> Kind:
    try:
        return Kind(value)
    except ValueError:
        raise OldButton from None
