"""IP addresses and networks, for lists of who may come in.

An IPv4 address mapped into IPv6 (`::ffff:192.0.2.1`) counts as the IPv4 one: a socket that serves both families shows
its IPv4 peers in that form.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_interface
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_MAPPED = IPv6Network("::ffff:0:0/96")


class HostBitsSet(ValueError):
    """An address inside of a network where the network itself should stand."""

    def __init__(self, network: Network) -> None:
        super().__init__("host bits set")
        self.network = network


def parse_address(text: str) -> Address | None:
    """None for what is no address, such as the name of a socket's file."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def parse_network(text: str) -> Network:
    """`192.0.2.0/24`, or an address, which is a network of one. Raises ValueError, HostBitsSet among them."""
    if "%" in text:
        raise ValueError("an address of one interface")
    interface = ip_interface(text)
    if interface.ip != interface.network.network_address:
        raise HostBitsSet(interface.network)
    return _unmapped(interface.network)


def mapped(network: IPv4Network) -> IPv6Network:
    """The same addresses as IPv6 spells them."""
    return IPv6Network((int(_MAPPED.network_address) + int(network.network_address), 96 + network.prefixlen))


def _unmapped(network: Network) -> Network:
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFF_FFFF, network.prefixlen - 96))
    return network


def is_within(address: Address | None, networks: Iterable[Network]) -> bool:
    return address is not None and any(address in network for network in networks)


def written(network: Network) -> str:
    """As a person writes it: a network of one is its address."""
    return str(network.network_address) if network.num_addresses == 1 else str(network)
