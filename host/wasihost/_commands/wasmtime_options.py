"""The options -S and -W of Wasmtime's command line, which are refused with a hint at the option to use instead."""

from __future__ import annotations

import argparse
import functools

_ALWAYS = "is always on: leave it out"
_WITHOUT = "is not in wasihost"

# Names of Wasmtime 50, `wasmtime run -S help` and `-W help`; a name that ends with * is the beginning of several.
_REPLACED = {
    "-S": {
        "cli": _ALWAYS,
        "common": _ALWAYS,
        "preview2": _ALWAYS,
        "p3": _ALWAYS,
        "inherit-network": "is --allow-net",
        "allow-ip-name-lookup": "is --allow-resolve '*'",
        "tcp": "is --allow-outbound and --allow-inbound with rules for tcp",
        "udp": "is --allow-outbound and --allow-inbound with rules for udp",
        "inherit-env": "is --inherit-env",
        "inherit-stdin": "is always on; --stdin FILE gives another one",
        "inherit-stdout": _ALWAYS,
        "inherit-stderr": _ALWAYS,
        "max-resources": "is --limit resources=N",
        "max-component-handles": "is --limit resources=N",
        "config*": "is --config NAME=VALUE",
        "keyvalue*": "is --keyvalue FILE",
        "hostcall-fuel": "is --limit list-bytes=N",
        "max-random-size": "is --limit list-bytes=N",
    },
    "-W": {
        "component-model*": _ALWAYS,
        "concurrency-support": _ALWAYS,
        "timeout": "is --limit run-time-s=N",
        "fuel": "is --limit cpu-time-s=N",
        "epoch-interruption": "is --limit cpu-time-s=N",
        "max-wasm-stack": "is --limit stack-bytes=N",
        "async-stack-size": "is --limit stack-bytes=N",
        "max-memory-size": "is --limit memory-bytes=N",
        "max-table-elements": "is --limit table-elements=N",
        "max-instances": "is --limit instances=N",
        "max-tables": "is --limit tables=N",
        "max-memories": "is --limit memories=N",
        "unknown-imports-*": "is --provider INTERFACE=MODULE:NAME",
    },
}


def add_to(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    for option, name in (("-S", "--wasi"), ("-W", "--wasm")):
        parser.add_argument(option, name, type=functools.partial(_refuse, option), help=argparse.SUPPRESS)


def _refuse(option: str, text: str) -> None:
    names = [part.partition("=")[0] for part in text.split(",")]
    replacements = "; ".join(f"{name} {_replacement(option, name)}" for name in names)
    raise argparse.ArgumentTypeError(f"this is an option of Wasmtime's command line: {replacements}")


def _replacement(option: str, name: str) -> str:
    for known, text in _REPLACED[option].items():
        if name == known or (known.endswith("*") and name.startswith(known[:-1])):
            return text
    return _WITHOUT
