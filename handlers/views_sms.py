"""The message that an SMS arrives in."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from bot.domain.codes import Code
from bot.domain.codes import Kind as CodeKind
from bot.domain.people import User
from bot.domain.sms import Sms
from bot.services.corrections import mark_of
from bot.services.numbers import View
from bot.texts import Html, Words, foreign, split, visible_length
from handlers import buttons as b
from handlers.screens import Key, Rows, Screen, in_columns, key, link_key
from handlers.views_number import LONGEST, NumberViews, code_shown, copy_code

LONGEST_LABEL = 40
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[!#$%&'()*+,./0-9:;=?A-Z\[\]_a-z~-]{1,1000}", re.IGNORECASE)


class SmsViews:
    def __init__(self, numbers: NumberViews) -> None:
        self._numbers = numbers

    def sms(self, t: Words, user: User, view: View, sms: Sms) -> list[Screen]:
        """The message that drops in: the code large and on its own, then the whole text.

        A text too long for one message goes on in others; code, id and copy button are all in the first.
        """
        first, *rest = self._texts(t, user, view, sms)
        way_on = self._numbers.way_on(t, view.number)
        screens = [Screen(first, (*self._keys(t, user, sms), way_on)), *(Screen(part) for part in rest)]
        if rest:
            screens[-1] = Screen(rest[-1], (way_on,))
        return screens

    def choosing(self, t: Words, user: User, view: View, sms: Sms, codes: Sequence[Code]) -> Screen:
        """The same message, with what else could be its code in place of its buttons."""
        text = self._texts(t, user, view, sms)[0]
        keys = [key(_label(one), b.PickCode(sms.id, mark_of(one))) for one in codes]
        none = (key(t("∅ No code in it"), b.PickCode(sms.id, "")),) if sms.code or sms.link else ()
        return Screen(text, (*in_columns(keys, 2), (*none, key(t("‹ Back"), b.ShowSms(sms.id)))))

    def _texts(self, t: Words, user: User, view: View, sms: Sms) -> list[Html]:
        number = view.number
        head: list[Html] = []
        if sms.code:
            head += [t("🔑 {code}", code=code_shown(sms.code, hidden=user.hide_codes)), Html("")]
        head.append(self._numbers.heading(t, number))
        head.append(t("From {sender}", sender=foreign(sms.sender or "?")))
        body = Html("<blockquote>") + _body(user, sms) + Html("</blockquote>")
        foot = Html(f"<i>#{number.id}-{sms.ordinal}</i>")
        first, *rest = split(Html("\n").join([*head, body]), LONGEST - visible_length(foot) - 1)
        return [Html(first.rstrip("\n")) + Html("\n") + foot, *rest]

    def _keys(self, t: Words, user: User, sms: Sms) -> Rows:
        if sms.code:
            ways: tuple[Key, ...] = (copy_code(t, user, sms.code),)
        elif sms.link and (host := host_of(sms.link)):
            ways = (link_key(t("🔗 Open {host}", host=host), sms.link),)
        else:
            ways = ()
        wrong = t("🤔 Not the code?") if ways else t("🔎 Where is the code?")
        asking = ((key(wrong, b.NotTheCode(sms.id)),),) if sms.text else ()
        return (*((way,) for way in ways), *asking)


def host_of(address: str) -> str | None:
    """The host of what can be opened by a button; None for what Telegram, or a person, could take for something else.

    Names in other scripts are not shown, since they may look like somebody else's.
    """
    if not _ADDRESS.fullmatch(address):
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    if "@" in parts.netloc or (port is not None and not port) or not _HOST.fullmatch(host) or len(host) > 100:
        return None
    return host


def _label(code: Code) -> str:
    if code.kind is CodeKind.LINK:
        return f"🔗 {host_of(code.value) or code.value}"[:LONGEST_LABEL]
    return code.shown[:LONGEST_LABEL]


def _body(user: User, sms: Sms) -> Html:
    text = foreign(sms.text or "…")
    return Html("<tg-spoiler>") + text + Html("</tg-spoiler>") if user.hide_codes else text
