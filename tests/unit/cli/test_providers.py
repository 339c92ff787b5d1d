"""wasi:cli as a whole: every function of the WIT has its method, and the interfaces without streams."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from tests.tools import wasm_tools
from wasihost.component.values import Err, Ok, camel_case, snake_case
from wasihost.errors import GuestExit
from wasihost.wasi.cli import ErrorCode, providers
from wasihost.wasi.cli.environment import Environment
from wasihost.wasi.cli.exit import Exit
from wasihost.wasi.cli.terminal import TerminalStderr, TerminalStdin, TerminalStdout

WIT = json.loads(wasm_tools("component", "wit", "--json", Path(__file__).parents[3] / "wit"))
CLI = next(package for package in WIT["packages"] if package["name"].startswith("wasi:cli@"))
INTERFACES = {
    f"wasi:cli/{name}": WIT["interfaces"][number] for name, number in CLI["interfaces"].items() if name != "run"
}


def test_every_imported_interface_has_a_provider() -> None:
    assert providers().keys() == INTERFACES.keys()


@pytest.mark.parametrize("name", INTERFACES)
def test_a_provider_has_the_functions_of_its_interface_in_its_order(name: str) -> None:
    assert _methods(providers()[name]) == [snake_case(function) for function in INTERFACES[name]["functions"]]


@pytest.mark.parametrize("name", INTERFACES)
def test_a_provider_has_the_types_of_its_interface(name: str) -> None:
    provider = providers()[name]
    for type_name, number in INTERFACES[name]["types"].items():
        if _kind(number) == "resource":
            assert isinstance(getattr(provider, camel_case(type_name)), type)
        else:
            assert getattr(provider, "wit_types", {})[type_name] is ErrorCode


def test_error_codes_are_those_of_the_wit() -> None:
    (enum,) = (found["kind"]["enum"] for found in WIT["types"] if found["name"] == "error-code" and _is_cli(found))
    assert [code.value for code in ErrorCode] == [case["name"] for case in enum["cases"]]


def test_the_guest_sees_the_environment_it_was_given() -> None:
    environment = Environment({"A": "1", "B": ""}, ["prog", "-x"], "/home")
    assert environment.get_environment() == [("A", "1"), ("B", "")]
    assert environment.get_arguments() == ["prog", "-x"]
    assert environment.get_initial_cwd() == "/home"


def test_the_guest_sees_nothing_of_this_process_by_default() -> None:
    environment = providers()["wasi:cli/environment"]
    assert isinstance(environment, Environment)
    assert (environment.get_environment(), environment.get_arguments()) == ([], [])
    assert environment.get_initial_cwd() is None


@pytest.mark.parametrize(("status", "code"), [(Ok(), 0), (Err(), 1)])
def test_exit_raises_the_code_of_its_status(status: Ok | Err, code: int) -> None:
    with pytest.raises(GuestExit) as caught:
        Exit().exit(status)
    assert caught.value.code == code


def test_exit_with_code_raises_that_code() -> None:
    with pytest.raises(GuestExit) as caught:
        Exit().exit_with_code(42)
    assert caught.value.code == 42


def test_there_is_no_terminal() -> None:
    assert TerminalStdin().get_terminal_stdin() is None
    assert TerminalStdout().get_terminal_stdout() is None
    assert TerminalStderr().get_terminal_stderr() is None


def _methods(provider: object) -> list[str]:
    """Its public methods in the order of their definition."""
    found = (item for cls in reversed(type(provider).__mro__) for item in vars(cls).items())
    return [name for name, value in found if inspect.isfunction(value) and not name.startswith("_")]


def _kind(number: int) -> Any:
    kind = WIT["types"][number]["kind"]
    while isinstance(kind, dict) and isinstance(kind.get("type"), int):
        kind = WIT["types"][kind["type"]]["kind"]
    return kind


def _is_cli(found: Any) -> bool:
    owner = found["owner"]
    return isinstance(owner, dict) and owner.get("interface") == CLI["interfaces"]["types"]
