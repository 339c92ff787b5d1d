"""Counts the words of CONTRIBUTING.md's table in the comments and strings of host/: `make check` runs it.

A word may be twice as frequent as in trio and anyio, whose prose is plain.
"""

from __future__ import annotations

import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| ([a-z ,]+) \| ([0-9.]+) \| .+ \|$", re.MULTILINE)
TEXT = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


def allowed() -> dict[str, float]:
    """How often in 10,000 lines the words of a row may be, by a pattern of them."""
    rows = ROW.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    return {rf"\b({words.replace(', ', '|')})\b": 2 * float(density) for words, density in rows}


def prose() -> Iterator[tuple[str, str]]:
    """Each line of a comment or string, with its place."""
    for path in sorted((ROOT / "host").rglob("*.py")):
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                if token.type in TEXT:
                    for number, line in enumerate(token.string.splitlines(), token.start[0]):
                        yield f"{path.relative_to(ROOT)}:{number}", line.strip()


def lines_of_code() -> int:
    """The lines of all files of host/."""
    return sum(len(path.read_bytes().splitlines()) for path in (ROOT / "host").rglob("*.py"))


def main() -> None:
    """Prints the lines with words that are too frequent, and exits with 1 if there are any."""
    lines, in_ten_thousands = list(prose()), lines_of_code() / 10_000
    has_failed = False
    for words, density in allowed().items():
        found = [f"{place}: {line}" for place, line in lines if re.search(words, line, re.IGNORECASE)]
        if len(found) > density * in_ten_thousands:
            has_failed = True
            print(*found, f"{words}: {len(found)} times, at most {density * in_ten_thousands:.0f}", sep="\n")
    sys.exit(has_failed)


if __name__ == "__main__":
    main()
