"""Money, times, places and phone numbers as the readers of a locale write them."""

import re
from datetime import UTC, datetime

import phonenumbers
from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_currency

from bot.domain.money import Units, to_decimal
from bot.domain.time import SECOND, Ms

_REGIONAL_INDICATOR_A = 0x1F1E6
_NO_FLAG = "🌐"

# CLDR's rule, which Babel leaves out: RUB 1.00, but $1.00.
_LETTER_BESIDE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


def money(units: Units, currency: str, locale: Locale) -> str:
    # Without quantization a price of 0.0375 is not shown as 0.04; the currency's own decimals are the least shown.
    amount = format_currency(to_decimal(units), currency, locale=locale, decimal_quantization=False)
    return _LETTER_BESIDE_DIGIT.sub("\xa0", amount)


def date(at: Ms, locale: Locale) -> str:
    return format_date(_utc(at), "medium", locale=locale)


def day(at: Ms, locale: Locale) -> str:
    return format_skeleton("MMMd", _utc(at), locale=locale)


def date_and_time(at: Ms, locale: Locale) -> str:
    time = format_time(_utc(at), "HH:mm", locale=locale)
    pattern = str(locale.datetime_formats["medium"]).replace("'", "")
    return pattern.replace("{0}", f"{time} UTC").replace("{1}", date(at, locale))


def flag(iso2: str) -> str:
    """The flag's emoji, or a globe for what is no country code."""
    code = iso2.upper()
    if len(code) != 2 or not (code.isascii() and code.isalpha()):
        return _NO_FLAG
    return "".join(chr(_REGIONAL_INDICATOR_A + ord(letter) - ord("A")) for letter in code)


def territory(iso2: str, language: str) -> str | None:
    """CLDR's name of a country in any language, also in one that the bot does not speak."""
    name = Locale.parse(language).territories.get(iso2)
    return None if name is None else str(name)


def phone(e164: str) -> str:
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL).replace("-", " ")


def language_name(locale: Locale) -> str:
    name = locale.get_display_name() or locale.language
    return name[:1].upper() + name[1:]


def _utc(at: Ms) -> datetime:
    return datetime.fromtimestamp(at // SECOND, UTC)
