"""What WIT values are in Python: the public words, and the classes generated for an interface's types.

Generated classes are for what comes back: a value that goes to a guest may be any object of the same shape.
"""

from __future__ import annotations

import enum
import inspect
import keyword
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, make_dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, get_args

from wasihost._base import forks
from wasihost._base.errors import LinkError
from wasihost._base.frozen import Frozen
from wasihost._component.world import types

if TYPE_CHECKING:
    import typing_extensions

    T = typing_extensions.TypeVar("T", default=Any)
else:
    T = TypeVar("T")


F = TypeVar("F", bound=Callable[..., Any])


def may_wait(method: F) -> F:
    """Marks a plain method for a sync-typed function: it returns its result, or an awaitable of it if it has to wait.

    The guest then waits as for an `async def`. A call that need not wait costs a tenth of what a coroutine costs.
    """
    method.may_wait = True  # type: ignore[attr-defined]
    return method


class Ok(Generic[T], Frozen):
    """The ok case of a `result` inside another value."""

    value: T

    def __init__(self, value: T = None) -> None:  # type: ignore[assignment]
        self.__dict__["value"] = value


class Err(Generic[T], Frozen):
    """The err case of a `result` inside another value."""

    value: T

    def __init__(self, value: T = None) -> None:  # type: ignore[assignment]
        self.__dict__["value"] = value


class Some(Generic[T], Frozen):
    """A present `option` whose payload is itself an `option`."""

    value: T


class WitError(Exception):
    """The err case of a returned `result`: a provider raises it, and a caller of an export gets it."""

    def __init__(self, value: Any = None) -> None:
        super().__init__(value)
        self.value = value


class Columns(Sequence[T]):
    """Records as lists of their fields, one list for each field: a record is made only when one is asked for.

    `cls` makes a record of its fields.
    """

    def __init__(self, cls: Callable[..., T], *fields: Sequence[Any]) -> None:
        self.fields = fields
        self._cls = cls

    def __len__(self) -> int:
        return len(self.fields[0])

    def __getitem__(self, index: Any) -> Any:
        found = [field[index] for field in self.fields]
        return Columns(self._cls, *found) if isinstance(index, slice) else self._cls(*found)

    def __iter__(self) -> Iterator[T]:
        return map(self._cls, *self.fields)


def object_of(mapping: Any) -> SimpleNamespace:
    """An object with the entries of a mapping, such as `asdict` makes of a record or variant. Errors: TypeError."""
    if isinstance(mapping, Mapping):
        return SimpleNamespace(**mapping)
    raise TypeError(f"expected an object with the attributes, or a mapping, got {type(mapping).__name__!r}")


def attribute(value: Any, name: str, *default: Any) -> Any:
    """As `getattr`, and for a mapping its entry of this name."""
    return getattr(object_of(value) if isinstance(value, Mapping) else value, name, *default)


# ---- names


def _python_name(name: str) -> str:
    return name + "_" if keyword.iskeyword(name) else name


def snake_case(name: str) -> str:
    """The Python name of a WIT parameter or field: `get-class` is get_class, `class` is class_."""
    return _python_name(name.replace("-", "_").lower())


def function_name(name: str) -> str:
    """The Python name of a WIT function of an interface: `wit-types` is wit_types_, for `wit_types` are classes."""
    found = snake_case(name)
    return found + "_" if found == "wit_types" else found


def method_name(name: str) -> str:
    """The Python name of a WIT method or static function: `drop` is drop_, for `drop` is called when a handle ends."""
    found = snake_case(name)
    return found + "_" if found == "drop" else found


@lru_cache(maxsize=4096)  # every instance asks for the classes of the resources that its guest uses
def camel_case(name: str) -> str:
    """The Python name of a WIT type or variant case: `ip-socket-address` is IpSocketAddress, `none` is None_."""
    return _python_name("".join(word[:1].upper() + word[1:] for word in name.split("-")))


def upper_snake_case(name: str) -> str:
    """The Python name of an enum case or flag: `access-denied` is ACCESS_DENIED."""
    return name.replace("-", "_").upper()


def member_of(name: str) -> tuple[str, str, str]:
    """The form of a function, empty for a plain one, its resource, and its own name: `[method]pen.draw`."""
    form, _, rest = name[1:].partition("]") if name.startswith("[") else ("", "", name)
    resource, _, own = rest.partition(".") if form else ("", "", rest)
    return form, resource, own


def case_names(names: Iterable[str]) -> dict[str, str]:
    """The class name of each case of a variant, by WIT name; told apart where camel case makes two equal."""
    taken: set[str] = set()
    return {name: _unique(camel_case(name), taken) for name in names}


def _unique(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


# ---- pickling


class _Enum(enum.Enum):
    def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
        return _restored, (type(self)._wit, "", self.value)  # type: ignore[attr-defined]


class _Flag(enum.Flag):
    def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
        return _restored, (type(self)._wit, "", self.value)  # type: ignore[attr-defined]


def _reduced(value: Any) -> tuple[Any, ...]:
    """What a value of a record or variant is pickled as."""
    cls = type(value)
    fields = (getattr(value, name) for name in cls.__match_args__)
    return _restored, (cls._wit, cls.__qualname__.partition(".")[2], *fields)


def _restored(key: tuple[Any, ...], case: str, *values: Any) -> Any:
    cls: Any = _class(*key)
    return (getattr(cls, case) if case else cls)(*values)


# ---- classes
#
# A generated class is identified by its kind, its name and the names of its parts. Components share it where these are
# the same, as WIT takes types of the same structure for one. A pickled value carries them, and another process finds or
# generates the class.

_generated: weakref.WeakValueDictionary[tuple[Any, ...], type] = weakref.WeakValueDictionary()
_generating = forks.lock()


def record_class(name: str, t: types.Record) -> type:
    """A frozen dataclass with the fields of a record."""
    return _class("record", name, *(snake_case(field) for field, _ in t.fields))


def enum_class(name: str, t: types.Enum) -> type:
    """An `enum.Enum` whose values are the WIT names."""
    return _class("enum", name, *t.names)


def flags_class(name: str, t: types.Flags) -> type:
    """An `enum.Flag`; the first name is bit 0, as in the canonical ABI."""
    return _class("flags", name, *map(upper_snake_case, t.names))


def variant_class(name: str, t: types.Variant) -> type:
    """A base class that holds one frozen dataclass per case, each a subclass of it."""
    return _class("variant", name, *((case, payload is not None) for case, payload in t.cases))


def _class(*key: Any) -> type:
    found = _generated.get(key)
    if found is None:
        kind, name, *parts = key
        made = _KINDS[kind](name, parts)
        made._wit = key
        with _generating:
            found = _generated.setdefault(key, made)
    return found


def _record(name: str, fields: Sequence[str]) -> Any:
    # An explicit `field()`: for a field called mro, `dataclass` would find the method of `type` as its default.
    made = _frozen(name, [(each, Any, field()) for each in fields], slots=True)
    made.__init__ = _init(made, fields)  # type: ignore[misc]
    return made


def _enum(name: str, cases: Sequence[str]) -> Any:
    return cast(Any, _Enum)(name, [(upper_snake_case(case), case) for case in cases], module=__name__)


def _flags(name: str, flags: Sequence[str]) -> Any:
    return cast(Any, _Flag)(name, [(flag, 1 << bit) for bit, flag in enumerate(flags)], module=__name__)


def _variant(name: str, cases: Sequence[tuple[str, bool]]) -> Any:
    base: Any = type(name, (), {"__slots__": (), "__module__": __name__})
    for (case, has_payload), class_name in zip(cases, case_names(case for case, _ in cases).values(), strict=True):
        # For `asdict`, and an attribute of the class: with `slots=True` it would be set in each object.
        fields: list[Any] = [("case", str, field(default=case, init=False, repr=False, compare=False))]
        slots = ["value"] if has_payload else []
        setattr(base, class_name, _frozen(f"{name}.{class_name}", fields + slots, base, __slots__=slots))
    return base


_KINDS: dict[str, Callable[[str, Sequence[Any]], Any]] = {
    "record": _record,
    "enum": _enum,
    "flags": _flags,
    "variant": _variant,
}


def _frozen(path: str, fields: list[Any], *bases: type, slots: bool = False, **attributes: Any) -> type:
    name = path.rpartition(".")[2]
    namespace = {"__reduce__": _reduced, **attributes}
    made = make_dataclass(name, fields, bases=bases, namespace=namespace, frozen=True, slots=slots)
    made.__qualname__ = path
    made.__module__ = __name__
    return made


def _init(cls: type, fields: Sequence[str]) -> Callable[..., None]:
    """As that of `dataclass`, but with the setters of the slots, which takes three fifths of the time."""
    scope = {f"_set_{field}": vars(cls)[field].__set__ for field in fields}
    body = "; ".join(f"_set_{field}(_self, {field})" for field in fields)
    exec(f"def __init__({', '.join(['_self', *fields])}): {body}", scope)
    init: Callable[..., None] = scope["__init__"]
    return init


def _generate(name: str, t: types.Nominal) -> type:
    match t:
        case types.Record():
            return record_class(name, t)
        case types.Enum():
            return enum_class(name, t)
        case types.Flags():
            return flags_class(name, t)
        case types.Variant():
            return variant_class(name, t)


def case_classes(cls: Any, t: types.Variant) -> dict[str, Any]:
    """The class of each case: of a union the member with that `case`, else the attribute with its name."""
    members = get_args(cls) or (cls,)
    if all(isinstance(getattr(member, "case", None), str) for member in members):
        return {member.case: member for member in members}
    return {case: getattr(cls, name, None) for case, name in case_names(case for case, _ in t.cases).items()}


def _lacking(cls: Any, t: types.Nominal) -> str | None:
    """The attributes of `t` that a provider's own class lacks."""
    if isinstance(t, types.Record):
        expected = [snake_case(field) for field, _ in t.fields]
        found = list(inspect.signature(cls).parameters)
        return None if found[: len(expected)] == expected else f"parameters ({', '.join(expected)})"
    if isinstance(t, types.Variant):
        classes = case_classes(cls, t)
        names = case_names(case for case, _ in t.cases)
        return next((name for case, name in names.items() if classes.get(case) is None), None)
    if not issubclass(cls, enum.Enum if isinstance(t, types.Enum) else enum.Flag):
        return f"the base class enum.{type(t).__name__.removesuffix('s')}"
    expected = [upper_snake_case(name) for name in t.names]
    return next((name for name in expected if not hasattr(cls, name)), None)


class Classes:
    """The Python classes of one interface's records, enums, flags and variants.

    `named` has them by WIT name; `of` finds one by its type, where equal structure is equal type. A provider's own
    classes (`wit_types`, by WIT name) replace generated ones; for a variant that may be a union of classes with a
    `case`. Names that the guest does not import are ignored.
    """

    def __init__(self, interface: types.Interface, wit_types: Mapping[str, Any] | None = None) -> None:
        self.named: dict[str, type] = {}
        self._classes: dict[types.ValType, type] = {}
        self._names: dict[types.ValType, str] = {}
        self._taken: set[str] = set()
        nominal = {name: t for name, t in interface.types.items() if isinstance(t, types.Nominal)}
        for name, t in nominal.items():
            self._names.setdefault(t, name)
        for name, cls in (wit_types or {}).items():
            if name in nominal:
                self._adopt(name, nominal[name], cls)
        for name, t in nominal.items():
            self.named.setdefault(name, self._make(name, t))
        for path, t in _paths(interface):
            self._make(path, t)

    def of(self, t: types.Nominal) -> type:
        """The class of a type; made on the spot for one that the interface does not mention."""
        return self._make(type(t).__name__, t)

    def describe(self, t: types.ValType) -> str:
        """A type as WIT text, nominal types by kind and name: list<tuple<string, enum error-code>>."""
        match t:
            case types.Primitive(name=name):
                return name
            case types.Record() | types.Variant() | types.Enum() | types.Flags():
                return " ".join([type(t).__name__.lower(), *filter(None, [self._names.get(t)])])
            case types.Own(resource=resource):
                return resource.name
            case types.Borrow(resource=resource):
                return f"borrow<{resource.name}>"
        inner: tuple[types.ValType | None, ...] = types.children(t)
        if isinstance(t, types.Result):
            inner = () if t.ok is t.err is None else (t.ok,) if t.err is None else (t.ok, t.err)
        text = ", ".join("_" if child is None else self.describe(child) for child in inner)
        return type(t).__name__.lower() + (f"<{text}>" if text else "")

    def _adopt(self, name: str, t: types.Nominal, cls: Any) -> None:
        shown = getattr(cls, "__qualname__", cls)  # a union has none
        if lacking := _lacking(cls, t):
            raise LinkError(f"wit_types: {shown} cannot be used for the WIT type {name}: it lacks {lacking}")
        self.named[name] = self._classes[t] = cls
        self._taken.add(getattr(cls, "__name__", ""))

    def _make(self, name: str, t: types.Nominal) -> type:
        found = self._classes.get(t)
        if found is None:
            found = self._classes[t] = _generate(_unique(camel_case(name), self._taken), t)
        return found


def _paths(interface: types.Interface) -> Iterator[tuple[str, types.Nominal]]:
    """Every record, enum, flags and variant with a kebab-case path that can name it where WIT gives no name."""
    for name, item in interface.items.items():
        if isinstance(item, types.Func):
            plain = name.rpartition("]")[2].replace(".", "-")
            for param, t in item.params:
                yield from _nominal(f"{plain}-{param}", t)
            if item.result is not None:
                yield from _nominal(f"{plain}-result", item.result)
        elif not isinstance(item, types.Resource):
            yield from _nominal(name, item)


def _nominal(path: str, t: types.ValType) -> Iterator[tuple[str, types.Nominal]]:
    if isinstance(t, types.Nominal):
        yield path, t
    for name, child in _children(t):
        yield from _nominal(f"{path}-{name}" if name else path, child)


def _children(t: types.ValType) -> Iterator[tuple[str, types.ValType]]:
    match t:
        case types.Record(fields=fields):
            yield from fields
        case types.Variant(cases=cases):
            yield from ((name, payload) for name, payload in cases if payload is not None)
        case _:
            yield from (("", child) for child in types.children(t))
