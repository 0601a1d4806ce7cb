"""Single values of the handler_api protocol, in and out."""

from typing import Any

import pytest

from bot.domain.catalogue import Catalogue
from bot.domain.money import LARGEST, ONE, to_decimal
from bot.domain.sms import Sms
from bot.web.compat import shapes
from bot.web.compat.params import Params
from bot.web.compat.words import Word

CATALOGUE = Catalogue.shipped()


@pytest.mark.parametrize(
    ("units", "text"),
    [
        (0, "0.00"),
        (250_000, "25.00"),
        (3_750, "0.375"),
        (1, "0.0001"),
        (171_540, "17.154"),
        (120_000_0000, "120000.00"),
    ],
)
def test_an_amount_has_two_decimals_and_the_further_ones_that_it_needs(units: int, text: str):
    assert shapes.amount(units) == text
    assert shapes.price(units) == float(text)


def test_every_price_that_there_can_be_comes_back_from_its_number():
    for units in (*range(1, 20_000, 7), LARGEST - 1, LARGEST):
        assert Params({"maxPrice": repr(shapes.price(units))}).most() == units
        assert str(to_decimal(units)) in (shapes.amount(units), shapes.amount(units).rstrip("0").rstrip("."))


@pytest.mark.parametrize(
    ("given", "units"),
    [
        ("0.375", 3750),
        ("0,375", 3750),
        ("12", 12 * ONE),
        ("0.10500000000000001", 1050),
        ("0.00009", 0),
        ("-1", 0),
        ("abc", 0),
        ("nan", 0),
        ("1e999999999", LARGEST),
        ("inf", 0),
        ("", None),
        ("  ", None),
    ],
)
def test_a_highest_price_is_never_read_as_more_than_was_written(given: str, units: int | None):
    assert Params({"maxPrice": given}).most() == units


@pytest.mark.parametrize(
    ("number", "iso2"),
    [("0", "RU"), ("", "RU"), ("187", "US"), ("12", "US"), ("16", "GB"), (" 6 ", "ID"), ("175", "AU")],
)
def test_a_country_goes_by_its_number_of_the_family(number: str, iso2: str):
    assert Params({"country": number}).country(CATALOGUE).iso2 == iso2


@pytest.mark.parametrize("number", ["999", "US", "-1", "0x10", "١", "1 6"])
def test_a_country_that_has_no_such_number_is_refused(number: str):
    with pytest.raises(Word, match="BAD_COUNTRY"):
        Params({"country": number}).country(CATALOGUE)


def test_every_country_has_a_number_of_its_own():
    numbers = [country.number for country in CATALOGUE.countries.values()]
    assert len(set(numbers)) == len(numbers)
    for country in CATALOGUE.countries.values():
        assert Params({"country": country.number}).country(CATALOGUE) == country


@pytest.mark.parametrize("given", ["", "x", "-1", "1.5", "9" * 19, "²", "1 2"])
def test_an_id_that_is_none_is_refused_with_the_word_of_its_action(given: str):
    with pytest.raises(Word, match=r"^NO_ACTIVATION$"):
        Params({"id": given}).ident()
    with pytest.raises(Word, match=r"^NO_ID_RENT$"):
        Params({"id": given}).ident(word="NO_ID_RENT")


@pytest.mark.parametrize("given", ["a\nb", "é", "x" * 129])
def test_an_order_that_cannot_be_kept_is_refused(given: str):
    with pytest.raises(Word, match="BAD_VALUES"):
        Params({"orderId": given}).order()
    assert Params({}).order() == ""
    assert Params({"orderId": "x" * 128}).order() == "x" * 128


@pytest.mark.parametrize(
    ("code", "text", "shown"), [("123456", "Code 123456", "123456"), (None, " Hello \n", "Hello"), (None, "", "")]
)
def test_an_sms_shows_its_code_or_else_its_text(code: str | None, text: str, shown: str):
    assert shapes.code(Sms(1, 1, "p", "s", text, code, 0, 1)) == shown


def test_times_are_moscows_and_name_no_zone():
    assert shapes.clock(1_735_689_599_999) == "2025-01-01 02:59:59"
    assert shapes.rent_end(1_735_689_600_000) == "2025-01-01T03:00:00"


def test_currencies_have_their_numbers():
    numbers: Any = shapes.currency_numbers()
    assert (numbers["USD"], numbers["RUB"], numbers["EUR"], numbers["ALL"]) == (840, 643, 978, 8)
