"""/webhooks: addresses that are told of a person's events."""

from bot.domain.errors import OldButton
from bot.domain.webhooks import Progress, Topic
from bot.services.clock import Clock
from bot.services.webhooks import NEWEST, Webhooks
from handlers import buttons_webhooks as bw
from handlers.talk import Talk
from handlers.views_webhooks import ON_A_PAGE, WebhookViews


class WebhookHandlers:
    def __init__(self, webhooks: Webhooks, views: WebhookViews, clock: Clock) -> None:
        self._webhooks = webhooks
        self._views = views
        self._clock = clock

    async def command(self, talk: Talk) -> None:
        """/webhooks, or /webhooks <address> for a new one; its secret is shown this once."""
        if talk.args:
            made = await self._webhooks.register(talk.user, talk.args[0])
            await talk.say(self._views.made(talk.t, made))
        else:
            await self._list(talk)

    async def list_pressed(self, talk: Talk, _button: bw.Webhooks) -> None:
        await self._list(talk)

    async def _list(self, talk: Talk) -> None:
        await talk.show(self._views.all(talk.t, await self._webhooks.of(talk.user), self._clock()))

    async def show(self, talk: Talk, button: bw.ShowWebhook) -> None:
        await self._show(talk, button.webhook_id)

    async def _show(self, talk: Talk, webhook_id: int) -> None:
        webhook = await self._webhooks.view(talk.user, webhook_id)
        backlog = await self._webhooks.backlog(webhook)
        await talk.show(self._views.one(talk.t, webhook, backlog, self._clock()))

    async def set_topic(self, talk: Talk, button: bw.SetTopic) -> None:
        if button.topic not in tuple(Topic):
            raise OldButton
        webhook = await self._webhooks.view(talk.user, button.webhook_id)
        topic = frozenset({Topic(button.topic)})
        topics = webhook.topics | topic if button.on else webhook.topics - topic
        await self._webhooks.change(talk.user, webhook.id, topics=topics)
        await self._show(talk, webhook.id)

    async def switch(self, talk: Talk, button: bw.SwitchWebhook) -> None:
        await self._webhooks.switch(talk.user, button.webhook_id, on=button.on)
        await self._show(talk, button.webhook_id)

    async def test(self, talk: Talk, button: bw.TestWebhook) -> None:
        sent = await self._webhooks.test(talk.user, button.webhook_id)
        found = await self._webhooks.outcome(talk.user, sent.id)
        await talk.toast(self._views.outcome(talk.t, found))

    async def new_secret(self, talk: Talk, button: bw.NewSecret) -> None:
        webhook = await self._webhooks.view(talk.user, button.webhook_id)
        if not button.sure:
            await talk.show(self._views.ask_new_secret(talk.t, webhook))
            return
        await talk.say(self._views.made(talk.t, await self._webhooks.new_secret(talk.user, webhook.id)))
        await self._show(talk, webhook.id)

    async def remove(self, talk: Talk, button: bw.RemoveWebhook) -> None:
        webhook = await self._webhooks.view(talk.user, button.webhook_id)
        if not button.sure:
            await talk.show(self._views.ask_removal(talk.t, webhook))
            return
        await self._webhooks.remove(talk.user, webhook.id)
        await self._list(talk)

    async def deliveries(self, talk: Talk, button: bw.Deliveries) -> None:
        webhook = await self._webhooks.view(talk.user, button.webhook_id)
        before = button.before_event or NEWEST
        found = await self._webhooks.deliveries(talk.user, webhook.id, ON_A_PAGE, before)
        await talk.show(self._views.deliveries(talk.t, webhook, found, self._clock()))

    async def send_again(self, talk: Talk, button: bw.SendAgain) -> None:
        sent = await self._webhooks.resend(talk.user, button.delivery_id)
        found = await self._webhooks.outcome(talk.user, sent.id) if sent.progress is Progress.PENDING else sent
        await talk.toast(self._views.outcome(talk.t, found))
        await self.deliveries(talk, bw.Deliveries(sent.webhook_id, sent.event_id + 1))

    async def send_failed_again(self, talk: Talk, button: bw.SendFailedAgain) -> None:
        count = await self._webhooks.resend_failed(talk.user, button.webhook_id)
        await talk.toast(self._views.sent_again(talk.t, count))
        await self._show(talk, button.webhook_id)
