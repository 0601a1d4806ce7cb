"""The providers' page and the admins' notices, in both languages."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.domain.catalogue import Catalogue
from bot.domain.money import ONE
from bot.domain.numbers import Actions, Kind, Number, State
from bot.domain.people import Role, User
from bot.domain.record import Record
from bot.domain.time import HOUR, MINUTE, SECOND
from bot.providers.standing import Circuit
from bot.services.delivery import Letter, Undeliverable
from bot.services.numbers import View
from bot.services.supply import Facts, Supplier
from bot.texts import Texts, plain, visible_length
from handlers import buttons as b
from handlers.deps import House
from handlers.notices import notice
from handlers.views_number import NumberViews
from handlers.views_supply import ABOUT_NUMBER, ABOUT_PROVIDER, FAILING, SupplyViews
from handlers.views_webhooks import WebhookViews
from storage.outbox import Owed
from storage.provider_states import ProviderState

NOW = 1_700_000_000_000
TEXTS = Texts.load()
LANGUAGES = ("en", "ru")
FACTS = {"hero": Facts("handler_api hero", "EUR", 5 * ONE)}
HOUSE = House("USD", prepaid=True, topup_text="")
NUMBERS = NumberViews(Catalogue.shipped(), HOUSE)
VIEWS = SupplyViews(FACTS, NUMBERS, HOUSE)
ADMIN = User(1, "Ada", "ada", "en", Role.ADMIN, False, 0)
NUMBER = Number(
    id=17, user_id=7, quote_id="q", provider="hero", ref="cp-1", provider_ref="h-9", phone="+44123", service="wa",
    country="GB", kind=Kind.ACTIVATION, state=State.BUYING, price=12_500, cost=1, hours=0, test=False,
    created_at=NOW - HOUR, expires_at=NOW, cancel_from=None, refund_until=None, cancel_sent=False, sms_count=0,
    reason="", card_chat_id=7, card_message_id=3, closed_at=None,
)  # fmt: skip
STATE = ProviderState(
    "hero", NOW - 5 * SECOND, 34_000, NOW - 5 * SECOND, NOW - 5 * SECOND, low=True,
    failing="barred", failing_at=NOW - HOUR, barred_until=NOW + 2 * HOUR,
)  # fmt: skip


def letter(name: str, about: str, *, number: Number | None = None, state: ProviderState | None = None) -> Letter:
    owed = Owed(1, "k", 1, "notice", number.id if number else None, None, f"{name}:{about}", 1, 0, 0, NOW)
    return Letter(owed, ADMIN, View(number, Actions(), None) if number else None, None, state)


def said(one: Letter, language: str = "en") -> str:
    screen = notice(TEXTS.of(language), NUMBERS, VIEWS, WebhookViews(), one)
    assert [button.callback_data for row in screen.rows for button in row] == ["+pv:0", "+m"]
    assert visible_length(screen.text) < 1000
    return str(screen.text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ABOUT_PROVIDER)
def test_what_is_told_of_a_provider_names_it(name: str, language: str) -> None:
    assert "<b>hero</b>" in said(letter(name, "hero", state=STATE), language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("name", "about"),
    [("unfindable", str(NOW + MINUTE)), ("given_up", ""), ("cancel_given_up", ""), ("orphan_open", "other:o:1")],
)
def test_what_is_told_of_a_number_says_which_and_where(name: str, about: str, language: str) -> None:
    text = said(letter(name, about, number=NUMBER), language)
    assert "#17" in text
    assert "WhatsApp" in text
    assert f"<b>{'other' if name == 'orphan_open' else 'hero'}</b>" in text
    assert NUMBER.phone not in text


def test_the_table_of_names_is_whole() -> None:
    assert set(ABOUT_NUMBER) == {"unfindable", "given_up", "cancel_given_up", "orphan_open"}
    assert set(ABOUT_PROVIDER) == {"low_balance", "topped_up", "works_again", *FAILING}


def test_notices_carry_the_figures_that_the_next_step_needs() -> None:
    low = said(letter("low_balance", "hero", state=STATE))
    assert "€3.40" in low
    assert "€5.00" in low
    assert "PROVIDERS__HERO__API_KEY" in said(letter("bad_key", "hero", state=STATE))
    assert "in 2 h" in said(letter("barred", "hero", state=STATE))
    assert "1 h ago" in said(letter("no_contact", "hero", state=STATE))
    assert "o:1" in said(letter("orphan_open", "other:o:1", number=NUMBER))
    assert "h-9" in said(letter("cancel_given_up", "", number=NUMBER))
    held = said(letter("unfindable", str(NOW + 20 * MINUTE), number=NUMBER))
    assert "$1.25" in held
    assert "in 20 min" in held
    assert "2023" in held, "when to look for it"


def test_without_billing_no_money_is_spoken_of() -> None:
    house = House("USD", prepaid=False, topup_text="")
    views = SupplyViews(FACTS, NUMBERS, house)
    text = views.notice(TEXTS.of("en"), letter("unfindable", str(NOW), number=NUMBER)).text
    assert "$" not in text
    assert "money" not in text


@pytest.mark.parametrize(
    "one",
    [
        letter("low_balance", "gone", state=None),
        letter("low_balance", "gone", state=STATE),
        letter("given_up", "", number=None),
        letter("of_another_version", "hero", state=STATE),
    ],
)
def test_a_notice_whose_subject_is_gone_is_given_up(one: Letter) -> None:
    with pytest.raises(Undeliverable):
        notice(TEXTS.of("en"), NUMBERS, VIEWS, WebhookViews(), one)


def supplier(name: str = "hero", record: Record = Record(0, 0, None), **state: Any) -> Supplier:
    made = ProviderState(name, **({"looked_at": NOW} | state)) if state else None
    return Supplier(name, FACTS["hero"], made, Circuit(state.get("circuit", "closed")), record)


PAGES: Mapping[str, tuple[Supplier, tuple[str, ...]]] = {
    "new": (supplier(), ("⚪ hero · handler_api hero", "Balance: –", "none yet", "Success rate: –")),
    "well": (
        supplier(record=Record(40, 30, 5), balance=125_000, balance_at=NOW, contact_at=NOW - 2 * MINUTE),
        ("🟢 hero", "Balance: €12.50\n", "Last contact: 2 min ago", "75% of 40", "Circuit: closed", "As of just now"),
    ),
    "low": (supplier(balance=100, balance_at=NOW, low=True), ("🟡 hero", "€0.01, too little")),
    "failing": (
        supplier(balance=100, balance_at=NOW - HOUR, failing="no_contact", failing_at=NOW - HOUR, circuit="open"),
        ("🔴 hero", "Stopped answering 1 h ago.", "€0.01, 1 h ago", "Circuit: open"),
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_shows_each_state(name: str) -> None:
    one, words = PAGES[name]
    screen = VIEWS.page(TEXTS.of("en"), [one], [], NOW)
    shown = plain(screen.text)
    assert [word for word in words if word not in shown] == []
    assert VIEWS.page(TEXTS.of("ru"), [one], [], NOW).text != screen.text
    assert [button.callback_data for row in screen.rows for button in row] == ["pv:1", "m"]


def test_many_providers_fit_into_one_message() -> None:
    full = PAGES["failing"][0]
    many = [Supplier(f"{'x' * 30}{place:02}", full.facts, full.state, full.circuit, full.record) for place in range(40)]
    screen = VIEWS.page(TEXTS.of("en"), many, [], NOW)
    assert visible_length(screen.text) <= 4096
    assert "…and 20 more" in plain(screen.text)


def test_a_button_of_before_refresh_leads_to_the_page() -> None:
    assert b.unpack("pv") == b.Providers(refresh=False)
