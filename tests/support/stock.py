"""Many live numbers at once, at a supplier and in the database, without the time that it takes to buy them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.money import ONE
from bot.domain.numbers import Kind, Offer, Purpose, Quote
from bot.domain.people import Role, Seen
from bot.domain.time import DAY, MINUTE, Ms
from storage import numbers, users
from storage.db import Database, Tx
from tests.simulators.engine import Line
from tests.simulators.fivesim import SimOrder
from tests.simulators.sims import FiveSimSim, HandlerApiSim, RestSim, SandboxSim, Sim

LASTS: Ms = 20 * MINUTE


@dataclass(frozen=True)
class Stocked:
    provider_ref: str
    phone: str
    """With its plus."""


async def sell(sim: Sim, count: int) -> list[Stocked]:
    """So many open activations at the supplier, sold just now."""
    if isinstance(sim, HandlerApiSim):
        return _lines(sim, count)
    if isinstance(sim, FiveSimSim):
        return _orders(sim, count)
    assert isinstance(sim, RestSim | SandboxSim)
    return await _allocated(sim, count)


def _lines(sim: HandlerApiSim, count: int) -> list[Stocked]:
    now = sim.clock()
    for place in range(count):
        ref = str(700_000_000 + place)
        line = Line(ref, "", f"445{place:09d}", "wa", "16", ONE, 0, now, now + LASTS)
        sim.supplier.lines[ref] = line
    return [Stocked(line.id, f"+{line.phone}") for line in sim.supplier.lines.values()]


def _orders(sim: FiveSimSim, count: int) -> list[Stocked]:
    now = sim.clock()
    for order_id in range(20_000_000, 20_000_000 + count):
        sim.simulator.orders[order_id] = SimOrder(
            id=order_id,
            category="activation",
            phone=f"+4471{order_id:08d}",
            operator="virtual4",
            product="whatsapp",
            country="england",
            price=1_000,
            created_at=now,
            expires=now + LASTS,
        )
    return [Stocked(str(order.id), order.phone) for order in sim.simulator.orders.values()]


async def _allocated(sim: RestSim | SandboxSim, count: int) -> list[Stocked]:
    """Bought where there is stock, one cell of the price list after the other."""
    shelf = (await sim.world.call("stock", {"kind": "activation", "service": None}))["rows"]
    cells = ((service, country) for service, country, _, _, left in shelf for _ in range(left))
    found: list[Stocked] = []
    for place, (service, country) in zip(range(count), cells, strict=False):
        wanted: dict[str, Any] = {"service": service, "country": country, "kind": "activation"}
        if isinstance(sim, RestSim):
            sold = await sim.simulator._allocate({**wanted, "key": f"k{place}"})
            found.append(Stocked(sold["id"], sold["number"]))
        else:
            answer = await sim.world.call("allocate", {**wanted, "ref": f"r{place}", "hours": 0, "cap": 10**12})
            found.append(Stocked(answer["number"]["provider_ref"], answer["number"]["phone"]))
    assert len(found) == count
    return found


async def put(
    db: Database,
    provider: str,
    stocked: Sequence[Stocked],
    now: Ms,
    *,
    first_user: int = 1,
    kind: Kind = Kind.ACTIVATION,
    age: Ms = 0,
) -> None:
    """Each as an active number of a person of its own, from the id `first_user` on, bought `age` ago."""
    async with db.transaction() as tx:
        for user_id, one in enumerate(stocked, first_user):
            await users.upsert(tx, Seen(user_id, "P"), Role.MEMBER, now)
            await _put_one(tx, provider, one, user_id, kind, now - age)


async def _put_one(tx: Tx, provider: str, one: Stocked, user_id: int, kind: Kind, bought_at: Ms) -> None:
    offer = Offer(provider, "wa", "GB", kind, ONE, ONE, 1)
    quote = Quote(f"{provider}:{one.provider_ref}", user_id, Purpose.BUY, offer, bought_at, cap=ONE)
    ref = f"ref:{provider}:{one.provider_ref}"
    number = await numbers.add(tx, quote, ref, test=False, card=None, check_at=bought_at, now=bought_at)
    await numbers.activate(
        tx,
        number.id,
        provider_ref=one.provider_ref,
        phone=one.phone,
        expires_at=bought_at + (30 * DAY if kind is Kind.RENTAL else LASTS),
        cancel_from=None,
        refund_until=None,
        now=bought_at,
    )
