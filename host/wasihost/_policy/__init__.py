"""The permissions of guests for addresses, names, files and requests.

`policy` has the words, `rules` and `combining` make policies.
"""

from wasihost._policy.combining import all_of, any_of
from wasihost._policy.decisions import Decision
from wasihost._policy.policy import (
    Answer,
    FilePolicy,
    FileUse,
    HttpUse,
    NameUse,
    Policy,
    PolicyContext,
    RequestPolicy,
    SocketAddressUse,
    Use,
    Verdict,
    allow_all,
    deny_all,
)
from wasihost._policy.rules import Rules

__all__ = [
    "Answer",
    "Decision",
    "FilePolicy",
    "FileUse",
    "HttpUse",
    "NameUse",
    "Policy",
    "PolicyContext",
    "RequestPolicy",
    "Rules",
    "SocketAddressUse",
    "Use",
    "Verdict",
    "all_of",
    "allow_all",
    "any_of",
    "deny_all",
]
