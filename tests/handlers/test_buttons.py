"""Callback data: every button survives its packing, and nothing else is taken for one."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.catalogue import LONGEST_CODE, is_code
from bot.domain.errors import OldButton
from bot.domain.numbers import Kind
from handlers import buttons as b

VALUES = {str: "wa", int: 10**15, bool: True}


def _filled(kind: type[b.Button]) -> b.Button:
    return kind(**{field.name: VALUES[field.type] for field in dataclasses.fields(kind)})


@pytest.mark.parametrize("kind", b._kinds.values(), ids=lambda kind: kind.__name__)
def test_a_button_survives_its_packing_within_64_bytes(kind):
    pressed = _filled(kind)
    data = pressed.pack()
    assert len(data.encode()) < 64
    assert b.unpack(data) == pressed


@pytest.mark.parametrize("kind", list(Kind))
def test_every_code_of_a_service_fits_its_buttons(kind):
    code = "x" * LONGEST_CODE
    assert is_code(code)
    for pressed in (b.ShowOffer(kind, code, "GB", 1344, True), b.Countries(kind, code, 9999, True)):
        assert b.unpack(pressed.pack()) == pressed


def test_no_two_buttons_share_a_prefix():
    # A later button with the same prefix would have taken the earlier one's place.
    assert {kind.__name__ for kind in b.Button.__subclasses__()} == {kind.__name__ for kind in b._kinds.values()}


@given(st.text(max_size=200))
def test_any_data_is_a_button_or_refused(data):
    try:
        pressed = b.unpack(data)
    except OldButton:
        return
    assert isinstance(pressed, b.Button)


@pytest.mark.parametrize(
    ("data", "pressed"),
    [
        ("co:activation:wa:3", b.Countries("activation", "wa", 3)),
        ("of:activation:wa:DE:0", b.ShowOffer("activation", "wa", "DE")),
        ("of:rental:wa:DE:24", b.ShowOffer("rental", "wa", "DE", 24)),
        ("co:activation:wa:0:1", b.Countries("activation", "wa", reliable=True)),
        ("of:activation:wa:DE:0:1", b.ShowOffer("activation", "wa", "DE", reliable=True)),
    ],
)
def test_a_button_of_before_its_last_field_was_added_still_works(data, pressed):
    assert b.unpack(data) == pressed


@pytest.mark.parametrize("data", ["co:activation", "of:activation:wa", "ok", "co:activation:wa:0:1:1", "co:a:wa:0:x"])
def test_a_button_with_too_few_fields_or_too_many_is_refused(data):
    with pytest.raises(OldButton):
        b.unpack(data)


@pytest.mark.parametrize("value", ["a:b", "x" * 64, "я" * 40])
def test_a_value_that_does_not_fit_is_not_packed(value):
    with pytest.raises(ValueError, match="does not fit"):
        b.SetLanguage(value).pack()
