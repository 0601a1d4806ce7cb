"""Settings that list addresses and networks."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from bot.domain.addresses import HostBitsSet, Network, parse_network


def _networks(value: object) -> object:
    """`"192.0.2.1, 2001:db8::/32"` → networks in that order; anything but text passes through."""
    if not isinstance(value, str):
        return value
    return tuple(dict.fromkeys(_network(item.strip()) for item in value.split(",")))


def _network(text: str) -> Network:
    try:
        return parse_network(text)
    except HostBitsSet as inside:
        raise ValueError(
            f"holds an address with a network's length: write {inside.network} for that network, "
            "or the address without the slash"
        ) from None
    except ValueError:
        raise ValueError(
            "must be IP addresses and networks with commas between, such as 192.0.2.7,198.51.100.0/24,2001:db8::/32; "
            "a host name is none: write the address that it stands for"
        ) from None


def _not_everyone(networks: tuple[Network, ...]) -> tuple[Network, ...]:
    if any(network.prefixlen == 0 for network in networks):
        raise ValueError("trusts everyone, so that anyone could claim any address: write the proxy's own address")
    return networks


def _not_everything(networks: tuple[Network, ...]) -> tuple[Network, ...]:
    if any(network.prefixlen == 0 for network in networks):
        raise ValueError(
            "opens every address, this machine's own services among them: write the networks that you mean"
        )
    return networks


Networks: TypeAlias = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)]
Proxies: TypeAlias = Annotated[Networks, AfterValidator(_not_everyone)]
Reachable: TypeAlias = Annotated[Networks, AfterValidator(_not_everything)]
