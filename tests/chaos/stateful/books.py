"""The model: what was ordered, what the suppliers did, and from these alone who owes what and was owed which texts.

It is kept by what stands outside of the program: the people who press, the lines to the suppliers, the messenger.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import Any

from bot.domain.time import DAY, HOUR, Ms

RATES = {"one": Fraction(1), "two": Fraction(11, 10)}
MARKUP_PERCENT = 15

Given = Callable[[str, str], bool]
"""Whether the program has given up the request of a quote, under that reference."""


def price(provider: str, cost: int) -> int:
    """What people pay for it, from what it costs at the supplier."""
    return ceil(cost * RATES[provider] * (100 + MARKUP_PERCENT) / 100)


@dataclass(eq=False)
class Order:
    """A press of Confirm: `cap` is the most that was agreed to."""

    place: int
    person: int
    quote_id: str
    kind: str
    provider: str
    price: int
    cap: int
    confirmed: bool = False
    wished_back_at: int | None = None
    """When the person first asked for their money back."""
    unheard: bool = False
    """The supplier was silent for so long that its last texts may be missed."""
    written_off: bool = False
    """It was silent for so long that the money may have gone back."""

    def __str__(self) -> str:
        return f"order {self.place}"


@dataclass(frozen=True)
class Sale:
    """A number that the supplier sold under `ref`; `in_vain`: when the program had given its purchase up."""

    provider: str
    ref: str
    cap: int
    order: Order
    in_vain: bool


@dataclass(frozen=True)
class Renewed:
    quote_id: str
    price: int
    in_vain: bool


@dataclass(eq=False)
class Text:
    """An SMS at a supplier. `told`: by a webhook that was taken; `shown`: in an answer that reached the program."""

    sms_id: str
    provider: str
    provider_ref: str
    text: str
    at: int
    received_at: Ms
    in_time: bool
    told: bool = False
    shown: bool = False


@dataclass
class Books:
    given_up: Given
    credits: Counter[int] = field(default_factory=Counter)
    orders: list[Order] = field(default_factory=list)
    renewals: dict[str, int] = field(default_factory=dict)
    """The agreed price of each renewal, by its quote."""
    renewing: dict[str, Order] = field(default_factory=dict)
    """Whose rental it is for."""
    sales: dict[str, Sale] = field(default_factory=dict)
    renewed: list[Renewed] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)
    moment: int = 0

    def now(self) -> int:
        """A moment after all others."""
        self.moment += 1
        return self.moment

    def order_of(self, quote_id: str) -> Order:
        return next(order for order in self.orders if order.quote_id == quote_id)

    def took_effect(self, provider: str, verb: str, args: Mapping[str, Any], quote_id: str) -> None:
        """The supplier has sold or renewed."""
        subject = str(args.get("ref") or args["provider_ref"])
        in_vain = self.given_up(quote_id, "" if verb == "renew" else subject)
        if verb == "renew":
            self.renewed.append(Renewed(quote_id, price(provider, args["cap"]), in_vain))
            return
        order = self.order_of(quote_id)
        self.sales[subject] = Sale(provider, subject, args["cap"], order, in_vain)
        if not order.confirmed:
            self.wrongs.append(f"{order} was bought without a press")

    def shown(self, numbers: Iterable[Mapping[str, Any]]) -> None:
        ids = {sms["id"] for number in numbers for sms in number["sms"]}
        for text in self.texts:
            text.shown = text.shown or text.sms_id in ids

    def silent(self, provider: str, span: Ms) -> None:
        """A supplier has not answered anything for so long, and not this time either."""
        for sale in self.sales.values():
            if sale.provider == provider:
                sale.order.unheard |= span >= HOUR
                sale.order.written_off |= span >= DAY

    def sales_of(self, order: Order) -> list[Sale]:
        """Those that are the person's."""
        return [sale for sale in self.sales.values() if sale.order is order and not sale.in_vain]

    def owed(self, order: Order, records: Mapping[str, Mapping[str, Any]]) -> int:
        """What the person pays for the number, renewals apart. `records`: the suppliers', by our reference."""
        return sum(price(sale.provider, sale.cap) for sale in self.sales_of(order) if records[sale.ref]["charged"])

    def owed_for_renewal(self, quote_id: str) -> int:
        return sum(one.price for one in self.renewed if one.quote_id == quote_id and not one.in_vain)

    def expected(self, order: Order, record: Mapping[str, Any]) -> tuple[Counter[str], Counter[str]]:
        """The texts that must have come to the person from one number, and those that may have."""
        texts = [text for text in self.texts if text.provider_ref == record["provider_ref"]]
        must = Counter(text.text for text in texts if self._is_due(order, record, text))
        return must, Counter(text.text for text in texts)

    @staticmethod
    def _is_due(order: Order, record: Mapping[str, Any], text: Text) -> bool:
        if text.told or text.shown:
            return not order.written_off
        if order.unheard or order.written_off or not text.in_time:
            return False
        wished = order.wished_back_at is not None and text.at < order.wished_back_at
        return bool(record["charged"]) or wished

    def rows(self, records: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[Order, Sale, Mapping[str, Any]]]:
        for order in self.orders:
            for sale in self.sales_of(order):
                yield order, sale, records[sale.ref]
