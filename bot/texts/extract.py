"""`python -m bot.texts.extract [language ...]`: refresh the template and every translation from the sources.

A language named that has no file yet gets one. What is written depends on the sources and the translations alone:
no dates, no line numbers, no versions.
"""

import io
import sys
from collections.abc import Iterable
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from bot.texts.catalog import DOMAIN, LOCALES, SOURCE_LANGUAGE, po_files
from bot.texts.sources import BadSentence, Sentence, sentences

ROOT = Path(__file__).parents[2]


def template_path(directory: Path) -> Path:
    return directory / f"{DOMAIN}.pot"


def template(found: Iterable[Sentence]) -> Catalog:
    catalog = Catalog(header_comment="# Every sentence of codepigeon, from its sources by `make texts`. Not edited.")
    for sentence in found:
        msgid = sentence.msgids[0] if len(sentence.msgids) == 1 else sentence.msgids
        notes = [sentence.note] if sentence.note else []
        catalog.add(msgid, locations=[(sentence.file, 0)], auto_comments=notes)
    return catalog


def updated(path: Path, language: str, source: Catalog) -> Catalog:
    """The translation in `path` with exactly the sentences of `source`; one that changed a little is kept as fuzzy."""
    with path.open("rb") as file:
        catalog = read_po(file, locale=language, abort_invalid=True)
    catalog.update(source, update_creation_date=False)
    return catalog


def blank(language: str, source: Catalog) -> Catalog:
    name = Locale.parse(language).english_name
    catalog = Catalog(locale=language, header_comment=f"# codepigeon in {name}.")
    catalog.update(source, update_creation_date=False)
    return catalog


def rendered(catalog: Catalog) -> bytes:
    body = io.BytesIO()
    for message in catalog:
        # Babel takes "5 % discount" for a C format; our fields are in braces.
        message.flags.discard("python-format")
    write_po(
        body, catalog, width=0, omit_header=True, include_lineno=False, include_previous=True, ignore_obsolete=True
    )
    return f"{_header(catalog)}\n".encode() + body.getvalue().rstrip(b"\n") + b"\n"


def refresh(root: Path, directory: Path, new: Iterable[str] = ()) -> list[Path]:
    """Write the template and all translations, and a blank one for each of `new`; returns what changed on disk.

    Raises BadSentence, and UnknownLocaleError or ValueError for a language that CLDR does not know.
    """
    source = template(sentences(root))
    files = {template_path(directory): source}
    known = po_files(directory)
    for language, path in known.items():
        files[path] = updated(path, language, source)
    for language in {str(Locale.parse(name)) for name in new} - {SOURCE_LANGUAGE, *known}:
        files[directory / language / "LC_MESSAGES" / f"{DOMAIN}.po"] = blank(language, source)
    return [path for path, catalog in files.items() if _write(path, rendered(catalog))]


def _header(catalog: Catalog) -> str:
    fields = {"MIME-Version": "1.0", "Content-Type": "text/plain; charset=utf-8", "Content-Transfer-Encoding": "8bit"}
    if catalog.locale is not None:
        fields = {"Language": str(catalog.locale), "Plural-Forms": catalog.plural_forms, **fields}
    lines = "".join(f'"{name}: {value}\\n"\n' for name, value in fields.items())
    return f'{catalog.header_comment}\nmsgid ""\nmsgstr ""\n{lines}'.lstrip("\n")


def _write(path: Path, content: bytes) -> bool:
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return True


def main(languages: list[str]) -> int:
    try:
        changed = refresh(ROOT, LOCALES, languages)
    except (BadSentence, UnknownLocaleError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for path in changed:
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
