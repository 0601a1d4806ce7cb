"""People's own pages (start, help, balance, settings) and the admins'."""

from bot.domain.errors import BadAmount, OldButton
from bot.domain.people import Role
from bot.services.access import require_admin
from bot.texts import Html
from handlers import buttons as b
from handlers import commands
from handlers.deps import Deps
from handlers.screens import Screen, key
from handlers.shop import ShopHandlers
from handlers.talk import Talk
from handlers.views_people import PeopleViews


class PeopleHandlers:
    def __init__(self, deps: Deps, views: PeopleViews, shop: ShopHandlers, bot_username: str) -> None:
        self._deps = deps
        self._views = views
        self._shop = shop
        self._bot_username = bot_username

    async def start(self, talk: Talk) -> None:
        """/start, also with the token of an owner's or an invitation link."""
        if talk.args:
            before = talk.user.role
            talk.user = await self._deps.access.redeem(talk.user, talk.args[0])
            if talk.user.role is not before:
                await self._shop.menu(talk, self._welcome(talk))
                return
        await self._shop.menu(talk)

    def _welcome(self, talk: Talk) -> Html:
        if talk.user.role is Role.OWNER:
            return talk.t("🔑 This bot is yours now. /invite lets others in, /help shows what else you can do.")
        return talk.t("🎉 Welcome, you're in!")

    async def came_back(self, talk: Talk) -> None:
        """After a block: what waited is on its way."""
        waiting = await self._deps.returns.came_back(talk.chat_id)
        if waiting:
            text = talk.t.plural("📬 {n} SMS was waiting for you:", "📬 {n} SMS were waiting for you:", waiting)
            mine = key(talk.t("🗂 My numbers"), b.MyNumbers(), fresh=True)
            await talk.say(Screen(text, ((mine, key(talk.t("🏠 Menu"), b.Menu(), fresh=True)),)))

    async def help(self, talk: Talk) -> None:
        await talk.show(self._views.help(talk.t, admin=talk.user.role.is_admin))

    async def help_pressed(self, talk: Talk, _button: b.Help) -> None:
        await self.help(talk)

    async def balance(self, talk: Talk) -> None:
        account = await self._deps.wallet.account(talk.user)
        if self._deps.house.prepaid:
            await talk.show(self._views.balance(talk.t, account))
        else:
            text = talk.t("💳 Nothing is charged here: prices are only shown.")
            await talk.show(Screen(text, ((key(talk.t("🏠 Menu"), b.Menu()),),)))

    async def balance_pressed(self, talk: Talk, _button: b.Balance) -> None:
        await self.balance(talk)

    async def settings(self, talk: Talk) -> None:
        await talk.show(self._views.settings(talk.t, talk.user))

    async def settings_pressed(self, talk: Talk, _button: b.Settings) -> None:
        await self.settings(talk)

    async def set_language(self, talk: Talk, button: b.SetLanguage) -> None:
        if button.language not in self._deps.texts.languages:
            raise OldButton
        talk.user = await self._deps.access.choose_language(talk.user, button.language)
        talk.t = self._deps.texts.of(button.language)
        menu = commands.publish_for(talk.bot, talk.chat_id, talk.t, self._deps.house)
        self._deps.background.spawn(menu, "commands of a chat")
        await self.settings(talk)

    async def set_hide_codes(self, talk: Talk, button: b.SetHideCodes) -> None:
        talk.user = await self._deps.access.choose_hide_codes(talk.user, button.hide)
        await self.settings(talk)

    async def invite(self, talk: Talk) -> None:
        token = await self._deps.access.invite(talk.user)
        await talk.say(self._views.invite(talk.t, f"https://t.me/{self._bot_username}?start={token}"))

    async def invite_pressed(self, talk: Talk, _button: b.Invite) -> None:
        await self.invite(talk)

    async def people(self, talk: Talk) -> None:
        await talk.show(self._views.people(talk.t, await self._deps.access.people(talk.user)))

    async def people_pressed(self, talk: Talk, _button: b.People) -> None:
        await self.people(talk)

    async def remove(self, talk: Talk, button: b.RemovePerson) -> None:
        everyone = await self._deps.access.people(talk.user)
        name = next((one.name for one in everyone if one.id == button.user_id), str(button.user_id))
        if not button.sure:
            await talk.show(self._views.remove(talk.t, button.user_id, name))
            return
        await self._deps.access.remove(talk.user, button.user_id)
        await self.people(talk)

    async def credit(self, talk: Talk) -> None:
        """/credit <id> <amount> <reason>; keyed by the update, so that one sent twice by Telegram counts once."""
        require_admin(talk.user)
        if not self._deps.house.prepaid:
            await self.balance(talk)
            return
        if len(talk.args) < 3 or not (talk.args[0].isascii() and talk.args[0].isdigit()):
            raise BadAmount
        person, amount, *reason = talk.args
        key_ = f"update:{talk.update_id}:credit"
        balance = await self._deps.wallet.credit(talk.user, int(person), amount, " ".join(reason), key=key_)
        amount_now = self._deps.house.money(talk.t, balance)
        text = talk.t("💳 Done. {person} now has {amount}.", person=person, amount=amount_now)
        ways_on = (key(talk.t("👥 People"), b.People(), fresh=True), key(talk.t("🏠 Menu"), b.Menu(), fresh=True))
        await talk.say(Screen(text, (ways_on,)))
