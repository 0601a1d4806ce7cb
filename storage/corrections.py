"""How often people said that the code was another one, or none: numbers by service, and no text."""

from dataclasses import dataclass

from storage.db import Reader, Tx


@dataclass(frozen=True, slots=True)
class Corrected:
    """SMS for `service` whose code was set right: to `another`, or to `none`."""

    service: str
    another: int
    none: int


async def count(tx: Tx, service: str, verdict: str) -> None:
    """`verdict` is 'another' or 'none'."""
    await tx.all(
        """INSERT INTO corrections (service, verdict, many) VALUES ($1, $2, 1)
           ON CONFLICT (service, verdict) DO UPDATE SET many = many + 1""",
        service,
        verdict,
    )


async def most(db: Reader, limit: int) -> list[Corrected]:
    """The services with the most of them first."""
    rows = await db.all(
        """SELECT service, sum(CASE verdict WHEN 'another' THEN many ELSE 0 END) AS another,
               sum(CASE verdict WHEN 'none' THEN many ELSE 0 END) AS none
           FROM corrections GROUP BY service ORDER BY sum(many) DESC, service LIMIT $1""",
        limit,
    )
    return [Corrected(row["service"], row["another"], row["none"]) for row in rows]
