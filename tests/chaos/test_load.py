"""More SMS than Telegram takes, and its limits to the letter: nothing is lost, nothing is refused, codes leave first.

`python -m tests.chaos.load` is the same for a minute, with 100 SMS a second.
"""

from pathlib import Path

from tests.chaos.load.limits import CHAT_BURST, GROUP, OVERALL, Limits
from tests.chaos.load.run import Plan, run
from tests.chaos.load.verdict import figures, wrongs


async def test_a_load_that_telegram_cannot_take_at_once_is_delivered_in_the_order_of_its_importance(tmp_path: Path):
    load = await run(Plan(rate=45, seconds=7, people=40, presses=3), tmp_path)
    assert wrongs(load) == [], figures(load)


class _Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def _refused(limits: Limits, chats: list[int], method: str = "sendMessage") -> list[int]:
    """Which of these messages, one to each of these chats, are refused."""
    return [place for place, chat in enumerate(chats) if limits.take(method, chat) is not None]


def test_this_telegram_refuses_what_is_beyond_its_limits():
    clock = _Clock()
    limits = Limits(clock)
    assert _refused(limits, list(range(1, OVERALL + 3))) == [OVERALL, OVERALL + 1]
    clock.now += 0.99
    assert _refused(limits, [99], "editMessageText") == [0], "an edit counts too"
    assert _refused(limits, [99] * 3, "answerCallbackQuery") == []
    clock.now += 0.02
    assert _refused(limits, [7] * (CHAT_BURST + 2)) == [CHAT_BURST, CHAT_BURST + 1]
    clock.now += 1.0
    assert _refused(limits, [7] * 2) == [1]


def test_this_telegram_takes_twenty_messages_a_minute_in_a_group():
    clock = _Clock()
    limits = Limits(clock)
    assert _refused(limits, [-5] * (GROUP + 1)) == [GROUP]
    clock.now += 59
    fault = limits.take("sendMessage", -5)
    assert fault is not None
    assert (fault.kind, fault.retry_after) == ("429", 1)
    clock.now += 1.01
    assert _refused(limits, [-5]) == []
