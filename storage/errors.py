"""What storage cannot do, said so that an operator can act on it."""

import shutil
import sqlite3
from enum import StrEnum
from pathlib import Path

ENOUGH_ROOM = 1 << 20
"""Bytes."""


class DatabaseUnusable(Exception):
    """The database cannot be used as it is. The text is one line that says what to do."""


class Damaged(DatabaseUnusable):
    """Some of its pages make no sense."""

    def __init__(self, path: Path) -> None:
        super().__init__(damaged(path))


class Foreign(DatabaseUnusable):
    """A sound SQLite database, but none of ours."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is a database of another program. Set DATABASE_URL to a file of codepigeon's own.")


class Fault(StrEnum):
    """What keeps a database that is open from working."""

    FULL = "full"
    LOCKED = "locked"
    READ_ONLY = "read_only"
    FAILING = "failing"
    DAMAGED = "damaged"


_FAULTS = (
    ("SQLITE_FULL", Fault.FULL),
    ("SQLITE_BUSY", Fault.LOCKED),
    ("SQLITE_LOCKED", Fault.LOCKED),
    ("SQLITE_PROTOCOL", Fault.LOCKED),
    ("SQLITE_READONLY", Fault.READ_ONLY),
    ("SQLITE_CANTOPEN", Fault.READ_ONLY),
    ("SQLITE_PERM", Fault.READ_ONLY),
    ("SQLITE_IOERR", Fault.FAILING),
    ("SQLITE_CORRUPT", Fault.DAMAGED),
    ("SQLITE_NOTADB", Fault.DAMAGED),
)
_SAID = {
    Fault.FULL: "The disk that holds the database {path} is full: nothing is sold until there is space again.",
    Fault.LOCKED: "Another program keeps the database {path} locked: nothing is sold until that one lets go.",
    Fault.READ_ONLY: "The database {path} cannot be written any more: nothing is sold until it can. "
    "Check the owner and mode of the file and its folder, and whether its disk is mounted for reading only.",
    Fault.FAILING: "The disk that holds the database {path} reports errors: nothing is sold while it does. "
    "Look into the system's log, and copy the backups elsewhere.",
    Fault.DAMAGED: "The database {path} is damaged: nothing is sold or written any more. "
    "Stop the bot and restore a backup.",
}


class StorageDown(sqlite3.OperationalError):
    """The disk, the file or another program keeps an open database from working; nothing was changed.

    The text is the operator's sentence.
    """

    def __init__(self, fault: Fault, path: Path) -> None:
        super().__init__(_SAID[fault].format(path=path))
        self.fault = fault


def fault_of(error: sqlite3.Error, *, writing: bool) -> Fault | None:
    """None for what is no fault of the outside, but of a statement or of the rules that the schema keeps."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name == "SQLITE_READONLY" and not writing:
        return None  # a statement that wants to write went to the reader
    return next((fault for prefix, fault in _FAULTS if name.startswith(prefix)), None)


def describe(error: sqlite3.Error, path: Path) -> str:
    """An operator's sentence for what SQLite refused at `path`, before the database was open."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_NOTADB") or "not a database" in str(error):
        return f"{path} is not a SQLite database. Set DATABASE_URL to another file, or move this one away."
    if name.startswith("SQLITE_CORRUPT"):
        return damaged(path)
    if path.is_dir():
        return f"{path} is a folder, not a database. Set DATABASE_URL to a file."
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_READONLY", "SQLITE_AUTH")):
        return f"The database {path} cannot be opened for writing. Check the owner and mode of the file and its folder."
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"The database {path} is locked by another program. Stop that one, then start again."
    if name.startswith("SQLITE_FULL") or (name.startswith("SQLITE_IOERR") and not has_room(path)):
        return f"The disk that holds {path} is full. Free some space, then start again."
    if name.startswith("SQLITE_IOERR"):
        return f"The disk that holds {path} reports errors ({name}). Look into the system's log before you start again."
    return f"The database {path} cannot be used ({name or type(error).__name__})."


def has_room(path: Path) -> bool:
    """Whether the disk that holds it has more than a little room."""
    try:
        return shutil.disk_usage(path.parent).free >= ENOUGH_ROOM
    except OSError:
        return False


def damaged(path: Path) -> str:
    return f"The database {path} is damaged. Restore a backup of it; this file was left as it was."
