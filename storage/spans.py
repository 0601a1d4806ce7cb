"""What is under way when the clock is set: its spans stay as long as they were."""

from bot.domain.time import DAY, HOUR, Ms
from bot.domain.webhooks import RETRIES
from storage.db import Tx

LONGEST_PAUSE: Ms = HOUR
"""Telegram seldom asks for more, and asks again."""


async def move(tx: Tx, step: Ms, before: Ms) -> None:
    """The clock that said `before` is set by `step`. What it cannot have counted, being from later, stays as it is."""
    await _move_ends(tx, step, before)
    await _move_lives(tx, step, before)
    await _move_questions(tx, step, before)
    await _move_messages(tx, step)
    await _move_promises(tx, step)
    await _move_programs(tx, step, before)


async def _move_ends(tx: Tx, step: Ms, before: Ms) -> None:
    """Ends go along forward, and return, but never to before what the provider told, whose clock may be the right one.

    An end that lies further ahead than the number can last was told by a right clock to a wrong one, and stays.
    """
    await tx.all(
        """UPDATE numbers SET
               expires_at = expires_at - CASE WHEN clock_moved > 0 THEN clock_moved ELSE 0 END
                   + CASE WHEN clock_moved + $1 > 0 THEN clock_moved + $1 ELSE 0 END,
               refund_until = refund_until - CASE WHEN clock_moved > 0 THEN clock_moved ELSE 0 END
                   + CASE WHEN clock_moved + $1 > 0 THEN clock_moved + $1 ELSE 0 END,
               clock_moved = clock_moved + $1
           WHERE state IN ('active', 'cancelling') AND created_at <= $2
             AND expires_at - $2 <= $3 + $4 * (
                 hours + (SELECT coalesce(sum(r.hours), 0) FROM renewals r WHERE r.number_id = numbers.id))""",
        step,
        before,
        DAY,
        HOUR,
    )


async def _move_lives(tx: Tx, step: Ms, before: Ms) -> None:
    """The story of an open number so far, so that its age and the order of its events are what they were."""
    await tx.all(
        """UPDATE number_events SET at = at + $1
           WHERE at <= $2
             AND number_id IN (SELECT id FROM numbers WHERE state IN ('buying', 'active', 'cancelling'))""",
        step,
        before,
    )
    await tx.all(
        """UPDATE sms SET created_at = created_at + $1
           WHERE created_at <= $2
             AND number_id IN (SELECT id FROM numbers WHERE state IN ('buying', 'active', 'cancelling'))""",
        step,
        before,
    )
    await tx.all(
        """UPDATE numbers SET created_at = created_at + $1, changed_at = changed_at + $1
           WHERE state IN ('buying', 'active', 'cancelling') AND created_at <= $2""",
        step,
        before,
    )


async def _move_questions(tx: Tx, step: Ms, before: Ms) -> None:
    """When a provider is to be asked, and since when it has owed an answer."""
    await tx.all(
        """UPDATE numbers SET check_at = check_at + $1,
               cancel_from = cancel_from + CASE WHEN cancel_from - $2 <= $3 THEN $1 ELSE 0 END
           WHERE state IN ('buying', 'active', 'cancelling')""",
        step,
        before,
        DAY,
    )
    await tx.all(
        """UPDATE unfindable SET held_until = held_until + $1
           WHERE number_id IN (SELECT id FROM numbers WHERE state = 'buying')""",
        step,
    )
    await tx.all(
        """UPDATE renewals SET check_at = check_at + $1,
               created_at = created_at + CASE WHEN created_at <= $2 THEN $1 ELSE 0 END WHERE state = 'pending'""",
        step,
        before,
    )
    await tx.all(
        """UPDATE orphans SET check_at = check_at + $1,
               created_at = created_at + CASE WHEN created_at <= $2 THEN $1 ELSE 0 END WHERE closed_at IS NULL""",
        step,
        before,
    )


async def _move_messages(tx: Tx, step: Ms) -> None:
    await tx.all(
        """UPDATE outbox SET next_attempt_at = next_attempt_at + $1, created_at = created_at + $1
           WHERE state IN ('pending', 'parked')""",
        step,
    )
    await tx.all("UPDATE chats SET paused_until = paused_until + $1 WHERE paused_until IS NOT NULL", step)


async def _move_promises(tx: Tx, step: Ms) -> None:
    """Prices and invitations, which are by nobody's clock but ours."""
    await tx.all("UPDATE quotes SET created_at = created_at + $1, expires_at = expires_at + $1", step)
    await tx.all(
        "UPDATE invites SET created_at = created_at + $1, expires_at = expires_at + $1 WHERE used_by IS NULL", step
    )


async def _move_programs(tx: Tx, step: Ms, before: Ms) -> None:
    """What programs' addresses are owed and since when they have failed, and how long a token or old secret is good."""
    await tx.all(
        """UPDATE webhook_deliveries
           SET next_attempt_at = next_attempt_at + $1, first_attempt_at = first_attempt_at + $1
           WHERE progress = 'pending'""",
        step,
    )
    await tx.all("UPDATE webhooks SET failing_since = failing_since + $1 WHERE failing_since <= $2", step, before)
    await tx.all(
        "UPDATE webhooks SET old_secret_until = old_secret_until + $1 WHERE old_secret_until > $2", step, before
    )
    await tx.all(
        "UPDATE api_tokens SET created_at = created_at + $1, expires_at = expires_at + $1 WHERE created_at <= $2",
        step,
        before,
    )


async def end_waits(tx: Tx, now: Ms, longest: Ms) -> None:
    """After a time in which the clock was ahead: what it put off for longer than a message ever waits is due now."""
    await tx.all(
        "UPDATE outbox SET next_attempt_at = $1 WHERE state = 'pending' AND next_attempt_at > $1 + $2", now, longest
    )
    await tx.all(
        """UPDATE webhook_deliveries SET next_attempt_at = $1
           WHERE progress = 'pending' AND next_attempt_at > $1 + $2""",
        now,
        max(RETRIES),
    )
    await tx.all("UPDATE chats SET paused_until = NULL WHERE paused_until > $1", now + LONGEST_PAUSE)
    await tx.all(
        """UPDATE numbers SET check_at = $1
           WHERE state IN ('buying', 'cancelling') AND check_at > $1 AND changed_at > $1""",
        now,
    )
    await tx.all("UPDATE renewals SET check_at = $1 WHERE state = 'pending' AND check_at > $1 AND created_at > $1", now)
    await tx.all("UPDATE orphans SET check_at = $1 WHERE closed_at IS NULL AND check_at > $1 AND created_at > $1", now)
