"""Whether an open database works: what keeps it from it is said once, when that begins and when it is over."""

import logging
import sqlite3
import time
from pathlib import Path

from storage.errors import Fault, StorageDown, fault_of, has_room

log = logging.getLogger(__name__)

SETTLED_S = 1.0
"""For so long nothing may have failed before a success means that it works again."""


class Condition:
    """`aloud`: changes are logged. Damage is for good: what is written into a damaged file is lost with it."""

    def __init__(self, path: Path, *, aloud: bool = True) -> None:
        self._path = path
        self._aloud = aloud
        self._failed_at = 0.0
        self.fault: Fault | None = None

    def failed(self, error: sqlite3.Error, *, writing: bool) -> sqlite3.Error:
        """What is to be raised in place of `error`: StorageDown, or the same where it is no fault of the outside."""
        if isinstance(error, StorageDown) or (fault := fault_of(error, writing=writing)) is None:
            return error
        self._failed_at = time.monotonic()
        down = StorageDown(fault, self._path)
        if self.fault not in (fault, Fault.DAMAGED):
            self.fault = fault
            if self._aloud:
                log.error("%s (%s)", down, getattr(error, "sqlite_errorname", ""))
        return down

    def require(self) -> None:
        """Before a transaction. Raises StorageDown after damage, and for whoever queued behind a wait in vain."""
        if self.fault is Fault.DAMAGED or (self.fault is Fault.LOCKED and self._is_fresh()):
            raise StorageDown(self.fault, self._path)

    def may_work(self) -> bool:
        """Whether it is worth trying: not after damage, and not while the disk has hardly any room, in which a small
        write may succeed where the next larger one would fail again."""
        if self.fault is Fault.FULL:
            return has_room(self._path)
        return self.fault is not Fault.DAMAGED

    def worked(self) -> None:
        """Something was committed."""
        if self.fault in (None, Fault.DAMAGED) or self._is_fresh():
            return
        self.fault = None
        if self._aloud:
            log.warning("The database %s works again.", self._path)

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._failed_at < SETTLED_S
