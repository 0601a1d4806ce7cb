"""The two halves of the corpus are well formed, and the extractor does on them what it is said to do."""

import pytest

from bot.domain.codes import extract
from tests.codes import corpus, score

LEAST = {corpus.TUNING: 99.0, corpus.HELD_OUT: 95.0}
"""Per cent of exact answers. Below them somebody has broken a rule."""
MOST_MISLEADING = {corpus.TUNING: 0.5, corpus.HELD_OUT: 2.0}
"""Per cent of messages for which another code than the right one is given."""


@pytest.mark.parametrize("half", corpus.HALVES)
def test_a_half_of_the_corpus_is_well_formed(half: str) -> None:
    assert list(corpus.problems(half)) == []


@pytest.mark.parametrize("half", corpus.HALVES)
def test_the_codes_of_a_half_are_found(half: str) -> None:
    total = score.tally(corpus.load(half), score.ours)
    assert total.accuracy >= LEAST[half]
    assert total.misleading <= MOST_MISLEADING[half]


@pytest.mark.parametrize("half", corpus.HALVES)
def test_what_is_shown_stands_in_the_message_where_the_span_says(half: str) -> None:
    for message in corpus.load(half):
        found = extract(message.text, message.sender, message.service)
        assert found is None or message.text[slice(*found.span)] == found.shown, message.id
