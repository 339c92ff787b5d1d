"""errno -> error-code, held against the vendored WIT."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from wasihost._wasi.p3.sockets.errors import Code, ErrorCode, error_code

WIT = (Path(__file__).parents[5] / "wit/0.3/deps/sockets.wit").read_text()
VARIANT = WIT[WIT.index("variant error-code {") : WIT.index("enum ip-address-family")]
CASES = {value.case: value for value in vars(ErrorCode).values() if isinstance(value, type) and issubclass(value, Code)}


def _posix_equivalents() -> list[tuple[str, str]]:
    found = re.findall(r"POSIX equivalent: (.*)\n\s+([a-z-]+),", VARIANT)
    return [(name, case) for names, case in found for name in re.findall(r"E[A-Z]+", names)]


def _wit_cases() -> list[str]:
    return re.findall(r"^    ([a-z-]+)(?:\(.*\))?,$", VARIANT, re.MULTILINE)


def test_the_wit_has_the_lines_that_this_file_reads() -> None:
    assert len(_posix_equivalents()) == 25
    assert len(_wit_cases()) == 15


@pytest.mark.parametrize(("name", "case"), _posix_equivalents())
def test_every_posix_equivalent_of_the_wit_is_mapped(name: str, case: str) -> None:
    if not hasattr(errno, name):
        pytest.skip(f"this platform has no {name}")
    assert error_code(OSError(getattr(errno, name), "")).case == case


@pytest.mark.parametrize("name", ["EISCONN", "ENOTCONN", "EALREADY"])
def test_wrong_states_of_the_system_are_invalid_state(name: str) -> None:
    assert error_code(OSError(getattr(errno, name), "")) == ErrorCode.InvalidState()


def test_everything_else_is_other_with_the_text_of_the_system() -> None:
    assert error_code(OSError(errno.EMFILE, "mine")) == ErrorCode.Other(os.strerror(errno.EMFILE))


def test_an_error_without_number_is_other_with_its_own_text() -> None:
    assert error_code(OSError("no number")) == ErrorCode.Other("no number")


def test_an_error_without_anything_is_other_without_text() -> None:
    assert error_code(OSError()) == ErrorCode.Other(None)


def test_there_is_one_class_per_case_of_the_wit() -> None:
    assert list(CASES) == _wit_cases()


@pytest.mark.parametrize("case", _wit_cases())
def test_class_names_are_camel_case_of_the_wit(case: str) -> None:
    assert issubclass(getattr(ErrorCode, case.title().replace("-", "")), Code)
