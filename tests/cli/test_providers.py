"""`--config`, `--keyvalue`, `--logging` and `--provider`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import PREBUILT, Cli
from wasihost import ConfigError
from wasihost._commands.cli import main, parser
from wasihost._commands.provider_options import provided
from wasihost.providers import SqliteBucket

CLOUD = PREBUILT / "rust-cloud.wasm"
READY = ("--config", "greeting=hello", "--config", "empty=", "--keyvalue", "kv.db", "--logging")


@pytest.mark.slow
def test_ready_providers_serve_a_guest(cli: Cli) -> None:
    done = cli("run", *READY, CLOUD)
    assert (done.code, done.out.splitlines()[-1]) == (0, "ok logging")
    assert done.err.splitlines()[0] == "wasihost: trace guest: message 0"
    assert done.err.splitlines()[-1] == "wasihost: info: two\\nlines"
    done = cli("run", *READY, "--env", "CASE=count", CLOUD)
    assert done.out == "1\nok count\n"
    bucket = SqliteBucket(cli.folder / "kv.db")
    assert dict(bucket) == {"count": b"1"}
    bucket.close()


def test_what_is_missing_is_named_with_its_option(cli: Cli) -> None:
    done = cli("run", CLOUD)
    assert done.code == 1
    assert [line.split(", see")[0] for line in done.err.splitlines()[-3:]] == [
        "wasihost: wasi:config is provided with --config",
        "wasihost: wasi:keyvalue is provided with --keyvalue",
        "wasihost: wasi:logging is provided with --logging",
    ]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the working directory."""
    (tmp_path / "my_providers.py").write_text(
        "class Api:\n    pass\nAPI = Api()\nALL = {'a:b/c': API}\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "my_providers", raising=False)
    return "my_providers"


def providers(*words: str) -> dict[str, object]:
    with provided(parser().parse_args(["run", *words, "guest.wasm"])) as found:
        return found


def test_a_provider_of_yours_is_an_object_a_class_or_a_mapping(module: str) -> None:
    found = providers("--provider", f"x:y/z@1.0.0={module}:API", "--provider", f"x:y/w={module}:Api")
    assert [(name, type(each).__name__) for name, each in found.items()] == [("x:y/z@1.0.0", "Api"), ("x:y/w", "Api")]
    assert found["x:y/z@1.0.0"] is providers("--provider", f"{module}:ALL")["a:b/c"]


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x:y/z=nothing", "expected [INTERFACE=]MODULE:NAME, such as my:pkg/api=main:Api"),
        ("x:y/z=no_such_module:Api", "No module named 'no_such_module'"),
        ("x:y/z=my_providers:Nothing", "module 'my_providers' has no attribute 'Nothing'"),
        ("my_providers:Api", "Api is no mapping from interfaces: put the interface before it"),
    ],
)
def test_a_provider_that_is_not_there_is_named(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        providers("--provider", text)
    assert str(raised.value) == f"--provider {text!r}: {error}"


def test_inspect_takes_them_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ("--config", "a=b", "--keyvalue", f"other={tmp_path}/kv.db", "--logging")
    assert main(["inspect", "--no-cache", *words, str(CLOUD)]) == 0
    assert "// It will run: everything is provided." in capsys.readouterr().out
