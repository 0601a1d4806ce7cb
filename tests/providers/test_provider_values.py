from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import LARGEST
from bot.providers import values


@pytest.mark.parametrize(
    ("written", "units"),
    [
        ("0.375", 3_750),
        (" 12.5 ", 125_000),
        ("1e2", 1_000_000),
        (21, 210_000),
        (0.105, 1_050),
        (0.10500000000000001, 1_050),
        (999.8949999999999818, 9_998_950),
        ("0.00001", 1),
        ("-1.5", -15_000),
        ("0", 0),
        (0.1 + 0.2, 3_000),
    ],
)
def test_money_is_read_exactly_and_finer_than_a_unit_rounds_up(written: object, units: int) -> None:
    assert values.money(written) == units


@pytest.mark.parametrize(
    "written", [None, True, "", "a", "1,5", "NaN", "inf", float("nan"), float("inf"), "1e30", [], {}, b"1", "9" * 40]
)
def test_what_is_no_amount_is_refused_without_repeating_it(written: object) -> None:
    with pytest.raises(ValueError, match=r"^no (usable )?amount$"):
        values.money(written)


@given(st.integers(0, LARGEST))
def test_money_written_is_read_back_the_same(units: int) -> None:
    text = values.money_text(units)
    assert values.money(text) == units
    assert "e" not in text.lower()


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2018-10-13T08:28:38.809469028Z", 1_539_419_318_809),
        ("2018-10-13T08:28:38.8Z", 1_539_419_318_800),
        ("2018-10-13t08:28:38z", 1_539_419_318_000),
        ("2018-10-13T11:28:38.809+03:00", 1_539_419_318_809),
        ("2018-10-13T04:28:38.809-0400", 1_539_419_318_809),
        ("1969-12-31T23:59:59.250Z", -750),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),
    ],
)
def test_times_are_read_to_the_millisecond(written: str, at: int) -> None:
    assert values.instant(written) == at


@pytest.mark.parametrize(
    "written",
    [
        "",
        "2018-10-13T08:28:38",
        "2018-10-13",
        "2018-13-13T08:28:38Z",
        "2018-10-13T25:28:38Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1539419318",
        "٢٠١٨-10-13T08:28:38Z",
        "2018-10-13T08:28:38Z\n",
    ],
)
def test_a_time_without_a_zone_or_sense_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="time"):
        values.instant(written)


@pytest.mark.parametrize(("written", "phone"), [("79000381454", "+79000381454"), (" +447350690992 ", "+447350690992")])
def test_a_phone_is_e164_whether_it_came_with_a_plus_or_not(written: str, phone: str) -> None:
    assert values.phone(written) == phone


@pytest.mark.parametrize(
    "written", ["", "+", "0123456789", "++49123456", "+49 123 456", "+12345", "1" * 16, "٧٩٠٠٠٣٨١٤٥٤"]
)
def test_what_is_no_phone_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="no phone"):
        values.phone(written)


@given(st.text() | st.from_regex(r"\d{1,5}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", fullmatch=True))
def test_no_text_at_all_breaks_the_readers(text: str) -> None:
    for read in (values.money, values.instant, values.phone):
        with suppress(ValueError):
            assert isinstance(read(text), int | str)
