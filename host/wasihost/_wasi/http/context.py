"""The common parts of the HTTP of one guest."""

from __future__ import annotations

from wasihost._base.frozen import Frozen
from wasihost._http.messages import Handler
from wasihost._wasi.http.fields import FieldRules


class Http(Frozen):
    """The rules for fields, and the handler of the guest's requests."""

    rules: FieldRules
    handler: Handler
