"""Whose turn it is: every number at the pace of its age, and all of them slower alike when there is too little room."""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.errors import BadKey, ProviderFault, Throttled
from bot.domain.time import HOUR, MINUTE, SECOND, Ms
from bot.services.pace import Rests, Turns
from bot.services.rhythm import Timing

TIMING = Timing()
START: Ms = 1_700_000_000_000
BEAT: Ms = SECOND


@dataclass
class Provider:
    """Takes `takes` for each answer. The sweep beats once a second, and when nobody is due, that is waited for."""

    turns: Turns
    takes: Ms
    now: Ms = START
    asked: dict[str, list[Ms]] = field(default_factory=lambda: defaultdict(list))

    def run(self, span: Ms) -> None:
        end = self.now + span
        while self.now < end:
            ref = self.turns.take(self.now)
            if ref is None:
                self.now += BEAT - (self.now - START) % BEAT
            else:
                self.asked[ref].append(self.now)
                self.now += self.takes
                self.turns.answered(ref)

    def longest_wait(self, ref: str, since: Ms) -> Ms:
        times = [since, *(at for at in self.asked[ref] if at >= since), self.now]
        return max(later - earlier for earlier, later in pairwise(times))


def provider_of(born: dict[str, Ms], takes: Ms) -> Provider:
    turns = Turns(TIMING)
    turns.follow(born, START)
    return Provider(turns, takes)


def aged(ages: list[Ms]) -> dict[str, Ms]:
    return {f"n{place}": START - age for place, age in enumerate(ages)}


AGES = [
    # how old it is, and how often it is asked about in a minute
    (0, 30),
    (MINUTE, 30),
    (3 * MINUTE, 12),
    (10 * MINUTE, 6),
    (1000 * HOUR, 6),
]


@pytest.mark.parametrize(("age", "times"), AGES)
def test_a_number_is_asked_about_at_the_pace_of_its_age(age: Ms, times: int) -> None:
    provider = provider_of(aged([age]), takes=1)
    provider.run(MINUTE)
    assert abs(len(provider.asked["n0"]) - times) <= 1


def test_a_number_grows_old() -> None:
    provider = provider_of(aged([0]), takes=1)
    provider.run(9 * MINUTE)
    spans = [sum(start <= at - START < end for at in provider.asked["n0"]) for start, end in PERIODS]
    assert spans == pytest.approx([60, 36, 24], abs=1)


PERIODS = [(0, 2 * MINUTE), (2 * MINUTE, 5 * MINUTE), (5 * MINUTE, 9 * MINUTE)]


def test_the_pace_is_kept_although_questions_leave_between_two_beats() -> None:
    """Each beat starts a little late, and each question a little after it."""
    turns, asked = Turns(TIMING), []
    turns.follow({"a": START - MINUTE}, START)
    for beat in range(40):
        now = START + beat * BEAT + (37 * beat) % 400
        if turns.take(now) is not None:
            asked.append(beat)
            turns.answered("a")
    assert asked == list(range(0, 40, 2))


def test_a_new_number_is_due_when_it_has_had_its_pace_and_an_old_one_at_once() -> None:
    turns = Turns(TIMING)
    turns.follow({"old": START - HOUR}, START)
    assert turns.take(START) == "old"
    turns.follow({"old": START - HOUR, "new": START}, START)
    assert turns.take(START) is None
    assert turns.take(START + TIMING.poll_young) == "new"


def test_the_young_come_first_after_a_start() -> None:
    turns = Turns(TIMING)
    turns.follow(aged([1000 * HOUR, 4 * MINUTE, MINUTE, 10 * MINUTE]), START)
    assert [turns.take(START + 1) for _ in range(5)] == ["n2", "n1", "n0", "n3", None]


def test_a_number_is_not_given_out_twice_and_keeps_its_place_when_it_was_not_asked() -> None:
    turns = Turns(TIMING)
    turns.follow(aged([MINUTE, HOUR]), START)
    assert [turns.take(START), turns.take(START), turns.take(START + MINUTE)] == ["n0", "n1", None]
    turns.put_back("n1")
    turns.answered("n0")
    assert turns.take(START + 1) == "n1"
    assert turns.take(START + 1) is None


def test_a_number_that_fails_waits_as_if_it_were_old_until_it_answers() -> None:
    turns = Turns(TIMING)
    turns.follow({"a": START}, START)
    assert turns.take(START + 5 * SECOND) == "a"
    turns.failed("a", START + 6 * SECOND)
    assert turns.take(START + 15 * SECOND) is None
    assert turns.take(START + 16 * SECOND) == "a"
    turns.answered("a")
    assert turns.take(START + 18 * SECOND) == "a"


def test_numbers_that_are_no_longer_live_are_forgotten_also_with_a_question_under_way() -> None:
    turns = Turns(TIMING)
    turns.follow(aged([HOUR] * 5), START)
    taken = turns.take(START)
    assert len(turns) == 5
    turns.follow({}, START + SECOND)
    assert len(turns) == 0
    for told in (turns.answered, turns.put_back, lambda ref: turns.failed(ref, START)):
        told(taken)
    assert turns.take(START + HOUR) is None


def test_a_clock_that_is_set_back_does_not_stop_the_questions() -> None:
    turns = Turns(TIMING)
    turns.follow({"a": START - HOUR}, START)
    assert turns.take(START) == "a"
    turns.answered("a")
    before = START - 12 * HOUR
    assert turns.take(before) == "a"
    turns.answered("a")
    assert turns.take(before + SECOND) is None


Ages = st.lists(st.integers(0, 30 * MINUTE), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(ages=Ages, room=st.floats(1.2, 20.0))
def test_while_there_is_room_nobody_waits_much_longer_than_its_pace(ages: list[Ms], room: float) -> None:
    born = aged(ages)
    asked_for = sum(1 / TIMING.poll_pace(age) for age in ages)
    takes = max(1, int(1 / asked_for / room))
    provider = provider_of(born, takes)
    provider.run(MINUTE)
    for ref, at in born.items():
        slowest = TIMING.poll_pace(provider.now - at)
        assert provider.longest_wait(ref, START) <= 2 * slowest + 2 * BEAT


@settings(max_examples=60, deadline=None)
@given(ages=st.lists(st.integers(0, 30 * MINUTE), min_size=8, max_size=60), short=st.floats(1.5, 20.0))
def test_without_room_all_are_slowed_alike_and_nobody_is_forgotten(ages: list[Ms], short: float) -> None:
    """`short`: how many times as much is asked for as there is room for."""
    born = {ref: at - 6 * MINUTE if START - at > TIMING.young else START for ref, at in aged(ages).items()}
    asked_for = sum(1 / TIMING.poll_pace(START - at) for at in born.values())
    takes = int(short / asked_for)
    provider = provider_of(born, takes)
    provider.run(TIMING.young - TIMING.poll_young)
    for ref, at in born.items():
        stretched = short * TIMING.poll_pace(START - at)
        if stretched * 3 < provider.now - START:
            assert provider.longest_wait(ref, START) <= 1.5 * stretched + len(born) * takes / 4 + 2 * BEAT


def test_a_crowd_of_old_numbers_does_not_starve_a_young_one_nor_the_young_ones_an_old_one() -> None:
    born = {"young": START, **{f"old{place}": START - HOUR for place in range(500)}}
    provider = provider_of(born, takes=200)
    provider.run(90 * SECOND)
    # 50.5 questions a second are wanted and five can be put: everything takes ten times as long
    assert provider.longest_wait("young", START) <= 12 * TIMING.poll_young
    crowd = provider_of({"old": START - HOUR, **{f"young{place}": START for place in range(100)}}, takes=200)
    crowd.run(110 * SECOND)
    assert provider.longest_wait("old0", START) <= 12 * TIMING.poll_old
    assert crowd.longest_wait("old", START) <= 12 * TIMING.poll_old


def test_a_provider_rests_as_long_as_it_says_and_for_a_while_when_it_says_nothing() -> None:
    rests = Rests(TIMING)
    assert rests.is_over("a", START)
    rests.begin("a", Throttled(90), START)
    rests.begin("a", ProviderFault(), START + SECOND)
    assert not rests.is_over("a", START + 90 * SECOND - 1)
    assert rests.is_over("a", START + 90 * SECOND)
    assert rests.is_over("b", START)
    rests.begin("b", BadKey(), START)
    assert not rests.is_over("b", START + TIMING.poll_middle - 1)
    assert rests.is_over("b", START + TIMING.poll_middle)
    assert rests.is_over("a", START - HOUR), "the clock was set back"
    rests.begin("a", Throttled(2), START - HOUR)
    assert rests.is_over("a", START - HOUR + 2 * SECOND)


@pytest.mark.parametrize(
    ("says_s", "rests_ms"), [(0.5, 500), (-3, 0), (3600, HOUR), (1e400, HOUR), (float("nan"), HOUR)]
)
def test_a_rest_has_its_longest(says_s: float, rests_ms: Ms) -> None:
    assert TIMING.rest(Throttled(says_s)) == rests_ms
