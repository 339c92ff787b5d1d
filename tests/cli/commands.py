"""Tiny command components, made of text."""

from __future__ import annotations

import wasmtime


def command(body: str, imports: str = "", core_imports: str = "", instance: str = "") -> bytes:
    """A component whose `run` is `body`: it leaves 0 for ok or 1 for err, or never returns.

    `imports` are a component's, `instance` lists core functions made of them as `(export …)`, and `core_imports` takes
    them into the core module.
    """
    return bytes(
        wasmtime.wat2wasm(f"""(component
          {imports}
          (core module $code
            {core_imports}
            (func (export "run") (result i32) {body}))
          (core instance $host {instance})
          (core instance $code (instantiate $code (with "host" (instance $host))))
          (type $run (func async (result (result))))
          (func $run (type $run) (canon lift (core func $code "run")))
          (instance $exports (export "run" (func $run)))
          (export "wasi:cli/run@0.3.0" (instance $exports)))""")
    )


OK, ERR = command("i32.const 0"), command("i32.const 1")
TRAP = command("unreachable")
# Reads a future whose other end it holds itself.
WAIT_FOR_EVER = command(
    "(drop (call $read (i32.wrap_i64 (call $new)) (i32.const 0))) i32.const 0",
    "(type $future (future)) (core func $new (canon future.new $future)) (core func $read (canon future.read $future))",
    '(import "host" "new" (func $new (result i64))) (import "host" "read" (func $read (param i32 i32) (result i32)))',
    '(export "new" (func $new)) (export "read" (func $read))',
)
# Asks for its arguments, and does not look at them.
ARGUMENTS = command(
    "(call $get (i32.const 0)) i32.const 0",
    """(import "wasi:cli/environment@0.3.0" (instance $environment
        (export "get-arguments" (func (result (list string))))))
      (core module $libc
        (memory (export "memory") 1) (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
      (core instance $libc (instantiate $libc))
      (alias core export $libc "memory" (core memory $memory))
      (alias core export $libc "realloc" (core func $realloc))
      (core func $get
        (canon lower (func $environment "get-arguments") (memory $memory) (realloc (core func $realloc))))""",
    '(import "host" "get" (func $get (param i32)))',
    '(export "get" (func $get))',
)


def exit_with(code: int, interface: str = "wasi:cli/exit@0.3.0") -> bytes:
    """A component that exits with a code."""
    return command(
        f"(call $exit (i32.const {code})) unreachable",
        f"""(import "{interface}" (instance $exit (export "exit-with-code" (func (param "status-code" u8)))))
          (core func $exit-with-code (canon lower (func $exit "exit-with-code")))""",
        '(import "host" "exit" (func $exit (param i32)))',
        '(export "exit" (func $exit-with-code))',
    )


def importing(interface: str) -> bytes:
    """A component that imports a function `f` of an interface."""
    return command("i32.const 0", f'(import "{interface}" (instance (export "f" (func))))')
