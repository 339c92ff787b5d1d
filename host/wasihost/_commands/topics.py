"""The texts of `wasihost help TOPIC`, at most 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import Final

from wasihost._base.bounds import bounds, shown
from wasihost._base.limits import Limits
from wasihost._commands import exits

_WIDTH = 80

_RULES = """\
The guest may use no network unless it is allowed here. For each refusal stderr
has a line with the option that would allow it; --learn-policy prints all
options that a run needs. A rule that denies wins over all that allow.

network: --allow-outbound, --allow-inbound, --deny-outbound, --deny-inbound:
A RULE is SCHEME://HOST:PORT.
  SCHEME  tcp, udp, or * for both
  HOST    an IP address (IPv6 in brackets), a network such as 10.0.0.0/8 or
          [fd00::/8], * for any, or one of public, loopback, private,
          link-local and multicast; outbound also a name
  PORT    a number, a range such as 8000-8099, or * for any
  --allow-outbound 'tcp://[::1]:*'       connect there
  --allow-outbound udp://10.0.0.1:53     send there, and receive from there
  --allow-outbound tcp://api.example.com:443
                                         look the name up, and connect to the
                                         addresses that it has
  --allow-outbound 'tcp://db:5432 -> 127.0.0.1:15432'
                                         the same, but connect to this address
  --allow-inbound tcp://127.0.0.1:8080   listen there, accept from any address
  --allow-inbound 'tcp://*:8080 from=private'
                                         listen there, accept from these
  --allow-inbound udp://127.0.0.1:8080   bind there, receive from any address;
                                         to answer, --allow-outbound too
  --allow-outbound '*://public:*' --allow-resolve '*'
                                         use the Internet, not your network
  --allow-net --deny-outbound '*://private:*'
                                         the same, by denying

names: --allow-resolve, --deny-resolve:
A NAME is a host name, *.example.com for every name below example.com, or * for
every name.

files: --allow-files, --deny-files:
The guest may use all files in the directories that --dir, --tmpfs and --zip
give, unless rules narrow that. FILES is [read|write] PATTERN, of the guest's
paths: ** is any number of parts, * any text in one, ? any character.
  --allow-files 'read /data/**' --allow-files 'write /data/out/**'
                                         only this
  --deny-files '**/.git/**'              all but this

requests: --allow-http, --deny-http:
REQUESTS is [METHOD,...] URL, for requests that the guest sends with wasi:http;
* in a path is any text.
  --allow-http 'GET https://api.example.com/v1/*'
                                         send these, which takes no other rule
  --allow-net --deny-http 'DELETE *'     all but these

The whole grammar: docs/how-to/policy.md.
"""

_VALUES = """\
With --invoke, arguments and results are JSON:
  bool, numbers, char, string, list, tuple
               as in JSON; floats also "NaN", "Infinity", "-Infinity"
  record       an object by the names of WIT; an option may be left out
  enum, flags  its name; an array of names
  variant      {"case": NAME} or {"case": NAME, "value": VALUE}
  option       the value or null; {"some": VALUE} around the inner one of two
  result       returned: its ok, or err on standard error; elsewhere
               {"ok": VALUE} or {"err": VALUE}
  list<u8>     {"base64": TEXT}; given also as a string (its UTF-8) or an array
  stream       an array of all elements, for u8 as list<u8>
  future       its value

  wasihost run --invoke my:pkg/api#divide guest.wasm 7 2
  wasihost run --invoke 'divide(7, 2)' guest.wasm
               in Wasmtime's form (WAVE), in which the result is printed too,
               ok(3) or err(...) with exit code 0
"""

_CACHE = """\
Compiled components are kept in $XDG_CACHE_HOME/wasihost or ~/.cache/wasihost
(macOS: ~/Library/Caches/wasihost), at most 512 MiB of them, so that a component
starts at once the next time. Delete the directory to clear it. --no-cache
neither reads nor writes it.
"""

_ENVIRONMENT = """\
Variables of this process that commands read; the guest sees none of them:
  NO_COLOR         not empty: no colours, also on a terminal
  FORCE_COLOR      not empty: colours, also elsewhere
  XDG_CACHE_HOME   where the cache is, see `wasihost help cache`
"""


def text_of(topic: str) -> str:
    """The text of a topic."""
    return TOPICS[topic][1]()


def _limits() -> str:
    from wasihost._network.quotas import Quotas

    return "\n".join(
        [
            "--limit takes one of these; bytes also as 64KiB, 10MiB, 1GiB. In brackets: the",
            "default, if there is one.",
            "",
            "of the network, requests and files:",
            *_rows(Quotas),
            "",
            "of the guest itself:",
            *_rows(Limits),
            "",
            *textwrap.wrap(
                "A use of the network or of files beyond its limit fails with an error-code, or waits until the rate "
                "allows it; stderr has a line the first time. A guest beyond a limit of its own is stopped. "
                "docs/reference/limits.md and docs/how-to/quotas.md say how.",
                _WIDTH,
            ),
            "",
        ]
    )


def _faults() -> str:
    from wasihost._network.faults.fault import CALLS, RESOLVER_ERRORS, WORDS, Fault

    calls = [line for call in CALLS for line in row(call, ", ".join(WORDS.get(call, ())) or "-", 18)]
    options = {name: bound.what for name, bound in bounds(Fault).items()}
    options |= {"address": "IP or IP:PORT of the peer; of resolve a name", "path": "a pattern of paths, of files"}
    return "\n".join(
        [
            "--fault takes 'CALL WHAT [NAME=VALUE ...]'. Faults that match the same call",
            "strike it together, and those without nth and after-bytes strike each call.",
            "",
            *textwrap.wrap(
                f"WHAT is an errno such as ECONNRESET, of resolve one of {', '.join(RESOLVER_ERRORS)}, or one of the "
                "words beside a call:",
                _WIDTH,
            ),
            *calls,
            "",
            "options:",
            *(line for name, what in options.items() for line in row(name.replace("_", "-"), what, 18)),
            "",
            "  --fault 'connect ECONNREFUSED nth=3' --fault 'receive stall seconds=5'",
            "  --fault 'file-write ENOSPC after-bytes=1000'",
            "",
            "docs/how-to/faults.md has the error-codes that guests get.",
            "",
        ]
    )


def _server_limits() -> str:
    from wasihost._http.limits import ServerLimits

    return "\n".join(
        ["--server-limit of `wasihost serve` takes one of these, for each process:", *_rows(ServerLimits), ""]
    )


def _rows(owner: type) -> list[str]:
    lines: list[str] = []
    for name, bound in bounds(owner).items():
        default = "" if bound.default is None else f" ({shown(name, bound.default)})"
        lines += row(name.replace("_", "-"), bound.what + default)
    return lines


def row(name: str, text: str, column: int = 26) -> list[str]:
    """Lines of a table with two columns."""
    indent = " " * column
    return textwrap.wrap(text, _WIDTH, initial_indent=f"  {name:<{column - 2}}", subsequent_indent=indent)


def _exit_codes() -> str:
    rows = [line for code, meaning in exits.TABLE for line in row(code, meaning, 8)]
    return "\n".join(["The exit code of every command:", *rows, ""])


TOPICS: Final[Mapping[str, tuple[str, Callable[[], str]]]] = {
    "rules": ("the values of --allow-… and --deny-…", lambda: _RULES),
    "limits": ("the names and defaults of --limit", _limits),
    "server-limits": ("the names and defaults of --server-limit", _server_limits),
    "faults": ("the words of --fault", _faults),
    "values": ("arguments and results of --invoke", lambda: _VALUES),
    "exit-codes": ("the meaning of exit codes", _exit_codes),
    "cache": ("where compiled components are kept", lambda: _CACHE),
    "environment": ("variables that commands read", lambda: _ENVIRONMENT),
}
"""The subject of each topic, and its text."""
