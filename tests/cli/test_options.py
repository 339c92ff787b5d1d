"""Options of the command line are what the API has."""

from __future__ import annotations

from pathlib import Path

import pytest

from wasihost import ConfigError
from wasihost._commands import fault_options, file_options, serve_options
from wasihost._commands.cli import main, parser
from wasihost.files import Directory, Overlay
from wasihost.http import ServerLimits
from wasihost.network import Fault, OsNetwork


def test_a_directory_may_be_read_only_an_overlay_or_of_threads(tmp_path: Path) -> None:
    how = ["", "::ro", "::overlay", "::threads", "::ro,threads", "::overlay,threads"]
    words = [word for number, text in enumerate(how) for word in ("--dir", f"{tmp_path}::/{number}{text}")]
    files = file_options.file_systems(parser().parse_args(["run", *words, "guest.wasm"]))
    lower = [each.lower if isinstance(each, Overlay) else each for each in files.values()]
    assert all(isinstance(each, Directory) for each in lower)
    assert [each.read_only for each in lower] == [False, True, True, False, True, True]
    assert [each.may_wait for each in lower] == [False, False, False, True, True, True]
    assert [isinstance(each, Overlay) for each in files.values()] == [False, False, True, False, False, True]


def test_a_server_has_its_limits_from_the_command_line() -> None:
    words = ["--server-limit", "connections=7", "--server-limit", "body-bytes=1MiB", "--max-waiting", "3"]
    found = serve_options.for_serve(parser().parse_args(["serve", *words, "guest.wasm"]), lambda _: None)
    assert found["limits"] == ServerLimits(connections=7, body_bytes=1 << 20)
    assert found["max_waiting"] == 3


def test_a_limit_that_a_server_lacks_is_refused() -> None:
    arguments = parser().parse_args(["serve", "--server-limit", "run-time-s=1", "guest.wasm"])
    with pytest.raises(ConfigError, match="expected NAME=NUMBER, where NAME is one of head-bytes"):
        serve_options.for_serve(arguments, lambda _: None)


# ---- faults


def test_a_fault_is_words() -> None:
    texts = {
        "connect ECONNREFUSED nth=3": Fault("connect", "ECONNREFUSED", nth=3),
        "receive stall seconds=0.5 after-bytes=0": Fault("receive", "stall", seconds=0.5, after_bytes=0),
        "file-read EIO path=/data/**": Fault("file-read", "EIO", path="/data/**"),
        "connect ETIMEDOUT address=127.0.0.1:1": Fault("connect", "ETIMEDOUT", address="127.0.0.1:1"),
    }
    words = [word for text in texts for word in ("--fault", text)]
    assert parser().parse_args(["run", *words, "guest.wasm"]).fault == [*texts.values()]


@pytest.mark.parametrize("text", ["", "connect", "connect ENOTHING", "connect EIO nth=x", "connect EIO twice=2"])
def test_a_wrong_fault_is_named(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["run", "--fault", text, "guest.wasm"])
    assert f"argument --fault: {text!r}" in capsys.readouterr().err


def test_faults_are_of_the_network_and_of_each_tree_and_reported_at_the_end(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    planned = [Fault("socket", "EMFILE", nth=1), Fault("file-read", "EIO", nth=3)]
    faults = fault_options.Faults(planned)
    with faults.reported():
        network = faults.of_network(OsNetwork())
        files = faults.of_files({"/a": Directory(tmp_path), "/b": Directory(tmp_path)})
        with pytest.raises(OSError, match="as planned"):
            network.tcp_socket(4)
    assert list(files) == ["/a", "/b"]
    assert capsys.readouterr().err.splitlines() == [
        "wasihost: struck: --fault 'socket EMFILE nth=1 socket=1'",
        "wasihost: never struck: --fault 'file-read EIO nth=3'",
    ]
