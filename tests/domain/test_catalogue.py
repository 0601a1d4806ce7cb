"""Names of services from outside, laid over the shipped lists."""

import pytest

from bot.domain.catalogue import LONGEST_NAME, Catalogue, LiveCatalogue, is_code, presentable

SHIPPED = Catalogue.shipped()


def test_a_service_that_the_shipped_list_lacks_gets_the_name_that_it_is_told() -> None:
    learnt = SHIPPED.with_names([("zzq", "Zed Quarters"), ("5sim-oddity", "Oddity")])
    assert learnt.service_name("zzq") == "Zed Quarters"
    assert learnt.service_name("5sim-oddity") == "Oddity"
    assert learnt.services["zzq"].rank is None
    assert SHIPPED.service_name("zzq") == "zzq"  # the value itself has not changed
    assert learnt.countries == SHIPPED.countries


def test_shipped_names_win_and_nothing_new_is_no_new_list() -> None:
    assert SHIPPED.with_names([("wa", "Not WhatsApp"), ("tg", "")]) is SHIPPED
    assert SHIPPED.with_names([]) is SHIPPED


def test_the_first_who_names_a_service_names_it() -> None:
    assert SHIPPED.with_names([("zzq", "First"), ("zzq", "Second")]).service_name("zzq") == "First"


@pytest.mark.parametrize("name", ["WhatsApp", "whatsapp", " WHATSAPP\n"])
def test_a_name_that_another_service_has_is_told_apart_by_its_code(name: str) -> None:
    assert SHIPPED.with_names([("zzq", name)]).service_name("zzq").endswith("(zzq)")


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("Oddity", "Oddity"),
        ("  Odd \t\n ity ", "Odd ity"),
        ("Odd\x00\x1b[31mity\x7f", "Odd [31mity"),
        ("abc\u202edef\u200b\u2066\ufeff", "abc def"),
        ("<b>Odd</b> & <script>", "<b>Odd</b> & <script>"),  # whoever shows it escapes it
        ("Ещё один Сервис №1", "Ещё один Сервис №1"),
        ("微信", "微信"),
        ("half \ud800 pair", "half pair"),
        ("x" * 500, "x" * (LONGEST_NAME - 1) + "…"),
        ("\u0301" * 9000, "\u0301" * (LONGEST_NAME - 1) + "…"),
        ("Mail.ru", "Mail.ru"),
        ("Ticketmaster/Live Nation", "Ticketmaster/Live Nation"),
        ("Free money t.me/scam", ""),
        ("https://scam.example", ""),
        ("scam.example/pay", ""),
        ("write @scammer", ""),
        ("\u200b \n", ""),
        ("", ""),
    ],
)
def test_a_name_from_outside_is_one_short_line_that_leads_nowhere(told: str, shown: str) -> None:
    assert presentable(told) == shown


@pytest.mark.parametrize("code", ["", "a:b", "a b", "../etc", "x" * 37, "тг", "a\n", "\ud800"])
def test_a_code_that_fits_no_button_is_no_identity(code: str) -> None:
    assert not is_code(code)
    assert SHIPPED.with_names([(code, "Name")]) is SHIPPED


def test_who_holds_the_live_catalogue_sees_what_was_learnt() -> None:
    live = LiveCatalogue(SHIPPED)
    live.now = SHIPPED.with_names([("zzq", "Zed Quarters")])
    assert live.service_name("zzq") == "Zed Quarters"
