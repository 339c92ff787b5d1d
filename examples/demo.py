"""The first minute with wasihost, `make demo`: a service in WebAssembly, with files in memory, and a request refused.

It types the commands of a first minute and shows their output. The guest is guest-fixtures/rust/notes, written in Rust.
The exit code is 0 if everything went as it should.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path

ROOT = Path(__file__).parents[1]
GUEST = "guest-fixtures/prebuilt/rust-notes.wasm"
HINT = "--allow-http 'POST http://archive.example/today'"
IS_WATCHED = sys.stdout.isatty()
HAS_SCREEN = IS_WATCHED and (sys.platform == "darwin" or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()))
PATIENCE_S = 60  # for a line of the server, on a machine that compiles slowly


def say(text: str) -> None:
    print(text, flush=True)


def pause(seconds: float) -> None:
    """Leaves time to read, on a terminal."""
    if IS_WATCHED:
        time.sleep(seconds)


def type_in(command: str) -> None:
    pause(0.8)
    say(f"\n$ {command}")


class Server:
    """`wasihost serve`, with the lines that it prints."""

    def __init__(self, *words: str) -> None:
        command = [sys.executable, "-m", "wasihost", "serve", "--addr", "127.0.0.1:0", *words]
        self._process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self.line("Serving HTTP on ").split()[-1]

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._lines.put(line.rstrip("\n"))

    def line(self, words: str) -> str:
        """Shows its output up to the line with these words, which it returns."""
        while words not in (line := self._lines.get(timeout=PATIENCE_S)):
            say(line)
        say(line)
        return line

    def stop(self) -> int:
        """Ends it in order, if it has not ended; gives its exit code."""
        self._process.terminate()
        self._reader.join()
        return self._process.wait(PATIENCE_S)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def curl(method: str, url: str, content: str = "") -> str:
    """Asks the server, and shows it as the command that would."""
    options = {"PUT": f"-X PUT --data '{content}' ", "POST": "-X POST ", "GET": ""}[method]
    type_in(f"curl {options}{url}")
    request = urllib.request.Request(url, method=method, data=content.encode() if method != "GET" else None)
    try:
        with urllib.request.urlopen(request) as response:
            answer = response.read()
    except urllib.error.HTTPError as refusal:
        answer = refusal.read()
    say(answer.decode().rstrip("\n"))
    return str(answer.decode())


def main() -> int:
    report = Path(tempfile.mkdtemp()) / "report.html"
    say("A service in WebAssembly gets a directory in memory, and nothing else.")
    type_in(f"wasihost serve --tmpfs /notes --record report.html {GUEST}")
    with Server("--tmpfs", "/notes", "--record", str(report), GUEST) as server:
        went_well = [
            curl("PUT", f"{server.url}today", "buy milk") == "kept today\n",
            server.line("PUT") != "",
            curl("GET", f"{server.url}today") == "buy milk",
            server.line("GET") != "",
        ]
        say("\nIt tries to send the note to archive.example. No rule allows that:")
        went_well += [
            "HttpRequestDenied" in curl("POST", f"{server.url}today"),
            HINT in server.line("refused"),
            server.line("POST") != "",
        ]
        type_in("kill %1")
        went_well.append(server.stop() == 0)
    say(f"\nAll that the guest did, as a page for your browser: {report}")
    went_well.append(report.exists())
    if HAS_SCREEN:
        webbrowser.open(report.as_uri())
    say("\nAll went well. Next: docs/tutorial/index.md" if all(went_well) else "\nSomething went wrong.")
    return 0 if all(went_well) else 1


if __name__ == "__main__":
    sys.exit(main())
