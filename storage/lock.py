"""A claim on the database's file, so that two running bots never share one."""

import os
from pathlib import Path
from typing import Self

from storage.errors import DatabaseUnusable

try:
    import fcntl
except ImportError:  # a platform without advisory locks: the claim is then made by nobody
    fcntl = None  # type: ignore[assignment]


class FileLock:
    """An advisory lock on `<database>.lock`; the kernel gives it free when the process dies."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def claim(cls, database: Path) -> Self:
        """Raises DatabaseUnusable when another process has it, or the folder cannot be written."""
        try:
            database.parent.mkdir(parents=True, exist_ok=True)
            # Beside the file itself, wherever a link to it stands: SQLite keeps its journal there too.
            descriptor = os.open(f"{database.resolve()}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unwritable(database, error) from None
        if fcntl is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise DatabaseUnusable(
                    f"Another codepigeon is running on {database}. Stop it first, or set DATABASE_URL to another file."
                ) from None
            except OSError as error:
                os.close(descriptor)
                raise DatabaseUnusable(
                    f"The folder {database.parent} cannot hold a lock ({error.strerror}). "
                    "Set DATABASE_URL to a file on a local disk."
                ) from None
        return cls(descriptor)

    def release(self) -> None:
        os.close(self._descriptor)


def is_there(database: Path) -> bool:
    """Raises DatabaseUnusable for a place that cannot be looked at."""
    try:
        return database.exists()
    except OSError as error:
        raise _unwritable(database, error) from None


def make_private(database: Path) -> None:
    """Make the file where there is none, for its owner only: it will hold people's SMS. Raises DatabaseUnusable."""
    try:
        if not database.exists():
            os.close(os.open(database, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise _unwritable(database, error) from None


def _unwritable(database: Path, error: OSError) -> DatabaseUnusable:
    return DatabaseUnusable(
        f"The database's folder {database.parent} cannot be written ({error.strerror}). "
        "Set DATABASE_URL to a folder of yours, or change the folder's owner."
    )
