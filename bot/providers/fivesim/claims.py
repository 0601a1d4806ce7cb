"""Which order was bought under which of our references, since the protocol carries none."""

from collections import OrderedDict

_MOST = 20_000


class Claims:
    """What this process knows; what an earlier one knew stands in the database, and is told as `known`.

    Orders of one product and country are as good as each other, so that it does not matter which of two unanswered
    purchases gets which. It matters that none is given twice.
    """

    def __init__(self) -> None:
        self._owners: OrderedDict[int, str] = OrderedDict()

    def take(self, order_id: int, ref: str) -> bool:
        """Whether the order is this reference's from now on, or was already."""
        owner = self._owners.setdefault(order_id, ref)
        if len(self._owners) > _MOST:
            self._owners.popitem(last=False)
        return owner == ref

    def owned_by_another(self, order_id: int, ref: str) -> bool:
        return self._owners.get(order_id, ref) != ref
