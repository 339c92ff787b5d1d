"""The rules for requests that a run needs: one for each URL, or for all below a path where that would be many."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from wasihost._policy.decisions import request_rule

MOST_OF_ONE_ORIGIN: Final = 8
"""URLs of one origin that get rules of their own; if there are more, there is one rule for their common prefix."""


class LearnedRequests:
    """The requests that were sent, and the rules that allow them."""

    def __init__(self) -> None:
        self._paths: dict[tuple[str, str], set[str]] = defaultdict(set)  # by method and origin

    def add(self, request: str) -> None:
        """A request was sent, given as method and URL."""
        method, _, url = request_rule(request).partition(" ")
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        self._paths[method, f"{scheme}://{host}"].add(slash + path)

    @property
    def rules(self) -> list[str]:
        """The rules, with the methods of a URL together."""
        methods: dict[str, list[str]] = defaultdict(list)
        for (method, origin), paths in sorted(self._paths.items()):
            for pattern in _patterns(paths):
                methods[origin + pattern].append(method)
        return [f"{','.join(several)} {url}" for url, several in sorted(methods.items())]


def _patterns(paths: Iterable[str]) -> list[str]:
    several = sorted(paths)
    if len(several) <= MOST_OF_ONE_ORIGIN:
        return several
    letters = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(several[0], several[-1], strict=False))
    shared = "".join(letter for letter, _ in letters)
    return [f"{shared[: shared.rfind('/') + 1]}*" if shared else ""]
