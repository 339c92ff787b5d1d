"""The help, by command and by topic; hints for words that are unknown; exit codes."""

from __future__ import annotations

import pytest

from wasihost._base.bounds import bounds
from wasihost._base.errors import ConfigError, GuestExit, GuestTrap, LimitError, LinkError
from wasihost._base.limits import Limits
from wasihost._commands import exits, guest_options
from wasihost._commands.cli import COMMANDS, main, parser
from wasihost._commands.ending import Ended
from wasihost._commands.exits import exit_code_of
from wasihost._commands.topics import TOPICS, text_of
from wasihost._http.limits import ServerLimits
from wasihost._network.faults.fault import CALLS, FIELDS
from wasihost._network.quotas import Quotas

Capture = pytest.CaptureFixture[str]


def printed(capsys: Capture, *words: str) -> str:
    """What a command prints that works."""
    assert main(words) == 0
    return capsys.readouterr().out


def help_of(capsys: Capture, *words: str) -> str:
    """What `--help` prints, which ends the process."""
    with pytest.raises(SystemExit, match="0"):
        main(words)
    return capsys.readouterr().out


def refused(capsys: Capture, *words: str) -> str:
    """The last line but one of a wrong command line: the message."""
    with pytest.raises(SystemExit, match="2"):
        main(words)
    return capsys.readouterr().err.splitlines()[-2]


def test_the_options_of_run_are_grouped() -> None:
    titles = [title for title, _ in parser().commands["run"].sections()]
    assert titles[2:] == [*guest_options.GROUPS]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_and_a_command_print_what_its_option_does(capsys: Capture, command: str) -> None:
    assert help_of(capsys, "help", command) == help_of(capsys, command, "--help")


def test_help_alone_prints_all_commands_and_topics(capsys: Capture) -> None:
    out = help_of(capsys, "help")
    listed = {line.split()[0] for line in out.splitlines() if line.startswith("  ")}
    assert {*COMMANDS, *TOPICS} <= listed


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_fits_a_terminal(capsys: Capture, topic: str) -> None:
    assert printed(capsys, "help", topic) == text_of(topic)
    assert max(map(len, text_of(topic).splitlines())) <= 80


@pytest.mark.parametrize(("topic", "owner"), [("limits", Limits), ("limits", Quotas), ("server-limits", ServerLimits)])
def test_a_topic_has_every_limit(topic: str, owner: type) -> None:
    first = [line.split()[0] for line in text_of(topic).splitlines() if line.startswith("  ")]
    assert [name for name in bounds(owner) if name.replace("_", "-") not in first] == []


def test_a_topic_has_every_call_that_can_go_wrong_and_every_option() -> None:
    first = {line.split()[0] for line in text_of("faults").splitlines() if line.startswith("  ")}
    assert {*CALLS, *(name.replace("_", "-") for name in FIELDS[2:])} <= first


def test_every_topic_that_a_command_names_exists() -> None:
    epilogs = [each.epilog for each in parser().commands.values() if each.epilog]
    named = {topic for text in epilogs for topic in text.removeprefix("more: wasihost help ").split("|")}
    assert named <= {*TOPICS}


def test_an_unknown_topic_has_a_hint(capsys: Capture) -> None:
    assert main(["help", "rulez"]) == 2
    assert capsys.readouterr().err == "wasihost: there is no command and no topic 'rulez'; did you mean rules?\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["inpsect", "x"], "wasihost: error: there is no command inpsect; did you mean inspect?"),
        (["walk"], "wasihost: error: there is no command walk"),
        (
            ["run", "--alow-net", "x.wasm"],
            "wasihost run: error: unrecognized argument --alow-net; did you mean --allow-net?",
        ),
        (["inspect", "x.wasm", "--wyh"], "wasihost inspect: error: unrecognized argument --wyh; did you mean --why?"),
        (["inspect", "x.wasm", "y.wasm"], "wasihost inspect: error: unrecognized argument y.wasm"),
    ],
)
def test_a_word_that_is_unknown_has_a_hint_if_another_is_near(capsys: Capture, words: list[str], message: str) -> None:
    assert refused(capsys, *words) == message


def test_a_limit_that_is_unknown_has_a_hint(capsys: Capture) -> None:
    assert main(["run", "--limit", "conections=1", "x.wasm"]) == 2
    assert capsys.readouterr().err.endswith("; did you mean connections?\n")


def test_help_and_messages_have_colours_only_where_they_may(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = help_of(capsys, "run", "--help")
    assert "\x1b[1mnetwork:\x1b[0m" in out
    assert "\x1b[36m--allow-net\x1b[0m" in out
    assert "\x1b[1;31mwasihost run: error:\x1b[0m" in refused(capsys, "run", "--no", "x.wasm")
    main(["help", "nothing"])
    assert capsys.readouterr().err.startswith("\x1b[1;31mwasihost:\x1b[0m there is no")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in help_of(capsys, "run", "--help")


# ---- exit codes


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GuestExit(7), 7),
        (Ended(15), 143),
        (GuestTrap("unreachable"), 134),
        (LimitError("too long", "run_time_s", 1.0), 124),
        (LimitError("too much", "fuel", 1), 124),
        (LimitError("too deep", "stack_bytes", 1), 134),
        (LimitError("too much", "memory_bytes", 1), 1),
        (ConfigError("wrong"), 2),
        (LinkError("missing"), 1),
        (BrokenPipeError(), 141),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_error_has_its_exit_code(error: BaseException, code: int) -> None:
    assert exit_code_of(error) == code
    assert isinstance(error, GuestExit) or str(code) in dict(exits.TABLE)
