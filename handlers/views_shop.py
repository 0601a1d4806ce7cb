"""How the way to a number looks: menu, services, countries, lengths, price."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.domain.catalogue import Service
from bot.domain.money import Units
from bot.domain.numbers import Kind, Offer, Quote
from bot.domain.record import Record
from bot.texts import Html, Words
from handlers import buttons as b
from handlers.deps import House
from handlers.names import Named, service_name
from handlers.screens import PRIMARY, SUCCESS, Key, Rows, Screen, in_columns, key, page_of, shown

SERVICES_ON_A_PAGE = 18
COUNTRIES_ON_A_PAGE = 10
ONE_LINE = 44
"""Characters of a button that a small phone shows without breaking them off."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An offer of a list, and how such numbers have done here; None while too few tell."""

    offer: Offer
    record: Record | None


class ShopViews:
    def __init__(self, catalogue: Named, house: House) -> None:
        self._catalogue = catalogue
        self._house = house

    def menu(self, t: Words, name: str, *, admin: bool, selling: bool) -> Screen:
        """The first page: what this is, and the way to everything."""
        text = t(
            "👋 Hello, {name}!\n\nPick a service and a country, and I'll get you a phone number. The code sent to it "
            "shows up here the moment it arrives.\n\nOr just type what you need: <i>whatsapp germany</i>",
            name=name,
        )
        if not selling:
            text = t("👋 Hello, {name}!\n\nNothing is on sale here yet: no provider is connected.", name=name)
        return Screen(text, self._menu_rows(t, admin=admin, selling=selling))

    def _menu_rows(self, t: Words, *, admin: bool, selling: bool) -> Rows:
        rows: list[tuple[Key, ...]] = []
        if selling:
            buy = key(t("📱 Get a number"), b.Services(Kind.ACTIVATION), PRIMARY)
            rows += [(buy,), (key(t("🗓 Rent a number"), b.Services(Kind.RENTAL)),)]
        rows.append((key(t("🗂 My numbers"), b.MyNumbers()), key(t("🕘 History"), b.History())))
        money = (key(t("💳 Balance"), b.Balance()),) if self._house.prepaid else ()
        rows.append((*money, key(t("⚙️ Settings"), b.Settings()), key(t("❓ Help"), b.Help())))
        if admin:
            rows.append((key(t("👥 People"), b.People()), key(t("✉️ Invite"), b.Invite())))
            rows.append((key(t("📡 Providers"), b.Providers()),))
        return tuple(rows)

    def services(self, t: Words, kind: Kind, services: list[Service], wanted: int) -> Screen:
        page = page_of(len(services), SERVICES_ON_A_PAGE, wanted)
        keys = [key(_short(self._name(t, one.code)), b.Countries(kind, one.code)) for one in shown(services, page)]
        turn = _turning(page.number, page.pages, lambda number: b.Services(kind, number))
        text = t("📱 <b>Which service is it for?</b>\nPopular ones come first. You can also just type a name.")
        if kind is Kind.RENTAL:
            text = t("🗓 <b>Rent a number for hours or days. Which service is it for?</b>\nPopular ones come first.")
        return Screen(text, (*in_columns(keys, 3), *turn, (key(t("🏠 Menu"), b.Menu()),)))

    def found(self, t: Words, services: list[Service]) -> Screen:
        """Services that typed words may mean."""
        keys = [key(self._name(t, one.code), b.Countries(Kind.ACTIVATION, one.code)) for one in services]
        return Screen(t("🔎 Did you mean one of these?"), (*in_columns(keys, 2), self._ways_on(t, Kind.ACTIVATION)))

    def popular_in(self, t: Words, country: str, services: list[Service]) -> Screen:
        """A country was typed without a service."""
        keys = [
            key(_short(self._name(t, one.code)), b.ShowOffer(Kind.ACTIVATION, one.code, country)) for one in services
        ]
        text = t("{flag} <b>{country}</b>: which service is it for?", flag=t.flag(country), country=t.country(country))
        return Screen(text, (*in_columns(keys[:SERVICES_ON_A_PAGE], 3), self._ways_on(t, Kind.ACTIVATION)))

    def _ways_on(self, t: Words, kind: Kind) -> tuple[Key, ...]:
        return (key(t("📱 All services"), b.Services(kind)), key(t("🏠 Menu"), b.Menu()))

    def not_understood(self, t: Words) -> Screen:
        return Screen(
            t("🔎 I don't know a service or country by that name. Try another spelling, or pick from the list."),
            (self._ways_on(t, Kind.ACTIVATION),),
        )

    def countries(self, t: Words, kind: Kind, asked: b.Countries, listed: Sequence[Listed], *, rated: bool) -> Screen:
        """`rated`: whether there is another order to choose."""
        service, reliable = asked.service, asked.reliable
        page = page_of(len(listed), COUNTRIES_ON_A_PAGE, asked.page)
        rows: list[tuple[Key, ...]] = []
        for one in shown(listed, page):
            country = one.offer.country
            target = b.ShowOffer(kind, service, country, reliable=reliable)
            rows.append((key(self._line(t, one), b.Lengths(service, country) if one.offer.hours else target),))
        turn = _turning(page.number, page.pages, lambda number: b.Countries(kind, service, number, reliable))
        order = ((_other_order(t, kind, asked),),) if rated else ()
        return Screen(self._which_country(t, kind, asked, listed), (*rows, *turn, *order, self._ways_on(t, kind)))

    def _which_country(self, t: Words, kind: Kind, asked: b.Countries, listed: Sequence[Listed]) -> Html:
        name = self._name(t, asked.service)
        if not listed:
            return t("😔 No numbers for <b>{service}</b> right now. Come back later.", service=name)
        text = t("🌍 <b>{service}</b>: which country?\nCheapest first.", service=name)
        if asked.reliable:
            text = t("🌍 <b>{service}</b>: which country?\nFirst where most codes have come to us.", service=name)
        if kind is Kind.ACTIVATION:
            text = text + " " + t("Or type the one you need: <i>{service} germany</i>", service=name)
        return text

    def _line(self, t: Words, listed: Listed) -> str:
        """One line on a phone: what is left goes where it does not fit."""
        offer, record = listed.offer, listed.record
        price = self._house.money(t, offer.price)
        parts = [f"{t.flag(offer.country)} {t.country(offer.country)}"]
        parts.append(t("from {price}", price=price) if offer.hours else price)
        if record is not None:
            parts.append(t.percent(record.percent))
            parts += [t.span(record.median_ms)] if record.median_ms is not None else []
        stock = t.plural("{n} left", "{n} left", offer.stock)
        whole = " · ".join((*parts, stock))
        return whole if record is None or len(whole) <= ONE_LINE else " · ".join(parts)

    def lengths(self, t: Words, service: str, country: str, offers: list[Offer]) -> Screen:
        keys = [
            key(
                f"{t.duration(offer.hours)} · {self._house.money(t, offer.price)}",
                b.ShowOffer(Kind.RENTAL, service, country, offer.hours),
            )
            for offer in offers
        ]
        text = t("🗓 {title}\nHow long do you need it?", title=self._title(t, service, country))
        return Screen(text, (*in_columns(keys, 2), self._back(t, Kind.RENTAL, service)))

    def offer(
        self, t: Words, quote: Quote, balance: Units, record: Record | None = None, *, reliable: bool = False
    ) -> Screen:
        """The price, and what it buys."""
        offer = quote.offer
        lines = [self._title(t, offer.service, offer.country), Html("")]
        if offer.kind is Kind.RENTAL:
            lines.append(t("Yours for {time}", time=t.duration(offer.hours)))
        lines.append(t("Price: <b>{amount}</b>", amount=self._house.money(t, offer.price)))
        if quote.at_most > offer.price:
            most = self._house.money(t, quote.at_most)
            lines.append(t("Up to {amount} from another provider, should this one have none", amount=most))
        lines.append(self._promise(t, offer))
        if record is not None:
            lines.append(_how_it_went(t, record))
        if self._house.prepaid:
            lines.append(t("Your balance: {amount}", amount=self._house.money(t, balance)))
        confirm = key(
            t("✅ Confirm · {amount}", amount=self._house.money(t, offer.price)), b.Confirm(quote.id), SUCCESS
        )
        back = self._back(t, offer.kind, offer.service, reliable=reliable)
        return Screen(Html("\n").join(lines), ((confirm,), back))

    def _promise(self, t: Words, offer: Offer) -> Html:
        if not self._house.prepaid:
            return t("Nothing is charged here. The number is yours until its time is up.")
        if offer.kind is Kind.RENTAL:
            return t("Charged at once. Refunded if you release it early, before any SMS, and the provider allows it.")
        return t("You pay only if an SMS comes. Otherwise the money returns to your balance.")

    def _back(self, t: Words, kind: Kind, service: str, *, reliable: bool = False) -> tuple[Key, ...]:
        countries = b.Countries(kind, service, reliable=reliable)
        return (key(t("‹ Countries"), countries), key(t("🏠 Menu"), b.Menu()))

    def _title(self, t: Words, service: str, country: str) -> Html:
        return t(
            "<b>{service}</b> · {flag} {country}",
            service=self._name(t, service),
            flag=t.flag(country),
            country=t.country(country),
        )

    def _name(self, t: Words, service: str) -> str:
        return service_name(t, self._catalogue, service)


def _other_order(t: Words, kind: Kind, asked: b.Countries) -> Key:
    label = t("💲 Cheapest first") if asked.reliable else t("🏆 Most reliable first")
    return key(label, b.Countries(kind, asked.service, reliable=not asked.reliable))


def _how_it_went(t: Words, record: Record) -> Html:
    """Our own figures, with the size of the sample."""
    if record.median_ms is None:
        return t.plural(
            "📈 Here, the last {n} number like this one got no code.",
            "📈 Here, none of the last {n} numbers like this one got a code.",
            record.samples,
        )
    return t.plural(
        "📈 Here, {percent} of the last {n} number like this one got a code, half of them within {time}.",
        "📈 Here, {percent} of the last {n} numbers like this one got a code, half of them within {time}.",
        record.samples,
        percent=t.percent(record.percent),
        time=t.span(record.median_ms),
    )


def _short(name: str) -> str:
    return name if len(name) <= 16 else name[:15] + "…"


def _turning(number: int, pages: int, make: Callable[[int], b.Button]) -> Rows:
    """‹ 2/7 › under a longer list; nothing under a short one."""
    if pages == 1:
        return ()
    before, after = (number - 1) % pages, (number + 1) % pages
    return ((key("‹", make(before)), key(f"{number + 1}/{pages}", b.Nothing()), key("›", make(after))),)
