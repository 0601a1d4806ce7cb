"""/apikey in the chat: a key is made, named, shown once, listed, revoked."""

import httpx
import pytest

from tests.support import says
from tests.support.api import ON, client
from tests.support.stories import Person, Story, playing


async def _status(http: httpx.AsyncClient, story: Story, key: str, method: str = "GET", path: str = "balance") -> int:
    headers = {"Authorization": f"Bearer {key}"}
    answer = await http.request(
        method, f"{story.url}/api/{path}", headers=headers, json={"country": "US", "service": "wa"}
    )
    return answer.status_code


async def _made(person: Person, text: str) -> str:
    shown = await person.asks(text, says.KEY_ONCE)
    key = shown.button(says.COPY_KEY)["copy_text"]["text"]
    assert key in shown.text
    return str(key)


async def test_a_key_is_made_used_listed_and_revoked_by_buttons(tmp_path):
    async with client() as http, playing(tmp_path, settings=ON) as story:
        ada = await story.comes()
        await ada.asks("/apikey", says.KEY_LIST)
        shown = await ada.pushes(says.FULL_ACCESS, says.KEY_ONCE)
        key = shown.button(says.COPY_KEY)["copy_text"]["text"]
        await ada.pushes(says.API_KEYS, says.KEY_LIST, says.NEVER_USED)
        assert await _status(http, story, key) == 200
        assert await _status(http, story, key, "POST", "allocate_number") == 200
        listed = await ada.asks("/apikey", says.KEY_LIST, says.LAST_USED)
        assert key not in listed.text
        one = await ada.pushes("Key 1", says.TO_RENAME)
        assert key not in one.text
        assert key[:8] in one.text
        await ada.pushes(says.REVOKE, says.REVOKE_IT)
        assert await _status(http, story, key) == 200
        await ada.pushes(says.REVOKE, says.KEY_LIST)
        assert await _status(http, story, key) == 401


async def test_a_key_is_named_when_it_is_made_and_later(tmp_path):
    async with client() as http, playing(tmp_path, settings=ON) as story:
        ada = await story.comes()
        key = await _made(ada, "/apikey read My <script> & co")
        assert await _status(http, story, key) == 200
        assert await _status(http, story, key, "POST", "allocate_number") == 403
        await ada.asks("/apikey", "My <script> & co", "read only")
        await ada.asks("/apikey 1 Laptop", "Laptop", says.TO_RENAME)
        assert story.rows("SELECT name, scope FROM api_keys") == [{"name": "Laptop", "scope": "read"}]


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        ("/apikey 99", says.NOT_FOUND),
        ("/apikey 99 mine", says.NOT_FOUND),
        ("/apikey 999999999999999999999999 x", says.KEY_LIST),
        ("/apikey what is this", says.KEY_LIST),
        ("/apikey ٣", says.KEY_LIST),
    ],
)
async def test_what_is_no_key_of_theirs_is_said_or_shows_the_list(tmp_path, words, seen):
    async with playing(tmp_path, settings=ON) as story:
        ada = await story.comes()
        await ada.asks(words, seen)
        assert story.rows("SELECT id FROM api_keys") == []


async def test_the_eleventh_key_is_one_too_many(tmp_path):
    async with playing(tmp_path, settings=ON) as story:
        ada = await story.comes()
        for _ in range(10):
            await _made(ada, "/apikey full")
        await ada.asks("/apikey full", says.TOO_MANY_KEYS)
        assert len(story.rows("SELECT id FROM api_keys")) == 10


async def test_settings_and_help_lead_to_the_keys_and_the_menu_has_the_command(tmp_path):
    async with playing(tmp_path, settings=ON) as story:
        ada = await story.comes()
        await ada.asks("/settings", says.SETTINGS)
        await ada.pushes(says.API_KEYS, says.KEY_LIST)
        await ada.asks("/help", "/apikey")
        assert "apikey" in [command["command"] for command in story.telegram.commands(ada.id)]


async def test_keys_are_spoken_of_in_russian_too(tmp_path):
    async with playing(tmp_path, settings=ON) as story:
        anton = await story.comes("Антон", "ru")
        await anton.asks("/apikey", "Ключи API")
        shown = await anton.pushes("Полный доступ", "больше он показан не будет")
        assert shown.button("Скопировать ключ")


async def test_the_key_of_another_is_neither_shown_nor_revoked(tmp_path):
    async with client() as http, playing(tmp_path, settings=ON) as story:
        ada, eve = await story.comes("Ada"), await story.comes("Eve")
        key = await _made(ada, "/apikey full Ada's own")
        for forged in ("ks:1", "kr:1", "kr:1:1"):
            eve.forge(forged)
            await eve.sees_any((says.NOT_FOUND,))
        await eve.asks("/apikey", says.KEY_LIST)
        await eve.asks("/apikey 1 hers", says.NOT_FOUND)
        assert not any("Ada's own" in one.text for one in eve.log())
        assert await _status(http, story, key) == 200
