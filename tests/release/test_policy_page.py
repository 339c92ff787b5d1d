"""docs/how-to/policy.md: what it shows works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from wasihost import RuleError, Rules
from wasihost._commands import policy_options
from wasihost._commands.parsing import Parser
from wasihost._policy import SocketAddressUse
from wasihost._policy.reach import NOT_PUBLIC, PUBLIC_WITHIN
from wasihost._policy.ruletext import SETS

PAGE = (Path(__file__).parents[2] / "docs/how-to/policy.md").read_text(encoding="utf-8")
OPTIONS = [text for text in re.findall("`(--[^`]+)`", PAGE) if "-outbound " in text or "-inbound " in text]


def _rules() -> list[str]:
    """Rules that stand in a line of their own."""
    return re.findall(r"^    ((?:tcp|udp)://.* -> .*)$", PAGE, re.MULTILINE)


def test_the_options_of_the_page_are_understood() -> None:
    assert len(OPTIONS) >= 6
    for text in OPTIONS:
        parser = Parser()
        policy_options.add_to(parser)
        policy_options.policy(parser.parse_args(shlex.split(text.replace("RULE", "tcp://*:*"))))


def test_the_rules_of_the_page_are_rules() -> None:
    assert len(_rules()) == 2
    Rules(_rules())


def test_the_error_of_the_page_is_what_is_raised() -> None:
    shown = re.search(r"```\n(rule '(.*?)'.*?)```", PAGE, re.DOTALL)
    assert shown
    with pytest.raises(RuleError) as caught:
        Rules([shown[2]])
    assert str(caught.value) == shown[1].rstrip("\n")


def test_the_sets_and_uses_of_the_page_are_all_there_are() -> None:
    for name, networks in SETS.items():
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
        assert all(network.removesuffix("/128") in row for network in networks)
    assert all(f"`{use.value}`" in PAGE for use in SocketAddressUse)


def test_the_page_has_all_that_is_not_public() -> None:
    table = PAGE.partition("### Public addresses")[2].partition("\n###")[0]
    listed = set(re.findall(r"`([0-9a-f][0-9a-f.:/]+)`", table))
    assert listed == {*NOT_PUBLIC, *PUBLIC_WITHIN, "2000::/3", "64:ff9b::/96"}
