"""Keys of the API and the tokens made from them: only their hashes are kept."""

from dataclasses import dataclass

from bot.domain.keys import ApiKey, Scope
from bot.domain.time import Ms
from storage.db import Reader, Row, Tx


@dataclass(frozen=True, slots=True)
class Held:
    """Whose key it is that somebody holds."""

    key_id: int
    user_id: int
    scope: Scope
    used_at: Ms | None


def _key(row: Row) -> ApiKey:
    return ApiKey(
        id=row["id"],
        user_id=row["user_id"],
        name=row["name"],
        hint=row["hint"],
        scope=Scope(row["scope"]),
        created_at=row["created_at"],
        used_at=row["used_at"],
    )


def _held(row: Row) -> Held:
    return Held(row["id"], row["user_id"], Scope(row["scope"]), row["used_at"])


async def add(tx: Tx, user_id: int, name: str, hint: str, key_hash: str, scope: Scope, now: Ms) -> ApiKey:
    rows = await tx.all(
        """INSERT INTO api_keys (user_id, name, hint, key_hash, scope, created_at)
           VALUES ($1, $2, $3, $4, $5, $6) RETURNING *""",
        user_id,
        name,
        hint,
        key_hash,
        scope,
        now,
    )
    return _key(rows[0])


async def of(db: Reader, user_id: int) -> list[ApiKey]:
    """Those that work, oldest first."""
    rows = await db.all("SELECT * FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL ORDER BY id", user_id)
    return [_key(row) for row in rows]


async def rename(tx: Tx, user_id: int, key_id: int, name: str) -> bool:
    row = await tx.one(
        "UPDATE api_keys SET name = $3 WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL RETURNING id",
        user_id,
        key_id,
        name,
    )
    return row is not None


async def revoke(tx: Tx, user_id: int, key_id: int, now: Ms) -> bool:
    """With all its tokens."""
    row = await tx.one(
        "UPDATE api_keys SET revoked_at = $3 WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL RETURNING id",
        user_id,
        key_id,
        now,
    )
    if row is not None:
        await tx.all("DELETE FROM api_tokens WHERE key_id = $1", key_id)
    return row is not None


async def by_key(db: Reader, key_hash: str) -> Held | None:
    row = await db.one("SELECT * FROM api_keys WHERE key_hash = $1 AND revoked_at IS NULL", key_hash)
    return _held(row) if row else None


async def by_token(db: Reader, token_hash: str, now: Ms) -> Held | None:
    row = await db.one(
        """SELECT k.* FROM api_tokens t JOIN api_keys k ON k.id = t.key_id
           WHERE t.token_hash = $1 AND t.expires_at > $2 AND k.revoked_at IS NULL""",
        token_hash,
        now,
    )
    return _held(row) if row else None


async def works(db: Reader, key_id: int) -> bool:
    return await db.one("SELECT id FROM api_keys WHERE id = $1 AND revoked_at IS NULL", key_id) is not None


async def note_use(tx: Tx, key_id: int, now: Ms) -> None:
    await tx.all("UPDATE api_keys SET used_at = $2 WHERE id = $1", key_id, now)


async def add_token(tx: Tx, token_hash: str, key_id: int, now: Ms, expires_at: Ms, *, most: int) -> None:
    """A key has at most `most` tokens: the oldest one makes room."""
    await tx.all(
        "INSERT INTO api_tokens (token_hash, key_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
        token_hash,
        key_id,
        now,
        expires_at,
    )
    await tx.all(
        """DELETE FROM api_tokens WHERE token_hash IN (
               SELECT token_hash FROM api_tokens WHERE key_id = $1 ORDER BY created_at DESC, token_hash
               LIMIT 1000000 OFFSET $2)""",
        key_id,
        most,
    )


async def end_token(tx: Tx, token_hash: str) -> None:
    await tx.all("DELETE FROM api_tokens WHERE token_hash = $1", token_hash)


async def prune(tx: Tx, before: Ms, limit: int) -> int:
    """Forget tokens that have ended by then."""
    gone = await tx.all(
        """DELETE FROM api_tokens WHERE token_hash IN (
               SELECT token_hash FROM api_tokens WHERE expires_at <= $1 LIMIT $2) RETURNING token_hash""",
        before,
        limit,
    )
    return len(gone)
