"""What the admins are told when no backup can be made."""

from bot.services.rhythm import Sweep
from tests.support import says
from tests.support.stories import OWNER_ID, playing, until

RUSSIAN_ADMIN = 778


async def test_a_failing_backup_is_told_to_every_admin_in_their_language_and_its_end_too(tmp_path):
    folder = tmp_path / "kept"
    folder.write_text("in the way")
    settings = {"ADMIN_IDS": f"{OWNER_ID},{RUSSIAN_ADMIN}", "BACKUP_DIR": str(folder)}
    async with playing(tmp_path, settings=settings) as story:
        story.expected_errors += ("bot.services.backups: ",)
        ada = await story.comes("Ada", user_id=OWNER_ID)
        bob = await story.comes("Боб", "ru", user_id=RUSSIAN_ADMIN)
        eve = await story.comes("Eve")
        for person in (ada, bob, eve):
            person.look_from_now()
        story.app._scheduler.wake(Sweep.BACKUP)
        assert (await ada.sees(says.NO_BACKUP, "BACKUP_DIR", kind="message")).button(says.MENU)
        await bob.sees("Резервная копия не создана", kind="message")
        story.app._scheduler.wake(Sweep.BACKUP)
        folder.unlink()
        story.app._scheduler.wake(Sweep.BACKUP)
        await until(lambda: folder.is_dir() and any(path.suffix == ".db" for path in folder.iterdir()))
        await ada.sees(says.BACKUPS_WORK, kind="message")
        await bob.sees("снова создаются", kind="message")
        await story.settled()
        assert sum(says.NO_BACKUP in one.text for one in ada.chat()) == 1
        assert eve.since() == []
