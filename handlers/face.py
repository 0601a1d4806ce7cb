"""The whole Telegram face put together: views, handlers, and who answers what."""

from dataclasses import dataclass

from handlers import buttons as b
from handlers.codes import CodeHandlers
from handlers.deps import Deps
from handlers.errors import Explainer
from handlers.numbers import NumberHandlers
from handlers.people import PeopleHandlers
from handlers.router import Command, Press, Router
from handlers.shop import ShopHandlers
from handlers.supply import SupplyHandlers
from handlers.views_number import NumberViews
from handlers.views_people import PeopleViews
from handlers.views_shop import ShopViews
from handlers.views_sms import SmsViews
from handlers.views_supply import SupplyViews


@dataclass(frozen=True, slots=True)
class Face:
    router: Router
    number_views: NumberViews
    sms_views: SmsViews
    supply_views: SupplyViews


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
    router = Router(
        deps,
        Explainer(deps.house),
        _presses(shop, numbers, people, supply, CodeHandlers(deps, sms_views)),
        _commands(shop, numbers, people, supply),
        shop.words,
        people.came_back,
    )
    return Face(router, number_views, sms_views, supply_views)


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
