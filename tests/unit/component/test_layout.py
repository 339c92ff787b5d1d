"""Layouts against values worked out by hand from CanonicalABI.md and from what wit-bindgen generates."""

from __future__ import annotations

import pytest

from wasihost._base.errors import UnsupportedTypeError
from wasihost._component.world import layout, types
from wasihost._component.world.types import ValType

IPV4 = types.Record((("port", types.U16), ("address", types.Tuple((types.U8,) * 4))))
IPV6 = types.Record(
    (
        ("port", types.U16),
        ("flow-info", types.U32),
        ("address", types.Tuple((types.U16,) * 8)),
        ("scope-id", types.U32),
    )
)
IP_SOCKET_ADDRESS = types.Variant((("ipv4", IPV4), ("ipv6", IPV6)))
ERROR_CODE = types.Variant((("access-denied", None), ("timeout", None), ("other", types.Option(types.STRING))))
RESOURCE = types.Resource("tcp-socket")
I32X11 = ("i32",) * 11


@pytest.mark.parametrize(
    ("t", "size", "alignment", "flat"),
    [
        (types.BOOL, 1, 1, ("i32",)),
        (types.S16, 2, 2, ("i32",)),
        (types.CHAR, 4, 4, ("i32",)),
        (types.F32, 4, 4, ("f32",)),
        (types.F64, 8, 8, ("f64",)),
        (types.U64, 8, 8, ("i64",)),
        (types.STRING, 8, 4, ("i32", "i32")),
        (types.List(types.U64), 8, 4, ("i32", "i32")),
        (types.Own(RESOURCE), 4, 4, ("i32",)),
        (types.Stream(types.U64), 4, 4, ("i32",)),
        (types.Future(None), 4, 4, ("i32",)),
        (IPV4, 6, 2, ("i32",) * 5),
        (IPV6, 28, 4, I32X11),
        (IP_SOCKET_ADDRESS, 32, 4, ("i32", *I32X11)),
        (ERROR_CODE, 16, 4, ("i32",) * 4),
        (types.Result(None, ERROR_CODE), 20, 4, ("i32",) * 5),
        (types.Result(types.U64, ERROR_CODE), 24, 8, ("i32", "i64", "i32", "i32", "i32")),
        (types.Result(None, None), 1, 1, ("i32",)),
        (types.Option(types.U8), 2, 1, ("i32", "i32")),
        (types.Option(types.F64), 16, 8, ("i32", "f64")),
        (types.Variant((("a", types.F32), ("b", types.U32))), 8, 4, ("i32", "i32")),
        (types.Variant((("a", types.F32), ("b", types.F64))), 16, 8, ("i32", "i64")),
        (types.Variant((("a", types.F32), ("b", types.F32))), 8, 4, ("i32", "f32")),
        (types.Enum(("a", "b")), 1, 1, ("i32",)),
        (types.Enum(tuple(f"x{i}" for i in range(257))), 2, 2, ("i32",)),
        (types.Flags(("a",)), 1, 1, ("i32",)),
        (types.Flags(tuple(f"x{i}" for i in range(9))), 2, 2, ("i32",)),
        (types.Flags(tuple(f"x{i}" for i in range(17))), 4, 4, ("i32",)),
        (types.Tuple((types.U8, types.U64, types.U8)), 24, 8, ("i32", "i64", "i32")),
    ],
)
def test_size_alignment_and_flat_form(t: ValType, size: int, alignment: int, flat: tuple[str, ...]) -> None:
    assert (layout.size(t), layout.alignment(t), layout.flatten(t)) == (size, alignment, flat)


def test_fields_are_aligned_one_by_one() -> None:
    assert layout.offsets(IPV6) == (0, 4, 8, 24)


def test_every_payload_of_a_variant_stands_at_the_strictest_alignment() -> None:
    assert layout.payload_offset(types.Variant((("a", types.U8), ("b", types.U64)))) == 8


@pytest.mark.parametrize(("cases", "size"), [(1, 1), (256, 1), (257, 2), (65536, 2), (65537, 4)])
def test_a_discriminant_is_as_small_as_it_can_be(cases: int, size: int) -> None:
    assert layout.discriminant_size(cases) == size


@pytest.mark.parametrize("measure", [layout.size, layout.alignment, layout.flatten])
def test_more_than_32_flags_are_unsupported(measure: object) -> None:
    assert callable(measure)
    with pytest.raises(UnsupportedTypeError, match="33 names"):
        measure(types.Flags(tuple(f"x{i}" for i in range(33))))
