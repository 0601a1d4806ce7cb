"""The languages on disk: one `.po` file each, read when the language is first asked for."""

import gettext
import io
import logging
from collections.abc import Mapping
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from bot.texts.shape import misfit
from bot.texts.words import Words

LOCALES = Path(__file__).with_name("locales")
DOMAIN = "codepigeon"
SOURCE_LANGUAGE = "en"

log = logging.getLogger(__name__)


def po_files(directory: Path) -> dict[str, Path]:
    """Language to file, in order of language. Raises FileNotFoundError without the directory."""
    if not directory.is_dir():
        raise FileNotFoundError(f"no texts in {directory}")
    return {path.parts[-3]: path for path in sorted(directory.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))}


def msgids_of(message: Message) -> tuple[str, ...]:
    """One text, or singular and plural."""
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def forms_of(message: Message) -> tuple[str, ...]:
    """The translation: one text, or one for each plural form; empty texts where there is none yet."""
    return (message.string or "",) if isinstance(message.string, str | None) else tuple(message.string)


class Texts:
    """All languages. English is in the sources and needs no file."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._words: dict[str, Words] = {}
        self.languages: tuple[str, ...] = (SOURCE_LANGUAGE, *files)
        self._codes: dict[str, str] = {}
        for language in self.languages:
            self._codes.setdefault(_base(language), language)
        self._codes.update((_key(language), language) for language in self.languages)

    @classmethod
    def load(cls, directory: Path = LOCALES) -> "Texts":
        return cls(po_files(directory))

    def of(self, language: str) -> Words:
        """`language` as Telegram gives it (`ru`, `pt-br`); another region of a known language is that language."""
        code = self._codes.get(_key(language)) or self._codes.get(_base(language)) or SOURCE_LANGUAGE
        if code not in self._words:
            self._words[code] = Words(code, self._translations(code))
        return self._words[code]

    def _translations(self, code: str) -> gettext.NullTranslations:
        if code not in self._files:
            return gettext.NullTranslations()
        with self._files[code].open("rb") as file:
            return _compiled(code, read_po(file, locale=code))


def _key(language: str) -> str:
    return language.replace("-", "_").lower()


def _base(language: str) -> str:
    return _key(language).partition("_")[0]


def _compiled(code: str, catalog: Catalog) -> gettext.GNUTranslations:
    """The translations that fit; the others are logged here, once, and English stands in for them."""
    for message in catalog:
        if message.id and not message.fuzzy and not _is_usable(message):
            if any(forms_of(message)):
                log.warning("the %s translation does not fit its sentence: %r", code, msgids_of(message)[0])
            message.string = ""
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _is_usable(message: Message) -> bool:
    """Half a plural is not: gettext would fill its gaps with the wrong English form."""
    return all(forms_of(message)) and not misfit(msgids_of(message), forms_of(message))
