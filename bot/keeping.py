"""`main.py backup` and `main.py restore`, and what `check` says of backups."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from bot.config import Config
from bot.domain.time import DAY, HOUR, MINUTE, Ms
from bot.services.clock import now_ms
from storage.backup import back_up
from storage.backups import kept_in, name_of, stamp
from storage.db import DatabaseUnusable
from storage.lock import is_there
from storage.restore import restore

Say = Callable[[str], None]


async def back_up_to(config: Config, path: str | None, say: Say = print) -> None:
    """Beside a running bot, or without one. `path`: a file that is not there yet, or a folder.

    Raises DatabaseUnusable where there is nothing to back up, BackupFailed.
    """
    database = config.database_path
    if not is_there(database):
        raise DatabaseUnusable(f"There is no database at {database} yet. Start the bot once first.")
    target = await asyncio.to_thread(_target, config, path)
    made = await back_up(database, target)
    say(f"Backed up {database} to {made.path}, {_size(made.size)}.")


def _target(config: Config, path: str | None) -> Path:
    name = name_of(config.database_path, now_ms())
    if path is None:
        return config.backup_path / name
    return Path(path) / name if Path(path).is_dir() else Path(path)


async def restore_from(config: Config, path: str, *, force: bool, say: Say = print) -> None:
    """Raises DatabaseUnusable for a backup that is not sound, or while a bot runs; nothing was changed then."""
    database = config.database_path
    restored = await restore(Path(path), database, stamp=stamp(now_ms()), force=force)
    say(f"Restored {path} to {database}.")
    if restored.replaced is not None:
        say(f"The database that was there is {restored.replaced} now.")
    if restored.is_older:
        say("It is from an older codepigeon: the next start upgrades it.")
    say("What happened after that backup is not in it; docs/operations.md says what to see to.")


def newest_backup(config: Config) -> str:
    """A line about the newest one."""
    folder = config.backup_path
    off = "" if config.backup_keep else "; BACKUP_KEEP=0, so none are made by themselves"
    try:
        kept = kept_in(folder, config.database_path)
        size = kept[0].path.stat().st_size if kept else 0
    except OSError as error:
        return f"Backups: {folder} cannot be looked into ({error.strerror}){off}"
    if not kept:
        return f"Backups: none in {folder} yet{off}"
    return f"Backups: the newest is {kept[0].path}, {_size(size)}, {_age(now_ms() - kept[0].made_at)} old{off}"


def _size(size: int) -> str:
    for unit, one in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= one:
            return f"{size / one:.1f} {unit}"
    return f"{size} bytes"


def _age(age: Ms) -> str:
    for unit, one in (("days", DAY), ("h", HOUR), ("min", MINUTE)):
        if age >= 2 * one:
            return f"{age // one} {unit}"
    return f"{max(0, age) // 1000} s"
