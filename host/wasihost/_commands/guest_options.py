"""The options of commands that run a guest, and the `Host` that they describe."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from wasihost._base.errors import ConfigError
from wasihost._commands import (
    fault_options,
    file_options,
    limit_options,
    policy_options,
    provider_options,
    recording_options,
)
from wasihost._commands.ending import Ending
from wasihost._commands.fault_options import Faults
from wasihost._commands.logs import warnings_printed
from wasihost._commands.parsing import Parser, add_compiled, add_no_cache, add_plug, add_wasip2, cache, pair
from wasihost._host.host import Host
from wasihost._wasi.cli.readiness import descriptor

if TYPE_CHECKING:
    import ssl

    from wasihost._policy.learning import Learner

TOPICS = ("rules", "limits", "faults", "exit-codes", "cache")
"""Those that explain the options."""


GROUPS = ("guest", "network", "files", "limits", "observe", "reproduce", "component")
"""The headings of the options in their order."""


def add_to(parser: Parser) -> None:
    """Gives the parser the options."""
    guest, network, *_ = map(parser.group, GROUPS)
    file_options.add_to(parser)
    policy_options.add_to(parser)
    limit_options.add_to(parser)
    recording_options.add_to(parser)
    network.add_argument(
        "--add-host",
        action="append",
        type=pair,
        default=[],
        metavar="NAME=ADDRESS",
        help="resolve NAME to ADDRESS for the guest; may be repeated, also for one name",
    )
    guest.add_argument(
        "--env",
        action="append",
        type=_environment_variable,
        default=[],
        metavar="NAME[=VALUE]",
        help="set an environment variable of the guest, which sees none of this process, or give it this one; "
        "may be repeated, of one name the last counts",
    )
    network.add_argument(
        "--https-ca",
        metavar="FILE",
        help="verify servers to which the guest sends requests by https with these roots, as PEM, not the system's",
    )
    guest.add_argument("--inherit-env", action="store_true", help="give the guest all variables of this process")
    parser.group("reproduce").add_argument(
        "--seed", type=int, metavar="N", help="make all random numbers the same in every run; they are not secure then"
    )
    provider_options.add_to(parser)
    fault_options.add_to(parser)
    add_plug(parser)
    add_wasip2(parser)
    add_compiled(parser)
    add_no_cache(parser)
    parser.group("limits").add_argument(
        "--grace",
        type=seconds,
        default=5.0,
        metavar="SECONDS",
        help="end at most so many seconds after SIGTERM, whatever the guest does; 5 by default",
    )


def seconds(text: str) -> float:
    """A number of seconds."""
    with contextlib.suppress(ValueError):
        found = float(text)
        if 0 <= found <= 1_000_000:
            return found
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 1,000,000")


def _environment_variable(text: str) -> tuple[str, str | None]:
    return pair(text) if "=" in text or not text else (text, os.environ.get(text))


def host(
    arguments: argparse.Namespace, ending: Ending, *, replayed: recording_options.Replayed | None = None, **own: Any
) -> tuple[Host, Learner | None]:
    """The Host that the options describe, and the learner of a policy; `own` are parameters that the command sets.

    `replayed`: what is played back to it, by default the recording that the options name.

    Errors: WasihostError.
    """
    learner = policy_options.learner(arguments)
    replayed = replayed or recording_options.replayed(arguments)
    limits, quotas = limit_options.limits(arguments)
    network = replayed.network
    files = replayed.files or file_options.file_systems(arguments)
    if arguments.fault:
        if arguments.replay is not None:
            raise ConfigError("--fault: a recording is played back as it was; leave out --replay")
        faults = Faults(arguments.fault)
        network = faults.of_network(network)
        files = faults.of_files(files)
        ending.enter(faults.reported())
    made = Host(
        policy=policy_options.policy(arguments),
        on_decision=learner,
        network=network,
        quotas=quotas,
        recording=ending.enter(recording_options.recording(arguments)),
        host_names=_host_names(arguments),
        http=replayed.http,
        tls=_tls(arguments),
        files=files,
        env=_env(arguments),
        stdout=descriptor(sys.stdout),
        stderr=descriptor(sys.stderr),
        seed=replayed.seed,
        providers=ending.enter(provider_options.provided(arguments)),
        wasip2=arguments.wasip2,
        limits=limits,
        cache=cache(arguments),
        **own,
    )
    return made, learner


@contextlib.contextmanager
def printing(ending: Ending, learner: Learner | None) -> Iterator[None]:
    """Meanwhile prints refusals and messages of guests on stderr, and at the end the rules that were learned."""
    ending.enter(policy_options.learned_printed(learner))
    with (
        policy_options.refusals_printed(),
        warnings_printed("wasihost.files"),
        provider_options.guest_messages_printed(),
    ):
        yield


def _tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    if arguments.https_ca is None:
        return None
    from wasihost._http.tls import client_context

    return client_context(ca=arguments.https_ca)


def _env(arguments: argparse.Namespace) -> dict[str, str]:
    inherited = dict(os.environ) if arguments.inherit_env else {}
    return inherited | {name: value for name, value in arguments.env if value is not None}


def _host_names(arguments: argparse.Namespace) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, address in arguments.add_host:
        found.setdefault(name.lower(), []).append(address)
    return found
