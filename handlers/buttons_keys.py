"""Buttons about keys of the API."""

from handlers.buttons import Button, button


@button("ak")
class ApiKeys(Button):
    """The person's keys."""


@button("ka")
class NewKey(Button):
    """Makes a key; `scope` is a keys.Scope."""

    scope: str


@button("ks")
class ShowKey(Button):
    key_id: int


@button("kr")
class RevokeKey(Button):
    """Asks once more unless `sure`."""

    key_id: int
    sure: bool = False
