"""The scripts of `wasihost completion`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from wasihost._commands.cli import COMMANDS, main, parser


def script(capsys: pytest.CaptureFixture[str], shell: str) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_has_every_command_and_option(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    text = script(capsys, shell)
    options = [option for each in parser().commands.values() for option in each.options()]
    assert len(options) > 50
    spelled = {option.name.lstrip("-") if shell == "fish" else option.name for option in options}
    assert {word for word in (*COMMANDS, *spelled) if word not in text} == set()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["ins"], ["inspect"]),
        (["run", "--allow-n"], ["--allow-net"]),
        (["run", "guest.wasm", "--tra"], ["--trace"]),
        (["serve", "--work"], ["--workers"]),
        (["help", "ru"], ["rules"]),
        (["completion", "f"], ["fish"]),
    ],
)
def test_bash_completes_commands_options_and_topics(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], found: list[str]
) -> None:
    (tmp_path / "script").write_text(script(capsys, "bash"), encoding="utf-8")
    typed = " ".join(["wasihost", *words])
    lines = f'. ./script; COMP_WORDS=({typed}); COMP_CWORD={len(words)}; _wasihost; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", lines], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == found
