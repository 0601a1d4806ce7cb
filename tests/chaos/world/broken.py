"""Copies of the program with one promise broken on purpose, which the world must notice."""

import shutil
from pathlib import Path
from typing import TypeAlias

from tests.chaos.world.bot import ROOT

Edit: TypeAlias = tuple[str, str, str]
"""A file, what stands in it, and what is put in its place."""

PARTS = ("bot", "handlers", "storage", "tests", "main.py")


def _without_guard(verb: str) -> tuple[Edit, ...]:
    """A resolution of holds that can be made again and again, the schema's own guards taken out too."""
    return (
        (
            "storage/ledger.py",
            f"""             AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.hold_id = h.id)
           RETURNING id\"\"\",
        f"{{subject}}:{verb}",""",  # noqa: S608 - it is taken out, not asked
            f"""           RETURNING id\"\"\",
        f"{{subject}}:{verb}:{{__import__('os').urandom(6).hex()}}",""",
        ),
        (
            "storage/migrations/0001_initial.sql",
            "CREATE UNIQUE INDEX transfers_one_resolution",
            "CREATE INDEX transfers_one_resolution",
        ),
    )


DEFECTS: dict[str, tuple[Edit, ...]] = {
    "mark before send": (
        (
            "bot/services/delivery.py",
            "        try:\n            message_id = await send(letter)",
            "        async with self._db.transaction() as tx:\n"
            "            await outbox.mark_sent(tx, owed, None, self._clock())\n"
            "        try:\n            message_id = await send(letter)",
        ),
    ),
    "refund without a guard": (
        *_without_guard("release"),
        (
            "bot/services/numbers.py",
            "            await outbox.want_card(tx, settle.chat_of(moved), moved.id, now)\n",
            "            await __import__('storage.ledger').ledger.release(tx, settle.subject(moved), now)\n"
            "            await outbox.want_card(tx, settle.chat_of(moved), moved.id, now)\n",
        ),
    ),
    "capture without a key": _without_guard("capture"),
}


def copy_with(defect: str, folder: Path) -> Path:
    """A checkout with that defect. Raises LookupError where the code to be broken is not there any more."""
    source = folder / "broken"
    source.mkdir()
    for part in PARTS:
        origin = ROOT / part
        if origin.is_dir():
            shutil.copytree(origin, source / part, ignore=shutil.ignore_patterns("__pycache__", "data/sms"))
        else:
            shutil.copy(origin, source / part)
    for name, old, new in DEFECTS[defect]:
        path = source / name
        text = path.read_text()
        if old not in text:
            raise LookupError(f"{name} has no {old!r}")
        path.write_text(text.replace(old, new))
    return source
