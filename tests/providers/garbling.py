"""Valid JSON with one part of it replaced by something else: what a changed or broken supplier sends."""

import copy
from typing import Any

from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def garbled(draw: st.DrawFn, whole: Any) -> Any:
    """`whole` with one value in it, at any depth, replaced or left out."""
    result = copy.deepcopy(whole)
    path = draw(st.sampled_from(list(_paths(result))))
    if not path:
        return draw(JSON)
    holder = result
    for step in path[:-1]:
        holder = holder[step]
    if draw(st.booleans()):
        holder[path[-1]] = draw(JSON)
    else:
        del holder[path[-1]]
    return result


def _paths(value: Any, before: tuple[Any, ...] = ()) -> Any:
    yield before
    if isinstance(value, dict):
        items: Any = value.items()
    else:
        items = enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _paths(inner, (*before, key))
