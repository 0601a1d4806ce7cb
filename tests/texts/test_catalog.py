import logging
from pathlib import Path

import pytest

from bot.texts import Texts

_PO = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n<5 ? 1 : 2);\\n"

msgid "Hello {name}"
msgstr "{greeting}, {name"

msgid "Good {part}"
msgstr "Добрый {pаrt}"

msgid "<b>Bold</b>"
msgstr "<b>Жирный<b>"

msgid "Yes"
msgstr "Да"

#, fuzzy
msgid "No"
msgstr "Нет, {name}"

msgid "Later"
msgstr ""

msgid "{n} code"
msgid_plural "{n} codes"
msgstr[0] "{n} код"
msgstr[1] ""
msgstr[2] "{n} кодов"

msgid "{n} card"
msgid_plural "{n} cards"
msgstr[0] "одна карта"
msgstr[1] "{n} карты"
msgstr[2] "{n} карт"
"""


def _write(directory: Path, language: str, text: str = _PO) -> None:
    path = directory / language / "LC_MESSAGES" / "codepigeon.po"
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")


def test_english_comes_first_and_stands_in_for_an_unknown_language() -> None:
    texts = Texts.load()
    assert texts.languages[0] == "en"
    assert "ru" in texts.languages
    assert [texts.of(code).language for code in ("xx", "", "en-GB", "tlh")] == ["en"] * 4


@pytest.mark.parametrize(
    ("asked", "found"),
    [("ru-RU", "ru"), ("RU", "ru"), ("pt-br", "pt_BR"), ("pt", "pt_BR"), ("pt-pt", "pt_BR"), ("zh-hans", "zh")],
)
def test_another_region_of_a_language_is_that_language(tmp_path: Path, asked: str, found: str) -> None:
    for language in ("ru", "pt_BR", "zh"):
        _write(tmp_path, language)
    assert Texts.load(tmp_path).of(asked).language == found


def test_what_is_not_translated_is_said_in_english(tmp_path: Path) -> None:
    _write(tmp_path, "ru")
    t = Texts.load(tmp_path).of("ru")
    assert [t("Yes"), t("No"), t("Later"), t("Unheard of")] == ["Да", "No", "Later", "Unheard of"]
    assert [t.plural("{n} card", "{n} cards", n) for n in (1, 2, 5)] == ["одна карта", "2 карты", "5 карт"]


def test_a_translation_that_does_not_fit_is_said_in_english_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _write(tmp_path, "ru")
    texts = Texts.load(tmp_path)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            t = texts.of("ru")
            assert t("Hello {name}", name="<Ann>") == "Hello &lt;Ann&gt;"
            assert t("Good {part}", part="day") == "Good day"
            assert t("<b>Bold</b>") == "<b>Bold</b>"
            assert [t.plural("{n} code", "{n} codes", n) for n in (1, 2)] == ["1 code", "2 codes"]
    assert sorted(str(record.args) for record in caplog.records) == sorted(
        str(("ru", msgid)) for msgid in ("Hello {name}", "Good {part}", "<b>Bold</b>", "{n} code")
    )


def test_a_missing_directory_is_an_error_and_not_a_bot_in_english_only(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Texts.load(tmp_path / "nowhere")
