"""Methods by which the bot comes, fetches its updates and goes."""

from typing import Any

from bot.demo.telegram.errors import ApiError
from bot.demo.telegram.params import Params
from bot.demo.telegram.registry import Described, method
from bot.demo.telegram.world import TelegramWorld

WEBHOOK_CONFLICT = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)


@method("getMe")
def get_me(world: TelegramWorld, params: Params) -> dict[str, Any]:
    abilities = {
        "can_join_groups": True,
        "can_read_all_group_messages": not world.privacy_mode,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }
    return {**world.bot, **abilities}


@method("getUpdates")
async def get_updates(world: TelegramWorld, params: Params) -> list[dict[str, Any]]:
    if world.webhook.url:
        raise ApiError(409, WEBHOOK_CONFLICT)
    _take_allowed(world, params)
    return await world.updates.fetch(
        params.number("offset"), params.number("limit", 100, 1, 100), params.number("timeout", 0, 0)
    )


@method("setWebhook")
def set_webhook(world: TelegramWorld, params: Params) -> Described:
    description = world.webhook.set(params)
    _take_allowed(world, params)
    return Described(True, description)


@method("deleteWebhook")
def delete_webhook(world: TelegramWorld, params: Params) -> Described:
    return Described(True, world.webhook.delete(params))


@method("getWebhookInfo")
def get_webhook_info(world: TelegramWorld, params: Params) -> dict[str, Any]:
    return world.webhook.info()


@method("logOut")
@method("close")
def leave(world: TelegramWorld, params: Params) -> bool:
    world.updates.interrupt()
    return True


def _take_allowed(world: TelegramWorld, params: Params) -> None:
    """An absent list keeps the earlier one, an empty list asks for the default kinds."""
    if "allowed_updates" in params:
        kinds = params.array("allowed_updates", "String")
        world.updates.allowed = frozenset(str(kind) for kind in kinds) or None
