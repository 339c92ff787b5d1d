"""Permissions of guests for the network, files and HTTP: rules, policies of your own, and decisions."""

from wasihost._base.public import publish as _publish
from wasihost._policy import (
    Decision,
    FilePolicy,
    FileUse,
    HttpUse,
    NameUse,
    Policy,
    PolicyContext,
    RequestPolicy,
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
    "HttpUse",
    "Learner",
    "NameUse",
    "Policy",
    "PolicyContext",
    "RequestPolicy",
    "Rules",
    "SocketAddressUse",
    "Verdict",
    "all_of",
    "allow_all",
    "any_of",
    "deny_all",
]

_publish(globals())
