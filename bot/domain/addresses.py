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


_PUBLIC_V6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")

# The special-purpose registries of IANA, and what is not in them: multicast, the reserved rest, and 168.63.129.16, the
# public address at which a machine in Azure finds its cloud's own services.
_SPECIAL: tuple[Network, ...] = (
    *map(IPv4Network, ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12")),
    *map(IPv4Network, ("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24")),
    *map(IPv4Network, ("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24")),
    *map(IPv4Network, ("224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32")),
    *map(IPv6Network, ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")),
)


def is_public(address: Address) -> bool:
    """Whether it is a host's address on the open internet: not loopback, private, link-local, multicast or reserved.

    An IPv4 address inside an IPv6 one (NAT64, 6to4) is looked at itself; other such forms are obsolete and refused.
    """
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or _embedded(address)
        if inner is not None:
            return is_public(inner)
        if address not in _PUBLIC_V6:
            return False
    return not is_within(address, _SPECIAL)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.sixtofour if address in _6TO4 else None
