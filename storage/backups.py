"""The folder in which backups are kept: their names, which is the newest, and which have been kept for long enough."""

import glob
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.domain.time import DAY, SECOND, Ms
from storage.backup import PARTIAL

_STAMP = "%Y%m%dT%H%M%SZ"
_ABANDONED_AFTER_S = 3600
"""A copy on which nobody has written for so long was cut off by a kill."""


@dataclass(frozen=True, slots=True)
class Kept:
    path: Path
    made_at: Ms


def stamp(at: Ms) -> str:
    """A time as it stands in names: '20260131T120000Z'."""
    return datetime.fromtimestamp(at / SECOND, UTC).strftime(_STAMP)


def name_of(database: Path, at: Ms) -> str:
    """'codepigeon-20260131T120000Z.db' for a database codepigeon.db; the time in a name outlives a copy of the file."""
    return f"{database.stem}-{stamp(at)}.db"


def kept_in(folder: Path, database: Path) -> list[Kept]:
    """All backups of that database by their names, the newest first. Raises OSError; a folder that is not there has
    none."""
    pattern = re.compile(rf"{re.escape(database.stem)}-(\d{{8}}T\d{{6}}Z)\.db")
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if (match := pattern.fullmatch(path.name)) and (made_at := _parsed(match[1])) is not None:
            found.append(Kept(path, made_at))
    return sorted(found, key=lambda one: one.made_at, reverse=True)


def _parsed(text: str) -> Ms | None:
    try:
        return int(datetime.strptime(text, _STAMP).replace(tzinfo=UTC).timestamp()) * SECOND
    except ValueError:
        return None


def forget_old(folder: Path, database: Path, keep: int, now: Ms) -> list[Path]:
    """Remove what is older than `keep` days and not among the `keep` newest, and what a kill has cut off."""
    gone = [one.path for one in kept_in(folder, database)[keep:] if now - one.made_at >= keep * DAY]
    for path in folder.glob(f".{glob.escape(database.stem)}-*{PARTIAL}*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED_AFTER_S:
                path.unlink()
    for path in gone:
        path.unlink(missing_ok=True)
    return gone
