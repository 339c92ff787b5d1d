"""The providers say the words of the vendored WIT, in its order."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from wasihost._component.values import snake_case
from wasihost._wasi.p3.sockets.ip_name_lookup import IpNameLookup
from wasihost._wasi.p3.sockets.options import Options
from wasihost._wasi.p3.sockets.tcp import TcpSocket
from wasihost._wasi.p3.sockets.tcp_options import TcpOptions
from wasihost._wasi.p3.sockets.types import Types
from wasihost._wasi.p3.sockets.udp import UdpSocket

WIT = (Path(__file__).parents[5] / "wit/0.3/deps/sockets.wit").read_text()
TYPES, LOOKUP = WIT[: WIT.index("interface ip-name-lookup")], WIT[WIT.index("interface ip-name-lookup") :]
TCP = TYPES[TYPES.index("resource tcp-socket {") : TYPES.index("resource udp-socket {")]
UDP = TYPES[TYPES.index("resource udp-socket {") :]


def _signatures(text: str) -> dict[str, str]:
    """The functions that a part of the WIT declares, by name."""
    found = re.findall(r"^ +(([a-z-]+): (?:async |static )*func.*);$", text, re.MULTILINE)
    return {name: signature for signature, name in found}


# What a class says itself, and what it inherits, stand in this order in the WIT.
CLASSES: dict[type, tuple[dict[str, str], tuple[type, ...]]] = {
    TcpSocket: (_signatures(TCP), (TcpSocket, TcpOptions, Options)),
    UdpSocket: (_signatures(UDP), (UdpSocket, Options)),
    IpNameLookup: (_signatures(LOOKUP), (IpNameLookup,)),
}
FUNCTIONS = [(cls, name, signature) for cls, (found, _) in CLASSES.items() for name, signature in found.items()]
# What is there at once these give without a coroutine, which costs a task.
OFTEN_AT_ONCE = {(TcpSocket, "connect"), (UdpSocket, "send"), (UdpSocket, "receive")}


def test_the_wit_has_the_functions_that_this_file_reads() -> None:
    assert [len(found) for found, _ in CLASSES.values()] == [25, 15, 1]


@pytest.mark.parametrize(("cls", "name", "signature"), FUNCTIONS)
def test_every_function_says_its_signature_in_the_wit(cls: type, name: str, signature: str) -> None:
    method = getattr(cls, snake_case(name))
    assert (method.__doc__ or "").startswith(f"WIT: `{signature}`.")


@pytest.mark.parametrize("cls", CLASSES)
def test_functions_stand_in_the_order_of_the_wit(cls: type) -> None:
    signatures, owners = CLASSES[cls]
    ours = [name for owner in owners for name in vars(owner) if not name.startswith("_")]
    ours = [name for name in ours if name not in ("drop", "wit_types")]  # no functions of the WIT
    assert ours == [snake_case(name) for name in signatures]


@pytest.mark.parametrize(("cls", "name"), [(cls, name) for cls, name, line in FUNCTIONS if "async func" in line])
def test_async_functions_of_the_wit_are_coroutine_functions_unless_they_are_often_at_once(cls: type, name: str) -> None:
    assert inspect.iscoroutinefunction(getattr(cls, snake_case(name))) == ((cls, name) not in OFTEN_AT_ONCE)


@pytest.mark.parametrize(("provider", "text", "used"), [(Types, TYPES, []), (IpNameLookup, LOOKUP, ["ip-address"])])
def test_there_is_a_class_for_every_named_type_of_the_wit(
    provider: type[Types] | type[IpNameLookup], text: str, used: list[str]
) -> None:
    named = re.findall(r"^  (?:variant|enum|record|flags) ([a-z0-9-]+) \{", text, re.MULTILINE)
    assert sorted(provider.wit_types) == sorted(named + used)


def test_there_is_a_class_for_every_resource_of_the_wit() -> None:
    assert re.findall(r"^  resource ([a-z-]+) \{", TYPES, re.MULTILINE) == ["tcp-socket", "udp-socket"]
    assert (Types.TcpSocket, Types.UdpSocket) == (TcpSocket, UdpSocket)
