"""Lines of Python that are too long, with one item of a list, call or subscript on each line, as ruff writes them."""

from __future__ import annotations

from collections.abc import Iterator

WIDTH = 88  # the default of ruff and black


def folded(line: str) -> Iterator[str]:
    """The line, or as many as it takes; docstrings stay as they are."""
    if len(line) <= WIDTH or line.lstrip().startswith('"""') or (brackets := _brackets(line)) is None:
        yield line
        return
    start, end, items = brackets
    indent = line[: len(line) - len(line.lstrip())]
    # With a comma behind it, a single type would be a tuple.
    comma = "" if line[start] == "[" and len(items) == 1 else ","
    yield line[: start + 1]
    for item in items:
        yield from folded(f"{indent}    {item}{comma}")
    yield from folded(indent + line[end:])


def _brackets(line: str) -> tuple[int, int, list[str]] | None:
    """Where the first brackets with something in them begin and end, and the items in them."""
    depth = 0
    start = 0
    commas: list[int] = []
    value = line.find(" = ")  # the assigned value is broken up, and not its annotation
    for position, letter in _outside_of_strings(line):
        if position < value:
            continue
        if letter in "([{":
            depth += 1
            if depth == 1:
                start = position
                commas = []
        elif letter == "," and depth == 1:
            commas.append(position)
        elif letter in ")]}" and depth:
            depth -= 1
            if not depth and position > start + 1:
                ends = [*commas, position]
                begins = [start, *commas]
                items = [line[begin + 1 : end].strip() for begin, end in zip(begins, ends, strict=True)]
                return start, position, list(filter(None, items))
    return None


def _outside_of_strings(line: str) -> Iterator[tuple[int, str]]:
    is_inside = False
    letters = iter(enumerate(line))
    for position, letter in letters:
        if letter == "\\" and is_inside:
            next(letters)
        elif letter == '"':
            is_inside = not is_inside
        elif not is_inside:
            yield position, letter
