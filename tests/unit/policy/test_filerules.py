"""Rules for files: their text, which paths they match, and what they say of a directory that is moved."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasihost._base.errors import RuleError
from wasihost._base.globs import Glob, literal, parts
from wasihost._policy import FileUse, PolicyContext, Rules, Verdict, all_of, allow_all, any_of, deny_all
from wasihost._policy.asking import Asker
from wasihost._policy.policy import file_policy, verdict_of

READ, WRITE, MOVE = FileUse
CONTEXT = PolicyContext()


def _says(policy: object, path: str, use: FileUse) -> Verdict:
    judge = file_policy(policy)  # type: ignore[arg-type]  # for tests that give something else
    assert judge is not None
    answer = judge(path, use, CONTEXT)
    assert isinstance(answer, bool | Verdict)
    return verdict_of(answer, policy)


def _allowed(rules: list[str], path: str) -> str:
    """The uses that rules allow."""
    return " ".join(use.value for use in FileUse if _says(Rules(files=rules), path, use))


# ---- patterns


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("/data/**", ["/data", "/data/x", "/data/a/b"], ["/", "/database", "data/x", "/x/data"]),
        ("/data/*", ["/data/x"], ["/data", "/data/a/b"]),
        ("/data", ["/data"], ["/data/x"]),
        ("/data/", ["/data"], ["/data/x"]),
        ("**/.git/**", ["/.git", "/a/.git", "/a/b/.git/config", ".git/x"], ["/a/.github", "/a/git"]),
        ("/*.txt", ["/a.txt", "/.txt"], ["/a.txt/b", "/a_txt"]),
        ("/a?c", ["/abc", "/a\nc"], ["/ac", "/abbc"]),
        ("/a/**/z", ["/a/z", "/a/b/z", "/a/b/c/z"], ["/a", "/z", "/a/zz"]),
        ("**", ["/", "/x", ".", "x/y"], []),
        ("/**", ["/", "/x"], [".", "x"]),
        ("data/**", ["data", "data/x", "./data/x"], ["/data"]),
        ("*", ["x"], ["/", ".", "x/y"]),
        (".", ["."], ["/", "x"]),
        ("/a[bc].+", ["/a[bc].+"], ["/ab", "/a[bc]xx"]),
        ("/with space", ["/with space"], ["/with"]),
    ],
)
def test_a_pattern_matches(pattern: str, matching: list[str], others: list[str]) -> None:
    glob = Glob(pattern)
    found = [path for path in matching + others if glob.matches(parts(path))]
    assert found == matching


_NAMES = st.lists(st.sampled_from(["a", "b", "ab"]), max_size=5).map(tuple)


@given(st.lists(st.sampled_from(["a", "*", "?b", "**"]), max_size=5), _NAMES)
def test_a_pattern_matches_what_a_regular_expression_of_it_does(pattern: list[str], names: tuple[str, ...]) -> None:
    words = {"**": "([^/]+/)*", "*": "[^/]+/", "?b": "[^/]b/", "a": "a/"}
    expected = re.fullmatch("".join(words[each] for each in pattern), "".join(f"{name}/" for name in names))
    assert Glob("/".join(pattern)).matches(names) == (expected is not None)


def test_the_pattern_of_a_path_matches_it() -> None:
    for path in ("/a/*x", "/a\nb", "/", ".", "x/y"):
        assert Glob(literal(path)).matches(parts(path))


# ---- rules


def test_a_rule_is_for_reading_or_writing_or_both() -> None:
    assert _allowed(["read /d/**"], "/d/x") == "read"
    assert _allowed(["write /d/**"], "/d/x") == "write"
    assert _allowed(["/d/**"], "/d/x") == "read write move"
    assert _allowed(["read /d/**", "write /d/**"], "/d/x") == "read write move"


def test_what_no_rule_allows_is_refused() -> None:
    assert _says(Rules(files=["read /d/**"]), "/e", READ) == Verdict(False)


def test_a_rule_that_denies_wins_and_is_named() -> None:
    rules = Rules(files=["/d/**", "deny write /d/a", "deny **/.git/**"])
    assert _says(rules, "/d/.git/config", READ) == Verdict(False, "deny **/.git/**")
    assert (bool(_says(rules, "/d/a", READ)), bool(_says(rules, "/d/a", WRITE))) == (True, False)


def test_rules_that_only_deny_leave_the_rest_as_it_is_given() -> None:
    assert _allowed(["deny **/.git/**"], "/d/x") == "read write move"
    assert _allowed(["deny **/.git/**"], "/d/.git") == ""


def test_rules_without_any_for_files_say_nothing_of_them() -> None:
    assert Rules(outbound=["tcp://*:*"]).may_use_file is None
    assert not Asker(Rules()).asks_about_files
    assert not Asker(deny_all).asks_about_files


def test_allow_all_is_asked_about_files_only_if_somebody_listens() -> None:
    assert not Asker(allow_all).asks_about_files
    assert Asker(allow_all, on_decision=lambda _: None).asks_about_files


@pytest.mark.parametrize(
    ("rule", "position"),
    [("", 0), ("read", 4), ("deny", 4), ("deny read ", 10), ("read /x ", 5)],
)
def test_a_rule_that_cannot_be_understood_is_pointed_at(rule: str, position: int) -> None:
    with pytest.raises(RuleError, match="'read PATTERN'") as caught:
        Rules(files=[rule])
    assert caught.value.position == position


def test_a_list_is_expected() -> None:
    with pytest.raises(RuleError, match=r"files='/x': expected a list of rules"):
        Rules(files="/x")
    with pytest.raises(RuleError, match="rule 7: expected a string"):
        Rules(files=[7])  # type: ignore[list-item]


# ---- directories that are moved


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        (["/d/**"], True),
        (["/d/*"], False),  # what is below /d/a is not allowed
        (["/d/**", "deny /d/a/secret/**"], False),  # it would be readable under another name
        (["/d/**", "deny /d/b/secret/**"], True),
        (["/d/**", "deny **/.git/**"], True),  # which it denies wherever it is
        (["/d/**", "deny **/a/secret"], False),
        (["/d/**", "deny **/a"], False),
        (["read /d/**", "write /d/b/**"], False),
        (["deny /x"], True),
        (["deny /d/*/x"], False),
    ],
)
def test_a_directory_may_be_moved_if_no_rule_says_otherwise_of_what_is_in_it(rules: list[str], allowed: bool) -> None:
    assert bool(_says(Rules(files=rules), "/d/a", MOVE)) is allowed


_PATTERNS = st.lists(st.sampled_from(["a", "b", "*", "**"]), min_size=1, max_size=4).map("/".join)
_RULES = st.lists(st.tuples(st.sampled_from(["", "read ", "write ", "deny ", "deny read "]), _PATTERNS).map("".join))
_BELOW = [names for size in range(3) for names in itertools.product("ab", repeat=size)]


@given(_RULES, st.sampled_from(["a", "b", "a/b"]), st.sampled_from(["a", "b", "b/a"]))
def test_a_move_gives_no_right_that_there_was_not_before(rules: list[str], old: str, new: str) -> None:
    policy = Rules(files=["deny nothing", *rules])
    if _says(policy, old, MOVE) and _says(policy, new, MOVE):
        for below, use in itertools.product(_BELOW, (READ, WRITE)):
            before = _says(policy, "/".join([old, *below]), use)
            after = _says(policy, "/".join([new, *below]), use)
            assert bool(before) >= bool(after)


# ---- policies of other kinds


def _not_at_night(path: str, use: FileUse, context: PolicyContext) -> bool:
    return use is READ


def test_a_callable_may_stand_in_the_place_of_rules() -> None:
    assert _says(Rules(files=_not_at_night), "/x", READ)
    assert not _says(Rules(files=_not_at_night), "/x", WRITE)


class _Mine:
    def __call__(self, address: object, use: object, context: object) -> bool:
        return False

    def may_use_file(self, path: str, use: FileUse, context: PolicyContext) -> bool:
        return path.startswith("/mine")


def test_all_of_allows_what_all_that_speak_of_files_allow() -> None:
    both = all_of(Rules(files=["read **"]), _Mine(), Rules(outbound=["tcp://*:*"]))
    assert [bool(_says(both, path, READ)) for path in ("/mine", "/yours")] == [True, False]
    assert not _says(both, "/mine", WRITE)
    assert file_policy(all_of(Rules(), deny_all)) is None


def test_any_of_allows_what_one_of_them_allows() -> None:
    either = any_of(Rules(files=["read /a"]), _Mine(), Rules())
    assert [bool(_says(either, path, READ)) for path in ("/mine", "/a", "/yours")] == [True, True, False]
    assert file_policy(any_of(Rules())) is None
