"""What storage cannot do, said so that an operator can act on it."""

import sqlite3
from pathlib import Path


class DatabaseUnusable(Exception):
    """The database cannot be used as it is. The text is one line that says what to do."""


def describe(error: sqlite3.Error, path: Path) -> str:
    """An operator's sentence for what SQLite refused at `path`."""
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
    if name.startswith("SQLITE_FULL"):
        return f"The disk that holds {path} is full. Free some space, then start again."
    return f"The database {path} cannot be used ({name or type(error).__name__})."


def damaged(path: Path) -> str:
    return f"The database {path} is damaged. Restore a backup of it; this file was left as it is."
