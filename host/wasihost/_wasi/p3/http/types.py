"""`wasi:http/types`."""

from __future__ import annotations

from typing import ClassVar

from wasihost._wasi.common import http
from wasihost._wasi.http.fields import FieldRules
from wasihost._wasi.p3.http.fields import Fields, HeaderError
from wasihost._wasi.p3.http.messages import Request, Response
from wasihost._wasi.p3.http.options import RequestOptions, RequestOptionsError


class Types:
    """Provider of wasi:http/types."""

    Fields = Fields
    Request = Request
    RequestOptions = RequestOptions
    Response = Response

    wit_types: ClassVar[dict[str, type]] = {
        **http.TYPES,
        "header-error": HeaderError,
        "request-options-error": RequestOptionsError,
    }

    def __init__(self, rules: FieldRules) -> None:
        self.rules = rules
