"""What members post about SMS. Nobody signs it, so it is a hint of which number to ask about, and no more."""

import json
from collections.abc import Sequence

from bot.providers.base import BadWebhook, WebhookEvent, WebhookRequest
from bot.providers.handler_api import values
from bot.providers.handler_api.rent_apart import PREFIX


def hints(request: WebhookRequest) -> Sequence[WebhookEvent]:
    """`{"activationId": …}`, or `{"rentId": …}` for rentals with ids of their own. Raises BadWebhook."""
    try:
        row = values.row(json.loads(request.body) or None)
        ref = values.ident(row["activationId"]) if "activationId" in row else PREFIX + values.ident(row.get("rentId"))
    except (ValueError, RecursionError):
        raise BadWebhook("no event of this protocol") from None
    return (WebhookEvent(ref, trusted=False),)
