"""What is no component, or none that can be linked: the right class of error, and what is wrong in its message."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import wasmtime

from tests.guests.harness import PREBUILT, fails
from wasihost import ComponentError, Host, LinkError, UnsupportedTypeError, WasihostError
from wasihost._base import errors

ECHO_SERVER = PREBUILT / "rust-echo-server.wasm"
CORE_MODULE = bytes(wasmtime.wat2wasm("(module)"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not WebAssembly"),
        (b"#!/bin/sh\n", "not WebAssembly"),
        (b"\x7fELF\2\1\1\0", "not WebAssembly"),
        (b"(component)", "not WebAssembly"),
        (CORE_MODULE, "is a core module, not a component"),
        (b"\0asm", "not a component of a known version"),
        (b"\0asm\x0e\0\1\0", "not a component of a known version"),
    ],
)
def test_what_is_no_component_is_told_with_the_name_of_the_file(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(content)
    with pytest.raises(ComponentError, match=re.escape(message)) as caught:
        Host().load(path)
    assert str(path) in str(caught.value)


def test_bytes_are_named_the_component() -> None:
    with pytest.raises(ComponentError, match=r"^the component is a core module"):
        Host().load(CORE_MODULE)


def test_how_to_make_a_component_of_a_core_module_is_reported() -> None:
    with pytest.raises(ComponentError, match="wasm-tools component new"):
        Host().load(CORE_MODULE)


@pytest.mark.parametrize(("export", "adapter"), [("_start", "command"), ("_initialize", "reactor")])
def test_the_adapter_that_a_core_module_needs_is_named(export: str, adapter: str) -> None:
    module = f'(module (import "wasi_snapshot_preview1" "sched_yield" (func)) (func (export "{export}")))'
    with pytest.raises(
        ComponentError, match=rf"--adapt wasi_snapshot_preview1=wasi_snapshot_preview1\.{adapter}\.wasm"
    ):
        Host().load(bytes(wasmtime.wat2wasm(module)))


@pytest.mark.parametrize("part", [0.01, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_a_component_error_with_its_name(part: float, tmp_path: Path) -> None:
    whole = ECHO_SERVER.read_bytes()
    path = tmp_path / "cut.wasm"
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(ComponentError, match=r"complete|not a valid component") as caught:
        Host().load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_file_is_a_component_error_or_still_a_component(seed: int) -> None:
    damaged = bytearray(ECHO_SERVER.read_bytes())
    for step in range(5):
        damaged[8 + (seed * 7919 + step * 104729) % (len(damaged) - 8)] ^= 0xFF
    try:
        Host().load(bytes(damaged))
    except WasihostError as error:
        assert isinstance(error, ComponentError | UnsupportedTypeError)  # noqa: PT017


@pytest.mark.parametrize("content", [b"(component", b"\xff\xfe", b""])
def test_text_that_is_no_component_is_a_component_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "guest.wat"
    path.write_bytes(content)
    with pytest.raises(ComponentError, match=re.escape(str(path))):
        Host().load(path)


def test_a_missing_file_is_an_os_error() -> None:
    with pytest.raises(FileNotFoundError):
        Host().load("no-such-file.wasm")


def component(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


IMPORTS = component("""(component
  (import "a:b/one@1.0.0" (instance (export "f" (func)) (export "g" (func (param "x" u8)))))
  (import "a:b/two" (instance (export "h" (func async))))
  (import "plain" (func (result string)))
  (import "a:b/types" (instance (type (record (field "x" u8))) (export "r" (type (eq 0))))))""")


async def test_every_import_that_nobody_provides_is_listed_with_its_functions() -> None:
    async def open_it() -> None:
        async with Host().open(IMPORTS):
            pass

    message = str(await fails(open_it(), LinkError))
    assert "a:b/one@1.0.0 (f, g)" in message
    assert "a:b/two (h)" in message
    assert "(plain)" in message
    assert "a:b/types" not in message


async def test_what_is_no_command_cannot_be_run() -> None:
    error = await fails(Host().run_async(component("(component)")), LinkError)
    assert "it exports nothing" in str(error)


async def test_an_empty_component_can_be_opened() -> None:
    async with Host().open(component("(component)")) as instance:
        await fails(instance.call("f"), LookupError)


async def test_a_component_that_traps_when_it_starts_is_reported() -> None:
    starting = component("""(component
      (core module $m (func $start unreachable) (start $start))
      (core instance (instantiate $m)))""")

    async def open_it() -> None:
        async with Host().open(starting):
            pass

    error = await fails(open_it(), errors.GuestTrap)
    assert "unreachable" in str(error)


def test_every_error_for_embedders_is_a_wasihost_error() -> None:
    names = """ComponentError LinkError UnsupportedTypeError RuleError ProviderError LimitError GuestTrap GuestExit
        DeadlockError InternalError""".split()
    assert all(issubclass(getattr(errors, name), WasihostError) for name in names)
