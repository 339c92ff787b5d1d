"""Who may use which address and hear of which name: `policy` has the words, `rules` and `combining` make policies."""

from wasihost._policy.combining import all_of, any_of
from wasihost._policy.policy import (
    Answer,
    Decision,
    NameUse,
    Policy,
    PolicyContext,
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
    "NameUse",
    "Policy",
    "PolicyContext",
    "Rules",
    "SocketAddressUse",
    "Use",
    "Verdict",
    "all_of",
    "allow_all",
    "any_of",
    "deny_all",
]
