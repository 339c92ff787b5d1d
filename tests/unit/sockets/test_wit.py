"""The provider says the words of the vendored WIT, in its order."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from wasihost.component.values import snake_case
from wasihost.wasi.sockets.tcp import TcpSocket
from wasihost.wasi.sockets.tcp_options import TcpOptions
from wasihost.wasi.sockets.types import Types

WIT = (Path(__file__).parents[3] / "wit/deps/sockets.wit").read_text()
TYPES = WIT[: WIT.index("interface ip-name-lookup")]
RESOURCE = WIT[WIT.index("resource tcp-socket {") : WIT.index("resource udp-socket {")]
SIGNATURES = dict(re.findall(r"^    (([a-z-]+): .*func.*);$", RESOURCE, re.MULTILINE))
NAMED_TYPES = re.findall(r"^  (?:variant|enum|record|flags) ([a-z0-9-]+) \{", TYPES, re.MULTILINE)


@pytest.mark.parametrize(("signature", "name"), SIGNATURES.items())
def test_every_method_says_its_signature_in_the_wit(signature: str, name: str) -> None:
    method = getattr(TcpSocket, snake_case(name))
    assert (method.__doc__ or "").startswith(f"WIT: `{signature}`.")


def test_methods_stand_in_the_order_of_the_wit() -> None:
    ours = [name for owner in (TcpSocket, TcpOptions) for name in vars(owner) if not name.startswith("_")]
    ours.remove("drop")  # has no line in the WIT
    assert ours == [snake_case(name) for name in SIGNATURES.values()]


@pytest.mark.parametrize(
    "name", [name for name, line in zip(SIGNATURES.values(), SIGNATURES, strict=True) if "async func" in line]
)
def test_async_functions_of_the_wit_are_coroutine_functions(name: str) -> None:
    assert inspect.iscoroutinefunction(getattr(TcpSocket, snake_case(name)))


def test_there_is_a_class_for_every_named_type_of_the_wit() -> None:
    assert sorted(Types.wit_types) == sorted(NAMED_TYPES)
