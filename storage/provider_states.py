"""How each provider stands, by the last look at it, and which of its states the admins were told of."""

from dataclasses import dataclass

from bot.domain.money import Units
from bot.domain.time import Ms
from storage.db import Reader, Row, Tx


@dataclass(frozen=True, slots=True)
class ProviderState:
    provider: str
    looked_at: Ms = 0
    balance: Units | None = None
    """In the provider's currency, as of `balance_at`."""
    balance_at: Ms | None = None
    contact_at: Ms | None = None
    """Its last usable answer, to whatever was asked."""
    circuit: str = "closed"
    """A Circuit."""
    circuit_at: Ms | None = None
    """Since when it is open, or closed again; None while it has never been open."""
    low: bool = False
    failing: str = ""
    """'no_contact', 'bad_key' or 'barred' since `failing_at`; empty while it is well."""
    failing_at: Ms | None = None
    barred_until: Ms | None = None


def _state(row: Row) -> ProviderState:
    return ProviderState(
        provider=row["provider"],
        looked_at=row["looked_at"],
        balance=row["balance"],
        balance_at=row["balance_at"],
        contact_at=row["contact_at"],
        circuit=row["circuit"],
        circuit_at=row["circuit_at"],
        low=bool(row["low"]),
        failing=row["failing"],
        failing_at=row["failing_at"],
        barred_until=row["barred_until"],
    )


async def get(db: Reader, provider: str) -> ProviderState | None:
    row = await db.one("SELECT * FROM provider_states WHERE provider = $1", provider)
    return _state(row) if row else None


async def all_by_name(db: Reader) -> dict[str, ProviderState]:
    return {row["provider"]: _state(row) for row in await db.all("SELECT * FROM provider_states")}


async def last_look(db: Reader) -> Ms | None:
    """When the bot last looked at any provider; None where it never has."""
    row = await db.one("SELECT max(looked_at) AS last FROM provider_states")
    return row["last"] if row else None


async def put(tx: Tx, state: ProviderState) -> None:
    """All but what was told."""
    await tx.all(
        """INSERT INTO provider_states (provider, looked_at, balance, balance_at, contact_at, circuit, circuit_at, low,
                                        failing, failing_at, barred_until)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
           ON CONFLICT (provider) DO UPDATE SET looked_at = excluded.looked_at, balance = excluded.balance,
               balance_at = excluded.balance_at, contact_at = excluded.contact_at, circuit = excluded.circuit,
               circuit_at = excluded.circuit_at, low = excluded.low, failing = excluded.failing,
               failing_at = excluded.failing_at, barred_until = excluded.barred_until""",
        state.provider,
        state.looked_at,
        state.balance,
        state.balance_at,
        state.contact_at,
        state.circuit,
        state.circuit_at,
        int(state.low),
        state.failing,
        state.failing_at,
        state.barred_until,
    )


async def tell_low(tx: Tx, provider: str) -> bool | None:
    """Whether the balance is low now, to be told; None when that was told already."""
    row = await tx.one(
        """UPDATE provider_states SET told_low = low WHERE provider = $1 AND told_low <> low RETURNING low""", provider
    )
    return bool(row["low"]) if row else None


async def tell_failing(tx: Tx, provider: str) -> str | None:
    """Why it is failing now, empty where it works again, to be told; None when that was told already."""
    row = await tx.one(
        """UPDATE provider_states SET told_failing = failing WHERE provider = $1 AND told_failing <> failing
           RETURNING failing""",
        provider,
    )
    return str(row["failing"]) if row else None
