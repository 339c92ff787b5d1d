"""Common parts of the parsers of rules: words with their places, names, and ports."""

from __future__ import annotations

import re
from typing import NoReturn

from wasihost._base.errors import RuleError
from wasihost._base.frozen import Frozen
from wasihost._network.names import ascii_name

ANY_PORT = range(0x10000)  # 0 too, which a bind to any free port asks for
# Texts: `re` compiles and keeps them when the first rule is read.
_TOKEN = r"->|(?:(?!->)[^ ])+"
_NUMBER = r"(?a:[1-9][0-9]{0,4})"
_PORTS = "a number from 1 to 65535, a range such as 8000-8099, or *"


class Word(Frozen):
    """A part of a rule, and its position."""

    text: str
    position: int

    def after(self, count: int) -> Word:
        """Without so many characters of its beginning."""
        return Word(self.text[count:], self.position + count)

    def before(self, count: int) -> Word:
        """So many characters of its beginning."""
        return Word(self.text[:count], self.position)


class RuleText:
    """A rule on its way through a parser: its text, and the words that are left of it."""

    def __init__(self, rule: str, expected: str, token: str = _TOKEN) -> None:
        if not isinstance(rule, str):
            raise RuleError(f"rule {rule!r}: expected a string: {expected}")
        self.text = rule
        self.words = [Word(found[0], found.start()) for found in re.finditer(token, rule)]

    def takes(self, text: str) -> bool:
        """Whether the next word is this one, which is gone then."""
        if not (self.words and self.words[0].text == text):
            return False
        del self.words[0]
        return True

    def next(self, expected: str) -> Word:
        """The next word."""
        if not self.words:
            self.fail(Word("", len(self.text)), expected)
        return self.words.pop(0)

    def end(self, expected: str) -> None:
        """There is no other word."""
        if self.words:
            self.fail(self.words[0], expected)

    def fail(self, word: Word, expected: str) -> NoReturn:
        """Raises the RuleError for a word."""
        raise RuleError.at(self.text, word.position, word.text, expected)

    def name(self, word: Word, expected: str) -> str:
        """A name, or `*.example.com`, in the form in which names are compared."""
        below = "*." if word.text.startswith("*.") else ""
        name = word.after(len(below))
        try:
            return below + ascii_name(name.text).removesuffix(".")
        except ValueError:
            wrong = re.search(r"[\x00-,/:-@[-^`{-\x7f]", name.text)  # the characters of ASCII that no name has
            self.fail(name.after(wrong.start()) if wrong else name, expected)

    def ports(self, word: Word) -> range:
        """The ports that `80`, `8000-8099` or `*` means."""
        if word.text == "*":
            return ANY_PORT
        first, dash, _ = word.text.partition("-")
        low = self.port(word.before(len(first)))
        high = self.port(word.after(len(first) + 1)) if dash else low
        if high < low:
            self.fail(word.after(len(first) + 1), f"a port from {low} on")
        return range(low, high + 1)

    def port(self, word: Word, expected: str = _PORTS) -> int:
        """One port."""
        if not re.fullmatch(_NUMBER, word.text) or int(word.text) > 0xFFFF:
            wrong = re.search("[^0-9]", word.text)
            found = word.after(wrong.start()) if wrong else word
            self.fail(found, "* for any free port" if word.text == "0" else expected)
        return int(word.text)
