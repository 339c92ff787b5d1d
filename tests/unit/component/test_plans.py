"""Values through real C values of Wasmtime, and back."""

from __future__ import annotations

import ctypes
import enum
import gc
import os
import resource
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import junk, val_types, values
from wasihost._base.errors import LimitError, ProviderError, UnsupportedTypeError
from wasihost._component import ffi
from wasihost._component.conversion.numbers import SharedLists
from wasihost._component.conversion.plans import HostResource, Plans
from wasihost._component.resources import ResourceTable
from wasihost._component.values import Classes, Err, Ok, Some
from wasihost._component.world import types
from wasihost._component.world.types import ValType

IPV4 = types.Record((("port", types.U16), ("address", types.Tuple((types.U8,) * 4))))
ADDRESS = types.Variant((("ipv4", IPV4), ("unknown", None)))
ERROR_CODE = types.Enum(("access-denied", "timeout"))
RIGHTS = types.Flags(("read", "write"))
INTERFACE = types.Interface(
    {"ipv4-socket-address": IPV4, "ip-socket-address": ADDRESS, "error-code": ERROR_CODE, "rights": RIGHTS}
)
CLASSES: Any = Classes(INTERFACE)
Ipv4, Address, ErrorCode, Rights = (CLASSES.named[name] for name in INTERFACE.items)
NO_CONTEXT: Any = None


class Val:
    """Space for a C value; what it holds is freed at the end."""

    def __init__(self) -> None:
        self._space = ctypes.create_string_buffer(ffi.VAL_SIZE)
        self.address = ctypes.addressof(self._space)

    def __enter__(self) -> int:
        return self.address

    def __exit__(self, *_: object) -> None:
        ffi.val_delete(self.address)


def round_trip(plans: Plans, t: ValType, value: Any) -> Any:
    with Val() as address:
        plans.from_python(t)(value, address, NO_CONTEXT)
        return plans.to_python(t)(address, NO_CONTEXT)


def refusal(t: ValType, value: Any, classes: Classes = CLASSES) -> str:
    val = Val()
    with pytest.raises(ProviderError) as caught:
        Plans(classes).from_python(t)(value, val.address, NO_CONTEXT)
    return str(caught.value)


# ---- round trips


@pytest.mark.slow
@given(st.data())
def test_every_value_of_every_type_comes_back_equal(data: st.DataObject) -> None:
    t = data.draw(val_types())
    classes = Classes(types.Interface({}))
    plans = Plans(classes)
    for _ in range(3):
        value = data.draw(values(t, classes))
        found = round_trip(plans, t, value)
        # repr too: 1 == True and 0.0 == -0.0
        assert (found, repr(found)) == (value, repr(value))


@pytest.mark.slow
@given(st.lists(val_types(max_leaves=3), max_size=4), st.data())
def test_arguments_are_read_at_once(ts: list[ValType], data: st.DataObject) -> None:
    classes = Classes(types.Interface({}))
    plans = Plans(classes)
    args = tuple(data.draw(values(t, classes)) for t in ts)
    space = ctypes.create_string_buffer(ffi.VAL_SIZE * (len(ts) + 1))
    addresses = [ctypes.addressof(space) + i * ffi.VAL_SIZE for i in range(len(ts) + 1)]
    for t, value, address in zip(ts, args, addresses, strict=False):
        plans.from_python(t)(value, address, NO_CONTEXT)
    assert plans.arguments_to_python(ts)(addresses[0], NO_CONTEXT) == args
    for address in addresses[: len(ts)]:
        ffi.val_delete(address)


@pytest.mark.slow
@given(val_types(), junk())
def test_anything_else_is_refused_with_a_reason(t: ValType, value: Any) -> None:
    plans = Plans(Classes(types.Interface({})))
    with Val() as address:
        try:
            plans.from_python(t)(value, address, NO_CONTEXT)
        except ProviderError:
            return
        plans.to_python(t)(address, NO_CONTEXT)


@given(st.data())
def test_one_wrong_part_deep_inside_is_found(data: st.DataObject) -> None:
    inner = data.draw(val_types(max_leaves=2).filter(lambda t: not isinstance(t, types.Option)))
    record = types.Record((("a", types.STRING), ("b-c", types.List(types.Tuple((types.U8, inner))))))
    value = SimpleNamespace(a="x", b_c=[(1, object())])
    assert refusal(record, value, Classes(types.Interface({}))).startswith("field b-c, element 0, element 1: expected ")


@pytest.mark.parametrize(
    ("t", "value", "found"),
    [
        (types.F64, 3, 3.0),
        (types.F32, True, 1.0),
        (types.List(types.U8), bytearray(b"ab"), b"ab"),
        (types.List(types.U8), memoryview(b"abcd")[::2], b"ac"),
        (types.List(types.U8), [1, 2], b"\1\2"),
        (types.List(types.U8), range(3), b"\0\1\2"),
        (types.List(types.U16), b"ab", [97, 98]),
        (types.List(types.U32), memoryview(b"abcd").cast("I"), [int.from_bytes(b"abcd", "little")]),
        (types.List(types.STRING), ("a", "b"), ["a", "b"]),
        (types.Tuple((types.U8, types.U8)), [1, 2], (1, 2)),
        (types.STRING, "a\0€😀" * 100, "a\0€😀" * 100),
        (ERROR_CODE, "timeout", ErrorCode.TIMEOUT),
        (IPV4, SimpleNamespace(port=1, address=[1, 2, 3, 4]), Ipv4(1, (1, 2, 3, 4))),
        (ADDRESS, SimpleNamespace(case="unknown"), Address.Unknown()),
        (RIGHTS, Rights(0), Rights(0)),
        (RIGHTS, {"write", "read"}, Rights.READ | Rights.WRITE),
        (RIGHTS, ["write", "write"], Rights.WRITE),
        (RIGHTS, (), Rights(0)),
        (IPV4, {"port": 1, "address": [1, 2, 3, 4]}, Ipv4(1, (1, 2, 3, 4))),
        (ADDRESS, {"case": "unknown"}, Address.Unknown()),
        (ADDRESS, asdict(Address.Ipv4(Ipv4(1, (1, 2, 3, 4)))), Address.Ipv4(Ipv4(1, (1, 2, 3, 4)))),
        (types.Option(types.Option(types.U8)), Some(None), Some(None)),
    ],
)
def test_other_objects_of_the_same_shape_will_do(t: ValType, value: Any, found: Any) -> None:
    assert round_trip(Plans(CLASSES), t, value) == found


def test_nan_comes_back_as_nan() -> None:
    found = round_trip(Plans(CLASSES), types.List(types.F64), [float("nan")])
    assert found[0] != found[0]


def test_large_lists_come_back_equal() -> None:
    plans, data = Plans(CLASSES), os.urandom(300_000)
    assert round_trip(plans, types.List(types.U8), data) == data
    assert round_trip(plans, types.List(types.U64), list(range(50_000))) == list(range(50_000))
    texts = [str(i) for i in range(20_000)]
    assert round_trip(plans, types.List(types.STRING), texts) == texts


# ---- results and classes of a provider


def test_a_returned_result_is_made_from_its_payloads() -> None:
    t = types.Result(types.U8, ERROR_CODE)
    plans = Plans(CLASSES)
    ok, err = plans.return_from_python(t)
    assert err is not None
    with Val() as address:
        ok(7, address, NO_CONTEXT)
        assert plans.to_python(t)(address, NO_CONTEXT) == Ok(7)
    with Val() as address:
        err(ErrorCode.TIMEOUT, address, NO_CONTEXT)
        assert plans.to_python(t)(address, NO_CONTEXT) == Err(ErrorCode.TIMEOUT)
    with pytest.raises(ProviderError, match=r"^expected u8 \(0\.\.255\), got 'str'$"):
        ok("7", address, NO_CONTEXT)
    with pytest.raises(ProviderError, match=r"^err: expected enum error-code, got 'late'$"):
        err("late", address, NO_CONTEXT)


def test_a_result_without_a_payload_takes_none_only() -> None:
    ok, _ = Plans(CLASSES).return_from_python(types.Result(None, ERROR_CODE))
    with Val() as address:
        ok(None, address, NO_CONTEXT)
    with pytest.raises(ProviderError, match=r"^expected no value \(None\), got 'int'$"):
        ok(1, address, NO_CONTEXT)


class OwnError(enum.Enum):
    TIMEOUT = 7
    ACCESS_DENIED = 8
    MORE = 9


class OwnRights(enum.Flag):
    WRITE = 1
    READ = 8
    MORE = 16


@dataclass(frozen=True)
class OwnIpv4:
    port: int
    address: tuple[int, ...]
    note: str = ""


OWN = Classes(INTERFACE, {"error-code": OwnError, "rights": OwnRights, "ipv4-socket-address": OwnIpv4})


@pytest.mark.parametrize(
    ("t", "value"),
    [(ERROR_CODE, OwnError.TIMEOUT), (RIGHTS, OwnRights.READ | OwnRights.WRITE), (IPV4, OwnIpv4(1, (1, 2, 3, 4)))],
)
def test_classes_of_a_provider_come_back(t: ValType, value: Any) -> None:
    found = round_trip(Plans(OWN), t, value)
    assert found == value
    assert type(found) is type(value)


def test_members_that_the_guest_does_not_know_are_refused() -> None:
    assert refusal(ERROR_CODE, OwnError.MORE, OWN) == "expected enum error-code, got <OwnError.MORE: 9>"
    assert refusal(RIGHTS, OwnRights.MORE, OWN) == "expected flags rights, got OwnRights.MORE"


def test_an_enum_member_of_another_class_counts_by_its_wit_name() -> None:
    other: Any = Classes(INTERFACE).named["error-code"]
    assert round_trip(Plans(CLASSES), ERROR_CODE, other.TIMEOUT) is ErrorCode.TIMEOUT


# ---- messages


@pytest.mark.parametrize(
    ("t", "value", "message"),
    [
        (types.U16, "1", "expected u16 (0..65535), got 'str'"),
        (types.U8, 256, "expected u8 (0..255), got 256"),
        (types.S64, 2**63, "expected s64 (-9223372036854775808..9223372036854775807), got 9223372036854775808"),
        (types.U32, 1.0, "expected u32 (0..4294967295), got 'float'"),
        (types.BOOL, 1, "expected bool, got 'int'"),
        (types.CHAR, "ab", "expected char, got 'ab'"),
        (types.CHAR, "\ud800", "expected char, got a str with a lone surrogate"),
        (types.CHAR, b"a", "expected char, got 'bytes'"),
        (types.STRING, b"a", "expected string, got 'bytes'"),
        (types.STRING, "a\udc80", "expected string, got a str with a lone surrogate"),
        (types.F32, "1", "expected f32, got 'str'"),
        (types.F32, 1e300, "expected f32, got a float that is too large"),
        (types.List(types.F32), [1e300], "element 0: expected f32, got a float that is too large"),
        (types.List(types.U8), "ab", "expected list<u8>, got 'str'"),
        (types.List(types.U8), [1, 300], "element 1: expected u8 (0..255), got 300"),
        (types.List(types.U8), range(255, 257), "element 1: expected u8 (0..255), got 256"),
        (types.List(types.U8), 5, "expected list<u8>, got 'int'"),
        (types.Map(types.STRING, types.U8), [("a", 1)], "expected map<string, u8>, got 'list'"),
        (types.Map(types.STRING, types.U8), {1: 1}, "key: expected string, got 'int'"),
        (types.Map(types.STRING, types.U8), {"a": 300}, "value of 'a': expected u8 (0..255), got 300"),
        (types.List(types.STRING), {"a"}, "expected list<string>, got 'set'"),
        (types.List(types.CHAR), "ab", "expected list<char>, got 'str'"),
        (types.List(types.S32), [1, None], "element 1: expected s32 (-2147483648..2147483647), got 'NoneType'"),
        (types.Tuple((types.U8, types.U8)), (1, 2, 3), "expected tuple<u8, u8>, got 3 elements"),
        (types.Tuple((types.STRING, types.STRING)), "ab", "expected tuple<string, string>, got 'str'"),
        (IPV4, {"port": 1}, "expected record ipv4-socket-address, got a mapping without 'address'"),
        (
            IPV4,
            SimpleNamespace(port=1),
            "expected record ipv4-socket-address, got 'SimpleNamespace', which has no attribute address",
        ),
        (
            ADDRESS,
            {"case": "ipv4", "value": {"port": 1, "address": 2}},
            "case ipv4, field address: expected tuple<u8, u8, u8, u8>, got 'int'",
        ),
        (ADDRESS, {"value": 1}, "expected variant ip-socket-address, got a mapping without 'case'"),
        (IPV4, SimpleNamespace(port="1", address=()), "field port: expected u16 (0..65535), got 'str'"),
        (
            ADDRESS,
            Address.Ipv4(Ipv4(1, (1, 2, 3, 999))),
            "case ipv4, field address, element 3: expected u8 (0..255), got 999",
        ),
        (ADDRESS, SimpleNamespace(case="ipv5"), "expected variant ip-socket-address, got the case 'ipv5'"),
        (
            ADDRESS,
            SimpleNamespace(case="ipv4"),
            "expected variant ip-socket-address, got 'SimpleNamespace', which has no attribute value",
        ),
        (ERROR_CODE, "late", "expected enum error-code, got 'late'"),
        (ERROR_CODE, 1, "expected enum error-code, got 'int'"),
        (RIGHTS, 1, "expected flags rights, got 'int'"),
        (RIGHTS, {"red"}, "expected flags rights, got the name 'red'"),
        (RIGHTS, "read", "expected flags rights, got 'str'"),
        (types.Option(types.U8), "x", "expected u8 (0..255), got 'str'"),
        (types.Option(types.Option(types.U8)), 1, "expected option<option<u8>>, got 'int'"),
        (types.Result(types.U8, None), 1, "expected result<u8>, got 'int'"),
        (types.Result(types.U8, None), Ok(), "ok: expected u8 (0..255), got 'NoneType'"),
        (types.Result(types.U8, None), Err(1), "err: expected no value (None), got 'int'"),
    ],
)
def test_a_refusal_says_where_what_was_expected_and_what_was_found(t: ValType, value: Any, message: str) -> None:
    assert refusal(t, value) == message


def test_an_exception_of_the_values_own_passes_through() -> None:
    class Lazy:
        address = (1, 2, 3, 4)
        calls = 0

        @property
        def port(self) -> int:
            self.calls += 1
            if self.calls == 1:
                raise RuntimeError("only the first time")
            return 1

    val = Val()
    with pytest.raises(RuntimeError, match="only the first time"):
        Plans(CLASSES).from_python(IPV4)(Lazy(), val.address, NO_CONTEXT)


# ---- resources, streams and futures


class Socket:
    def __init__(self) -> None:
        self.is_dropped = False

    def drop(self) -> None:
        self.is_dropped = True


SOCKET, FILE, BLOB = (types.Resource(name) for name in ("tcp-socket", "file", "blob"))
NUMBER = 7


class StoreContext:
    """A real store, whose handles of host resources are real too."""

    def __init__(self, capacity: int = 100) -> None:
        self.table = ResourceTable(capacity)
        self._store = wasmtime.Store()
        self.cell = ffi.Cell()
        self.store_context: int = ctypes.cast(self._store._context(), ctypes.c_void_p).value or 0
        self.handles: list[object] = []
        self.adapter_lists = self.driver_lists = SharedLists()

    def stream_from_handle(self, kind: types.Stream | types.Future, handle: int) -> object:
        return self.handles[handle]

    def handle_from_stream(self, kind: types.Stream | types.Future, obj: Any) -> int:
        self.handles.append(obj)
        return len(self.handles) - 1

    def guest_resource(self, resource: types.Resource, handle: int, owned: bool) -> object:
        return (resource.name, handle, owned)

    def guest_handle(self, resource: types.Resource, obj: Any, own: bool) -> int:
        return 100 + own


def socket_plans() -> Plans:
    return Plans(CLASSES, {SOCKET: HostResource(NUMBER, Socket), FILE: HostResource(NUMBER + 1, Socket)}, [BLOB])


@pytest.fixture
def context() -> Iterator[StoreContext]:
    found = StoreContext()
    yield found
    assert len(found.table) == 0


def test_an_own_resource_goes_into_the_table_and_comes_out(context: StoreContext) -> None:
    plans, socket = socket_plans(), Socket()
    with Val() as address:
        plans.from_python(types.Own(SOCKET))(socket, address, context)
        assert len(context.table) == 1
        assert plans.to_python(types.Own(SOCKET))(address, context) is socket
    assert not socket.is_dropped


def test_resources_inside_other_values(context: StoreContext) -> None:
    t = types.Result(types.Option(types.List(types.Tuple((types.STRING, types.Own(SOCKET))))), None)
    plans, sockets = socket_plans(), [Socket(), Socket()]
    with Val() as address:
        plans.from_python(t)(Ok([("a", sockets[0]), ("b", sockets[1])]), address, context)
        found = plans.to_python(t)(address, context)
    assert found == Ok([("a", sockets[0]), ("b", sockets[1])])


def test_a_lent_resource_stays_its_owners(context: StoreContext) -> None:
    plans, socket = socket_plans(), Socket()
    with Val() as address:
        plans.from_python(types.Borrow(SOCKET))(socket, address, context)
        (rep,) = context.table._objects
        context.table.drop(rep)
    assert not socket.is_dropped


def test_a_value_that_fails_half_way_takes_its_resources_back(context: StoreContext) -> None:
    t = types.Tuple((types.Own(SOCKET), types.Own(FILE), types.U8))
    plans, socket, file = socket_plans(), Socket(), Socket()
    with pytest.raises(ProviderError, match=r"^element 2: expected u8 \(0\.\.255\), got 256$"):
        plans.from_python(t)((socket, file, 256), Val().address, context)
    assert socket.is_dropped
    assert file.is_dropped


@pytest.mark.slow
def test_failures_use_up_no_handles_of_wasmtime(context: StoreContext) -> None:
    give = socket_plans().from_python(types.Tuple((types.Own(SOCKET), types.U8)))
    address = Val().address
    for _ in range(100_001):  # Wasmtime's limit of handles per store is 100,000
        with pytest.raises(ProviderError):
            give((Socket(), 256), address, context)


def test_a_full_table_is_reported_as_such() -> None:
    context = StoreContext(capacity=1)
    t = types.List(types.Own(SOCKET))
    with pytest.raises(LimitError, match="full"):
        socket_plans().from_python(t)([Socket(), Socket()], Val().address, context)
    assert len(context.table) == 0


def test_an_object_of_another_class_is_no_resource(context: StoreContext) -> None:
    with pytest.raises(ProviderError, match=r"^expected tcp-socket \(Socket\), got 'str'$"):
        socket_plans().from_python(types.Own(SOCKET))("x", Val().address, context)


def test_streams_and_futures_travel_as_u32(context: StoreContext) -> None:
    t = types.Tuple((types.Stream(types.U8), types.Future(None)))
    plans, stream, future = socket_plans(), object(), object()
    with Val() as address:
        plans.from_python(t)((stream, future), address, context)
        assert plans.to_python(types.Tuple((types.U32, types.U32)))(address, context) == (0, 1)
        assert plans.to_python(t)(address, context) == (stream, future)


def test_resources_of_the_guest_travel_as_u32(context: StoreContext) -> None:
    t = types.Tuple((types.Own(BLOB), types.Borrow(BLOB)))
    plans = socket_plans()
    with Val() as address:
        plans.from_python(t)((None, None), address, context)
        assert plans.to_python(t)(address, context) == (("blob", 101, True), ("blob", 100, False))


def test_a_resource_of_nobody_is_unsupported() -> None:
    t = types.Own(types.Resource("ghost"))
    for compile_plan in (Plans(CLASSES).to_python, Plans(CLASSES).from_python):
        with pytest.raises(UnsupportedTypeError, match="ghost"):
            compile_plan(t)


# ---- memory


def growth(work: Callable[[], None]) -> int:
    """How far the peak of the process's memory rises, in MiB, after a first round of `work`."""
    unit = 1 << 20 if os.uname().sysname == "Darwin" else 1 << 10
    work()
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    work()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // unit


def test_flags_arrive_in_every_combination() -> None:
    t = types.Flags(tuple(f"bit{number}" for number in range(9)))
    plans = Plans(CLASSES)
    cls: Any = CLASSES.of(t)
    for value in (*range(512), *range(512)):
        assert round_trip(plans, t, cls(value)) == cls(value)


@pytest.mark.slow
def test_neither_values_nor_failures_leak() -> None:
    t = types.List(types.Record((("name", types.STRING), ("address", ADDRESS), ("data", types.List(types.U8)))))
    plans = Plans(CLASSES)
    element = SimpleNamespace(name="n" * 1000, address=Address.Ipv4(Ipv4(1, (1, 2, 3, 4))), data=b"x" * 100)
    broken = SimpleNamespace(name="n", address=Address.Unknown(), data="x")

    def work() -> None:
        for _ in range(1000):  # 40 MiB of strings and bytes as C values
            round_trip(plans, t, [element] * 10)
            refusal(t, [element] * 10 + [broken])

    assert growth(work) <= 8
