"""The clock that services are given."""

import time
from collections.abc import Callable
from typing import TypeAlias

from bot.domain.time import Ms

Clock: TypeAlias = Callable[[], Ms]


def now_ms() -> Ms:
    return time.time_ns() // 1_000_000
