"""Telegram's limits by the count: whatever the way of each message, what arrives is within them."""

import heapq
import itertools
import math
from collections.abc import Sequence

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from handlers.limits import GROUP, MOST_LATE_S, PRIVATE, Chats, Overall
from tests.chaos.load.limits import CHAT_BURST, CHAT_S, GROUP_S, Bucket, Window
from tests.chaos.load.limits import GROUP as GROUP_MOST

WAYS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=40, max_size=120)
"""There and back, in seconds."""
FEW = settings(max_examples=50, deadline=None, phases=[Phase.explicit, Phase.generate])


def _arrivals(rate: float, ways: Sequence[tuple[float, float]]) -> list[float]:
    """When each message reaches Telegram, all of them being owed from the beginning and sent as soon as may be."""
    overall, now, answers, arrived = Overall(rate), 0.0, list[tuple[float, int]](), list[float]()
    for message, (there, back) in enumerate(ways):
        while (at := overall.room_at(now)) > now:
            now = min(at, answers[0][0] if answers else math.inf)
            while answers and answers[0][0] <= now:
                overall.answered(heapq.heappop(answers)[1], now)
        overall.grant()
        overall.leave(message, now)
        arrived.append(now + there)
        heapq.heappush(answers, (now + there + back, message))
    return sorted(arrived)


@FEW
@given(WAYS, st.sampled_from([1, 2.5, 10, 30]))
def test_no_second_at_telegram_holds_more_than_the_rate(ways: list[tuple[float, float]], rate: float):
    window = Window(int(rate), int(rate) / rate - 1e-6)
    for at in _arrivals(rate, ways):
        assert window.wait_s(at) == 0
        window.take(at)


def test_with_a_short_way_the_whole_rate_is_used():
    arrived = _arrivals(30, [(0.001, 0.001)] * 301)
    assert arrived[-1] < 10.1


def test_a_message_without_an_answer_holds_its_place_for_a_while_only():
    overall = Overall(1)
    overall.grant()
    overall.leave("lost", 100.0)
    assert overall.room_at(100.0) == 100.0 + 1 + MOST_LATE_S
    assert overall.room_at(106.0) == 106.0
    overall.grant()
    overall.leave("next", 106.0)
    overall.answered("lost", 106.5)
    assert overall.room_at(106.5) == 106.0 + 1 + MOST_LATE_S, "its late answer takes no second place"


def test_a_place_that_was_not_used_is_free_at_once():
    overall = Overall(1)
    overall.grant()
    assert overall.room_at(5.0) == math.inf
    overall.give_back()
    assert overall.room_at(5.0) == 5.0


def _left(chat: int, many: int, *, code: bool, took_s: float = 0.0) -> list[float]:
    """When so many messages leave for one chat, one after the other."""
    chats, now, left = Chats(1.0), 1_000.0, list[float]()
    for _ in range(many):
        now = max(now, chats.ready_at(chat, code=code))
        left.append(now - 1_000.0)
        chats.take(chat, now)
        chats.answered(chat, took_s)
    return left


def test_a_chat_takes_a_burst_of_codes_and_then_one_a_second():
    assert _left(7, 11, code=True) == [0] * 8 + [1, 2, 3]
    assert PRIVATE.burst == CHAT_BURST


def test_the_end_of_a_burst_is_kept_for_codes():
    chats = Chats(1.0)
    for _ in range(PRIVATE.burst - PRIVATE.kept):
        assert chats.ready_at(7, code=False) <= 1_000.0
        chats.take(7, 1_000.0)
    assert chats.ready_at(7, code=False) == 1_001.0
    assert chats.ready_at(7, code=True) <= 1_000.0


@FEW
@given(WAYS)
def test_a_chat_gets_no_more_than_it_takes_whatever_the_way(ways: list[tuple[float, float]]):
    """Its messages are sent one after the other, as delivery does."""
    chats, now, bucket = Chats(1.0), 1_000.0, Bucket(CHAT_BURST, CHAT_S)
    for there, back in ways:
        now = max(now, chats.ready_at(7, code=True))
        chats.take(7, now)
        assert bucket.wait_s(now + there) < 1e-6
        bucket.take(now + there)
        now += there + back
        chats.answered(7, there + back)


def test_no_minute_in_a_group_holds_more_than_twenty():
    window = Window(GROUP_MOST, GROUP_S)
    left = _left(-7, 100, code=True)
    for at in left:
        assert window.wait_s(at) == 0
        window.take(at)
    assert left[-1] < (100 - GROUP.burst) * GROUP.interval_s + 1
    assert all(later >= sooner for sooner, later in itertools.pairwise(left))


def test_a_chat_that_telegram_paused_waits_and_no_other():
    chats = Chats(1.0)
    chats.pause(7, 1_030.0)
    assert chats.ready_at(7, code=True) == 1_030.0
    assert chats.ready_at(8, code=True) <= 1_000.0
    assert chats.ready_at(0, code=False) == 0.0, "a channel's name is no chat that is known"
