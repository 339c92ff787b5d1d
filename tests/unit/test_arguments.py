"""A wrong argument of `Host` is an error at once, which names it and says what is expected."""

from __future__ import annotations

import io
import re
import sys
from collections import UserDict
from typing import Any

import pytest

from wasihost import Cache, ConfigError, Host, OsNetwork, VirtualClock

FILE = "expected a file descriptor, a file object"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("args", "one two", "args: expected a list of str, such as ['one', 'two'], got 'one two'"),
        ("args", ["one", 2], "args: expected a list of str, such as ['one', 'two'], got 2 among them"),
        ("cache", True, "cache: expected a Cache, got True"),
        ("clock", 3, "clock: expected a Clock, got 3"),
        ("cwd", b"/", "cwd: expected a str, got b'/'"),
        ("env", {"A": 1}, "env: expected a dict of str to str, such as {'NAME': 'value'}, got {'A': 1}"),
        ("env", ["A=1"], "env: expected a dict of str to str"),
        ("files", ["data"], "files: expected a dict of names to directories"),
        ("files", "data", "files: expected a dict of names to directories"),
        ("forbidden_headers", "host", "forbidden_headers: expected a collection of names"),
        ("gc", 1, "gc: expected True or False, got 1"),
        ("host_names", ["db"], "host_names: expected a dict of names to addresses"),
        ("http", ["api"], "http: expected a dict of hosts to handlers"),
        ("limits", {"fuel": 1}, "limits: expected Limits(...), got {'fuel': 1}"),
        ("network", OsNetwork, "network: expected a Network, got <class"),
        ("on_decision", "log", "on_decision: expected a callable, got 'log'"),
        ("providers", [1], "providers: expected a dict of interfaces to providers"),
        ("quotas", {"connections": 1}, "quotas: expected Quotas(...), got"),
        ("recording", "run.jsonl", "recording: expected a Recording, got 'run.jsonl'"),
        ("resolver", {}, "resolver: expected a callable, got {}"),
        ("seed", True, "seed: expected an int, got True"),
        ("stdin", "text", "stdin: expected bytes, a file descriptor"),
        ("stdout", "x", f"stdout: {FILE}"),
        ("stderr", io.StringIO, f"stderr: {FILE}"),
        ("tls", "ca.pem", "tls: expected an ssl.SSLContext, got 'ca.pem'"),
    ],
)
def test_a_wrong_argument_is_a_type_error_that_names_it(name: str, value: Any, message: str) -> None:
    with pytest.raises(
        TypeError,
        match=re.escape(
            message.replace("['one', 'two']", '["one", "two"]').replace("{'NAME': 'value'}", '{"NAME": "value"}')
        ),
    ):
        Host(**{name: value})


def test_an_unknown_host_of_wasi_0_2_is_a_config_error() -> None:
    wrong: Any = "Native"
    with pytest.raises(ConfigError, match='wasip2: expected "python", "native" or None, got \'Native\''):
        Host(wasip2=wrong)


def test_every_form_that_is_documented_is_taken() -> None:
    Host(
        args=(word for word in ["a", "b"]),
        cache=Cache(),
        clock=VirtualClock(),
        env=UserDict({"A": "1"}),
        files={},
        stdin=lambda n: b"",
        stdout=io.StringIO(),
        stderr=sys.stderr,
    )
    Host(stdin=io.BytesIO(b"x"), stdout=1, stderr=print)
    Host(stdin=bytearray(b"x"), network=OsNetwork())
