"""Updates, read so that one that makes no sense stops none of those after it.

PTB gives up a whole answer of getUpdates for a single update that it cannot read, asks for the same again at once, and
never hears another word; and what it reads, it takes as it comes, whatever its types.
"""

import json
import logging
from collections.abc import Iterable
from typing import Any

from telegram import Bot, Message, Update

log = logging.getLogger(__name__)

KINDS = (Update.MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER)
"""All that is asked for."""
LARGEST_ID = 2**53


class NoUpdate(ValueError):
    """It has not even an id."""


def read(data: object, bot: Bot | None = None) -> Update | None:
    """The update; None for one that cannot be read, which is noted and passed by. Raises NoUpdate."""
    update_id = data.get("update_id") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not _is_id(update_id):
        raise NoUpdate
    kind = next((kind for kind in KINDS if data.get(kind) is not None), None)
    try:
        update = Update.de_json({"update_id": update_id, **({kind: data[kind]} if kind else {})}, bot)
        if kind is None or _makes_sense(update):
            return update
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the update's; its text may repeat somebody's words
        log.warning("an update of Telegram's cannot be read, and is passed by: %s", type(error).__name__)
    else:
        log.warning("an update of Telegram's makes no sense, and is passed by")
    return None


def readable(body: bytes) -> bytes:
    """An answer of getUpdates, in which nothing is left of updates that cannot be read but their ids."""
    try:
        answer = json.loads(body)
        updates = answer["result"]
        sound = [_sound(update) for update in updates]
    except (ValueError, RecursionError, KeyError, TypeError):
        return body  # PTB says what is wrong with it
    if sound == updates:
        return body
    return json.dumps({**answer, "result": [update for update in sound if update is not None]}).encode()


def _sound(data: Any) -> Any:
    try:
        return data if read(data) is not None else {"update_id": data["update_id"]}
    except NoUpdate:
        return None


def _makes_sense(update: Update) -> bool:
    """What handlers rely on, and PTB does not see to."""
    query, change, message = update.callback_query, update.my_chat_member, update.effective_message
    person, chat = update.effective_user, update.effective_chat
    ids: list[object] = []
    needed: list[object] = []
    optional: list[object] = []
    if query:
        needed, optional = [query.id], [query.data]
    if change:
        needed = [change.new_chat_member.status]
    if message:
        ids, optional = [message.message_id], [*optional, message.text if isinstance(message, Message) else None]
    if chat or message or change:
        ids, needed = [*ids, chat.id if chat else None], [*needed, chat.type if chat else None]
    if person or query or change:
        ids, needed = [*ids, person.id if person else None], [*needed, person.first_name if person else None]
    if person:
        optional += [person.last_name, person.username, person.language_code]
    return all(map(_is_id, ids)) and _are_texts(needed) and _are_texts(one for one in optional if one is not None)


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST_ID
