"""The options of `wasihost run` for its policy, and what it prints of what the policy decides."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wasihost._base.errors import RuleError
from wasihost._policy import Decision, Policy, Rules, allow_all

if TYPE_CHECKING:
    from wasihost._policy.learning import Learner

USAGE = """\
[--allow-net | --allow-outbound RULE ... --allow-inbound RULE ...
                     --allow-resolve NAME ... | --learn-policy]
                    [--deny-outbound RULE ...] [--deny-inbound RULE ...] [--deny-resolve NAME ...]
                    [--allow-files FILES ...] [--deny-files FILES ...]
                    [--allow-http REQUESTS ...] [--deny-http REQUESTS ...]"""

HELP = """\
The guest may use no network unless it is allowed here. What is refused is told in a line on stderr, with the option
that would allow it; --learn-policy tells which options a run needs. A RULE is SCHEME://HOST:PORT:
  SCHEME  tcp, udp, or * for both
  HOST    an IP address (IPv6 in brackets), a network such as 10.0.0.0/8 or [fd00::/8], * for any, or one of
          public, loopback, private, link-local and multicast
  PORT    a number, a range such as 8000-8099, or * for any
  --allow-outbound 'tcp://[::1]:*' --allow-outbound tcp://10.0.0.0/8:443
  --allow-outbound udp://10.0.0.1:53     to send there, and to receive what comes from there
  --allow-outbound tcp://api.example.com:443
                                         to look the name up, and to connect to what the guest was told for it
  --allow-outbound 'tcp://db:5432 -> 127.0.0.1:15432'
                                         the same, but what is for db goes to that address
  --allow-inbound tcp://127.0.0.1:8080   to listen there, and to accept from anybody
  --allow-inbound 'tcp://*:8080 from=private'
                                         to listen there, and to accept from these
  --allow-inbound udp://127.0.0.1:8080   to bind there, and to receive from anybody; --allow-outbound lets it answer
  --allow-outbound '*://public:*' --allow-resolve '*'
                                         to use the Internet, and not your network
  --allow-net --deny-outbound '*://private:*'
                                         a rule that denies wins over all that allow
A NAME is a host name, *.example.com for every name below example.com, or * for every name.

The guest may use all files in the directories that --dir gives, unless rules narrow that. FILES is
[read|write] PATTERN, of the guest's paths: ** is any number of parts, * any text in one, ? any character.
  --allow-files 'read /data/**' --allow-files 'write /data/out/**'
                                         to do only this
  --deny-files '**/.git/**'              to do all else, or what the rules that allow say

REQUESTS is [METHOD,...] URL, of the requests that the guest sends with wasi:http; * in a path is any text:
  --allow-http 'GET https://api.example.com/v1/*'
                                         to look the name up, and to connect there for such a request
  --allow-net --deny-http 'DELETE *'     to do all else
docs/how-to/policy.md has it all.
"""

_DIRECTIONS = {
    "outbound": ("RULE", "connecting and sending to these addresses"),
    "inbound": ("RULE", "listening and receiving on these addresses"),
    "resolve": ("NAME", "looking up these names"),
    "files": ("FILES", "reading or writing these files, of those given"),
    "http": ("REQUESTS", "sending these requests of HTTP"),
}


def add_to(parser: argparse.ArgumentParser) -> None:
    """Gives the parser the options."""
    parser.add_argument("--allow-net", action="store_true", help="allow every use of the network, and every name")
    for verb, more in (("allow", ""), ("deny", ", whatever allows it")):
        for direction, (word, what) in _DIRECTIONS.items():
            option = f"--{verb}-{direction}"
            text = f"{verb} {what}{more}; may be repeated"
            parser.add_argument(option, action="append", default=[], metavar=word, help=text)
    parser.add_argument(
        "--learn-policy",
        action="store_true",
        help="allow everything, and at the end print on stderr the fewest of these options that the run needed",
    )


def policy(arguments: argparse.Namespace) -> Policy:
    """The policy that they say. Errors: RuleError."""
    allow = [getattr(arguments, f"allow_{direction}") for direction in _DIRECTIONS]
    deny = [[f"deny {rule}" for rule in getattr(arguments, f"deny_{direction}")] for direction in _DIRECTIONS]
    if arguments.learn_policy:
        if arguments.allow_net or any(allow + deny):
            raise RuleError("--learn-policy allows everything: leave out the rules beside it")
        return allow_all
    if arguments.allow_net:
        *of_network, files, http = allow
        if any(of_network):
            raise RuleError("--allow-net allows every use of the network: leave it out, or the rules that allow some")
        if not any(allow + deny):
            return allow_all
        allow = [["*://*:*"], ["*://*:*"], ["*"], files, http]
    return Rules(*(some + others for some, others in zip(allow, deny, strict=True)))


class _Refusals(logging.Handler):
    """Tells what the policy refuses: each that another option would allow once, and not without end."""

    MOST = 50  # a stranger with many addresses shall not fill a disk

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told: set[tuple[object, ...] | None] = set()

    def emit(self, record: logging.LogRecord) -> None:
        decision: Decision | None = getattr(record, "decision", None)
        about = None if decision is None else (decision.use, decision.rule, decision.flag)
        if about not in self._told and len(self._told) >= self.MOST:
            about = None
        if about not in self._told:
            self._told.add(about)
            print(f"wasihost: {decision if about else 'more was refused, which is not told'}", file=sys.stderr)


@contextlib.contextmanager
def refusals_told() -> Iterator[None]:
    """Meanwhile what a policy refuses is told on stderr."""
    logger = logging.getLogger("wasihost.policy")
    handler = _Refusals()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def learner(arguments: argparse.Namespace) -> Learner | None:
    """Who learns what the run needs, if that was asked for."""
    if not arguments.learn_policy:
        return None
    from wasihost._policy.learning import Learner  # for who learns

    return Learner()


@contextlib.contextmanager
def told_at_the_end(learned: Learner | None) -> Iterator[None]:
    """What a learner has learned, also if the guest fails or is interrupted."""
    try:
        yield
    finally:
        if learned is not None:
            flags = learned.flags
            rules = f"these rules:\n{flags}" if flags else "no rules"
            print(f"wasihost: this run needed {rules}", file=sys.stderr)
