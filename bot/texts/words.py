"""One language: its sentences, and money, times, places and numbers as its readers write them."""

import gettext
from decimal import Decimal

from babel import Locale
from babel.numbers import format_decimal, format_percent

from bot.domain.money import Units
from bot.domain.time import DAY, HOUR, MINUTE, SECOND, Ms
from bot.texts import formats
from bot.texts.html import Html, escape
from bot.texts.shape import COUNT


def mark(msgid: str) -> str:
    """`msgid` itself: marks, under the name `_`, a sentence of a table that is translated where it is used."""
    return msgid


_ = mark

# CLDR's names of these are longer, or other, than what people look for.
_COUNTRIES = {
    "CD": _("DR Congo"),
    "CG": _("Congo"),
    "GB": _("United Kingdom"),
    "HK": _("Hong Kong"),
    "MM": _("Myanmar"),
    "MO": _("Macao"),
    "PS": _("Palestine"),
    "US": _("USA"),
}


class Words:
    """Sentences are named by their English text; `{name}` fields are escaped unless they are Html."""

    def __init__(self, language: str, translations: gettext.NullTranslations) -> None:
        self.language = language
        self.locale = Locale.parse(language)
        self.language_name = formats.language_name(self.locale)
        self._translations = translations

    def __call__(self, msgid: str, /, **params: object) -> Html:
        """Raises KeyError where the English sentence itself has a field that `params` lack."""
        return _filled(self._translations.gettext(msgid), params)

    def plural(self, singular: str, plural: str, n: int, /, **params: object) -> Html:
        """The form for `n`, which fills the field `{n}`."""
        number = format_decimal(n, locale=self.locale)
        return _filled(self._translations.ngettext(singular, plural, n), {**params, COUNT: number})

    def country(self, iso2: str) -> str:
        """A short name; the code itself where it is no country's."""
        code = iso2.upper()
        if code in _COUNTRIES:
            return self._translations.gettext(_COUNTRIES[code])
        return str(self.locale.territories.get(code, code))

    def flag(self, iso2: str) -> str:
        return formats.flag(iso2)

    def money(self, units: Units, currency: str) -> str:
        """With the decimals of the currency, and up to four where the amount has them."""
        return formats.money(units, currency, self.locale)

    def date(self, at: Ms) -> str:
        """The day in UTC."""
        return formats.date(at, self.locale)

    def day(self, at: Ms) -> str:
        """The day in UTC, without its year."""
        return formats.day(at, self.locale)

    def datetime(self, at: Ms) -> str:
        """In UTC, and says so."""
        return formats.date_and_time(at, self.locale)

    def duration(self, hours: int) -> str:
        """Whole days as days, anything else as hours."""
        days, rest = divmod(hours, DAY // HOUR)
        if days and not rest:
            return self.plural("{n} day", "{n} days", days)
        return self.plural("{n} hour", "{n} hours", hours)

    def percent(self, percent: int) -> str:
        return str(format_percent(Decimal(percent) / 100, locale=self.locale))

    def span(self, ms: Ms) -> str:
        """A short time, rounded up: in seconds below two minutes, else in minutes."""
        if (seconds := max(1, -(-ms // SECOND))) < 120:
            return self.plural("{n} s", "{n} s", seconds)
        return self.plural("{n} min", "{n} min", -(-ms // MINUTE))

    def moment(self, at: Ms, now: Ms) -> Html:
        """A time that Telegram's clients keep current ("in 14 min"), with the words as of `now` inside for others.

        Not to be put inside <code> or <pre>.
        """
        words = self._in(at - now) if at > now else self._ago(now - at)
        return Html(f'<tg-time unix="{at // SECOND}" format="r">{words}</tg-time>')

    def phone(self, e164: str) -> str:
        """In international form with spaces; what is no phone number, as it came."""
        return formats.phone(e164)

    def _in(self, span: Ms) -> Html:
        if (minutes := round(span / MINUTE)) < 1:
            return self(_("in less than a minute"))
        if minutes < 60:
            return self.plural("in {n} min", "in {n} min", minutes)
        if (hours := round(span / HOUR)) < 48:
            return self.plural("in {n} h", "in {n} h", hours)
        return self.plural("in {n} day", "in {n} days", round(span / DAY))

    def _ago(self, span: Ms) -> Html:
        if (minutes := round(span / MINUTE)) < 1:
            return self(_("just now"))
        if minutes < 60:
            return self.plural("{n} min ago", "{n} min ago", minutes)
        if (hours := round(span / HOUR)) < 48:
            return self.plural("{n} h ago", "{n} h ago", hours)
        return self.plural("{n} day ago", "{n} days ago", round(span / DAY))


def _filled(sentence: str, params: dict[str, object]) -> Html:
    return Html(sentence.format_map({name: escape(value) for name, value in params.items()}))
