"""Which addresses sockets take."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasihost._network.base import Address, Family
from wasihost._wasi.sockets.addresses import is_valid_local, is_valid_remote

U16 = st.integers(0, (1 << 16) - 1)


def _at(ip: str, port: int = 80) -> Address:
    return Address(ip_address(ip), port)


@pytest.mark.parametrize(
    ("family", "ip"), [(4, "127.0.0.1"), (4, "0.0.0.0"), (4, "240.0.0.1"), (6, "::"), (6, "::1"), (6, "fe80::1")]
)
def test_unicast_and_unspecified_addresses_can_be_bound(family: Family, ip: str) -> None:
    assert is_valid_local(_at(ip), family)


@pytest.mark.parametrize(("family", "ip"), [(6, "127.0.0.1"), (4, "::1"), (4, "::ffff:127.0.0.1")])
def test_an_address_of_the_other_family_is_invalid(family: Family, ip: str) -> None:
    assert not is_valid_local(_at(ip), family)


@pytest.mark.parametrize("ip", ["::ffff:127.0.0.1", "::ffff:0.0.0.0", "::127.0.0.1", "::2", "::ffff"])
def test_ipv4_in_ipv6_form_is_invalid(ip: str) -> None:
    assert not is_valid_local(_at(ip), 6)


@pytest.mark.parametrize("ip", ["224.0.0.1", "239.255.255.255", "255.255.255.255", "ff00::", "ff02::1", "ffff::1"])
def test_only_unicast_is_valid(ip: str) -> None:
    address = _at(ip)
    assert not is_valid_local(address, address.ip.version)


@pytest.mark.parametrize("ip", ["0.0.0.0", "::"])
def test_nobody_can_connect_to_the_unspecified_address(ip: str) -> None:
    address = _at(ip)
    assert not is_valid_remote(address, address.ip.version)


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
def test_nobody_can_connect_to_port_0(ip: str) -> None:
    address = _at(ip, port=0)
    assert not is_valid_remote(address, address.ip.version)


@given(st.ip_addresses(), U16)
def test_what_can_be_connected_to_could_be_bound(ip: object, port: int) -> None:
    address = _at(str(ip), port)
    for family in (4, 6):
        assert is_valid_local(address, family) or not is_valid_remote(address, family)
