"""/providers: what the admins see of the suppliers."""

from handlers import buttons as b
from handlers.deps import Deps
from handlers.talk import Talk
from handlers.views_people import PeopleViews
from handlers.views_supply import SupplyViews


class SupplyHandlers:
    def __init__(self, deps: Deps, views: SupplyViews, people: PeopleViews) -> None:
        self._deps = deps
        self._views = views
        self._people = people

    async def providers(self, talk: Talk) -> None:
        await self._show(talk, refresh=False)

    async def pressed(self, talk: Talk, button: b.Providers) -> None:
        await self._show(talk, refresh=button.refresh)

    async def _show(self, talk: Talk, *, refresh: bool) -> None:
        supply = self._deps.supply
        suppliers = await (supply.refresh(talk.user) if refresh else supply.table(talk.user))
        if suppliers:
            corrected = await self._deps.corrections.most()
            await talk.show(self._views.page(talk.t, suppliers, corrected, self._deps.clock()))
        else:
            await talk.show(self._people.not_set_up(talk.t, admin=True))
