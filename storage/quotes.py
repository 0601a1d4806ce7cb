"""Quotes: what was promised to whom, at which price, until when."""

from bot.domain.numbers import Kind, Offer, Purpose, Quote
from bot.domain.time import Ms
from storage.db import Reader, Row, Tx


def _quote(row: Row) -> Quote:
    return Quote(
        id=row["id"],
        user_id=row["user_id"],
        purpose=Purpose(row["purpose"]),
        offer=Offer(
            provider=row["provider"],
            service=row["service"],
            country=row["country"],
            kind=Kind(row["kind"]),
            cost=row["cost"],
            price=row["price"],
            stock=0,
            hours=row["hours"],
            operator=row["operator"],
            again_of=row["again_of"],
            phone=row["phone"],
        ),
        expires_at=row["expires_at"],
        number_id=row["number_id"],
        cap=row["cap"],
    )


async def add(tx: Tx, quote: Quote, now: Ms) -> None:
    offer = quote.offer
    await tx.all(
        """INSERT INTO quotes (id, user_id, purpose, provider, service, country, operator, kind, hours, cost, price,
                               number_id, created_at, expires_at, cap, again_of, phone)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)""",
        quote.id,
        quote.user_id,
        quote.purpose,
        offer.provider,
        offer.service,
        offer.country,
        offer.operator,
        offer.kind,
        offer.hours,
        offer.cost,
        offer.price,
        quote.number_id,
        now,
        quote.expires_at,
        quote.at_most,
        offer.again_of,
        offer.phone,
    )


async def owned(db: Reader, quote_id: str, user_id: int) -> Quote | None:
    """The quote, if it was promised to this person."""
    row = await db.one("SELECT * FROM quotes WHERE id = $1 AND user_id = $2", quote_id, user_id)
    return _quote(row) if row else None


async def prune(tx: Tx, before: Ms, limit: int) -> int:
    """Forget lapsed quotes, except of purchases that are still unanswered: what was asked for is looked up in them."""
    gone = await tx.all(
        """DELETE FROM quotes WHERE id IN (
               SELECT q.id FROM quotes q WHERE q.expires_at < $1
                 AND NOT EXISTS (SELECT 1 FROM numbers n WHERE n.quote_id = q.id AND n.state = 'buying')
               LIMIT $2) RETURNING id""",
        before,
        limit,
    )
    return len(gone)
