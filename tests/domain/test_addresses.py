"""Addresses and networks as a configuration spells them."""

from ipaddress import ip_network

import pytest

from bot.domain.addresses import HostBitsSet, is_within, parse_address, parse_network, written


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7/32", "192.0.2.7"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
    ],
)
def test_a_network_is_written_as_a_person_writes_it(text: str, shown: str) -> None:
    assert written(parse_network(text)) == shown


@pytest.mark.parametrize("text", ["", "example.org", "192.0.2.0/33", "fe80::1%eth0", "fe80::/64%eth0"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its callers tell the setting, not the reason
        parse_network(text)


def test_an_address_where_a_network_should_stand_tells_the_network_that_was_meant() -> None:
    with pytest.raises(HostBitsSet) as raised:
        parse_network("192.0.2.7/24")
    assert raised.value.network == ip_network("192.0.2.0/24")


def test_an_ipv4_peer_is_known_in_either_form_and_no_peer_is_within_nothing() -> None:
    networks = [parse_network("192.0.2.0/24")]
    assert is_within(parse_address("192.0.2.9"), networks)
    assert is_within(parse_address("::ffff:192.0.2.9"), networks)
    assert not is_within(parse_address("2001:db8::1"), networks)
    assert not is_within(parse_address("a.sock"), networks)
