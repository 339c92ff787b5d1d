"""What guests may do on the network and with files: rules, policies of your own, and what was decided."""

from wasihost._base.public import publish as _publish
from wasihost._policy import (
    Decision,
    FilePolicy,
    FileUse,
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
from wasihost._policy.learning import Learner

__all__ = [
    "Decision",
    "FilePolicy",
    "FileUse",
    "Learner",
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

_publish(globals())
