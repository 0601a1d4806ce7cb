"""Updates of one chat keep their order, those of others do not wait, and a stop cuts off what does not end."""

import asyncio
import gc

from telegram import Chat, Message, Update, User

from handlers.order import OrderedByChat


def update_of(chat_id: int, number: int = 1) -> Update:
    chat = Chat(chat_id, Chat.PRIVATE)
    return Update(number, message=Message(number, None, chat, from_user=User(chat_id, "A", False), text="x"))


async def test_one_chat_keeps_its_order_and_another_does_not_wait():
    order, log = OrderedByChat(), []

    async def handle(name: str, takes_s: float) -> None:
        await asyncio.sleep(takes_s)
        log.append(name)

    work = [(1, "first", 0.05), (1, "second", 0.0), (2, "other", 0.01), (1, "third", 0.0)]
    await asyncio.gather(*(order.process_update(update_of(chat), handle(name, s)) for chat, name, s in work))
    assert log == ["other", "first", "second", "third"]
    assert order._locks == {}


async def test_a_failure_gives_the_chat_free_again():
    order = OrderedByChat()

    async def fail() -> None:
        raise LookupError

    async def pass_on() -> str:
        return "done"

    failed, _ = await asyncio.gather(
        order.process_update(update_of(1), fail()),
        order.process_update(update_of(1), pass_on()),
        return_exceptions=True,
    )
    assert isinstance(failed, LookupError)
    assert order._locks == {}


async def test_cutting_off_ends_what_runs_and_what_waits_and_takes_nothing_more():
    order, begun = OrderedByChat(), []

    async def handle(name: str) -> None:
        begun.append(name)
        await asyncio.sleep(60)

    tasks = [asyncio.create_task(order.process_update(update_of(1), handle(name))) for name in ("runs", "waits")]
    await asyncio.sleep(0.01)
    order.cut_off()
    await order.process_update(update_of(2), handle("late"))
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert begun == ["runs"]
    gc.collect()  # a coroutine that was never awaited would warn here, and warnings are errors
