"""How many examples are tried."""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings

FULL = os.environ.get("FUZZ") == "full"
SEED = os.environ.get("FUZZ_SEED", "")
MORE = 30


def tries(examples: int) -> Callable[[Any], Any]:
    """Decorates a `@given` test: so many examples, and as many more as there is time for in the larger profile."""
    chosen = settings(
        max_examples=examples * (MORE if FULL else 1),
        derandomize=not FULL and not SEED,
        deadline=None,
        database=None,
        print_blob=False,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much),
    )
    return lambda test: seed(int(SEED))(chosen(test)) if SEED else chosen(test)
