"""The rules of names for every network; each function is a check, its docstring the rule."""

from __future__ import annotations

import socket

from wasihost._network.base import Family
from wasihost._testing.ends import Ends, expect


async def localhost_is_this_host(ends: Ends, family: Family) -> None:
    """`resolve` gives the loopback addresses for `localhost`, none of them IPv4 in IPv6 form."""
    found = await ends.server.resolve("localhost")
    expect(len(found) > 0 and all(address.is_loopback for address in found), "the addresses of localhost", found)


async def an_unknown_name_is_told(ends: Ends, family: Family) -> None:
    """`resolve` of an unknown name is `socket.gaierror`: EAI_NONAME, or EAI_AGAIN if no server can be asked."""
    try:
        found = await ends.server.resolve("missing.invalid")
    except socket.gaierror as error:
        codes = (socket.EAI_NONAME, socket.EAI_AGAIN, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
        expect(error.errno in codes, "the number of the error", error)
    else:
        expect(False, "there is no such name", found)
