"""`make codes`: how well codes are found, beside another extractor; the times; what each family of rules is worth."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from otp_message_extractor import extract_otp

from bot.domain.codes.extract import PARTS, Reader
from bot.domain.codes.lexicon import FAMILIES, Lexicon, tables
from bot.domain.codes.weights import WEIGHTS
from tests.codes import clock, corpus, score
from tests.codes.corpus import Message
from tests.codes.score import Tally

GROUPS: Mapping[str, Callable[[str], bool]] = {
    "names beside a number": lambda name: name.startswith(("secret", "code", "figure")),
    "verbs beside it": lambda name: name.startswith("asked"),
    "told as the code": lambda name: name in ("told", "subject"),
    "purpose beside it": lambda name: name == "purpose",
    "other things beside it": lambda name: name.startswith(("other ", "noise ", "amount ", "money ")),
    "words anywhere": lambda name: name.startswith("any ") or name == "unsaid",
    "nothing else it could be": lambda name: name.startswith("alone"),
    "promotion": lambda name: name in ("mixed by offer", "mixed by percent", "slogan", "campaign", "some offer"),
    "length": lambda name: name.endswith("digits") or name == "loose length",
    "place and signs": lambda name: name in ("first", "last", "own line", "after colon", "enclosed"),
    "cut and joined": lambda name: name in ("cut", "in a run", "glued", "after capitals"),
    "dates, years, groups": lambda name: (
        name in ("date", "loose year", "dash pair", "odd groups", "grouped", "thousands")
    ),
    "letters": lambda name: name in ("mixed", "loose mixed", "odd mixed", "symbols", "interleaved", "mixed case"),
}


def theirs(message: Message) -> str | None:
    """With its answer normalised as the corpus is, so that only what was found counts."""
    found = extract_otp(message.text)
    return corpus.normalised(found["code"], "") if found else None


def by(reader: Reader, message: Message) -> str | None:
    found = reader.extract(message.text, message.sender, message.service)
    return found.value if found else None


def accuracy(halves: Mapping[str, Sequence[Message]]) -> Iterator[str]:
    yield f"{'':22}" + "".join(f"{half + ': ours':>22}{'otp-message-extractor':>24}" for half in halves)
    yield _row("all", halves, lambda _: True)
    yield _row("English and Arabic", halves, lambda message: message.lang.split("-")[0] in ("en", "ar"))
    for script in sorted({message.script for messages in halves.values() for message in messages}):
        yield _row(script, halves, lambda message, script=script: message.script == script)  # type: ignore[misc]


def _row(title: str, halves: Mapping[str, Sequence[Message]], of: Callable[[Message], bool]) -> str:
    row = f"{title:22}"
    for messages in halves.values():
        here = [message for message in messages if of(message)]
        row += f"{_shown(score.tally(here, score.ours)):>22}{_shown(score.tally(here, theirs)):>24}"
    return row


def _shown(tally: Tally) -> str:
    return f"{tally.right}/{tally.total} {tally.accuracy:5.1f} %" if tally.total else "-"


def ablation(halves: Mapping[str, Sequence[Message]]) -> Iterator[str]:
    """What is lost in points of accuracy, and how many misleading answers come, without each family of rules."""
    whole = {half: score.tally(messages, score.ours) for half, messages in halves.items()}
    yield f"{'without':32}" + "".join(f"{half + ': points':>20}{'misleading':>12}" for half in halves)
    for title, reader in readers():
        row = f"{title:32}"
        for half, messages in halves.items():
            left = score.tally(messages, partial(by, reader))
            misled = left.wrong + left.false - whole[half].wrong - whole[half].false
            row += f"{left.accuracy - whole[half].accuracy:+20.2f}{misled:+12}"
        yield row


def readers() -> Iterator[tuple[str, Reader]]:
    whole = Lexicon.of(tables())
    for part in sorted(PARTS):
        yield f"part: {part}", Reader(whole, parts=PARTS - {part})
    for title, is_in in GROUPS.items():
        yield (
            f"evidence: {title}",
            Reader(whole, {name: 0.0 if is_in(name) else worth for name, worth in WEIGHTS.items()}),
        )
    for family in FAMILIES:
        lexicon = Lexicon.of((name, {**table, family: []}) for name, table in tables())
        yield f"words: {family}", Reader(lexicon)


def times(messages: Sequence[Message]) -> str:
    found = clock.measure(messages)
    return (
        f"median {found.median_ms:.2f} ms, slowest message {found.slowest_ms:.2f} ms;"
        f" worst of {len(clock.PARTS)} hostile texts of {clock.LONGEST} characters (median of three):"
        f" {found.worst_ms:.1f} ms for {found.worst!r}, bound {clock.BOUND_MS:.0f} ms"
    )


def main() -> None:
    halves = {half: corpus.load(half) for half in corpus.HALVES}
    print("Right answers (the exact code, and none where there is none)\n")
    print("\n".join(accuracy(halves)), end="\n\n")
    for half, messages in halves.items():
        for title, reader in (("ours", score.ours), ("otp-message-extractor", theirs)):
            total = score.tally(messages, reader)
            kinds = f"{total.wrong} wrong, {total.false} where there is none, {total.missed} missed"
            print(f"{half}, {title}: {total.accuracy:.2f} % right, {total.misleading:.2f} % misleading ({kinds})")
    print("\nTime\n\n" + times(halves[corpus.TUNING]))
    print("\nWhat each family of rules is worth\n")
    for row in ablation(halves):
        print(row, flush=True)


if __name__ == "__main__":
    main()
