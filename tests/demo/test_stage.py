"""The demo's outside world: what was started when one part of it cannot be is ended again."""

import asyncio
import tempfile

import pytest

from bot.config import load
from bot.demo.stage import Stage


async def test_a_stage_that_cannot_be_set_up_leaves_nothing_running(tmp_path):
    before = asyncio.all_tasks()
    was, tempfile.tempdir = tempfile.tempdir, str(tmp_path / "full")
    try:
        with pytest.raises(FileNotFoundError):
            await Stage.open(load({}, None), 1)
    finally:
        tempfile.tempdir = was
    assert asyncio.all_tasks() == before
