"""What callers give as ``data``."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .form import FormData
from .payload import Payload
from .registry import PAYLOAD_REGISTRY


def make_payload(data: Any) -> Payload:
    """The payload for what a caller gave as ``data``.

    What is registered: bytes-like as it is; str as UTF-8 text; files, and what reads like one;
    async iterables of bytes; a StreamReader; what a `streamer` gives. A FormData, a mapping or an
    iterable of pairs as a form. TypeError for the rest.
    """
    if isinstance(data, Payload):
        return data
    if factory := PAYLOAD_REGISTRY.find(data):
        return factory(data)
    if isinstance(data, FormData):
        return data()
    # Of an iterator, those who sent chunks by it elsewhere would not expect a form.
    if isinstance(data, (Mapping, Iterable)) and not isinstance(data, Iterator):
        return FormData(data)()
    raise TypeError(
        "data: expected bytes, str, a mapping, pairs, a FormData, a file, an async iterable, a StreamReader "
        f"or a Payload, got {type(data).__name__}"
    )
