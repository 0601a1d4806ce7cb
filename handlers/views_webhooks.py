"""How webhooks look, and what is told of one that was switched off."""

from collections.abc import Sequence

from bot.domain.time import Ms
from bot.domain.webhooks import MOST_WEBHOOKS, Delivery, Off, Progress, Topic, Webhook
from bot.services.delivery import Letter
from bot.services.webhooks import host_of
from bot.services.wire import number_id
from bot.texts import Html, Words
from bot.texts import mark as _
from handlers import buttons as b
from handlers import buttons_webhooks as bw
from handlers.screens import DANGER, Key, Screen, copy_key, in_columns, key
from storage.deliveries import Counts

ON_A_PAGE = 8

TOPICS = {
    Topic.SMS_RECEIVED: _("SMS received"),
    Topic.NUMBER_ACTIVE: _("Number bought"),
    Topic.NUMBER_COMPLETED: _("Number closed"),
    Topic.NUMBER_EXPIRING: _("Rental ends soon"),
    Topic.NUMBER_RENEWED: _("Rental renewed"),
}
OFF = {
    Off.OWNER: _("⏸ Switched off"),
    Off.FAILING: _("🔴 Switched off: it took nothing for a day"),
    Off.GONE: _("🔴 Switched off: it answered that it is gone for good (410)"),
}
WHY = {
    "not_allowed": _("its name leads to an address that is not public"),
    "no_contact": _("no connection"),
    "tls": _("its certificate isn't valid"),
    "timeout": _("no answer within 10 s"),
    "no_answer": _("its answer isn't HTTP"),
    "redirected": _("it redirects (HTTP {status}); redirects aren't followed"),
    "refused": _("it answered HTTP {status}"),
    "switched_off": _("switched off before it was sent"),
}
OTHERWISE = _("something went wrong on my side")
SIGNS = {Progress.PENDING: "⏳", Progress.DELIVERED: "✅", Progress.FAILED: "❌"}
NOTICES = {
    "webhook_failing": _(
        "🔴 Your webhook at {host} has taken nothing for a day, so I switched it off. Once it works again, switch it "
        "on and send what it missed."
    ),
    "webhook_gone": _("🔴 Your webhook at {host} answered that it is gone for good (410), so I switched it off."),
}


class WebhookViews:
    def all(self, t: Words, webhooks: Sequence[Webhook], now: Ms) -> Screen:
        lines = [
            t("🪝 <b>Webhooks</b>"),
            Html(""),
            t("Your program is told at once when an SMS comes and when a number is bought or closed."),
        ]
        if webhooks:
            lines += [Html(""), *(self._line(t, one, now) for one in webhooks)]
        if len(webhooks) < MOST_WEBHOOKS:
            lines += [Html(""), t("To add one: <code>/webhooks https://example.org/hook</code>")]
        mine = [(key(host_of(one.url)[:40], bw.ShowWebhook(one.id)),) for one in webhooks]
        return Screen(Html("\n").join(lines), (*mine, (key(t("🏠 Menu"), b.Menu()),)))

    def _line(self, t: Words, one: Webhook, now: Ms) -> Html:
        return t("<b>{host}</b> · {state}", host=host_of(one.url), state=self._state(t, one, now))

    def _state(self, t: Words, one: Webhook, now: Ms) -> Html:
        if one.off is not None:
            return t(OFF[one.off])
        if one.failing_since is not None:
            return t("🟡 Takes nothing; the first failure was {moment}", moment=t.moment(one.failing_since, now))
        return t("🟢 On")

    def one(self, t: Words, one: Webhook, backlog: Counts, now: Ms) -> Screen:
        lines = [t("🪝 <b>{host}</b>", host=host_of(one.url)), Html(""), t("<code>{url}</code>", url=one.url)]
        lines.append(self._state(t, one, now))
        if backlog.pending:
            lines.append(t.plural("⏳ {n} event waits to be sent", "⏳ {n} events wait to be sent", backlog.pending))
        if backlog.failed:
            lines.append(t.plural("❌ {n} event was given up", "❌ {n} events were given up", backlog.failed))
        lines += [Html(""), t("It is told of:")]
        return Screen(Html("\n").join(lines), (*self._topics(t, one), *self._verbs(t, one, backlog)))

    def _topics(self, t: Words, one: Webhook) -> tuple[tuple[Key, ...], ...]:
        keys = [
            key(
                ("✅ " if topic in one.topics else "⬜ ") + t(text), bw.SetTopic(one.id, topic, topic not in one.topics)
            )
            for topic, text in TOPICS.items()
        ]
        return in_columns(keys, 2)

    def _verbs(self, t: Words, one: Webhook, backlog: Counts) -> tuple[tuple[Key, ...], ...]:
        on = one.off is None
        switch = key(t("⏸ Switch off") if on else t("▶️ Switch on"), bw.SwitchWebhook(one.id, not on))
        rows: list[tuple[Key, ...]] = [
            (key(t("📨 Send a test"), bw.TestWebhook(one.id)), key(t("📜 Deliveries"), bw.Deliveries(one.id))),
            (key(t("🔑 New secret"), bw.NewSecret(one.id)), switch),
        ]
        if backlog.failed and on:
            rows.append((key(t("🔁 Send what was given up"), bw.SendFailedAgain(one.id)),))
        rows.append((key(t("🗑 Remove"), bw.RemoveWebhook(one.id), DANGER), key(t("‹ Back"), bw.Webhooks())))
        return tuple(rows)

    def made(self, t: Words, one: Webhook) -> Screen:
        """The only page that has the secret."""
        lines = [
            t("🪝 <b>{host}</b>: its events are signed with this secret:", host=host_of(one.url)),
            Html(""),
            t("<code>{secret}</code>", secret=one.secret),
            Html(""),
            t("Copy it now: it is never shown again. Events are signed as standardwebhooks.com lays down."),
        ]
        copy = (copy_key(t("📋 Copy secret"), one.secret),)
        on = (key(t("📨 Send a test"), bw.TestWebhook(one.id), fresh=True),)
        return Screen(Html("\n").join(lines), (copy, on, (key(t("🪝 Webhooks"), bw.Webhooks(), fresh=True),)))

    def ask_new_secret(self, t: Words, one: Webhook) -> Screen:
        text = t("Make a new secret for {host}? For a day, events are signed with both.", host=host_of(one.url))
        yes = key(t("🔑 New secret"), bw.NewSecret(one.id, sure=True))
        return Screen(text, ((yes, key(t("‹ Back"), bw.ShowWebhook(one.id))),))

    def ask_removal(self, t: Words, one: Webhook) -> Screen:
        text = t("Remove {host}? What it hasn't taken yet is not sent any more.", host=host_of(one.url))
        yes = key(t("🗑 Remove"), bw.RemoveWebhook(one.id, sure=True), DANGER)
        return Screen(text, ((yes, key(t("‹ Back"), bw.ShowWebhook(one.id))),))

    def deliveries(self, t: Words, webhook: Webhook, found: Sequence[Delivery], now: Ms) -> Screen:
        """Newest first; what is settled can be sent again."""
        lines = [t("📜 <b>{host}</b>", host=host_of(webhook.url)), Html("")]
        lines += [self._delivery(t, one, now) for one in found] or [t("Nothing was sent there in the last week.")]
        again = [
            key(t("🔁 {id}", id=f"e{one.event_id}"), bw.SendAgain(one.id))
            for one in found
            if one.progress is not Progress.PENDING
        ]
        rows = list(in_columns(again if webhook.off is None else [], 4))
        if len(found) == ON_A_PAGE:
            rows.append((key(t("Earlier ›"), bw.Deliveries(webhook.id, found[-1].event_id)),))
        rows.append((key(t("🔄 Refresh"), bw.Deliveries(webhook.id)), key(t("‹ Back"), bw.ShowWebhook(webhook.id))))
        return Screen(Html("\n").join(lines), tuple(rows))

    def _delivery(self, t: Words, one: Delivery, now: Ms) -> Html:
        about = number_id(one.number_id) if one.number_id is not None else "–"
        head = t(
            "{sign} <code>e{id}</code> · {type} · {about} · {moment}",
            sign=SIGNS[one.progress],
            id=one.event_id,
            type=one.type,
            about=about,
            moment=t.moment(one.created_at, now),
        )
        if one.progress is Progress.DELIVERED or not (one.error or one.attempts):
            return head
        if one.progress is Progress.FAILED:
            return head + Html("\n   ") + t("given up: {why}", why=self._why(t, one))
        again = t.moment(max(one.next_attempt_at, now), now)
        return head + Html("\n   ") + t("{why}; again {moment}", why=self._why(t, one), moment=again)

    def _why(self, t: Words, one: Delivery) -> Html:
        return t(WHY.get(one.error, OTHERWISE), status=one.status or 0)

    def outcome(self, t: Words, one: Delivery) -> Html:
        """Of an attempt that somebody waited for."""
        if one.progress is Progress.DELIVERED:
            return t("✅ Taken, with HTTP {status}.", status=one.status or 0)
        if one.attempts:
            return t("❌ Not taken: {why}.", why=self._why(t, one))
        return t("⏳ It is on its way.")

    def sent_again(self, t: Words, count: int) -> Html:
        return t.plural("🔁 {n} event is on its way again.", "🔁 {n} events are on their way again.", count)

    def knows(self, notice: str) -> bool:
        return notice in NOTICES

    def notice(self, t: Words, letter: Letter) -> Screen:
        webhook_id, _colon, host = letter.owed.about.partition(":")
        text = t(NOTICES[letter.owed.name], host=host)
        show = key(t("🪝 Show webhook"), bw.ShowWebhook(int(webhook_id)), fresh=True)
        return Screen(text, ((show, key(t("🏠 Menu"), b.Menu(), fresh=True)),))
