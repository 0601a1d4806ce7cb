"""Hooks of schemathesis: values that exist in place of made-up ones, so that its cases get past the first look at them.

They come as JSON in REAL_VALUES; what a case does not have at all is not added to it.
"""

import json
import os
from typing import Any

import schemathesis

REAL: dict[str, Any] = json.loads(os.environ["REAL_VALUES"])


def _real(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: REAL.get(name, value) for name, value in part.items()}
    return part


@schemathesis.hook
def map_query(context: Any, query: Any) -> Any:
    return _real(query)


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    return _real(body)
