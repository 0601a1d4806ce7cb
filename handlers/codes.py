"""'Not the code?': the person says which one it is."""

from handlers import buttons as b
from handlers.deps import Deps
from handlers.talk import Talk
from handlers.views_sms import SmsViews


class CodeHandlers:
    """All in the message of the SMS itself, which keeps its text."""

    def __init__(self, deps: Deps, views: SmsViews) -> None:
        self._deps = deps
        self._views = views

    async def ask(self, talk: Talk, button: b.NotTheCode) -> None:
        found = await self._deps.corrections.choices(talk.user, button.sms_id)
        if not found.codes and not (found.sms.code or found.sms.link):
            await talk.toast(talk.t("🔎 There is nothing in this SMS that looks like a code. Its whole text is above."))
            return
        await talk.answer()
        await talk.show(self._views.choosing(talk.t, talk.user, found.view, found.sms, found.codes))

    async def pick(self, talk: Talk, button: b.PickCode) -> None:
        view, sms = await self._deps.corrections.pick(talk.user, button.sms_id, button.mark)
        await talk.answer()
        await talk.show(self._views.sms(talk.t, talk.user, view, sms)[0])

    async def show(self, talk: Talk, button: b.ShowSms) -> None:
        found = await self._deps.corrections.choices(talk.user, button.sms_id)
        await talk.answer()
        await talk.show(self._views.sms(talk.t, talk.user, found.view, found.sms)[0])
