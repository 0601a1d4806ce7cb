import pytest

from bot.texts.sources import BadSentence, Sentence, sentences_in

SOURCE = '''
from bot.texts import mark as _

NAMES = {"a": _("Alpha")}

def show(t, view, n, sure, name):
    """t("not a call")"""
    # t("nor this")
    # Translators: shown on the card,
    # above the code.
    line = t("Code from {service}", service=name(t("an unknown sender")))
    rows = [view.t("Yes" if sure else "No"), t(NAMES["a"]), t(name)]
    return t.plural(
        "{n} number",
        "{n} numbers",
        n,
    ) + t("one "
          "sentence")
'''


def test_every_way_to_write_a_sentence_is_found_and_nothing_else() -> None:
    found = {sentence.msgids: sentence for sentence in sentences_in(SOURCE, "handlers/x.py")}
    one = {"Alpha", "Code from {service}", "an unknown sender", "Yes", "No", "one sentence"}
    assert set(found) == {(text,) for text in one} | {("{n} number", "{n} numbers")}
    assert found["Code from {service}",] == Sentence(
        ("Code from {service}",), "handlers/x.py", "Translators: shown on the card, above the code."
    )
    assert found["Yes",].note == ""


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ('t(f"Hello {name}")', "computed"),
        ('t("Hello " + name)', "computed"),
        ('t(name or "you")', "computed"),
        ('t("")', "empty"),
        ('t("{}")', "field"),
        ('t("{price:.2f}")', "field"),
        ('t("{user.name}")', "field"),
        ('t("half {a brace")', "expected '}'"),
        ('t("Terms & conditions")', "&amp;"),
        ('t("<b>bold")', "not closed"),
        ('t("bold</b>")', "closes nothing"),
        ('t("<br>")', "does not know"),
        ('t.plural("{n} day", days, n)', "two literal"),
        ('t.plural("<b>a</b>" if x else "b", "c", n)', "two literal"),
    ],
)
def test_a_sentence_that_cannot_be_translated_is_refused_with_its_place(call: str, why: str) -> None:
    with pytest.raises(BadSentence, match=rf"^handlers/x\.py:2: .*{why}"):
        list(sentences_in(f"\n{call}\n", "handlers/x.py"))
