"""What guests may do on the network: rules, policies of your own, and what was decided."""

from wasihost._policy import (
    Decision,
    NameUse,
    Policy,
    PolicyContext,
    Rules,
    SocketAddressUse,
    Verdict,
    all_of,
    allow_all,
    any_of,
    deny_all,
)

__all__ = [
    "Decision",
    "NameUse",
    "Policy",
    "PolicyContext",
    "Rules",
    "SocketAddressUse",
    "Verdict",
    "all_of",
    "allow_all",
    "any_of",
    "deny_all",
]
