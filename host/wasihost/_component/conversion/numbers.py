"""Plain lists in shared memory, and for those of numbers, the values that are taken for one and their conversion.

As C values each element would take 32 bytes and a visit by Wasmtime. Where there is an adapter component, a list is
pointer and length in a linear memory that Python sees, and one of numbers is read or written as a whole. Python gets a
copy of its own: nothing refers to the memory after the call.

Theory of operation. A list that Python reads was lowered into the memory by Wasmtime, which had checked the guest's own
pointer and length. For those that Python gives there must be room before: `needed` says how much, the component
allocates it, and the plan of the value then writes one list after the other.
"""

from __future__ import annotations

import mmap
import struct
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any, Final, Literal, Protocol, TypeAlias, cast

from wasihost._base.errors import InternalError
from wasihost._base.limits import DEFAULTS, Limits
from wasihost._base.streams import byte_view
from wasihost._component.conversion.plancode import NUMBERS, make_struct
from wasihost._component.values import Ok, object_of, snake_case
from wasihost._component.world import layout, types
from wasihost._component.world.types import ValType

_ALIGNMENT: Final = 8

# ---- the rules, shared with `mismatch`


def sequence(value: Any) -> Sequence[Any]:
    """The value if it can be taken for a list; TypeError for text and for values without an order."""
    if isinstance(value, list | tuple) or (isinstance(value, Sequence) and not isinstance(value, str)):
        return value
    return memoryview(value)


def pairs(value: Any) -> list[tuple[Any, Any]]:
    """The entries of a value that can be taken for a map; else TypeError."""
    if isinstance(value, Mapping):
        return list(value.items())
    raise TypeError


def octets(value: Any) -> bytes | bytearray | memoryview:
    """The bytes of a value that can be taken for a list<u8>; else TypeError or ValueError."""
    if isinstance(value, bytes | bytearray):
        return value
    try:
        view = memoryview(value)
    except TypeError:
        return bytes(list(sequence(value)))
    if view.itemsize != 1:
        raise TypeError
    return byte_view(view)


def array_code(name: str) -> str:
    """The format of a number type in `struct` and `array`."""
    return NUMBERS[name][0]


def _formats(name: str) -> str:
    """The formats of buffers whose elements are numbers of that type, as this platform has them."""
    code = array_code(name)
    alike = next(kind for kind in ("bhilq", "BHILQ", "fd") if code in kind)
    return "".join(each for each in alike if struct.calcsize(each) == struct.calcsize(code))


_FORMATS: Final = {name: _formats(name) for name in types.NUMBERS}


def _as_view(name: str, value: Any) -> memoryview | None:
    """A buffer whose memory is that of a list of that number type, such as a column of Arrow or numpy; else None."""
    try:
        view = memoryview(value)
    except TypeError:
        return None
    if view.format not in _FORMATS[name] or view.ndim != 1 or not view.c_contiguous or not view.nbytes:
        return None
    return view.cast("B").cast(cast(Any, array_code(name)))


def as_array(name: str, value: Any) -> bytes | bytearray | memoryview | array[Any]:
    """The memory form of a list of that number type; an exception of any kind if the value is none."""
    if name == "u8":
        return octets(value)
    if not isinstance(value, list | tuple) and (view := _as_view(name, value)) is not None:
        return view
    # `array` would take bytes for its own memory form; here they are numbers.
    numbers = list(value) if isinstance(value, bytes | bytearray) else sequence(value)
    if name == "f32":
        # `array` turns a float that is too large into infinity.
        return array("f", struct.pack(f"={len(numbers)}f", *numbers))
    return array(array_code(name), numbers)


# ---- room for the lists in a value

Needed: TypeAlias = Callable[[Any], int]
"""How many bytes the plain lists in a value take; an exception of any kind if it is not of the type."""


def _octets_needed(value: Any) -> int:
    size = len(value) if value.__class__ is bytes else _byte_count(value)
    return size + 7 & -_ALIGNMENT


def _text_needed(value: str) -> int:
    return (len(value) if value.isascii() else len(value.encode())) + 7 & -_ALIGNMENT


def _byte_count(value: Any) -> int:
    try:
        return memoryview(value).nbytes
    except TypeError:
        return len(value)


@lru_cache(maxsize=4096)  # as in `layout`: every instance asks
def needed(t: ValType | None, whole: bool = False) -> Needed | None:
    """How to find the size of the plain lists in a value of `t`, or of all that it points to, if it is written as a
    `whole`, as what is inside of a plain list is; None if there cannot be any.
    """
    if t is None or not (types.contains_plain_lists(t) or (whole and _has_strings(t))):
        return None
    whole = whole or types.is_plain_list(t)

    def inside(t: ValType | None) -> Needed:
        return needed(t, whole) or (lambda _value: 0)

    match t:
        case types.Primitive():
            return _text_needed
        case types.List(element=element) if types.is_numbers(t):
            width = layout.size(element)
            if element == types.U8:
                return _octets_needed
            return lambda value: len(sequence(value)) * width + 7 & -_ALIGNMENT
        case types.List(element=element):
            each = inside(element)
            width = layout.size(element) if whole else 0
            return lambda value: (len(sequence(value)) * width + 7 & -_ALIGNMENT) + sum(map(each, value))
        case types.Map():
            entries = inside(t.pairs)
            return lambda value: entries(pairs(value))
        case types.Record(fields=fields):
            named = [(snake_case(name), found) for name, t in fields if (found := needed(t, whole))]
            return _of_record(named)
        case types.Tuple(elements=elements):
            parts = [(position, found) for position, t in enumerate(elements) if (found := needed(t, whole))]
            if len(parts) == 1:
                [(position, part)] = parts
                return lambda value: part(value[position])
            return lambda value: sum(part(value[position]) for position, part in parts)
        case types.Option(payload=payload):
            present = inside(payload)
            nested = isinstance(payload, types.Option)
            return lambda value: 0 if value is None else present(value.value if nested else value)
        case types.Result():
            ok = inside(t.ok)
            err = inside(t.err)
            return lambda value: (ok if isinstance(value, Ok) else err)(value.value)
        case types.Variant(cases=cases):
            payloads = {name: found for name, payload in cases if (found := needed(payload, whole))}
            return _of_variant(payloads)
    raise InternalError(f"a plain list inside of {t}")


def _of_record(fields: Sequence[tuple[str, Needed]]) -> Needed:
    def of_record(value: Any) -> int:
        try:
            return sum(found(getattr(value, name)) for name, found in fields)
        except AttributeError:
            return of_record(object_of(value))

    return of_record


def _of_variant(payloads: Mapping[str, Needed]) -> Needed:
    def of_variant(value: Any) -> int:
        try:
            return payloads[value.case](value.value) if value.case in payloads else 0
        except AttributeError:
            return of_variant(object_of(value))

    return of_variant


def _has_strings(t: ValType) -> bool:
    return any(inner == types.STRING for inner in types.walk(t))


# ---- the memory


class NoRoom(ValueError):
    """There is less room than the lists of a value take."""


class Memory(Protocol):
    """A linear memory: `size` bytes can be used, and pages past that end the process."""

    pages: mmap.mmap
    size: int


Shared: TypeAlias = Literal["adapter_lists", "driver_lists"]
"""In whose memory the plain lists of some plans are: the attribute of the `CallContext` that has it."""


class SharedLists:
    """Plain lists, and all else that a value written as a whole points to, in the memory of one component.

    `memory` is known once it is instantiated; `next` is where the next one is written. `in_arena`: the lists that are
    read were lowered into the arena of libc.wat, where later blocks have higher addresses.
    """

    def __init__(self, limits: Limits = DEFAULTS, in_arena: bool = False) -> None:
        self.memory: Memory
        self.in_arena = in_arena
        self.counted = 0
        self._limits = limits
        self.next = 0
        self._end = 0

    def give_room(self, pointer: int, size: int) -> None:
        """From now on, lists are written here."""
        if pointer % _ALIGNMENT or pointer + size > self.memory.size:
            raise InternalError(f"no room for {size} bytes at {pointer}")
        self.next = pointer
        self._end = pointer + size

    def count(self, size: int) -> None:
        """What the guest gives takes so much more in Python. Errors: LimitError."""
        self.counted += size
        if self.counted > self._limits.list_bytes:
            raise self._limits.reached("list_bytes", f"the guest gave lists of values that take {self.counted} bytes")

    def read(self, pointer: int, size: int) -> bytes:
        """The bytes of a list that the guest gave. Errors: LimitError."""
        if size > self._limits.list_bytes:
            raise self._limits.reached("list_bytes", f"the guest gave a list of {size} bytes")
        memory = self.memory
        end = pointer + size
        if end > memory.size:
            raise _outside(pointer, end)
        return memory.pages[pointer:end]

    def text(self, pointer: int, size: int) -> str:
        """A string that the guest gave."""
        memory = self.memory
        end = pointer + size
        if end > memory.size:
            raise _outside(pointer, end)
        return memory.pages[pointer:end].decode()

    def check_room(self, size: int) -> None:
        """Errors: NoRoom."""
        if self.next + size > self._end:
            raise NoRoom(f"there is room for {self._end - self.next} bytes, not for {size}")

    def place(self, data: bytes | bytearray | memoryview | array[Any], size: int) -> int:
        """Writes so many bytes behind those that are there already, and returns where. Errors: NoRoom."""
        start = self.next
        end = start + size
        if end > self._end:
            self.check_room(size)
        self.memory.pages[start:end] = data
        self.next = end + 7 & -_ALIGNMENT
        return start

    def texts(self, pointers: Sequence[int], lengths: Sequence[int]) -> list[str]:
        """Strings that the guest gave, at least one.

        Those of a list follow each other in the arena of the component, each with a zero behind it: then they are
        decoded as one and split, unless there are zeros inside.
        """
        start = pointers[0]
        size = pointers[-1] + lengths[-1] - start
        if self.in_arena and size == sum(lengths) + len(lengths) - 1:
            found = self.text(start, size).split("\0")
            if len(found) == len(lengths):
                return found
        return list(map(self.text, pointers, lengths))

    def place_texts(self, texts: Iterable[str]) -> tuple[Iterator[int], list[int]]:
        """Writes texts one behind the other; gives their pointers and lengths. Errors: NoRoom."""
        texts = list(texts)
        text = "".join(texts)
        lengths = list(map(len, texts if text.isascii() else map(str.encode, texts)))
        block = text.encode()
        return accumulate(lengths, initial=self.place(block, len(block))), lengths


def _outside(start: int, end: int) -> InternalError:
    return InternalError(f"a list from {start} to {end} is outside of the memory")


def reader(name: str) -> Callable[[SharedLists, int, int], Any]:
    """A function from pointer and length to a list of that number type, `bytes` for u8."""
    if name == "u8":
        return SharedLists.read
    code = cast(Any, array_code(name))
    width = make_struct(code).size

    def read(lists: SharedLists, pointer: int, length: int) -> list[Any]:
        return memoryview(lists.read(pointer, length * width)).cast(code).tolist()

    return read


Placer: TypeAlias = Callable[[Any, SharedLists], tuple[int, int]]
"""Places a list and what it points to; gives its pointer and length. Errors: NoRoom; any other if it is none."""


def placer(t: types.List) -> Placer:
    """A function that places a list of numbers."""
    assert isinstance(t.element, types.Primitive)
    name = t.element.name
    width = make_struct(array_code(name)).size
    is_bytes = name == "u8"
    size_of = needed(t)
    assert size_of is not None

    def place(value: Any, lists: SharedLists) -> tuple[int, int]:
        data = value
        if not is_bytes or value.__class__ is not bytes:
            lists.check_room(size_of(value))  # before it is converted, which takes long
            data = as_array(name, value)
        length = len(data)
        return lists.place(data, length * width), length

    return place
