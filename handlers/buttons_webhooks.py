"""Buttons about webhooks."""

from handlers.buttons import Button, button


@button("wh")
class Webhooks(Button):
    """The person's addresses."""


@button("ws")
class ShowWebhook(Button):
    webhook_id: int


@button("wt")
class SetTopic(Button):
    """Whether an address is told of events of this type."""

    webhook_id: int
    topic: str
    on: bool


@button("wp")
class TestWebhook(Button):
    webhook_id: int


@button("wo")
class SwitchWebhook(Button):
    webhook_id: int
    on: bool


@button("wk")
class NewSecret(Button):
    """Asks once more unless `sure`."""

    webhook_id: int
    sure: bool = False


@button("wr")
class RemoveWebhook(Button):
    """Asks once more unless `sure`."""

    webhook_id: int
    sure: bool = False


@button("wd")
class Deliveries(Button):
    """What became of events older than `before_event` (0: the newest)."""

    webhook_id: int
    before_event: int = 0


@button("wa")
class SendAgain(Button):
    """One delivery once more."""

    delivery_id: int


@button("wf")
class SendFailedAgain(Button):
    """All that was given up at an address."""

    webhook_id: int
