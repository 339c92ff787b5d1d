"""Addresses, both ways across the seam."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wasihost._wasi.common.addresses import (
    IpSocketAddress,
    Ipv4SocketAddress,
    Ipv6SocketAddress,
    from_network,
    to_network,
)

U8, U16, U32 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32))


@given(U16, st.tuples(U8, U8, U8, U8))
def test_an_ipv4_address_comes_back_as_it_went(port: int, ip: tuple[int, int, int, int]) -> None:
    address = IpSocketAddress.Ipv4(Ipv4SocketAddress(port, ip))
    assert from_network(to_network(address)) == address


@given(U16, U32, st.tuples(U16, U16, U16, U16, U16, U16, U16, U16), U32)
def test_an_ipv6_address_comes_back_as_it_went(
    port: int, flow_info: int, ip: tuple[int, int, int, int, int, int, int, int], scope_id: int
) -> None:
    address = IpSocketAddress.Ipv6(Ipv6SocketAddress(port, flow_info, ip, scope_id))
    assert from_network(to_network(address)) == address


def test_ipv6_groups_are_in_network_order() -> None:
    address = IpSocketAddress.Ipv6(Ipv6SocketAddress(0, 0, (0x2001, 0xDB8, 0, 0, 0, 0, 0, 1), 0))
    assert str(to_network(address).ip) == "2001:db8::1"
