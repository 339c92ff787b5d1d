"""Rules for the files of guests: `[deny] [read|write] PATTERN`.

    Rules(files=["read /data/**", "write /data/out/**", "deny **/.git/**"])

Giving a directory is the permission; rules narrow it. A rule without `read` or `write` is for both. One that denies
wins over all that allow; if no rule allows anything, every use that none denies is allowed. `globs` has the patterns.

A directory that is moved takes along all below it, which is not known in advance. So FileUse.MOVE is allowed
where reading and writing are allowed to all that may be there, and no rule denies something there that it would not
deny in another place, as `deny **/.git/**` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wasihost._base.errors import RuleError
from wasihost._base.frozen import Frozen
from wasihost._base.globs import Glob, parts
from wasihost._policy.policy import REFUSED, FileUse, PolicyContext, Verdict

_FORM: Final = "'read PATTERN', 'write PATTERN' or 'PATTERN', such as /data/**"
_BOTH: Final = (FileUse.READ, FileUse.WRITE)
_GIVEN: Final = Verdict(True, "the directory given")


class FileRule(Frozen):
    """One parsed rule, and the verdict that it gives."""

    verdict: Verdict
    uses: tuple[FileUse, ...]
    glob: Glob

    def allows(self, path: Sequence[str], wanted: FileUse, with_all_below: bool) -> bool:
        """Whether a rule that allows does so here."""
        return wanted in self.uses and self.glob.matches(path) and (self.glob.takes_all_below or not with_all_below)

    def denies(self, path: Sequence[str], wanted: Sequence[FileUse], with_all_below: bool) -> bool:
        """Whether a rule that denies does so here."""
        if not any(use in self.uses for use in wanted):
            return False
        return self.glob.matches(path) or (with_all_below and self.glob.depends_on(path))


class FileRules:
    """A policy for files made of rules."""

    def __init__(self, rules: Sequence[FileRule]) -> None:
        self._allow = [rule for rule in rules if rule.verdict.allowed]
        self._deny = [rule for rule in rules if not rule.verdict.allowed]

    def __call__(self, path: str, use: FileUse, context: PolicyContext) -> Verdict:
        """Whether these rules allow the use of a guest's path."""
        names = parts(path)
        moves = use is FileUse.MOVE
        wanted = _BOTH if moves else (use,)
        for rule in self._deny:
            if rule.denies(names, wanted, moves):
                return rule.verdict
        if not self._allow:
            return _GIVEN
        verdict = REFUSED
        for each in wanted:
            allowing = next((rule for rule in self._allow if rule.allows(names, each, moves)), None)
            if allowing is None:
                return REFUSED
            verdict = allowing.verdict
        return verdict


def parse_file_rule(rule: str) -> FileRule:
    """Parses a rule for files. Errors: RuleError."""
    if not isinstance(rule, str):
        raise RuleError(f"rule {rule!r}: expected a string: {_FORM}")
    denial, rest = _word(rule, ("deny",))
    verb, pattern = _word(rest, ("read", "write"))
    if not pattern or pattern != pattern.strip(" "):
        raise RuleError.at(rule, len(rule) - len(pattern), pattern, _FORM)
    uses = (FileUse(verb),) if verb else _BOTH
    return FileRule(Verdict(not denial, rule), uses, Glob(pattern))


def _word(text: str, words: tuple[str, ...]) -> tuple[str, str]:
    """The first word, if it is one of these, and the rest."""
    first, _, rest = text.partition(" ")
    return (first, rest.lstrip(" ")) if first in words else ("", text)
