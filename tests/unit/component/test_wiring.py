from __future__ import annotations

import pytest

from wasihost._base.errors import UnsupportedTypeError
from wasihost._component.world import layout, types
from wasihost._component.world.types import Func, Future, Interface, Stream, ValType, World
from wasihost._component.world.wiring import TOKEN, Called, Wiring, carries_values, to_host, values_of

THING, OURS = types.Resource("thing"), types.Resource("ours")
BYTES = Stream(types.U8)
NUMBERS = types.Tuple((types.U32, types.U32))
IMPORTS = {
    "a:b/direct": Interface({"f": Func((), types.U8)}),
    "a:b/mixed": Interface(
        {
            "thing": THING,
            "f": Func((("x", types.Borrow(THING)),), None),
            "g": Func((), None, is_async=True),
            "h": Func((("x", types.List(BYTES)),), Future(Stream(types.STRING))),
        }
    ),
    "a:b/native": Interface({"f": Func((), None, is_async=True)}),
}
EXPORTS = {
    "": Interface({"run": Func((), None, is_async=True)}),
    "a:b/out": Interface(
        {
            "ours": OURS,
            "thing": THING,
            "f": Func((), types.Own(OURS)),
            "g": Func((), BYTES),
            "h": Func((), Stream(types.Own(OURS))),
        }
    ),
}
WIRING = Wiring(World(IMPORTS, EXPORTS), frozenset({"a:b/native"}))


def test_async_functions_and_those_with_streams_are_adapted() -> None:
    assert [adapted.path for adapted in WIRING.adapted] == ["a:b/mixed#g", "a:b/mixed#h"]
    assert [adapted.index for adapted in WIRING.adapted] == [0, 1]


def test_functions_that_are_called_in_order_are_adapted_too() -> None:
    wiring = Wiring(WIRING.world, WIRING.native, frozenset({"a:b/direct#f"}))
    assert [adapted.path for adapted in wiring.adapted if adapted.round_first] == ["a:b/direct#f"]


def test_functions_with_many_values_are_adapted_unless_a_linker_may_define_them() -> None:
    few, many = types.Tuple((types.U32,) * 3), types.Tuple((types.U32,) * 9)
    funcs: dict[str, types.Item] = {
        "few": Func((("x", few),), few),
        "flags": Func((("x", types.Flags(tuple("abcdefghi"))),), None),
        "many": Func((), types.Result(many, None)),
        "handles": Func((), types.Tuple((*many.elements, types.Own(THING)))),
    }
    world = World({"a:b/c": Interface(funcs)}, {})
    assert [adapted.name for adapted in Wiring(world).adapted] == ["flags", "many"]
    assert Wiring(world, for_linker=True).adapted == []


def test_what_passes_through_a_window_is_direct_however_many_values_it_has() -> None:
    many = types.Record(tuple((name, types.U32) for name in "abcdefghi"))
    read = Func((("self", types.Borrow(THING)), ("most", types.U64)), types.Result(types.List(types.U8), many))
    world = World({"a:b/c": Interface({"read": read})}, {})
    assert Wiring(world, windowed=frozenset({"a:b/c"})).adapted == []
    assert [adapted.name for adapted in Wiring(world).adapted] == ["read"]


def test_without_streams_there_is_nothing_to_come_after() -> None:
    world = World({"a:b/direct": IMPORTS["a:b/direct"]}, {})
    assert Wiring(world, in_order=frozenset({"a:b/direct#f"})).adapted == []


def test_kinds_are_found_inside_of_others_and_once() -> None:
    assert WIRING.kinds == [BYTES, Stream(types.STRING), Future(Stream(types.STRING))]


def test_bytes_and_nothing_are_no_values() -> None:
    assert [carries_values(kind) for kind in (BYTES, Stream(None), Future(types.U8), Stream(types.U16))] == [
        *(False, False),
        *(True, True),
    ]


def test_streams_are_numbers_on_the_hosts_side() -> None:
    func = WIRING.adapted[1]
    assert func.host["start"].params == (("x", types.List(types.U32)),)
    assert func.host["finish"].result == types.U32


@pytest.mark.parametrize(
    ("t", "on_the_host"),
    [
        (types.List(types.U8), NUMBERS),
        (types.Option(types.List(types.F32)), types.Option(NUMBERS)),
        (types.List(types.List(types.STRING)), NUMBERS),
        (types.Map(types.U8, types.STRING), NUMBERS),
        (types.List(BYTES), types.List(types.U32)),
        (types.List(types.Tuple((types.List(types.CHAR), BYTES))), types.List(types.Tuple((NUMBERS, types.U32)))),
    ],
)
def test_plain_lists_are_pointer_and_length_on_the_hosts_side(t: ValType, on_the_host: ValType) -> None:
    assert to_host(t) == on_the_host
    assert (layout.size(t), layout.alignment(t), layout.flatten(t)) == (
        *(layout.size(on_the_host), layout.alignment(on_the_host)),
        layout.flatten(on_the_host),
    )


def test_functions_with_plain_lists_are_adapted_if_there_is_an_adapter_component() -> None:
    numbers = types.List(types.U16)
    imports = {"a:b/c": Interface({"f": Func((("x", types.Option(numbers)),), None), "g": Func((), numbers)})}
    f, g = Wiring(World(imports, {})).adapted
    assert f.host == {"call": Func((("w0", types.U32), ("w1", types.U32), ("w2", types.U32)), None)}
    assert g.host == {"call": Func((), None), "finish": Func(TOKEN, None)}
    assert Wiring(World(imports, {}), shares_memory=False).adapted == []


PORT = types.Record((("port", types.U16), ("is-open", types.BOOL)))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ([PORT], [types.U32, types.U32]),
        ([types.Option(types.List(types.U64)), types.Borrow(THING)], [*[types.U32] * 3, types.Borrow(THING)]),
        ([types.Variant((("a", PORT), ("b", types.CHAR))), BYTES], [*[types.U32] * 3, types.U32]),
        ([types.Flags(("a", "b")), types.STRING], [types.U32] * 3),
        # nothing to gain
        ([types.U16, types.STRING, types.Borrow(THING)], None),
        ([PORT, types.List(PORT)], [types.U32] * 4),
        # too many, or not of 32 bits, or with handles inside
        ([types.Tuple((types.U8,) * 17)], None),
        ([PORT, types.U64], None),
        ([types.Option(types.F32)], None),
        ([types.Option(types.Own(THING))], None),
        ([PORT, types.List(types.Own(THING))], None),
    ],
)
def test_parameters_are_words_where_there_are_aggregates_of_words(
    params: list[ValType], words: list[ValType] | None
) -> None:
    func = Func(tuple((f"p{index}", t) for index, t in enumerate(params)), None, is_async=True)
    (adapted,) = Wiring(World({"a:b/c": Interface({"f": func})}, {})).adapted
    assert adapted.takes_words is (words is not None)
    expected = words or [to_host(t) for t in params]
    assert [t for _, t in adapted.host["start"].params] == expected
    assert layout.flatten_all(expected) == layout.flatten_all(params)


def test_lists_of_numbers_inside_of_elements_stay_values() -> None:
    assert values_of(Stream(types.List(types.U8))) == types.List(types.List(types.U8))


def test_the_guests_own_resources_are_numbers_on_the_hosts_side() -> None:
    assert WIRING.guest_resources == {OURS}
    t = types.Tuple((types.Own(OURS), types.Own(THING)))
    assert to_host(t, WIRING.guest_resources) == types.Tuple((types.U32, types.Own(THING)))


def test_exports_are_called_but_for_those_with_streams_of_the_guests_own_resources() -> None:
    assert [called.path for called in WIRING.called] == ["run", "a:b/out#f", "a:b/out#g"]
    assert WIRING.exchanged == {0: BYTES}


def test_a_single_flat_argument_is_padded_so_that_it_goes_through_memory() -> None:
    def arguments(*ts: types.ValType) -> types.Tuple | None:
        params = tuple((f"x{i}", t) for i, t in enumerate(ts))
        return Called(0, "", "f", Func(params, None), frozenset()).arguments

    assert arguments() is None
    assert arguments(types.U8) == types.Tuple((types.U8, types.U8))
    assert arguments(types.STRING) == types.Tuple((types.STRING,))


def test_a_path_means_the_newest_export_that_can_be_called() -> None:
    func, own = Func((), None), Func((), Stream(types.Own(OURS)))
    exports = {
        "a:b/c@1.0.0": Interface({"f": func, "g": func}),
        "a:b/c@1.1.0": Interface({"f": func, "ours": OURS, "g": own}),
    }
    wiring = Wiring(World({}, exports))
    assert wiring.find("a:b/c@1.0.9#f").path == "a:b/c@1.1.0#f"
    assert wiring.find("a:b/c#g").path == "a:b/c@1.0.0#g"
    with pytest.raises(UnsupportedTypeError, match=r"^a:b/c@1\.1\.0#g: a stream or future of the guest's own"):
        wiring.find("a:b/c@1.1.0#g")
