import gettext

import pytest

from bot.domain.time import DAY, HOUR, MINUTE, SECOND
from bot.texts import Html, Texts, Words, foreign

AT = 1_795_442_700_000  # 2026-11-23 14:05 UTC


@pytest.fixture(scope="module")
def en() -> Words:
    return Texts.load().of("en")


@pytest.fixture(scope="module")
def ru() -> Words:
    return Texts.load().of("ru")


def test_what_is_put_into_a_sentence_is_escaped_unless_it_is_html(en: Words) -> None:
    sentence = en("From {sender}: {code}", sender="<b>&", code=Html("<code>1</code>"))
    assert isinstance(sentence, Html)
    assert sentence == "From &lt;b&gt;&amp;: <code>1</code>"
    assert en("{x}", x=foreign("{y}")) == "\u2068{y}\u2069"


def test_a_field_without_a_value_is_a_mistake_of_the_caller(en: Words) -> None:
    with pytest.raises(KeyError):
        en("Hello {name}")


def test_plurals_follow_the_language_and_numbers_its_digits_grouping(en: Words, ru: Words) -> None:
    assert [en.plural("{n} day", "{n} days", n) for n in (1, 2, 1234)] == ["1 day", "2 days", "1,234 days"]
    assert [ru.plural("{n} day", "{n} days", n) for n in (1, 3, 11, 21)] == ["1 день", "3 дня", "11 дней", "21 день"]


@pytest.mark.parametrize(
    ("units", "currency", "english", "russian"),
    [
        (12_345_000, "USD", "$1,234.50", "1\xa0234,50\xa0$"),
        (375, "USD", "$0.0375", "0,0375\xa0$"),
        (-20_000, "EUR", "-€2.00", "-2,00\xa0€"),
        (0, "RUB", "RUB\xa00.00", "0,00\xa0₽"),
        (10_000, "CAD", "CA$1.00", "1,00\xa0CA$"),
        (1_000_000, "JPY", "¥100", "100\xa0¥"),
        (10**13, "USD", "$1,000,000,000.00", "1\xa0000\xa0000\xa0000,00\xa0$"),
    ],
)
def test_money_shows_every_decimal_that_it_has(
    en: Words, ru: Words, units: int, currency: str, english: str, russian: str
) -> None:
    assert (en.money(units, currency), ru.money(units, currency)) == (english, russian)


@pytest.mark.parametrize(
    ("ms", "english", "russian"),
    [
        (0, "1 s", "1 с"),
        (24_001, "25 s", "25 с"),
        (25_000, "25 s", "25 с"),
        (2 * MINUTE - SECOND, "119 s", "119 с"),
        (2 * MINUTE, "2 min", "2 мин"),
        (2 * MINUTE + 1, "3 min", "3 мин"),
        (19 * MINUTE, "19 min", "19 мин"),
    ],
)
def test_a_short_time_is_rounded_up_to_seconds_or_minutes(
    en: Words, ru: Words, ms: int, english: str, russian: str
) -> None:
    assert (en.span(ms), ru.span(ms)) == (english, russian)


def test_a_percentage_is_written_as_the_language_does(en: Words, ru: Words) -> None:
    assert [en.percent(n) for n in (0, 29, 100)] == ["0%", "29%", "100%"]
    assert [ru.percent(n) for n in (0, 29, 100)] == ["0\xa0%", "29\xa0%", "100\xa0%"]


def test_times_are_in_utc_and_say_so(en: Words, ru: Words) -> None:
    assert en.datetime(AT) == "Nov 23, 2026, 14:05 UTC"
    assert ru.datetime(AT) == "23 нояб. 2026\u202fг., 14:05 UTC"
    assert en.date(AT) == "Nov 23, 2026"


@pytest.mark.parametrize(
    ("hours", "english", "russian"),
    [
        (0, "0 hours", "0 часов"),
        (1, "1 hour", "1 час"),
        (4, "4 hours", "4 часа"),
        (24, "1 day", "1 день"),
        (36, "36 hours", "36 часов"),
        (72, "3 days", "3 дня"),
        (720, "30 days", "30 дней"),
    ],
)
def test_a_duration_is_in_days_when_they_are_whole(
    en: Words, ru: Words, hours: int, english: str, russian: str
) -> None:
    assert (en.duration(hours), ru.duration(hours)) == (english, russian)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (0, "just now"),
        (10 * SECOND, "in less than a minute"),
        (20 * MINUTE - SECOND, "in 20 min"),
        (59 * MINUTE, "in 59 min"),
        (59 * MINUTE + 45 * SECOND, "in 1 h"),
        (47 * HOUR, "in 47 h"),
        (48 * HOUR, "in 2 days"),
        (-20 * SECOND, "just now"),
        (-14 * MINUTE, "14 min ago"),
        (-3 * HOUR, "3 h ago"),
        (-30 * DAY, "30 days ago"),
    ],
)
def test_a_moment_is_kept_current_by_the_client_and_reads_well_without_one(en: Words, span: int, expected: str) -> None:
    assert en.moment(AT + span, AT) == f'<tg-time unix="{(AT + span) // 1000}" format="r">{expected}</tg-time>'


def test_countries_have_the_names_that_people_look_for(en: Words, ru: Words) -> None:
    assert [en.country(code) for code in ("us", "HK", "CZ", "??")] == ["USA", "Hong Kong", "Czechia", "??"]
    assert [ru.country(code) for code in ("US", "HK", "CZ")] == ["США", "Гонконг", "Чехия"]
    assert [en.flag(code) for code in ("us", "GB", "x", "1я")] == ["🇺🇸", "🇬🇧", "🌐", "🌐"]


@pytest.mark.parametrize(
    ("e164", "expected"),
    [("+79123456789", "+7 912 345 67 89"), ("+12025550123", "+1 202 555 0123"), ("12", "12"), ("", ""), ("abc", "abc")],
)
def test_a_phone_number_is_spaced_and_anything_else_left_alone(en: Words, e164: str, expected: str) -> None:
    assert en.phone(e164) == expected


@pytest.mark.parametrize("code", ["de", "es", "pt_BR", "fr", "tr", "uk", "zh", "ar", "fa", "he", "id", "hi"])
def test_a_language_yet_to_come_formats_everything(code: str) -> None:
    words = Words(code, gettext.NullTranslations())
    assert words.language_name
    assert "14:05 UTC" in words.datetime(AT)
    assert "2026" in words.date(AT)
    assert "0375" in words.money(375, "USD")
    assert words.country("DE") not in ("", "DE")
