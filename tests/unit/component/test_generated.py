"""The generated functions of plans as a reader meets them: in tracebacks, and at the heads of their generators."""

from __future__ import annotations

import ctypes
import enum
import linecache
import traceback
from collections.abc import Callable
from textwrap import indent
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from wasihost._component import ffi
from wasihost._component.conversion import frommemory, frompython, tomemory, topython
from wasihost._component.conversion.handles import Handles
from wasihost._component.conversion.plancode import Code
from wasihost._component.conversion.plans import ArgumentsToPython, CallContext, LatePlans, Plans
from wasihost._component.values import Classes
from wasihost._component.world import types

PAIR = types.Record((("a", types.U8), ("b", types.List(types.U32))))
SWITCH = types.Enum(("on",))
CLASSES = Classes(types.Interface({"pair": PAIR}))
HANDLES = Handles({}, ())


def source_of(function: Any) -> str:
    code = function.__code__
    return "".join(linecache.getlines(code.co_filename, function.__globals__))


@pytest.mark.parametrize(
    ("module", "generate"),
    [
        (
            topython,
            lambda: topython.ToPythonCode(CLASSES, HANDLES, None, frommemory.FromMemoryCode(CLASSES).reader).plan(PAIR),
        ),
        (
            frompython,
            lambda: frompython.FromPythonCode(CLASSES, HANDLES, None, tomemory.ToMemoryCode(CLASSES).placer).pack(PAIR),
        ),
        (frommemory, lambda: frommemory.FromMemoryCode(CLASSES)._plan(frommemory._ONE, PAIR, 0, 12)),
        (frommemory, lambda: frommemory.FromMemoryCode(CLASSES)._plan(frommemory._EVERY, PAIR, 0, 12)),
        (tomemory, lambda: tomemory.ToMemoryCode(CLASSES).writer(PAIR, None, 100, 8)),
    ],
)
def test_the_head_of_a_generator_shows_what_it_generates(module: ModuleType, generate: Callable[[], Any]) -> None:
    assert module.__doc__ is not None
    assert indent(source_of(generate()), "    ") in module.__doc__


def test_a_traceback_shows_the_generated_line() -> None:
    code = Code()
    code.line("x = 1")
    code.line("return x // value")
    with pytest.raises(ZeroDivisionError) as found:
        code.function("from_python u8", "value")(0)
    shown = "".join(traceback.format_exception(found.value))
    assert "from_python u8" in shown
    assert "return x // value" in shown


def test_functions_with_one_title_keep_their_own_lines() -> None:
    made = []
    for line in ("return 1", "return 2"):
        code = Code()
        code.line(line)
        made.append(code.function("to_python u8", "value"))
    assert [source_of(function).splitlines()[1].strip() for function in made] == ["return 1", "return 2"]


class Mine(enum.Enum):
    ON = "mine"


@pytest.mark.parametrize(
    ("read", "sent", "value"),
    [(LatePlans.arguments_to_python, SWITCH, "on"), (LatePlans.words_to_python, types.U32, 0)],
)
def test_late_plans_read_with_the_plans_of_the_moment(
    read: Callable[[LatePlans, list[types.ValType]], ArgumentsToPython], sent: types.ValType, value: object
) -> None:
    interface = types.Interface({"switch": SWITCH})
    generated = Plans(Classes(interface))
    context = SimpleNamespace(plans=generated)
    late = LatePlans(lambda instance: instance.plans, lambda: generated)
    reader, space = read(late, [SWITCH]), ctypes.create_string_buffer(ffi.VAL_SIZE)
    generated.from_python(sent)(value, ctypes.addressof(space), cast(CallContext, context))
    (before,) = reader(ctypes.addressof(space), cast(CallContext, context))
    context.plans = Plans(Classes(interface, {"switch": Mine}))
    (after,) = reader(ctypes.addressof(space), cast(CallContext, context))
    assert (type(before).__name__, before.name, after) == ("Switch", "ON", Mine.ON)
