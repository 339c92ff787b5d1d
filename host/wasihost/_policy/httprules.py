"""Rules for the requests that guests send with `wasi:http`: `[deny] [METHOD[,METHOD…]] URL`.

    Rules(http=["GET,HEAD https://api.example.com/v1/*", "deny https://*.example.com/v1/admin/*"])

| part | is |
|---|---|
| `deny` | the rule refuses each match, and wins over all that allow |
| METHOD | as in the request, `*` for every method; without it, every method |
| URL | `SCHEME://HOST[:PORT][/PATH]`, or `*` for every URL |
| SCHEME | `http`, `https`, or `*` for both |
| HOST | a name, `*.example.com` for all names below it, an IP address (IPv6 in brackets), or `*` for every host |
| PORT | a number, a range or `*`; without it, that of the scheme |
| PATH | `*` in it is any text, slashes too; without it, every path |

A PATH without `?` is for every query. Servers differ in how they read a path: so a rule that allows must match it as it
is written and as it is once escapes are decoded and `..`, `.` and empty parts are resolved, and a rule that denies must
match one of these.

If there are rules that allow, a request needs one of them; else only denied requests are refused. Then the network's
rules are asked about name and address, where a rule that allows the request counts as the outbound rule
`tcp://HOST:PORT` for this request. One for every host does not count so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import Final

from wasihost._base.frozen import Frozen
from wasihost._http.messages import Request
from wasihost._http.targets import PORTS, Target, target_of
from wasihost._network.names import literal
from wasihost._policy.parsing import ANY_PORT, RuleText, Word
from wasihost._policy.policy import REFUSED, PolicyContext, Verdict
from wasihost._policy.ruletext import Hosts, Rule, name_matches
from wasihost._policy.urlpaths import PathPattern

_FORM: Final = "a METHOD and a URL, such as 'GET https://api.example.com/v1/*'"
_URL: Final = "a URL, such as https://api.example.com/v1/*, or *"
_HOST: Final = "a host name, *.example.com, an IP address (IPv6 in brackets) or *"
_UNREFUSED: Final = Verdict(True, "no rule for requests")
_SCHEMES: Final = {"http": ("http",), "https": ("https",), "*": tuple(PORTS)}

_TOKEN: Final = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110, section 5.6.2


class HttpRule(Frozen):
    """One parsed rule; None: every method, host, path, or the port that follows from the scheme."""

    verdict: Verdict
    methods: tuple[str, ...] | None
    schemes: tuple[str, ...]
    hosts: Hosts | None
    ports: range | None
    path: PathPattern | None

    def allows(self, method: str, target: Target) -> bool:
        """Whether a rule that allows does so here."""
        return (
            (self.methods is None or method in self.methods)
            and self._has_origin(target)
            and (self.path is None or self.path.matches_every_form(target.path))
        )

    def denies(self, method: str, target: Target) -> bool:
        """Whether a rule that denies does so here."""
        return (
            (self.methods is None or method.upper() in map(str.upper, self.methods))
            and self._has_origin(target)
            and (self.path is None or self.path.matches_some_form(target.path))
        )

    def _has_origin(self, target: Target) -> bool:
        ports = self.ports or (PORTS[target.scheme],)
        return target.scheme in self.schemes and target.port in ports and self._has_host(target.host)

    def _has_host(self, host: str) -> bool:
        if self.hosts is None:
            return True
        if self.hosts.name is not None:
            return name_matches(self.hosts.name, host)
        ip = literal(host)
        return ip is not None and self.hosts.has(ip)


class HttpRules:
    """The rules for requests of a policy."""

    def __init__(self, rules: Sequence[HttpRule]) -> None:
        self._allow = [rule for rule in rules if rule.verdict.allowed]
        self._deny = [rule for rule in rules if not rule.verdict.allowed]

    def __call__(self, request: Request, context: PolicyContext) -> Verdict:
        """Whether these rules allow a request. Errors: HttpError, if it has no URL."""
        target = target_of(request)
        for rule in self._deny:
            if rule.denies(request.method, target):
                return rule.verdict
        if not self._allow:
            return _UNREFUSED
        return next((rule.verdict for rule in self._allow if rule.allows(request.method, target)), REFUSED)

    def outbound(self, request: Request) -> Iterator[Rule]:
        """The outbound rules for which those count that allow a request and have a host."""
        target = target_of(request)
        port = range(target.port, target.port + 1)
        for rule in self._allow:
            if rule.hosts is not None and rule.allows(request.method, target):
                yield Rule(rule.verdict.rule or "", False, ("tcp",), rule.hosts, port, None, None)


def parse_http_rule(rule: str) -> HttpRule:
    """Parses a rule for requests. Errors: RuleError."""
    return _HttpText(rule, _FORM, token="[^ ]+").rule()


class _HttpText(RuleText):
    """A rule for requests on its way through the parser."""

    def rule(self) -> HttpRule:
        denies = self.takes("deny")
        word = self.next(_FORM)
        methods = None
        if self.words:
            methods = self._methods(word)
            word = self.next(_URL)
        self.end("the end")
        verdict = Verdict(not denies, self.text)
        if word.text == "*":
            return HttpRule(verdict, methods, _SCHEMES["*"], None, ANY_PORT, None)
        return HttpRule(verdict, methods, *self._url(word))

    def _methods(self, word: Word) -> tuple[str, ...] | None:
        if word.text == "*":
            return None
        methods = word.text.split(",")
        if not all(re.fullmatch(_TOKEN, method) for method in methods):
            self.fail(word, "a method or several, such as GET,HEAD, or *")
        return tuple(methods)

    def _url(self, word: Word) -> tuple[tuple[str, ...], Hosts | None, range | None, PathPattern | None]:
        scheme, separator, _ = word.text.partition("://")
        if not separator or scheme not in _SCHEMES:
            self.fail(word, _URL)
        rest = word.after(len(scheme) + 3)
        slash = rest.text.find("/")
        end = len(rest.text) if slash < 0 else slash
        host, port = self._split(rest.before(end))
        ports = None if port is None else self.ports(port)
        return _SCHEMES[scheme], self._hosts(host), ports, self._path(rest.after(end))

    def _split(self, word: Word) -> tuple[Word, Word | None]:
        """HOST and PORT."""
        colon = word.text.rfind(":")
        if colon < 0 or colon < word.text.rfind("]"):
            return word, None
        return word.before(colon), word.after(colon + 1)

    def _hosts(self, word: Word) -> Hosts | None:
        if word.text == "*":
            return None
        ip = literal(word.text)
        if ip is not None and (ip.version == 4) != word.text.startswith("["):
            return Hosts((ip_network(ip),), None)
        if ip is not None or word.text.startswith("["):
            self.fail(word, _HOST)
        return Hosts((), self.name(word, _HOST))

    def _path(self, word: Word) -> PathPattern | None:
        wrong = re.search(r"[^!-~]|#", word.text)
        if wrong is not None:
            self.fail(word.after(wrong.start()), "a path of a URL, in ASCII")
        return PathPattern.parse(word.text) if word.text else None
