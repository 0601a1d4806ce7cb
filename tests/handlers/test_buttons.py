"""Callback data: every button survives its packing, and nothing else is taken for one."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import OldButton
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


@pytest.mark.parametrize("value", ["a:b", "x" * 64, "я" * 40])
def test_a_value_that_does_not_fit_is_not_packed(value):
    with pytest.raises(ValueError, match="does not fit"):
        b.SetLanguage(value).pack()
