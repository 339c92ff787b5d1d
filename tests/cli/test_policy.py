"""`wasihost run` and the network: what is refused is told with the option that would allow it, or is learned."""

from __future__ import annotations

import logging
import shlex
import signal
from ipaddress import ip_address

import pytest

from tests.cli.conftest import PREBUILT, Cli
from tests.cli.test_run import ECHO_CLIENT, ECHO_SERVER, listening
from tests.processes import TIMEOUT_S
from wasihost._commands import policy_options
from wasihost._network.base import Address
from wasihost._policy import Decision, SocketAddressUse

RESOLVE, TCP_CLIENT, STREAMS = (PREBUILT / f"rust-{name}.wasm" for name in ("resolve", "tcp-client", "tcp-streams"))
NET_P2, UDP_P2 = PREBUILT / "rust-p2-net.wasm", PREBUILT / "rust-p2-udp.wasm"


def _told(err: str) -> list[str]:
    return [line.removeprefix("wasihost: ") for line in err.splitlines() if line.startswith("wasihost: ")]


# ---- what is refused


def test_a_refused_call_is_told_in_one_line_with_the_option_that_would_allow_it(cli: Cli) -> None:
    done = cli("run", "--env", "ADDRESS=192.0.2.1:443", TCP_CLIENT)
    assert done.code == 1
    assert _told(done.err) == [
        "refused tcp-connect to 192.0.2.1:443: no rule allows it (--allow-outbound tcp://192.0.2.1:443)"
    ]


def test_a_refused_call_of_a_guest_of_0_2_is_told_as_well(cli: Cli) -> None:
    done = cli("run", "--env", "CASE=connect", "--env", "ADDRESS=192.0.2.1:443", NET_P2)
    assert _told(done.err)[:-1] == [
        "refused tcp-connect to 192.0.2.1:443: no rule allows it (--allow-outbound tcp://192.0.2.1:443)"
    ]
    assert "PermissionDenied" in done.err
    done = cli("run", "--env", "CASE=localhost", UDP_P2)
    assert _told(done.err)[0] == "refused resolve of localhost: no rule allows it (--allow-resolve localhost)"


@pytest.mark.slow
def test_the_option_that_is_told_allows_it(cli: Cli) -> None:
    server = cli.start("run", "--allow-net", "--env", "CONNECTIONS=1", ECHO_SERVER)
    address = listening(server)
    [line] = _told(cli("run", "--env", f"ADDRESS={address}", ECHO_CLIENT).err)
    option = shlex.split(line.partition("(")[2].rstrip(")"))
    assert cli("run", *option, "--env", f"ADDRESS={address}", ECHO_CLIENT).code == 0
    assert server.wait(TIMEOUT_S) == 0


def test_a_refused_name_is_reported(cli: Cli) -> None:
    done = cli("run", "--env", "CASE=print", "--env", "NAME=DB.test", RESOLVE)
    assert _told(done.err) == ["refused resolve of db.test: no rule allows it (--allow-resolve db.test)"]


def test_a_rule_that_denies_is_reported(cli: Cli) -> None:
    done = cli("run", "--allow-net", "--deny-outbound=*://192.0.2.0/24:*", "--env=ADDRESS=192.0.2.1:443", TCP_CLIENT)
    assert _told(done.err) == ["refused tcp-connect to 192.0.2.1:443: deny *://192.0.2.0/24:* refuses it"]


@pytest.mark.slow
def test_each_refusal_is_told_once(cli: Cli) -> None:
    told = _told(cli("run", "--env", "CASE=denied", PREBUILT / "rust-tcp-states.wasm").err)
    assert told
    assert len(told) == len(set(told))


def _log(number: int) -> None:
    sender = Address(ip_address(number), 9)
    local = Address(ip_address("127.0.0.1"), 53)
    decision = Decision(use=SocketAddressUse.UDP_RECEIVE, address=sender, allowed=False, local=local)
    logging.getLogger("wasihost.policy").warning("%s", decision, extra={"decision": decision})


def test_a_flood_of_strangers_is_told_of_only_so_often(capsys: pytest.CaptureFixture[str]) -> None:
    with policy_options.refusals_printed():
        for number in range(1000, 2000):
            _log(number)
            _log(number)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 51
    assert lines[-1] == "wasihost: more was refused, which is not printed"
    _log(1)
    assert capsys.readouterr().err == ""


def test_refusals_that_were_only_counted_are_told_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    with policy_options.refusals_printed():
        for _ in range(3):
            _log(1)
            logging.getLogger("wasihost.policy").warning("refused %d more uses within a second", 7)
        _log(2)
    lines = capsys.readouterr().err.splitlines()
    assert ["udp" in line for line in lines] == [True, False, True]
    assert lines[1] == "wasihost: more was refused, which is not printed"


# ---- rules that deny


@pytest.mark.slow
def test_everything_can_be_allowed_but_for_some(cli: Cli) -> None:
    server = cli.start("run", "--allow-net", "--env", "CONNECTIONS=1", ECHO_SERVER)
    address = listening(server)
    options = ["--allow-net", "--deny-outbound", "tcp://loopback:*"]
    assert cli("run", *options, "--env", f"ADDRESS={address}", ECHO_CLIENT).code == 1
    options = ["--allow-net", "--deny-outbound", "udp://*:*", "--deny-inbound", "*://*:*", "--deny-resolve", "*"]
    assert cli("run", *options, "--env", f"ADDRESS={address}", ECHO_CLIENT).code == 0
    assert server.wait(TIMEOUT_S) == 0


@pytest.mark.parametrize("verb", ["allow", "deny"])
def test_an_allowing_option_takes_rules_that_deny_too(cli: Cli, verb: str) -> None:
    rule = "deny tcp://*:*" if verb == "allow" else "tcp://*:*"
    done = cli("run", "--allow-inbound=tcp://127.0.0.1:*", f"--{verb}-inbound", rule, ECHO_SERVER)
    assert _told(done.err) == ["refused tcp-bind to 127.0.0.1:0: deny tcp://*:* refuses it"]


def test_a_bad_rule_is_pointed_at(cli: Cli) -> None:
    done = cli("run", "--allow-outbound", "tcp://db:http", TCP_CLIENT)
    assert done.code == 2
    _, rule, caret = done.err.splitlines()
    assert (rule, caret) == ("wasihost:     tcp://db:http", "wasihost:              ^")


# ---- rewriting


@pytest.mark.slow
def test_what_is_for_a_name_goes_where_the_rule_says(cli: Cli) -> None:
    server = cli.start("run", "--allow-net", "--env", "CONNECTIONS=1", ECHO_SERVER)
    rule = f"tcp://192.0.2.1:80 -> {listening(server)}"
    assert cli("run", "--allow-outbound", rule, "--env", "ADDRESS=192.0.2.1:80", ECHO_CLIENT).code == 0
    assert server.wait(TIMEOUT_S) == 0


# ---- learning


def _learned(err: str) -> list[str]:
    head, flags = err.splitlines()[-2:]
    assert head == "wasihost: this run needed these rules:"
    return shlex.split(flags)


@pytest.mark.slow
def test_what_a_run_needed_is_told_as_options_that_are_enough_and_none_too_many(cli: Cli) -> None:
    options = _learned(cli("run", "--learn-policy", STREAMS).err)
    assert options == ["--allow-outbound", "tcp://127.0.0.1:*", "--allow-inbound", "tcp://127.0.0.1:*"]
    assert cli("run", *options, STREAMS).code == 0
    for left_out in (0, 2):
        assert cli("run", *options[:left_out], *options[left_out + 2 :], STREAMS).code == 1


@pytest.mark.slow
def test_a_guest_of_0_2_is_learned_from_too(cli: Cli) -> None:
    words = ("--env", "CASE=all", UDP_P2)
    options = _learned(cli("run", "--learn-policy", *words).err)
    assert "udp://127.0.0.1:*" in options
    assert cli("run", *options, *words).code == 0


def test_an_interrupted_run_tells_what_it_needed(cli: Cli) -> None:
    server = cli.start("run", "--learn-policy", ECHO_SERVER)
    listening(server)
    server.send_signal(signal.SIGINT)
    _, err = server.communicate(timeout=TIMEOUT_S)
    assert server.returncode == 130
    assert _learned(err) == ["--allow-inbound", "tcp://127.0.0.1:*"]


def test_a_run_that_needed_nothing_says_so(cli: Cli) -> None:
    done = cli("run", "--learn-policy", PREBUILT / "rust-clocks.wasm")
    assert done.err.splitlines()[-1] == "wasihost: this run needed no rules"


@pytest.mark.parametrize("rule", ["--allow-net", "--allow-resolve=db", "--deny-outbound=tcp://*:1"])
def test_rules_beside_learning_are_refused(cli: Cli, rule: str) -> None:
    done = cli("run", "--learn-policy", rule, ECHO_SERVER)
    assert (done.code, "--learn-policy allows everything" in done.err) == (2, True)
