"""Money, what can be done with a number, the catalogue and the tree of errors."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import errors
from bot.domain.catalogue import ANY_SERVICE, Catalogue
from bot.domain.money import LARGEST, ONE, convert, parse_units, to_decimal
from bot.domain.numbers import OPEN, TRANSITIONS, Actions, Kind, Number, State, actions
from bot.domain.people import Role
from bot.domain.sms import derived_sms_id
from bot.providers.base import RemoteState


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("2.5", 25_000),
        ("2,50", 25_000),
        (" 0.0375 ", 375),
        ("-1", -10_000),
        ("1e3", 10_000_000),
        ("0", 0),
        ("+7", 70_000),
    ],
)
def test_an_amount_is_read(text: str, units: int) -> None:
    assert parse_units(text) == units


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x",
        "1.00001",
        "NaN",
        "-Infinity",
        "1,000.5",
        "1 000",
        "1000000000.0001",
        "1e99999999",
        "1e-99999999",
        "1.0000000000000000000000000000000001",
        "0x10",
        "\ud800",
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_units(text)


@given(st.integers(min_value=-LARGEST, max_value=LARGEST))
def test_an_amount_written_out_is_read_back(units: int) -> None:
    assert parse_units(str(to_decimal(units))) == units


@given(st.text(max_size=40))
def test_any_text_is_an_amount_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert abs(parse_units(text)) <= LARGEST


@given(st.integers(min_value=0, max_value=10**12), st.decimals(min_value="0.0001", max_value="1000", places=4))
def test_a_price_is_never_rounded_below_its_cost_nor_a_cap_above_it(units: int, rate: Decimal) -> None:
    up, down = convert(units, rate, up=True), convert(units, rate, up=False)
    assert down <= units * rate <= up
    assert up - down <= 1
    assert convert(ONE, Decimal(1), up=True) == ONE


def _number(**changes: object) -> Number:
    fields = dict.fromkeys(Number.__dataclass_fields__)
    fields |= {"id": 1, "kind": Kind.ACTIVATION, "state": State.ACTIVE, "sms_count": 0, "expires_at": 100}
    return Number(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Actions(cancel=True)),
        ({"sms_count": 1}, Actions(another_code=True, finish=True)),
        ({"kind": Kind.RENTAL}, Actions(renew=True, release=True)),
        ({"kind": Kind.RENTAL, "sms_count": 3}, Actions(renew=True, release=True)),
        ({"expires_at": 50}, Actions()),
        *(({"state": state}, Actions()) for state in State if state is not State.ACTIVE),
    ],
)
def test_a_verb_is_offered_only_while_it_can_work(changes: dict[str, object], expected: Actions) -> None:
    assert actions(_number(**changes), can_retry=True, can_renew=True, now=50) == expected


def test_a_verb_that_the_provider_lacks_is_not_offered() -> None:
    assert actions(_number(sms_count=1), can_retry=False, can_renew=False, now=0) == Actions(finish=True)
    assert actions(_number(kind=Kind.RENTAL), can_retry=False, can_renew=False, now=0) == Actions(release=True)


def test_the_same_number_is_had_again_after_a_completed_activation_alone() -> None:
    for state in State:
        for kind in Kind:
            can = actions(_number(state=state, kind=kind), can_retry=True, can_renew=True, can_again=True, now=0)
            assert can.again is (state is State.COMPLETED and kind is Kind.ACTIVATION)
    assert not actions(_number(state=State.COMPLETED), can_retry=True, can_renew=True, now=0).again


def test_every_state_is_reached_from_buying_and_an_end_is_the_end() -> None:
    reached, fresh = set(), {State.BUYING}
    while fresh:
        reached |= fresh
        fresh = {target for source, target in TRANSITIONS if source in reached} - reached
    assert reached == set(State)
    assert {source for source, _ in TRANSITIONS} == OPEN
    assert all(_number(state=state).is_open == (state in OPEN) for state in State)


def test_what_a_provider_charges_and_what_it_closed_are_told_apart() -> None:
    assert {state for state in RemoteState if state.charged} == {RemoteState.RECEIVED, RemoteState.FINISHED}
    assert {state for state in RemoteState if not state.closed} == {RemoteState.WAITING, RemoteState.RECEIVED}


def test_the_shipped_catalogue_is_complete_and_popular_ones_are_ranked() -> None:
    catalogue = Catalogue.shipped()
    assert len(catalogue.services) > 500
    assert catalogue.services[ANY_SERVICE].name == "Any service"
    assert [one.code for one in catalogue.popular()][:3] == ["wa", "tg", "go"]
    assert [one.rank for one in catalogue.popular()] == list(range(len(catalogue.popular())))
    assert all(len(iso2) == 2 and iso2.isupper() and one.dial.isdigit() for iso2, one in catalogue.countries.items())
    assert catalogue.service_name("no such code") == "no such code"
    assert "uk" in catalogue.countries["GB"].aliases


def test_errors_say_what_they_carry_and_whether_trying_again_helps() -> None:
    again = {kind for kind in errors.ProviderError.__subclasses__() if not kind.permanent}
    assert again == {errors.CancelTooEarly, errors.Throttled, errors.ProviderFault}
    reasons = [kind.reason for kind in errors.ProviderError.__subclasses__()]
    assert len(set(reasons)) == len(reasons)
    assert errors.TooLittleMoney(5).missing == 5
    assert (errors.LimitReached("active_numbers", 3).limit, errors.LimitReached("x", 3).allowed) == (
        "active_numbers",
        3,
    )
    assert errors.CancelTooEarly(7).at == 7
    assert [role.is_admin for role in Role] == [True, True, False, False]


def test_an_sms_without_an_id_gets_one_from_what_tells_two_apart() -> None:
    same = derived_sms_id("p", "S", "text", "10:00")
    assert derived_sms_id("p", "S", "text", "10:00") == same
    others = [
        ("q", "S", "text", "10:00"),
        ("p", "T", "text", "10:00"),
        ("p", "S", "texts", "10:00"),
        ("p", "S", "text", "10:01"),
    ]
    assert same not in {derived_sms_id(*other) for other in others}
    assert derived_sms_id("pS", "", "text", "") != derived_sms_id("p", "S", "text", "")
    assert derived_sms_id("\ud800", "", "", "").startswith("h:")
