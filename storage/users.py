"""People, their chats, and the links that let them in."""

from bot.domain.people import Role, Seen, User
from bot.domain.time import Ms
from storage.db import Reader, Row, Tx


def _user(row: Row) -> User:
    return User(
        id=row["id"],
        name=row["name"],
        username=row["username"],
        language=row["chosen_language"] or row["client_language"],
        role=Role(row["role"]),
        hide_codes=bool(row["hide_codes"]),
        created_at=row["created_at"],
        client_language=row["client_language"],
        removed=bool(row["removed"]),
    )


async def get(db: Reader, user_id: int) -> User | None:
    row = await db.one("SELECT * FROM users WHERE id = $1", user_id)
    return _user(row) if row else None


async def of_chat(db: Reader, chat_id: int) -> User | None:
    """Whose chat it is."""
    row = await db.one("SELECT u.* FROM users u JOIN chats c ON c.user_id = u.id WHERE c.id = $1", chat_id)
    return _user(row) if row else None


async def upsert(tx: Tx, seen: Seen, role: Role, now: Ms) -> User:
    """Note a person's newest name and client language; `role` is given to a new one only."""
    rows = await tx.all(
        """INSERT INTO users (id, name, username, client_language, role, created_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, username = excluded.username,
                client_language = excluded.client_language
            RETURNING *""",
        seen.id,
        seen.name,
        seen.username,
        seen.language,
        role,
        now,
    )
    await tx.all(
        "INSERT INTO chats (id, user_id) VALUES ($1, $1) ON CONFLICT (id) DO NOTHING",
        seen.id,
    )
    await tx.all(
        "INSERT INTO accounts (id, user_id) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", f"person:{seen.id}", seen.id
    )
    return _user(rows[0])


async def set_role(tx: Tx, user_id: int, role: Role, *, removed: bool = False) -> bool:
    """`removed`: an admin took the role away, and an open door is not to give it back."""
    changed = "UPDATE users SET role = $2, removed = $3 WHERE id = $1 RETURNING id"
    return bool(await tx.all(changed, user_id, role, int(removed)))


async def set_language(tx: Tx, user_id: int, language: str) -> None:
    await tx.all("UPDATE users SET chosen_language = $2 WHERE id = $1", user_id, language)


async def set_hide_codes(tx: Tx, user_id: int, hide: bool) -> None:
    await tx.all("UPDATE users SET hide_codes = $2 WHERE id = $1", user_id, int(hide))


async def admitted(db: Reader) -> list[User]:
    """Everyone who has been let in, owner and admins first."""
    rows = await db.all(
        """SELECT * FROM users WHERE role <> 'guest'
            ORDER BY CASE role WHEN 'owner' THEN 0 WHEN 'admin' THEN 1 ELSE 2 END, id"""
    )
    return [_user(row) for row in rows]


async def has_owner(db: Reader) -> bool:
    return await db.one("SELECT id FROM users WHERE role = 'owner'") is not None


async def owners(db: Reader) -> list[int]:
    return [int(row["id"]) for row in await db.all("SELECT id FROM users WHERE role = 'owner'")]


async def park_chat(tx: Tx, chat_id: int, now: Ms) -> None:
    await tx.all("UPDATE chats SET parked_at = $2 WHERE id = $1 AND parked_at IS NULL", chat_id, now)


async def unpark_chat(tx: Tx, chat_id: int) -> None:
    await tx.all("UPDATE chats SET parked_at = NULL, paused_until = NULL WHERE id = $1", chat_id)


async def pause_chat(tx: Tx, chat_id: int, until: Ms) -> None:
    """Telegram takes nothing for this chat before then."""
    await tx.all("UPDATE chats SET paused_until = $2 WHERE id = $1", chat_id, until)


async def is_parked(db: Reader, chat_id: int) -> bool:
    return await db.one("SELECT id FROM chats WHERE id = $1 AND parked_at IS NOT NULL", chat_id) is not None


async def add_invite(tx: Tx, token_hash: str, role: Role, created_by: int | None, now: Ms, expires_at: Ms) -> None:
    await tx.all(
        "INSERT INTO invites (token_hash, role, created_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        token_hash,
        role,
        created_by,
        now,
        expires_at,
    )


async def drop_unused_invites(tx: Tx, role: Role) -> None:
    await tx.all("DELETE FROM invites WHERE role = $1 AND used_by IS NULL", role)


async def unused_role(db: Reader, token_hash: str) -> Role | None:
    """What a link that nobody has used would make of its user."""
    row = await db.one("SELECT role FROM invites WHERE token_hash = $1 AND used_by IS NULL", token_hash)
    return Role(row["role"]) if row else None


async def use_invite(tx: Tx, token_hash: str, user_id: int, now: Ms) -> Role | None:
    """Spend a link once; None when it was used, has expired or never was."""
    row = await tx.one(
        """UPDATE invites SET used_by = $2, used_at = $3
           WHERE token_hash = $1 AND used_by IS NULL AND expires_at > $3 RETURNING role""",
        token_hash,
        user_id,
        now,
    )
    return Role(row["role"]) if row else None
