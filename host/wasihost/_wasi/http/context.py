"""What the HTTP of one guest stands on."""

from __future__ import annotations

from wasihost._base.frozen import Frozen
from wasihost._http.messages import Handler
from wasihost._wasi.http.fields import FieldRules


class Http(Frozen):
    """What fields may hold, and the handler of what the guest sends."""

    rules: FieldRules
    handler: Handler
