"""The list of countries and the price: what is said of how such numbers have done."""

from functools import cache

import pytest

from bot.domain.catalogue import Catalogue
from bot.domain.numbers import Kind, Offer, Purpose, Quote
from bot.domain.record import Record
from bot.texts import Texts, Words
from handlers import buttons as b
from handlers.deps import House
from handlers.screens import Screen
from handlers.views_shop import Listed, ShopViews

GOOD = Record(50, 46, 24_600)
NONE_CAME = Record(21, 0, None)


@cache
def words(language: str) -> Words:
    return Texts.load().of(language)


@cache
def views() -> ShopViews:
    return ShopViews(Catalogue.shipped(), House("USD", True, ""))


def offer(country: str = "DE", stock: int = 14, kind: Kind = Kind.ACTIVATION) -> Offer:
    return Offer("sandbox", "wa", country, kind, 4_000, 4_000, stock, hours=24 if kind is Kind.RENTAL else 0)


def countries(listed: list[Listed], asked: b.Countries, *, rated: bool, language: str = "en") -> Screen:
    return views().countries(words(language), Kind(asked.kind), asked, listed, rated=rated)


def labels(screen: Screen) -> list[str]:
    return [one.text for row in screen.rows for one in row]


def pressed(screen: Screen, label: str) -> b.Button:
    (data,) = [str(one.callback_data) for row in screen.rows for one in row if label in one.text]
    return b.unpack(data)


CHEAPEST, RELIABLE = b.Countries("activation", "wa"), b.Countries("activation", "wa", reliable=True)


@pytest.mark.parametrize(
    ("listed", "line"),
    [
        (Listed(offer(), GOOD), "🇩🇪 Germany · $0.40 · 92% · 25 s · 14 left"),
        (Listed(offer(), None), "🇩🇪 Germany · $0.40 · 14 left"),
        (Listed(offer(), NONE_CAME), "🇩🇪 Germany · $0.40 · 0% · 14 left"),
        (Listed(offer("AE", stock=1), GOOD), "🇦🇪 United Arab Emirates · $0.40 · 92% · 25 s"),
        (Listed(offer("AE"), None), "🇦🇪 United Arab Emirates · $0.40 · 14 left"),
        (Listed(offer(stock=12_345), GOOD), "🇩🇪 Germany · $0.40 · 92% · 25 s"),
    ],
)
def test_a_line_shows_rate_and_time_where_known_and_stays_one_line(listed: Listed, line: str) -> None:
    assert labels(countries([listed], CHEAPEST, rated=True))[0] == line


def test_in_russian_it_is_russian() -> None:
    screen = countries([Listed(offer(), GOOD), Listed(offer("AE"), GOOD)], CHEAPEST, rated=True, language="ru")
    germany, emirates, *_ = (label.replace("\xa0", " ") for label in labels(screen))
    assert germany == "🇩🇪 Германия · 0,40 $ · 92 % · 25 с · 14 шт."
    assert emirates == "🇦🇪 ОАЭ · 0,40 $ · 92 % · 25 с · 14 шт."


def test_the_other_order_can_be_chosen_where_something_is_rated_and_only_there() -> None:
    listed = [Listed(offer(), GOOD)]
    cheapest, reliable = (countries(listed, asked, rated=True) for asked in (CHEAPEST, RELIABLE))
    assert pressed(cheapest, "🏆 Most reliable first") == RELIABLE
    assert pressed(reliable, "💲 Cheapest first") == CHEAPEST
    assert "Cheapest first." in cheapest.text
    assert "Cheapest first." not in reliable.text
    plain = labels(countries(listed, CHEAPEST, rated=False))
    assert not [label for label in plain if "first" in label]


def test_the_order_goes_along_to_the_next_page_to_the_price_and_back() -> None:
    listed = [Listed(offer(code), GOOD) for code in ("DE", "FR", "PL", "IT", "ES", "GB", "US", "CA", "NL", "BE", "AT")]
    screen = countries(listed, RELIABLE, rated=True)
    assert pressed(screen, "›") == b.Countries("activation", "wa", 1, reliable=True)
    assert pressed(screen, "Germany") == b.ShowOffer("activation", "wa", "DE", reliable=True)
    second = countries(listed, b.Countries("activation", "wa", 1, reliable=True), rated=True)
    assert pressed(second, "Cheapest") == CHEAPEST, "from the first page again"
    quote = Quote("q", 1, Purpose.BUY, offer(), 0)
    price = views().offer(words("en"), quote, 0, GOOD, reliable=True)
    assert pressed(price, "Countries") == RELIABLE
    assert pressed(views().offer(words("en"), quote, 0), "Countries") == CHEAPEST


def test_a_rental_leads_to_its_lengths_and_has_no_order_to_choose() -> None:
    screen = countries([Listed(offer(kind=Kind.RENTAL), None)], b.Countries("rental", "wa"), rated=False)
    assert pressed(screen, "Germany") == b.Lengths("wa", "DE")
    assert labels(screen)[0] == "🇩🇪 Germany · from $0.40 · 14 left"


@pytest.mark.parametrize(
    ("record", "language", "sentence"),
    [
        (GOOD, "en", "Here, 92% of the last 50 numbers like this one got a code, half of them within 25 s."),
        (NONE_CAME, "en", "Here, none of the last 21 numbers like this one got a code."),
        (GOOD, "ru", "на 92 % из 50 последних таких номеров, половина кодов — быстрее чем за 25 с."),
        (NONE_CAME, "ru", "ни на один из 21 последнего такого номера."),
    ],
)
def test_the_price_says_how_often_and_how_soon_codes_came_of_how_many(
    record: Record, language: str, sentence: str
) -> None:
    quote = Quote("q", 1, Purpose.BUY, offer(), 0)
    assert sentence in views().offer(words(language), quote, 0, record).text.replace("\xa0", " ")
    assert "📈" not in views().offer(words(language), quote, 0, None).text
