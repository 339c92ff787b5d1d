"""Exceptions and values survive pickling; what cannot be pickled says what can."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wasihost
from tests.strategies import val_types, values
from wasihost import Err, GuestExit, GuestTrap, Host, LimitError, Ok, RuleError, Some, WasihostError, WitError
from wasihost._base.errors import MissingExtraError
from wasihost._component.resources import ResourceError
from wasihost._component.values import Classes, record_class, variant_class
from wasihost._component.world import types
from wasihost._component.world.types import U32
from wasihost._network.base import Address
from wasihost._wasi.p3.cli.types import ErrorCode

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
POINT = types.Record((("x", U32), ("class", U32)))


def again(obj: Any, protocol: int = pickle.DEFAULT_PROTOCOL) -> Any:
    """What comes of it in another process, as far as one process can tell."""
    return pickle.loads(pickle.dumps(obj, protocol))


# ---- exceptions


def kinds(cls: type[WasihostError] = WasihostError) -> Iterator[type[WasihostError]]:
    yield cls
    for each in cls.__subclasses__():
        if each.__module__.startswith("wasihost."):
            yield from kinds(each)


def made(kind: type[WasihostError]) -> WasihostError:
    arguments: dict[type, tuple[Any, ...]] = {GuestExit: (3,), MissingExtraError: ("pcap", "packets need scapy")}
    return kind(*arguments.get(kind, ("what went wrong, in 7 words or so",)))


ERRORS = [
    *map(made, dict.fromkeys(kinds())),
    ResourceError("resource 7 was dropped"),
    LimitError("too much", "resources", 7),
    RuleError.at("tcp://:1", 6, ":", "a host"),
    GuestTrap("unreachable", "wasm backtrace:", "    0: 0x1d - m!f"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_exception_keeps_its_type_text_attributes_and_notes(error: WasihostError, protocol: int) -> None:
    error = copy.copy(error)
    error.add_note("raised by the provider of a:b/c#d")
    found = again(error, protocol)
    assert type(found) is type(error)
    assert (str(found), found.args, vars(found)) == (str(error), error.args, vars(error))


def test_a_wit_error_keeps_its_value_and_notes() -> None:
    error = WitError(ErrorCode.PIPE)
    error.add_note("a note")
    found = again(error)
    assert (type(found), found.value, found.__notes__) == (WitError, ErrorCode.PIPE, ["a note"])


# ---- values


@pytest.mark.slow
@given(st.data())
def test_every_value_of_a_generated_class_is_equal_after_pickling(data: st.DataObject) -> None:
    t = data.draw(val_types())
    value = data.draw(values(t, Classes(types.Interface({"t": t}))))
    found = again(value, data.draw(st.sampled_from(PROTOCOLS)))
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_class_is_generated_where_there_is_none_for_a_pickled_value(protocol: int) -> None:
    point = record_class("Point", POINT)(1, 2)
    pickled = pickle.dumps([point, variant_class("Shape", types.Variant((("at", POINT),))).At(point)], protocol)  # type: ignore[attr-defined]
    found, shape = pickle.loads(pickled.replace(b"Point", b"Pixel"))
    assert (repr(found), repr(shape)) == ("Pixel(x=1, class_=2)", "Shape.At(value=Pixel(x=1, class_=2))")
    assert found == record_class("Pixel", POINT)(1, 2)


def test_two_interfaces_with_the_same_type_have_the_same_class() -> None:
    first, second = (Classes(types.Interface({"point": POINT})).named["point"] for _ in range(2))
    assert first is second
    assert first is not record_class("Point", types.Record((("x", U32), ("y", U32))))
    assert first is not record_class("Spot", POINT)


@pytest.mark.parametrize("value", [Ok("text"), Err("text"), Some("text"), Address(IPv4Address("10.0.0.1"), 80)])
def test_the_hash_is_that_of_the_process_which_unpickles(value: Any) -> None:
    hash(value)  # which is kept, and for text another one in each process
    assert "_hash" not in vars(again(value))


# ---- what cannot be pickled


def test_a_host_says_what_to_pickle_instead() -> None:
    with pytest.raises(TypeError, match="Host objects cannot be pickled: make one in each process, from settings"):
        pickle.dumps(Host())


def test_a_loaded_component_says_what_to_pickle_instead() -> None:
    component = Host().load(b"\0asm\x0d\0\x01\0")
    with pytest.raises(TypeError, match="Component objects cannot be pickled: pickle the path or the bytes"):
        pickle.dumps(component)


@pytest.mark.parametrize("cls", [wasihost.Instance, wasihost.Pool, wasihost.GuestResource])
def test_what_runs_says_what_to_pickle_instead(cls: Any) -> None:
    with pytest.raises(TypeError, match=f"{cls.__name__} objects cannot be pickled: .*; pickle|and pickle"):
        pickle.dumps(cls.__new__(cls))
