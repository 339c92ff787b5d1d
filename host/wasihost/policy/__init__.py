"""Who may use which address and hear of which name: `policy` has the words, `rules` and `combining` make policies."""

from wasihost.policy.combining import all_of, any_of
from wasihost.policy.policy import (
    Answer,
    Context,
    Decision,
    NameUse,
    Policy,
    SocketAddressUse,
    Use,
    Verdict,
    allow_all,
    deny_all,
)
from wasihost.policy.rules import Rules

__all__ = [
    "Answer",
    "Context",
    "Decision",
    "NameUse",
    "Policy",
    "Rules",
    "SocketAddressUse",
    "Use",
    "Verdict",
    "all_of",
    "allow_all",
    "any_of",
    "deny_all",
]
