"""People with a rented number each: known to the supplier, to the program's database, and with a card in their chat."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain.numbers import Kind, Number, Offer, Purpose, Quote
from bot.domain.people import Role, Seen
from bot.domain.time import HOUR, Ms
from bot.providers.sandbox.world import SandboxWorld
from bot.services import settle
from bot.services.clock import now_ms
from storage import ledger, numbers, quotes, users
from storage.db import Database, Tx
from tests.chaos.load.chats import Chats

FIRST_ID = 2001
HOURS = 24
PROVIDER = "sandbox"


@dataclass(frozen=True, slots=True)
class Resident:
    id: int
    phone: str
    number_id: int


async def settle_in(people: int, chats: Chats, supplier: SandboxWorld, database: Path) -> list[Resident]:
    """So many people, ready to receive. The database at `database` is made."""
    offers = await _offers(people, supplier)
    residents = []
    async with await Database.open(database, synchronous="OFF") as db, db.transaction() as tx:
        for place, offer in enumerate(offers):
            user_id = chats.add_user(f"P{place}", user_id=FIRST_ID + place)
            chats.people[user_id].started = True
            sale = (await supplier.call("allocate", _wanted(offer, f"load{place}")))["number"]
            number = await _own(tx, user_id, offer, sale, chats)
            residents.append(Resident(user_id, str(sale["phone"]), number.id))
    chats.shown.clear()  # what the bot shows from now on counts
    return residents


async def _offers(people: int, supplier: SandboxWorld) -> list[Offer]:
    """One for each person, as far as the stock of each country goes."""
    rows = (await supplier.call("stock", {"kind": Kind.RENTAL.value, "service": None}))["rows"]
    found: list[Offer] = []
    for service, country, hours, cost, left in rows:
        if hours == HOURS:
            offer = Offer(PROVIDER, service, country, Kind.RENTAL, cost, cost, left, hours)
            found += [offer] * min(left // 2, people - len(found))
    assert len(found) == people, f"the supplier has no more than {len(found)} numbers"
    return found


def _wanted(offer: Offer, ref: str) -> dict[str, Any]:
    return {
        "ref": ref,
        "kind": offer.kind.value,
        "service": offer.service,
        "country": offer.country,
        "hours": offer.hours,
        "cap": offer.cost,
    }


async def _own(tx: Tx, user_id: int, offer: Offer, sale: dict[str, Any], chats: Chats) -> Number:
    """What a purchase leaves behind."""
    now = now_ms()
    await users.upsert(tx, Seen(user_id, f"P{user_id}", "", "en"), Role.MEMBER, now)
    await ledger.credit(tx, f"open:{user_id}", user_id, 100 * offer.price, actor_id=None, reason="opening", now=now)
    quote = Quote(f"q{user_id}", user_id, Purpose.BUY, offer, now + HOUR)
    await quotes.add(tx, quote, now)
    card = chats.publish(chats.chats[user_id], chats.bot, {"text": "Your number"})["message_id"]
    chats.cards[user_id] = card
    number = await numbers.add(tx, quote, f"r{user_id}", test=True, card=(user_id, card), check_at=now, now=now)
    await ledger.hold(tx, settle.subject(number), user_id, offer.price, number_id=number.id, reason="", now=now)
    await _activate(tx, number, sale, now)
    await ledger.capture(tx, settle.subject(number), now)
    return number


async def _activate(tx: Tx, number: Number, sale: dict[str, Any], now: Ms) -> None:
    sold = {name: sale[name] for name in ("provider_ref", "phone", "expires_at", "cancel_from", "refund_until")}
    assert await numbers.activate(tx, number.id, **sold, now=now)
