"""The whole Telegram face put together: views, handlers, and who answers what."""

from dataclasses import dataclass

from handlers import buttons as b
from handlers import buttons_keys as bk
from handlers import buttons_webhooks as bw
from handlers.apikeys import KeyHandlers
from handlers.codes import CodeHandlers
from handlers.deps import Deps
from handlers.errors import Explainer
from handlers.numbers import NumberHandlers
from handlers.people import PeopleHandlers
from handlers.router import Command, Press, Router
from handlers.shop import ShopHandlers
from handlers.supply import SupplyHandlers
from handlers.views_apikeys import KeyViews
from handlers.views_number import NumberViews
from handlers.views_people import PeopleViews
from handlers.views_shop import ShopViews
from handlers.views_sms import SmsViews
from handlers.views_supply import SupplyViews
from handlers.views_webhooks import WebhookViews
from handlers.webhooks import WebhookHandlers


@dataclass(frozen=True, slots=True)
class Face:
    router: Router
    number_views: NumberViews
    sms_views: SmsViews
    supply_views: SupplyViews
    webhook_views: WebhookViews


def build_face(deps: Deps, bot_username: str) -> Face:
    catalogue = deps.catalogue
    number_views = NumberViews(catalogue, deps.house)
    people_views = PeopleViews(catalogue, deps.house, deps.texts)
    shop = ShopHandlers(deps, ShopViews(catalogue, deps.house), people_views)
    numbers = NumberHandlers(deps, number_views, people_views)
    sms_views = SmsViews(number_views)
    people = PeopleHandlers(deps, people_views, shop, bot_username)
    supply_views = SupplyViews(deps.supply.facts, number_views, deps.house)
    supply = SupplyHandlers(deps, supply_views, people_views)
    key_presses, key_commands = _about_keys(deps)
    webhook_views = WebhookViews()
    webhook_presses, webhook_commands = _about_webhooks(deps, webhook_views)
    router = Router(
        deps,
        Explainer(deps.house),
        _presses(shop, numbers, people, supply, CodeHandlers(deps, sms_views)) | key_presses | webhook_presses,
        _commands(shop, numbers, people, supply) | key_commands | webhook_commands,
        shop.words,
        people.came_back,
    )
    return Face(router, number_views, sms_views, supply_views, webhook_views)


def _about_keys(deps: Deps) -> tuple[dict[type[b.Button], Press], dict[str, Command]]:
    """Nothing where programs are not served."""
    if deps.keys is None:
        return {}, {}
    keys = KeyHandlers(deps.keys, KeyViews(deps.house.api_url))
    presses: dict[type[b.Button], Press] = {
        bk.ApiKeys: keys.list_pressed,
        bk.NewKey: keys.new,
        bk.ShowKey: keys.show,
        bk.RevokeKey: keys.revoke,
    }
    return presses, {"apikey": keys.command}


def _about_webhooks(deps: Deps, views: WebhookViews) -> tuple[dict[type[b.Button], Press], dict[str, Command]]:
    """Nothing where programs are not served."""
    if deps.webhooks is None:
        return {}, {}
    webhooks = WebhookHandlers(deps.webhooks, views, deps.clock)
    presses: dict[type[b.Button], Press] = {
        bw.Webhooks: webhooks.list_pressed,
        bw.ShowWebhook: webhooks.show,
        bw.SetTopic: webhooks.set_topic,
        bw.TestWebhook: webhooks.test,
        bw.SwitchWebhook: webhooks.switch,
        bw.NewSecret: webhooks.new_secret,
        bw.RemoveWebhook: webhooks.remove,
        bw.Deliveries: webhooks.deliveries,
        bw.SendAgain: webhooks.send_again,
        bw.SendFailedAgain: webhooks.send_failed_again,
    }
    return presses, {"webhooks": webhooks.command}


def _presses(
    shop: ShopHandlers, numbers: NumberHandlers, people: PeopleHandlers, supply: SupplyHandlers, codes: CodeHandlers
) -> dict[type[b.Button], Press]:
    return {
        b.Menu: shop.menu_pressed,
        b.Nothing: shop.nothing_pressed,
        b.Services: shop.services,
        b.Countries: shop.countries,
        b.Lengths: shop.lengths,
        b.ShowOffer: shop.offer,
        b.Confirm: shop.confirm,
        b.AnotherCode: numbers.another_code,
        b.Finish: numbers.finish,
        b.Cancel: numbers.cancel,
        b.Renew: numbers.renew,
        b.RenewFor: numbers.renew_for,
        b.ConfirmRenewal: numbers.confirm_renewal,
        b.SameNumber: numbers.same_number,
        b.Release: numbers.release,
        b.ShowNumber: numbers.show,
        b.ShowMessages: numbers.messages,
        b.MyNumbers: numbers.list_pressed,
        b.History: numbers.history_pressed,
        b.Balance: people.balance_pressed,
        b.Settings: people.settings_pressed,
        b.SetLanguage: people.set_language,
        b.SetHideCodes: people.set_hide_codes,
        b.Help: people.help_pressed,
        b.Invite: people.invite_pressed,
        b.People: people.people_pressed,
        b.RemovePerson: people.remove,
        b.Providers: supply.pressed,
        b.NotTheCode: codes.ask,
        b.PickCode: codes.pick,
        b.ShowSms: codes.show,
    }


def _commands(
    shop: ShopHandlers, numbers: NumberHandlers, people: PeopleHandlers, supply: SupplyHandlers
) -> dict[str, Command]:
    return {
        "start": people.start,
        "menu": shop.menu,
        "buy": shop.buy,
        "rent": shop.rent,
        "numbers": numbers.list_open,
        "history": numbers.history,
        "balance": people.balance,
        "settings": people.settings,
        "help": people.help,
        "invite": people.invite,
        "people": people.people,
        "credit": people.credit,
        "providers": supply.providers,
    }
