"""How keys of the API look."""

from collections.abc import Sequence

from bot.domain.keys import ApiKey, Scope
from bot.texts import Html, Words, foreign
from bot.texts import mark as _
from handlers import buttons as b
from handlers import buttons_keys as bk
from handlers.screens import DANGER, Screen, copy_key, in_columns, key

SCOPES = {Scope.FULL: _("full access"), Scope.READ: _("read only")}


class KeyViews:
    """`url`: where the API is, without /api."""

    def __init__(self, url: str) -> None:
        self._url = url

    def all(self, t: Words, keys: Sequence[ApiKey]) -> Screen:
        lines = [
            t("🔑 <b>API keys</b>"),
            Html(""),
            t("A key lets a program do what you can do here: {url}", url=f"{self._url}/docs"),
        ]
        if keys:
            lines += [Html(""), *(self._line(t, one) for one in keys)]
        lines += [Html(""), t("To name one right away: <code>/apikey full My script</code>")]
        mine = in_columns([key(one.name, bk.ShowKey(one.id)) for one in keys], 2)
        new = (
            key(t("➕ Full access"), bk.NewKey(Scope.FULL)),
            key(t("➕ Read only"), bk.NewKey(Scope.READ)),
        )
        return Screen(Html("\n").join(lines), (*mine, new, (key(t("🏠 Menu"), b.Menu()),)))

    def _line(self, t: Words, one: ApiKey) -> Html:
        name = Html("<b>") + foreign(one.name) + Html("</b>")
        return Html(" · ").join((name, t(SCOPES[one.scope]), self._used(t, one)))

    def _used(self, t: Words, one: ApiKey) -> Html:
        if one.used_at is None:
            return t("never used")
        return t("last used {time}", time=t.datetime(one.used_at))

    def one(self, t: Words, one: ApiKey) -> Screen:
        lines = [
            Html("🔑 <b>") + foreign(one.name) + Html("</b>"),
            Html(""),
            Html("<code>") + f"{one.hint}…" + Html("</code> · ") + t(SCOPES[one.scope]),
            t("Made {time}, {used}.", time=t.datetime(one.created_at), used=self._used(t, one)),
            Html(""),
            t("To rename it: <code>/apikey {id} New name</code>", id=one.id),
        ]
        revoke = (key(t("🗑 Revoke"), bk.RevokeKey(one.id), DANGER),)
        return Screen(Html("\n").join(lines), (revoke, (key(t("‹ Back"), bk.ApiKeys()),)))

    def made(self, t: Words, one: ApiKey, text: str) -> Screen:
        """The only page that has the key itself."""
        lines = [
            Html("🔑 <b>") + foreign(one.name) + Html("</b> · ") + t(SCOPES[one.scope]),
            Html(""),
            Html("<code>") + text + Html("</code>"),
            Html(""),
            t(
                "Copy it now: it is never shown again. Whoever has it can act as you, so delete this message once "
                "you've put it in a safe place."
            ),
        ]
        copy = (copy_key(t("📋 Copy key"), text),)
        return Screen(Html("\n").join(lines), (copy, (key(t("🔑 API keys"), bk.ApiKeys(), fresh=True),)))

    def revoke(self, t: Words, one: ApiKey) -> Screen:
        text = t("Revoke {name}? Programs that use it are refused from then on.", name=foreign(one.name))
        yes = key(t("🗑 Revoke"), bk.RevokeKey(one.id, sure=True), DANGER)
        return Screen(text, ((yes, key(t("‹ Back"), bk.ApiKeys())),))
