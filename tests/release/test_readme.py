"""What README.md and two pages of docs/how-to show is in files that run, and prints what the pages say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import wasmtime

from examples.embedding import instantiate
from tests.processes import run
from wasihost import ResourceTable

ROOT = Path(__file__).parents[2]


def _blocks(page: str) -> list[tuple[str, str]]:
    """The language and the text of each block of code in a page."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def _example(name: str) -> subprocess.CompletedProcess[str]:
    return run("-W", "error", f"examples/{name}")


def _console(command: str) -> str:
    """What README.md shows for a command line."""
    text = "".join(text for word, text in _blocks("README.md") if word == "console")
    found = re.search(rf"^\$ {re.escape(command)}\n(.*?)(?=^\$ |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"README.md shows no {command}"
    return found[1]


@pytest.mark.parametrize(
    ("page", "example"), [("docs/how-to/running.md", "echo.py"), ("docs/how-to/embedding.md", "embedding.py")]
)
def test_the_snippet_is_the_example(page: str, example: str) -> None:
    assert ("python", (ROOT / "examples" / example).read_text()) in _blocks(page)


def test_the_echo_example_prints_what_follows_it() -> None:
    blocks = _blocks("docs/how-to/running.md")
    position = blocks.index(("python", (ROOT / "examples/echo.py").read_text()))
    done = _example("echo.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert blocks[position + 1] == ("", done.stdout)


def test_the_refused_command_prints_what_is_shown() -> None:
    component = "guest-fixtures/prebuilt/rust-echo-server.wasm"
    done = run("-m", "wasihost", "run", component)
    assert done.stderr == _console(f"wasihost run {component}")
    assert done.returncode == int(_console("echo $?"))


def test_the_embedding_example_runs() -> None:
    done = _example("embedding.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "both versions work\n", "")


def test_the_linker_of_the_embedding_example_has_the_sync_methods() -> None:
    engine, table = wasmtime.Engine(), ResourceTable()
    store = wasmtime.Store(engine)
    wasm = wasmtime.wat2wasm(Path(__file__).with_name("hop-limit.wat").read_text())
    instance = instantiate(engine, store, bytes(wasm), table)
    hop_limit = instance.get_func(store, "hop-limit")
    assert hop_limit is not None
    assert hop_limit(store) > 0
    assert len(table) == 0


def test_the_key_value_example_answers_the_guest() -> None:
    done = _example("keyvalue.py")
    assert (done.returncode, done.stderr) == (0, "")
    for line in (
        "set apple: revision 2",
        'get apple: "green"',
        'get cherry: not-found("cherry")',
        'open nowhere: not-found("nowhere")',
        'list "": banana = "yellow" revision 1',
        'list "a": end',
        "watch: 3 keys, 0 unread",
    ):
        assert line in done.stdout.splitlines()


@pytest.mark.slow
def test_the_demo_goes_well() -> None:
    done = _example("demo.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nAll went well." in done.stdout
    in_order = [
        "$ wasihost serve --tmpfs /notes --record report.html guest-fixtures/prebuilt/rust-notes.wasm\n",
        "Serving HTTP on http://127.0.0.1:",
        "kept today\n",
        "buy milk\n",
        "not published: ErrorCode::HttpRequestDenied\n",
        "no rule allows it (--allow-http 'POST http://archive.example/today')\n",
        "as a page for your browser: ",
    ]
    assert re.search(".*".join(map(re.escape, in_order)), done.stdout, re.DOTALL), done.stdout
