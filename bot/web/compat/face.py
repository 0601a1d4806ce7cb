"""The actions by name: whose call it is, whether the key may, and what is said."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from bot.domain.errors import CodepigeonError, TooOften
from bot.domain.keys import Caller
from bot.services.keys import require_full
from bot.web.api.errors import ApiError
from bot.web.compat.params import Params
from bot.web.compat.shapes import as_json
from bot.web.compat.words import NOT_NOW, OUR_FAULT, Word, of_rental, word_of
from storage.db import StorageDown

log = logging.getLogger(__name__)

Act: TypeAlias = Callable[[Caller, Params], Awaitable[str]]
Admit: TypeAlias = Callable[[str], Awaitable[Caller]]
"""Whose key it is; counts the call. Raises Refusal."""


LATER_S = 15.0


@dataclass(frozen=True, slots=True)
class Action:
    """`changes`: a key that may only read does not suffice."""

    act: Act
    changes: bool = False
    rental: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """`retry_after_s` goes with a 429 and a 503."""

    text: str
    status: int = 200
    retry_after_s: float = 0.0


class Face:
    def __init__(self, actions: Mapping[str, Action]) -> None:
        self._actions = actions

    async def answer(self, given: Mapping[str, str], admit: Admit) -> Said:
        """Always something that a client of the family can read, whatever happens."""
        p = Params(given)
        action = self._actions.get(p.text("action"))
        try:
            return Said(await self._act(action, p, admit))
        except TooOften as error:
            return Said("RATE_LIMIT", 429, error.retry_after_s)
        except Word as word:
            return _refused(str(word), action)
        except CodepigeonError as error:
            return _refused(word_of(error), action)
        except (ApiError, StorageDown):  # the program stops, or nothing can be saved, which is in the log already
            return replace(_refused(NOT_NOW, action), status=503, retry_after_s=LATER_S)
        except Exception:  # a page of HTML would tell an old client nothing
            log.exception("handler_api: %s failed", p.text("action") if action else "an unknown action")
            return _refused(OUR_FAULT, action)

    async def _act(self, action: Action | None, p: Params, admit: Admit) -> str:
        """The key comes first: a stranger learns nothing of what there is."""
        key = p.text("api_key")
        if not key:
            raise Word("NO_KEY")
        who = await admit(key)
        if action is None:
            raise Word("BAD_ACTION")
        if action.changes:
            require_full(who)
        return await action.act(who, p)


def _refused(word: str, action: Action | None) -> Said:
    """A key is refused in plain text everywhere."""
    if action is None or not action.rental or word in ("BAD_KEY", "NO_KEY"):
        return Said(word)
    return Said(as_json({"status": "error", "message": of_rental(word)}))
