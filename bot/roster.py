"""`main.py providers`: the providers as a table, beside a running bot or without one."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.config import Config
from bot.domain.errors import ProviderError
from bot.domain.money import Units, to_decimal
from bot.domain.record import Record
from bot.domain.time import DAY, HOUR, MINUTE, SECOND, Ms
from bot.providers.base import Provider
from bot.providers.build import Builder
from bot.services.clock import now_ms
from bot.services.supply import Facts
from bot.services.tally import Tally
from storage import provider_states
from storage.db import Database
from storage.lock import is_there
from storage.provider_states import ProviderState

WITHIN_S = 10.0
"""How long all balances together may take."""
STALE_AFTER: Ms = 3 * MINUTE
"""A running bot looks every minute."""
HEADINGS = ("NAME", "KIND", "BALANCE", "LAST CONTACT", "SUCCESS", "CIRCUIT")
NONE = "–"
WHY = {
    "bad_key": "refuses the key: copy it again into PROVIDERS__{name}__API_KEY",
    "throttled": "wants to be left alone for now",
    "no_answer": "does not answer: check its address, PROVIDERS__{name}__URL, and the network",
}
OTHERWISE = "does not answer properly: check its address, PROVIDERS__{name}__URL, and whether its site works"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Known:
    """What the database says: the states by name, and what records a provider's numbers make."""

    states: Mapping[str, ProviderState]
    record: Callable[[str], Record]


async def show(config: Config, say: Say = print) -> None:
    """Print the table. A provider that does not answer is a line of it. Raises DatabaseUnusable or ProxyUnusable."""
    if not config.providers:
        say("No provider is set up, so nothing can be sold; see PROVIDERS in .env.example.")
        return
    known = await _known(config)
    registry = Builder(now_ms).build(config.providers)
    try:
        answers = await asyncio.gather(*(_balance(provider) for provider in registry))
    finally:
        await registry.aclose()
    balances, now = dict(zip(config.providers, answers, strict=True)), now_ms()
    rows = [_row(config, known, name, balance, now) for name, balance in balances.items()]
    for line in (*_aligned([HEADINGS, *rows]), *_remarks(balances, known, now)):
        say(line)


async def _known(config: Config) -> Known:
    if not is_there(config.database_path):
        return Known({}, lambda _name: Record(0, 0, None))
    async with await Database.open(config.database_path, exclusive=False) as db:
        tally = Tally(db.read, now_ms)
        await tally.catch_up()
        return Known(await provider_states.all_by_name(db.read), tally.of_provider)


async def _balance(provider: Provider) -> Units | str:
    """The balance, or a key of WHY."""
    try:
        async with asyncio.timeout(WITHIN_S):
            return await provider.balance()
    except ProviderError as error:
        return error.reason
    except TimeoutError:
        return "no_answer"


def _row(config: Config, known: Known, name: str, balance: Units | str, now: Ms) -> tuple[str, ...]:
    facts = Facts.of(config.providers[name], config.currency)
    state, record = known.states.get(name), known.record(name)
    running = state is not None and now - state.looked_at < STALE_AFTER
    return (
        name,
        facts.kind,
        _shown(balance, facts, state, now),
        _ago(state.contact_at, now) if state is not None and state.contact_at is not None else NONE,
        f"{record.percent}% of {record.samples}" if record.is_rated else NONE,
        state.circuit.replace("_", "-") if state is not None and running else NONE,
    )


def _shown(balance: Units | str, facts: Facts, state: ProviderState | None, now: Ms) -> str:
    """The balance; the last known one with its age where it was not told now."""
    if isinstance(balance, int):
        return f"{_amount(balance)} {facts.currency}" + (", low" if balance < facts.low else "")
    if state is None or state.balance is None or state.balance_at is None:
        return NONE
    return f"{_amount(state.balance)} {facts.currency} ({_ago(state.balance_at, now)})"


def _amount(units: Units) -> str:
    """With two decimals, or four where the amount has them."""
    amount = to_decimal(units)
    return f"{amount:.2f}" if amount == round(amount, 2) else f"{amount:.4f}"


def _ago(at: Ms, now: Ms) -> str:
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if now - at >= 2 * size:
            return f"{(now - at) // size} {unit} ago"
    return f"{max(0, now - at) // SECOND} s ago"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _remarks(balances: Mapping[str, Units | str], known: Known, now: Ms) -> Iterable[str]:
    """What the table cannot say."""
    silent = [(name, why) for name, why in balances.items() if isinstance(why, str)]
    looks = [state.looked_at for name, state in known.states.items() if name in balances]
    stale = not looks or now - max(looks) >= STALE_AFTER
    if silent or stale:
        yield ""
    for name, why in silent:
        yield f"{name} {WHY.get(why, OTHERWISE).format(name=name.upper())}."
    if stale:
        since = f": it looked at them {_ago(max(looks), now)}" if looks else ", or has not looked at them yet"
        yield f"The bot does not run{since}."
