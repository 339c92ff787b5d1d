"""Writes the classes of records, variants, enums and flags: of the shape that `wit_types` asks for."""

from __future__ import annotations

from collections.abc import Iterator

from wasihost._base.quoting import python_string
from wasihost._commands.stubs.annotations import Annotations, Way
from wasihost._commands.stubs.naming import Names, docstring
from wasihost._component.values import case_names, snake_case, upper_snake_case
from wasihost._component.world import types


class ClassWriter:
    """Writes classes with annotations of one module."""

    def __init__(self, names: Names, annotate: Annotations) -> None:
        self._names = names
        self._annotate = annotate

    def lines(self, name: str, t: types.Nominal, wit: str, way: Way) -> Iterator[str]:
        """The class `name` of a type; `wit` is its definition."""
        match t:
            case types.Record():
                yield from self._record(name, t, wit, way)
            case types.Enum(names=names):
                yield f"class {name}({self._names.of('Enum')}):"
                yield docstring(wit, "    ")
                yield ""
                yield from (f"    {upper_snake_case(each)} = {python_string(each)}" for each in names)
            case types.Flags(names=names):
                yield f"class {name}({self._names.of('Flag')}):"
                yield docstring(wit, "    ")
                yield ""
                yield from (f"    {upper_snake_case(each)} = {1 << bit}" for bit, each in enumerate(names))
            case types.Variant():
                yield from self._variant(name, t, wit, way)

    def _record(self, name: str, t: types.Record, wit: str, way: Way) -> Iterator[str]:
        yield f"@{self._names.of('dataclass')}(frozen=True, slots=True)"
        yield f"class {name}:"
        yield docstring(wit, "    ")
        yield ""
        for wit_name, inner in t.fields:
            field = snake_case(wit_name)
            # An attribute of every class, as `mro` is, would be taken for the field's default.
            default = f" = {self._names.of('field')}()" if hasattr(type, field) else ""
            yield f"    {field}: {self._annotate(inner, way)}{default}"

    def _variant(self, name: str, t: types.Variant, wit: str, way: Way) -> Iterator[str]:
        """A class for each case, and the union of them."""
        attributes = case_names(case for case, _ in t.cases)
        classes = {case: self._names.new_class(name + attribute) for case, attribute in attributes.items()}
        for case, payload in t.cases:
            literal = python_string(case)
            yield f"@{self._names.of('dataclass')}(frozen=True)"
            yield f"class {classes[case]}:"
            yield docstring(f"The case {case} of {name}.", "    ")
            yield ""
            field = f"{self._names.of('field')}(default={literal}, init=False, repr=False)"
            yield f"    case: {self._names.of('Literal')}[{literal}] = {field}"
            if payload is not None:
                yield f"    value: {self._annotate(payload, way)}"
            yield ""
            yield ""
        yield f"{name} = {' | '.join(classes.values())}"
        yield docstring(wit, "")
