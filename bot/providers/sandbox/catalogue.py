"""What the sandbox sells: services, countries, prices and stock, all decided by the seed."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from bot.domain.money import ONE, Units
from bot.domain.numbers import Kind
from bot.domain.time import Ms
from bot.providers.sandbox.chance import fractions

_SERVICE_CODES = """
    wa tg go fb ig tw vi vk ds am mm wx ub lf fu nf tn oi mt dr ya ma wb me hw re ts sn acz kt nv bw
    hb uk aon tx bnl alj mb hx ep dh aez ka dl xd jg ni bc ij bo nc it yy ew blm aiw bz aml hh qv mo vz yw vm pf
    pm dp rc uu sg ym hz ok bd mg be kc do fw gj dg oz xy zm wc xv zp qd za qq kf li qy zs pp ak gx pr yi ul nk
    zr aed afp awb ua rr zk nz aq ac bpz pd aba jx dy ki zd afz bow tl im iq bl jf xr wh vp hl gf ahb ane ank
    abn aor ti ahq bii anj zj ht dn sq ws asf ata atp ee ex amb ano asu atw aob bua byh bww bxf ud es og
    jc fd gw wg cn gq abq er byd box bbg nu aqt aol aom agp bbq ahe ahv aiv om tr mw qx jr abc acg bfg zn yn gc
    sr ry ip fz dz aws amh aox adt agj bry bsw ber bcb zu fo ge jo nl hj zl cf dw zv tf ls ani uz oe uf qz mh
    uo yh sb xm km hu cm bny bnw buc
    """
SERVICES = tuple(_SERVICE_CODES.split())
"""Codes, the most asked for first."""

_COUNTRY_CODES = """
    GB US DE FR ES IT PL NL UA RU KZ IN ID PH VN TH MY BR MX CA TR ZA NG KE EG SE PT RO CZ AT
    BE CH DK FI NO IE AU JP KR IL
    """
COUNTRIES_FIRST = tuple(_COUNTRY_CODES.split())
"""The most asked for, where the popular services never run out by chance."""

_POPULAR_SERVICES = 40
_RENTABLE_SERVICES = 60
_FULL_RENT = "full"
RENTAL_HOURS = (4, 12, 24, 72, 168, 720)
"""The lengths on the list; any other within the limits can be bought as well."""
LONGEST_RENTAL_HOURS = 1344
_CHEAPEST, _DEAREST, _PRICE_STEP = 500, 35_000, 100
_VIRTUAL_US = "12"
"""The second United States of the shared numbering; 187 is the one of physical numbers."""

StockRow: TypeAlias = tuple[str, str, int, Units, int]
"""Service, country, hours (0 for an activation), cost, stock."""


class Cell(NamedTuple):
    """One service in one country: an activation's cost, and the stock when nothing has been sold."""

    cost: Units
    stock: int


def _read(name: str) -> list[dict[str, str]]:
    source = resources.files("bot.domain").joinpath("data", name)
    return list(csv.DictReader(source.read_text(encoding="utf-8").splitlines()))


@cache
def countries() -> tuple[str, ...]:
    return tuple(row["iso2"] for row in _read("countries.csv") if row["id"] != _VIRTUAL_US)


@cache
def service_names() -> Mapping[str, str]:
    """By code, for all that is sold; the first name where the list gives several."""
    names = {row["code"]: row["name"].split(",")[0] for row in _read("services.csv")}
    return MappingProxyType({code: names[code] for code in (*SERVICES, _FULL_RENT)})


@cache
def cells(seed: int, service: str) -> Mapping[str, Cell]:
    """What the service costs, by country; a country where it is not sold is missing."""
    popular = SERVICES.index(service) < _POPULAR_SERVICES if service in SERVICES else True
    by_service = 0.12 * 16 ** fractions(seed, service)[0]
    found = {}
    for country in countries():
        sold, jitter, level = fractions(seed, service, country)
        always = popular and country in COUNTRIES_FIRST
        if always or sold < 0.8:
            cost = by_service * _price_level(seed, country) * (0.9 + 0.2 * jitter)
            stock = 200 + int(4800 * level) if always else _scarce_stock(level)
            found[country] = Cell(min(_DEAREST, max(_CHEAPEST, _to_step(cost * ONE))), stock)
    return MappingProxyType(found)


def rental_cost(cell: Cell, hours: int) -> Units:
    """Rises with the hours, less than in proportion; the same for a purchase and for a renewal."""
    return max(_PRICE_STEP, _to_step(cell.cost * 0.35 * hours**0.8))


@cache
def _price_level(seed: int, country: str) -> float:
    return 0.45 + 1.45 * fractions(seed, country)[0]


def _to_step(units: float) -> Units:
    return round(units / _PRICE_STEP) * _PRICE_STEP


def _scarce_stock(level: float) -> int:
    if level < 0.08:
        return 0
    return 1 + int(40 * (level - 0.08)) if level < 0.2 else 6 + int(2000 * level**3)


class Catalogue:
    """Prices stand still; stock is sold down and comes back slowly."""

    def __init__(self, seed: int, restock_ms: Ms) -> None:
        self._seed = seed
        self._restock_ms = restock_ms
        self._sold: dict[tuple[Kind, str, str], tuple[int, Ms]] = {}

    def cell(self, kind: Kind, service: str, country: str) -> Cell | None:
        """None where it is not sold."""
        if service not in self._services(kind, None) or country not in _countries(kind):
            return None
        return cells(self._seed, service).get(country)

    def rows(self, kind: Kind, service: str | None, now: Ms) -> Iterable[StockRow]:
        for code in self._services(kind, service):
            offered = cells(self._seed, code)
            for country in _countries(kind):
                cell = offered.get(country)
                if cell is None:
                    continue
                left = self.left(kind, code, country, now)
                if kind is Kind.ACTIVATION:
                    yield code, country, 0, cell.cost, left
                else:
                    for hours in RENTAL_HOURS:
                        yield code, country, hours, rental_cost(cell, hours), left

    def left(self, kind: Kind, service: str, country: str, now: Ms) -> int:
        return max(0, cells(self._seed, service)[country].stock - self._missing((kind, service, country), now))

    def take(self, kind: Kind, service: str, country: str, now: Ms) -> None:
        key = (kind, service, country)
        self._sold[key] = (self._missing(key, now) + 1, now)

    def _missing(self, key: tuple[Kind, str, str], now: Ms) -> int:
        sold, since = self._sold.get(key, (0, now))
        return max(0, sold - (now - since) // self._restock_ms)

    @staticmethod
    def _services(kind: Kind, only: str | None) -> Sequence[str]:
        sold = SERVICES if kind is Kind.ACTIVATION else (*SERVICES[:_RENTABLE_SERVICES], _FULL_RENT)
        if only is None:
            return sold
        return (only,) if only in sold else ()


def _countries(kind: Kind) -> Sequence[str]:
    return countries() if kind is Kind.ACTIVATION else COUNTRIES_FIRST
