"""/apikey: keys for programs, made, named, listed and revoked by their person."""

from bot.domain.errors import OldButton
from bot.domain.keys import Scope
from bot.services.keys import Keys
from handlers import buttons_keys as bk
from handlers.talk import Talk
from handlers.views_apikeys import KeyViews


class KeyHandlers:
    def __init__(self, keys: Keys, views: KeyViews) -> None:
        self._keys = keys
        self._views = views

    async def command(self, talk: Talk) -> None:
        """/apikey, /apikey read <name>, /apikey full <name>, /apikey <number> <new name>."""
        if not talk.args:
            await self._list(talk)
            return
        first, name = talk.args[0].lower(), " ".join(talk.args[1:])
        if first in tuple(Scope):
            await self._make(talk, Scope(first), name)
        elif first.isascii() and first.isdigit() and len(first) <= 15:
            key = await self._keys.one(talk.user, int(first))
            if name:
                key = await self._keys.rename(talk.user, key.id, name)
            await talk.show(self._views.one(talk.t, key))
        else:
            await self._list(talk)

    async def list_pressed(self, talk: Talk, _button: bk.ApiKeys) -> None:
        await self._list(talk)

    async def _list(self, talk: Talk) -> None:
        await talk.show(self._views.all(talk.t, await self._keys.of(talk.user)))

    async def new(self, talk: Talk, button: bk.NewKey) -> None:
        if button.scope not in tuple(Scope):
            raise OldButton
        await self._make(talk, Scope(button.scope), "")

    async def _make(self, talk: Talk, scope: Scope, name: str) -> None:
        """The only time that the key is shown. One whose message is lost is of no use to anybody: make another."""
        key, text = await self._keys.make(talk.user, name, scope)
        await talk.say(self._views.made(talk.t, key, text))

    async def show(self, talk: Talk, button: bk.ShowKey) -> None:
        await talk.show(self._views.one(talk.t, await self._keys.one(talk.user, button.key_id)))

    async def revoke(self, talk: Talk, button: bk.RevokeKey) -> None:
        if not button.sure:
            await talk.show(self._views.revoke(talk.t, await self._keys.one(talk.user, button.key_id)))
            return
        await self._keys.revoke(talk.user, button.key_id)
        await self._list(talk)
