"""No sentence goes out untranslated: the sources, the template and every language say the same."""

import pytest
from babel.messages.catalog import Catalog
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po

from bot.texts import Texts
from bot.texts.catalog import LOCALES, forms_of, msgids_of, po_files
from bot.texts.extract import ROOT, rendered, template, template_path, updated
from bot.texts.shape import misfit
from bot.texts.sources import sentences

FILES = po_files(LOCALES)
REFRESH = "run `make texts`, translate what is new, and commit"


@pytest.fixture(scope="module")
def source() -> Catalog:
    return template(sentences(ROOT))


def _read(language: str) -> Catalog:
    with FILES[language].open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def test_the_template_is_current_with_the_sources(source: Catalog) -> None:
    assert template_path(LOCALES).read_bytes() == rendered(source), REFRESH


def test_russian_is_there_and_no_folder_of_a_language_is_without_its_file() -> None:
    assert "ru" in FILES
    assert {path.name for path in LOCALES.iterdir() if path.is_dir()} == set(FILES)


@pytest.mark.parametrize("language", FILES)
def test_a_language_has_exactly_the_sentences_of_the_sources(language: str, source: Catalog) -> None:
    assert {msgids_of(message) for message in _read(language)} == {msgids_of(message) for message in source}, REFRESH
    assert FILES[language].read_bytes() == rendered(updated(FILES[language], language, source)), REFRESH


@pytest.mark.parametrize("language", FILES)
def test_every_sentence_is_translated_and_fits(language: str) -> None:
    catalog = _read(language)
    wrong = {}
    for message in catalog:
        msgids, forms = msgids_of(message), forms_of(message)
        if msgids == ("",):
            continue
        wanted = 1 if len(msgids) == 1 else catalog.num_plurals
        if len(forms) != wanted or not all(form.strip() for form in forms):
            wrong[msgids[0]] = "not translated"
        elif message.fuzzy:
            wrong[msgids[0]] = "fuzzy: check it and take the mark away"
        elif why := misfit(msgids, forms):
            wrong[msgids[0]] = why
    assert wrong == {}


@pytest.mark.parametrize("language", FILES)
def test_plural_forms_are_those_of_the_language(language: str) -> None:
    catalog = _read(language)
    assert (catalog.num_plurals, catalog.plural_expr) == tuple(get_plural(language))


def test_each_language_is_loaded_without_a_complaint(caplog: pytest.LogCaptureFixture) -> None:
    texts = Texts.load()
    names = {texts.of(language).language_name for language in texts.languages}
    assert len(names) == len(texts.languages)
    assert caplog.records == []
