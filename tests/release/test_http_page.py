"""docs/how-to/http.md: its options are those of the parser, its tables true."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from wasihost import Host
from wasihost._commands.cli import parser

PAGE = (Path(__file__).parents[2] / "docs/how-to/http.md").read_text(encoding="utf-8")


def test_the_options_of_the_page_are_those_of_the_command() -> None:
    known = {option.name for option in parser().commands["serve"].options()}
    named = set(re.findall(r"`(?:wasihost serve )?(--[a-z-]+)", PAGE))
    assert named <= known


def test_the_table_has_the_parameters_of_serve() -> None:
    of_answering = set(inspect.signature(Host.answering).parameters) - {"self", "component"}
    of_serve = set(inspect.signature(Host.serve).parameters) - {"self", "component", "options"}
    assert {name for name in of_answering | of_serve if f"`{name}`" not in PAGE} == set()
