"""`wasihost serve`: what it prints, what it answers, and how it ends."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import PREBUILT, Cli
from tests.processes import TIMEOUT_S
from wasihost._commands import serve
from wasihost._commands.cli import main
from wasihost._http.answering import Answered

HTTP = PREBUILT / "rust-http.wasm"


def serving(cli: Cli, *options: str | Path, component: str | Path = HTTP) -> tuple[subprocess.Popen[str], str]:
    """A server, and its URL."""
    server = cli.start("serve", "--addr", "127.0.0.1:0", *options, component)
    watchdog = threading.Timer(TIMEOUT_S, server.kill)  # whatever is waited for ends then
    watchdog.daemon = True
    watchdog.start()
    assert server.stderr
    line = server.stderr.readline()
    found = re.fullmatch(r"Serving HTTP on (http://127\.0\.0\.1:\d+/)\n", line)
    assert found, line + server.stderr.read()
    return server, found[1]


def ask(url: str, case: str, **headers: str) -> tuple[int, bytes]:
    """Status and content of the answer to a GET."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers={"case": case} | headers), timeout=TIMEOUT_S
        ) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_a_line_of_the_access_log_is_written_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr("sys.stderr", type("Written", (), {"write": staticmethod(written.append)}))
    serve._print_answer(
        Answered(
            peer="10.0.0.1",
            method="GET",
            target="/",
            status=200,
            content_bytes=5,
            duration_ns=2_340_000,
            error=None,
        )
    )
    assert written == ["10.0.0.1 GET / 200 5 2.3ms\n"]


@pytest.mark.slow
def test_it_serves_until_sigterm(cli: Cli) -> None:
    server, url = serving(cli, "--allow-http", "http://api.test")
    assert ask(f"{url}a?b", "hello") == (200, b"hello")
    assert ask(url, "trap") == (500, b"500 Internal Server Error\n")
    server.send_signal(signal.SIGTERM)
    _, err = server.communicate(timeout=TIMEOUT_S)
    assert server.returncode == 0
    first, *others = err.splitlines()
    assert re.fullmatch(r"127\.0\.0\.1 GET /a\?b 200 5 \d+\.\dms", first)
    assert re.fullmatch(r"127\.0\.0\.1 GET / 500 26 \d+\.\dms", others[-1])
    assert "wasihost: GET /: no answer: internal-error" in others[0]
    assert "unreachable" in err


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once(cli: Cli) -> None:
    server, url = serving(cli, "--no-access-log")
    assert server.stderr
    asking = cli.start(url, program=["-c", ASKS_FOR_EVER])
    assert asking.stdout
    assert asking.stdout.readline() == "asked\n"
    server.send_signal(signal.SIGINT)
    server.send_signal(signal.SIGTERM)
    assert server.wait(TIMEOUT_S) in (130, 143)  # whichever the system delivers last


@pytest.mark.slow
def test_what_was_recorded_is_asked_again(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    server, url = serving(cli, "--record", "run.jsonl")
    assert ask(url, "hello") == (200, b"hello")
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=TIMEOUT_S)
    recorded = cli.folder / "run.jsonl"
    assert main(["serve", "--no-cache", "--replay", str(recorded), str(HTTP)]) == 0
    assert capsys.readouterr().err == "1 requests were answered as recorded\n"
    recorded.write_text(recorded.read_text().replace('"status": 200', '"status": 201'))
    assert main(["serve", "--no-cache", "--replay", str(recorded), str(HTTP)]) == 1
    assert "the status is 200, recorded 201" in capsys.readouterr().err


@pytest.mark.slow
def test_recorded_instances_with_files_and_requests_of_their_own_are_played_back_without_both(
    cli: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    (cli.folder / "notes").mkdir()
    notes = PREBUILT / "rust-notes.wasm"
    options = ("--allow-http", "http://127.0.0.1:1/*", "--env", "PUBLISH_TO=127.0.0.1:1")  # which refuses connections
    server, url = serving(
        cli, *options, "--dir", "notes::/notes", "--record", "run.jsonl", "--reuse", "2", component=notes
    )
    for method in ("PUT", "POST", "GET"):
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(urllib.request.Request(f"{url}one", b"text", method=method), timeout=TIMEOUT_S)
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=TIMEOUT_S)
    (cli.folder / "notes/one").unlink()
    recorded = cli.folder / "run.jsonl"
    assert main(["serve", "--no-cache", *options, "--replay", str(recorded), str(notes)]) == 0
    assert capsys.readouterr().err == "3 requests were answered as recorded\n"
    recorded.write_text(recorded.read_text().replace('"data": "text"', '"data": "next"'))
    assert main(["serve", "--no-cache", *options, "--replay", str(recorded), str(notes)]) == 1
    assert "the guest writes 0x74 at offset 0, recorded 0x6e" in capsys.readouterr().err


@pytest.mark.slow
def test_a_component_that_changes_is_served_anew(cli: Cli) -> None:
    (cli.folder / "app.wasm").write_bytes(HTTP.read_bytes())
    server, url = serving(cli, "--reload", "--no-access-log", component="app.wasm")
    assert server.stderr
    (cli.folder / "new.wasm").write_text("no component")
    (cli.folder / "new.wasm").rename(cli.folder / "app.wasm")
    assert "wasihost: app.wasm is not" in server.stderr.readline()
    assert ask(url, "hello") == (200, b"hello")
    (cli.folder / "new.wasm").write_bytes(HTTP.read_bytes())
    (cli.folder / "new.wasm").rename(cli.folder / "app.wasm")
    assert any("the component has changed, and serves from now on" in line for line in server.stderr)
    assert ask(url, "hello") == (200, b"hello")


@pytest.mark.slow
def test_workers_share_a_socket_and_end_together(cli: Cli) -> None:
    server, url = serving(cli, "--workers", "2", "--record", "run.jsonl")
    assert [ask(url, "hello") for _ in range(4)] == [(200, b"hello")] * 4
    server.send_signal(signal.SIGINT)
    _, err = server.communicate(timeout=TIMEOUT_S)
    assert (server.returncode, len(err.splitlines())) == (0, 4)
    assert sorted(path.name for path in cli.folder.glob("run*")) == ["run-1.jsonl", "run-2.jsonl"]


@pytest.mark.slow
def test_middleware_is_asked_first(cli: Cli) -> None:
    gate = PREBUILT / "rust-http-gate.wasm"
    _, url = serving(cli, "--middleware", gate, "--middleware", gate)
    assert ask(url, "hello") == (500, b"500 Internal Server Error\n")
    assert ask(url, "hello", key="1") == (200, b"hello")


@pytest.mark.slow
def test_a_worker_that_fails_ends_the_others(cli: Cli) -> None:
    server, _ = serving(cli, "--workers", "2")
    found = subprocess.run(["pgrep", "-P", str(server.pid)], capture_output=True, text=True, check=True)
    [worker, _] = found.stdout.split()
    os.kill(int(worker), signal.SIGKILL)
    _, err = server.communicate(timeout=TIMEOUT_S)
    assert server.returncode == 137
    assert err == f"wasihost: worker {worker} ended with 137, and so do the others\n"


@pytest.mark.slow
def test_workers_end_when_their_parent_is_killed(cli: Cli) -> None:
    server, url = serving(cli, "--workers", "2")
    server.kill()
    _, err = server.communicate(timeout=TIMEOUT_S)  # to the end of its stderr, which the workers have open as well
    assert err == ""
    with pytest.raises(urllib.error.URLError, match="refused"):
        ask(url, "hello")


ASKS_FOR_EVER = """
import socket, sys, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
with socket.create_connection((url.hostname, url.port)) as connection:
    connection.sendall(b"POST / HTTP/1.1\\r\\nhost: a\\r\\ncase: copy\\r\\ncontent-length: 5\\r\\n\\r\\n1")
    connection.recv(1)  # the head of the answer
    print("asked", flush=True)
    while connection.recv(1000):
        pass
"""


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--addr", "localhost:8080", str(HTTP)], 2, "expected IP:PORT, such as 127.0.0.1:8080"),
        (["--addr", "127.0.0.1", str(HTTP)], 2, "expected IP:PORT, such as 127.0.0.1:8080"),
        (["--tls-key", "key.pem", str(HTTP)], 2, "give --tls-cert too"),
        (["--tls-cert", "nowhere.pem", str(HTTP)], 2, "TLS: nowhere.pem"),
        (["--addr", "127.0.0.1:1", "nowhere.wasm"], 1, "nowhere.wasm cannot be read"),
    ],
)
def test_what_cannot_be_served_is_an_error(
    options: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--no-cache", *options]) == code
    assert told in capsys.readouterr().err
