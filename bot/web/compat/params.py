"""What a call asks for: parameters of the query and of a form, as old clients write them."""

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal, InvalidOperation

from bot.domain.catalogue import Catalogue, Country
from bot.domain.money import LARGEST, ONE, SCALE, Units
from bot.web.compat.words import Word

RUSSIA = "0"
"""Where no country is named."""
_ALSO = {"12": "US"}
"""Numbers of the family beside the one that a country has here: of the United States, the 'virtual' ones."""
_MOST_DIGITS = 18
_LONGEST_ORDER = 128


class Params:
    """Empty parameters count as missing. Readers raise Word."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = {name: value.strip() for name, value in given.items() if value.strip()}

    def text(self, *names: str) -> str:
        """The first of `names` that is there; empty without any."""
        return next((self._given[name] for name in names if name in self._given), "")

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in ("1", "true")

    def ident(self, *names: str, word: str = "NO_ACTIVATION") -> int:
        number = _whole(self.text(*(names or ("id",))))
        if number is None:
            raise Word(word)
        return number

    def count(self, *names: str, default: int, most: int, word: str = "BAD_VALUES") -> int:
        """From 0 to `most`, to which more is cut."""
        given = self.text(*names)
        number = _whole(given) if given else default
        if number is None:
            raise Word(word)
        return min(number, most)

    def most(self, name: str = "maxPrice") -> Units | None:
        """An amount, rounded down; what cannot be read is 0, for which nothing is sold. None where it is missing."""
        given = self.text(name)
        return _units(given) if given else None

    def order(self) -> str:
        """The caller's own name of the purchase, which is made once under it; empty without one."""
        given = self.text("orderId")
        if len(given) > _LONGEST_ORDER or not given.isascii() or not given.isprintable():
            raise Word("BAD_VALUES")
        return given

    def country(self, catalogue: Catalogue) -> Country:
        number = self.text("country") or RUSSIA
        found = country_of(catalogue, number)
        if found is None:
            raise Word("BAD_COUNTRY")
        return found


def country_of(catalogue: Catalogue, number: str) -> Country | None:
    if number in _ALSO:
        return catalogue.countries[_ALSO[number]]
    return next((country for country in catalogue.countries.values() if country.number == number), None)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def _units(text: str) -> Units:
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return 0
    if not value.is_finite() or value <= 0:
        return 0
    return min(int((min(value, Decimal(LARGEST // ONE)) * 10**SCALE).to_integral_value(ROUND_FLOOR)), LARGEST)
