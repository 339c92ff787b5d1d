"""The options of `wasihost run` for its policy, and its lines about refusals."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wasihost._base.errors import RuleError
from wasihost._commands.logs import handled
from wasihost._commands.messages import WARNING, say
from wasihost._commands.parsing import Parser
from wasihost._policy import Decision, Policy, Rules, allow_all

if TYPE_CHECKING:
    from wasihost._policy.learning import Learner

_DIRECTIONS = {
    "outbound": ("network", "RULE", "connecting and sending to these addresses"),
    "inbound": ("network", "RULE", "listening and receiving on these addresses"),
    "resolve": ("network", "NAME", "looking up these names"),
    "files": ("files", "FILES", "reading or writing these files, of those given"),
    "http": ("network", "REQUESTS", "sending these requests of HTTP"),
}


def add_to(parser: Parser) -> None:
    """Gives the parser the options."""
    parser.group("network").add_argument(
        "--allow-net", action="store_true", help="allow every use of the network, and every name"
    )
    for verb, more in (("allow", ""), ("deny", ", whatever allows it")):
        for direction, (group, word, what) in _DIRECTIONS.items():
            option = f"--{verb}-{direction}"
            text = f"{verb} {what}{more}; may be repeated"
            parser.group(group).add_argument(option, action="append", default=[], metavar=word, help=text)
    parser.group("observe").add_argument(
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
    """Prints refusals: those that one option would allow once, and not without end."""

    MOST = 50  # a stranger with many addresses shall not fill a disk

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._printed: set[tuple[object, ...] | None] = set()

    def emit(self, record: logging.LogRecord) -> None:
        decision: Decision | None = getattr(record, "decision", None)
        about = None if decision is None else (decision.use, decision.rule, decision.flag)
        if about not in self._printed and len(self._printed) >= self.MOST:
            about = None
        if about not in self._printed:
            self._printed.add(about)
            say(str(decision) if about else "more was refused, which is not printed", WARNING)


def refusals_printed() -> contextlib.AbstractContextManager[None]:
    """Meanwhile the refusals of a policy are printed on stderr."""
    return handled("wasihost.policy", _Refusals())


def learner(arguments: argparse.Namespace) -> Learner | None:
    """A learner of the rules that the run needs, if the options ask for it."""
    if not arguments.learn_policy:
        return None
    from wasihost._policy.learning import Learner

    return Learner()


@contextlib.contextmanager
def learned_printed(learned: Learner | None) -> Iterator[None]:
    """At the end prints the rules that were learned, also if the guest fails or is interrupted."""
    try:
        yield
    finally:
        if learned is not None:
            say(f"this run needed {'these' if learned.flags else 'no'} rules{':' if learned.flags else ''}")
            if learned.flags:
                print(learned.flags, file=sys.stderr)
