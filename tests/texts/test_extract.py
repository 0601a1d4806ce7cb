from pathlib import Path

import pytest
from babel import UnknownLocaleError

from bot.texts import Texts
from bot.texts.extract import refresh, template_path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for package in ("bot", "handlers", "tests", "locales"):
        (tmp_path / package).mkdir()
    (tmp_path / "tests" / "test_x.py").write_text('t("not ours")')
    (tmp_path / "bot" / "x.py").write_text('t("5 % off, {name}")\nt.plural("{n} day", "{n} days", n)\n')
    return tmp_path


def _po(project: Path, language: str) -> Path:
    return project / "locales" / language / "LC_MESSAGES" / "codepigeon.po"


def _translate(path: Path, msgid: str, msgstr: str) -> None:
    before = f'msgid "{msgid}"\nmsgstr ""'
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, f'msgid "{msgid}"\nmsgstr "{msgstr}"'), "utf-8")


def test_a_language_named_for_the_first_time_gets_a_file_with_its_own_plurals(project: Path) -> None:
    refresh(project, project / "locales", ["ar", "pt_BR", "en"])
    assert Texts.load(project / "locales").languages == ("en", "ar", "pt_BR")
    assert "nplurals=6" in _po(project, "ar").read_text("utf-8")
    assert _po(project, "ar").read_text("utf-8").count("msgstr[") == 6


def test_the_template_depends_on_the_sources_alone_and_holds_ours_only(project: Path) -> None:
    locales = project / "locales"
    refresh(project, locales, ["ru"])
    assert template_path(locales).read_text("utf-8").splitlines()[7:] == [
        "#: bot/x.py",
        "#, python-brace-format",
        'msgid "5 % off, {name}"',
        'msgstr ""',
        "",
        "#: bot/x.py",
        "#, python-brace-format",
        'msgid "{n} day"',
        'msgid_plural "{n} days"',
        'msgstr[0] ""',
        'msgstr[1] ""',
    ]
    source = project / "bot" / "x.py"
    source.write_text("\n\n" + source.read_text())
    assert refresh(project, locales) == []


def test_a_refresh_keeps_translations_and_marks_those_of_changed_sentences(project: Path) -> None:
    locales = project / "locales"
    refresh(project, locales, ["ru"])
    _translate(_po(project, "ru"), "5 % off, {name}", "Скидка 5 %, {name}")
    assert refresh(project, locales) == []
    (project / "handlers" / "y.py").write_text('t("5 % off")\nt("5 % off, {name}")')
    refresh(project, locales)
    assert Texts.load(locales).of("ru")("5 % off, {name}", name="Я") == "Скидка 5 %, Я"
    (project / "handlers" / "y.py").unlink()
    (project / "bot" / "x.py").write_text('t("5 % off for {name}")')
    refresh(project, locales)
    assert "#, fuzzy" in _po(project, "ru").read_text("utf-8")
    assert "#~" not in _po(project, "ru").read_text("utf-8")
    assert Texts.load(locales).of("ru")("5 % off for {name}", name="I") == "5 % off for I"


def test_a_language_that_nobody_knows_is_refused(project: Path) -> None:
    with pytest.raises(UnknownLocaleError):
        refresh(project, project / "locales", ["xx"])
    assert list((project / "locales").iterdir()) == []
