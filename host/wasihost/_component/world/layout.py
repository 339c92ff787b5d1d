"""Sizes, alignments and flat forms of the canonical ABI, in the order of CanonicalABI.md.

Pure functions of a type. The caches are bounded because a `Resource` is a new type in every loaded component.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from wasihost._base.errors import UnsupportedTypeError
from wasihost._component.world import types
from wasihost._component.world.types import ValType

FlatType: TypeAlias = Literal["i32", "i64", "f32", "f64"]

POINTER_SIZE: Final = 4
MAX_FLAGS: Final = 32

_cached = lru_cache(maxsize=4096)

_PRIMITIVE_SIZES: Final = {"bool": 1, "u8": 1, "s8": 1, "u16": 2, "s16": 2, "u64": 8, "s64": 8, "f64": 8}
_PRIMITIVE_FLATS: Final[dict[str, FlatType]] = {"u64": "i64", "s64": "i64", "f32": "f32", "f64": "f64"}


def align_to(offset: int, alignment: int) -> int:
    """The first multiple of `alignment` at or after `offset`."""
    return -(-offset // alignment) * alignment


# ---- CanonicalABI.md, Alignment


@_cached
def alignment(t: ValType) -> int:
    """The alignment of a value in linear memory."""
    match t:
        case types.Primitive(name=name):
            return _PRIMITIVE_SIZES.get(name, 4)
        case types.Record() | types.Tuple():
            return max(map(alignment, types.children(t)), default=1)
        case types.Flags(names=names):
            return _flags_size(len(names))
    if types.cases(t) is not None:
        return max(discriminant_size(_count(t)), _payload_alignment(t))
    return 4  # list, map and every handle


def discriminant_size(cases: int) -> int:
    """The size of the discriminant of a variant."""
    if cases <= 1 << 8:
        return 1
    return 2 if cases <= 1 << 16 else 4


def _count(t: ValType) -> int:
    return len(types.cases(t) or ())


def _payload_alignment(t: ValType) -> int:
    return max((alignment(payload) for payload in types.cases(t) or () if payload is not None), default=1)


def _flags_size(names: int) -> int:
    if names > MAX_FLAGS:
        raise UnsupportedTypeError(f"flags with {names} names; the canonical ABI allows {MAX_FLAGS}")
    if names <= 8:
        return 1
    return 2 if names <= 16 else 4


# ---- CanonicalABI.md, Element Size


@_cached
def size(t: ValType) -> int:
    """The size of a value in linear memory, padding at its end included."""
    match t:
        case types.Primitive(name="string") | types.List() | types.Map():
            return 2 * POINTER_SIZE
        case types.Primitive(name=name):
            return _PRIMITIVE_SIZES.get(name, 4)
        case types.Record() | types.Tuple():
            end = max((at + size(child) for at, child in zip(offsets(t), types.children(t), strict=True)), default=0)
            return align_to(end, alignment(t))
        case types.Flags(names=names):
            return _flags_size(len(names))
    cases = types.cases(t)
    if cases is None:
        return 4  # a handle
    payload = max((size(payload) for payload in cases if payload is not None), default=0)
    return align_to(payload_offset(t) + payload, alignment(t))


@_cached
def offsets(t: types.Record | types.Tuple) -> tuple[int, ...]:
    """The offset of each field of a record, or element of a tuple."""
    found = []
    at = 0
    for child in types.children(t):
        at = align_to(at, alignment(child))
        found.append(at)
        at += size(child)
    return tuple(found)


def payload_offset(t: ValType) -> int:
    """The offset of the payload of a variant, enum, option or result, whichever the case."""
    return align_to(discriminant_size(_count(t)), _payload_alignment(t))


# ---- CanonicalABI.md, Flattening

MAX_FLAT_PARAMS: Final = 16
MAX_FLAT_ASYNC_PARAMS: Final = 4
MAX_FLAT_RESULTS: Final = 1


@_cached
def flatten(t: ValType) -> tuple[FlatType, ...]:
    """The core WebAssembly types that carry a value outside of memory."""
    match t:
        case types.Primitive(name="string") | types.List() | types.Map():
            return ("i32", "i32")
        case types.Primitive(name=name):
            return (_PRIMITIVE_FLATS.get(name, "i32"),)
        case types.Record() | types.Tuple():
            return flatten_all(types.children(t))
        case types.Flags(names=names):
            _flags_size(len(names))
            return ("i32",)
    cases = types.cases(t)
    return ("i32",) if cases is None else ("i32", *_join_all(cases))


def flatten_all(ts: Iterable[ValType]) -> tuple[FlatType, ...]:
    """The flat types of several values one after the other, such as parameters."""
    return tuple(flat for t in ts for flat in flatten(t))


def _join_all(cases: Iterable[ValType | None]) -> list[FlatType]:
    joined: list[FlatType] = []
    for payload in cases:
        for i, flat in enumerate(() if payload is None else flatten(payload)):
            if i < len(joined):
                joined[i] = join(joined[i], flat)
            else:
                joined.append(flat)
    return joined


def join(a: FlatType, b: FlatType) -> FlatType:
    """The core type that can carry either of two."""
    if a == b:
        return a
    return "i32" if {a, b} == {"i32", "f32"} else "i64"
