"""Lines of Python that are too long, with one item of a list, call or subscript on each line, as ruff writes them."""

from __future__ import annotations

from collections.abc import Iterator

WIDTH = 88  # the default of ruff and black
_HEADS = (": ", "-> ", "= ")
"""The ends of the text before a type."""


def folded(line: str) -> Iterator[str]:
    """The line, or as many as it takes; docstrings stay as they are."""
    if len(line) <= WIDTH or line.lstrip().startswith('"""'):
        yield line
    elif (union := _union(line)) is not None:
        yield from _folded_union(line, *union)
    elif (brackets := _brackets(line)) is not None:
        yield from _folded_brackets(line, *brackets)
    else:
        yield line


def _folded_brackets(line: str, start: int, end: int, items: list[str]) -> Iterator[str]:
    indent = _indent(line)
    # With a comma behind it, a single type would be a tuple.
    comma = "" if line[start] == "[" and len(items) == 1 else ","
    yield line[: start + 1]
    for item in items:
        yield from folded(f"{indent}    {item}{comma}")
    yield from folded(indent + line[end:])


def _folded_union(line: str, head: str, types: list[str], tail: str) -> Iterator[str]:
    """One type on each line; behind a name, in parentheses, where they may also fit on one line together."""
    indent = _indent(line)
    if not head:
        yield from _each_type(indent, types, tail)
        return
    yield f"{indent}{head}("
    together = f"{indent}    {' | '.join(types)}"
    yield from [together] if len(together) <= WIDTH else _each_type(f"{indent}    ", types, "")
    yield f"{indent}){tail}"


def _each_type(indent: str, types: list[str], tail: str) -> Iterator[str]:
    for number, each in enumerate(types):
        is_last = number == len(types) - 1
        yield from folded(f"{indent}{'| ' if number else ''}{each}{tail if is_last else ''}")


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _union(line: str) -> tuple[str, list[str], str] | None:
    """The text before a union outside of brackets, its types, and the text behind."""
    text = line.strip()
    if text.startswith(("def ", "async def ", "| ")):  # whose brackets come first
        return None
    depth = 0
    begin = 0
    pipes: list[int] = []
    for position, letter in _outside_of_strings(text):
        depth = max(0, depth + (letter in "([{") - (letter in ")]}"))
        head = next((each for each in _HEADS if text.startswith(each, position)), "")
        if head and not (depth or pipes):
            begin = position + len(head)
        elif not depth and text.startswith(" | ", position):
            pipes.append(position)
    if not pipes:
        return None
    end = len(text) - (text[-1] in ",:")
    ends = [*pipes, end]
    begins = [begin, *(pipe + len(" | ") for pipe in pipes)]
    return text[:begin], [text[first:last] for first, last in zip(begins, ends, strict=True)], text[end:]


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
