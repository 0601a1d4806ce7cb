"""What the admins are told of the installation itself: how its backups fare."""

from bot.services.delivery import Letter, Undeliverable
from bot.texts import Html, Words
from bot.texts import mark as _
from handlers import buttons as b
from handlers.screens import Screen, key

NO_BACKUP = {
    "disk_full": _(
        "💾 <b>No backup</b> could be made: the disk is full. Free some space, or set <code>BACKUP_DIR</code> to a "
        "folder on another disk. I try again every hour."
    ),
    "no_place": _(
        "💾 <b>No backup</b> could be made: their folder cannot be written. Change its owner, or set "
        "<code>BACKUP_DIR</code> to another folder and restart the bot. I try again every hour."
    ),
    "damaged": _(
        "💾 <b>No backup</b> could be made: the database is damaged, or its money does not add up. "
        "<code>python main.py check</code> says more. Keep the older backups safe: one of them may be needed."
    ),
    "failed": _("💾 <b>No backup</b> could be made; the log says why. I try again every hour."),
}
BACKUPS_WORK = _("✅ Backups are made again.")


def knows(name: str) -> bool:
    """Whether it is one of these notices."""
    return name in ("backup_failed", "backup_works")


def notice(t: Words, letter: Letter) -> Screen:
    """What has changed, and the next step. Raises Undeliverable."""
    return Screen(_text(t, letter), ((key(t("🏠 Menu"), b.Menu(), fresh=True),),))


def _text(t: Words, letter: Letter) -> Html:
    if letter.owed.name == "backup_works":
        return t(BACKUPS_WORK)
    if letter.owed.about not in NO_BACKUP:
        raise Undeliverable(f"no words for the notice {letter.owed.notice!r}")
    return t(NO_BACKUP[letter.owed.about])
