"""Which payload is made of which object."""

import io
from collections.abc import AsyncIterable, Callable
from enum import Enum
from typing import Any, Final, TypeVar

from ..io.stream import StreamReader
from .files import BufferedReaderPayload, BytesIOPayload, StringIOPayload, TextIOPayload, file_payload
from .payload import BytesPayload, Payload, StringPayload
from .pieces import (
    AsyncIterablePayload,
    StreamCall,
    StreamPayload,
    StreamReaderPayload,
    StreamWrapperPayload,
    streamer,
)

Factory = Callable[..., Payload]
PayloadT = TypeVar("PayloadT", bound=type[Payload])


class LookupError(Exception):  # noqa: A001 - documented under this name
    """There is no payload for an object."""


class Order(str, Enum):  # noqa: UP042 - documented with these bases
    """When a payload is asked whether it is the one."""

    normal = "normal"
    try_first = "try_first"
    try_last = "try_last"


_ORDERS: Final = (Order.try_first, Order.normal, Order.try_last)


class PayloadRegistry:
    """Payload classes by the types that they are for.

    Each order has its classes; of one that is registered twice, the later factory counts. Of the normal
    ones it is the nearest class of an object, as for its methods, else the first that it is an instance
    of, as for the others.
    """

    def __init__(self) -> None:
        self._factories: dict[Order, dict[Any, Factory]] = {order: {} for order in _ORDERS}

    def register(self, factory: Factory, type: Any, *, order: Order = Order.normal) -> None:
        """Let ``factory`` make the payloads of ``type``, a class or a tuple of them."""
        types = type if isinstance(type, tuple) else (type,)
        self._factories[Order(order)].update(dict.fromkeys(types, factory))

    def find(self, data: Any) -> Factory | None:
        """What makes a payload of ``data``, if anything does."""
        for order, factories in self._factories.items():
            if order is Order.normal:
                for cls in type(data).__mro__:
                    if cls in factories:
                        return factories[cls]
            for cls, factory in factories.items():
                if isinstance(data, cls):
                    return factory
        return None

    def get(self, data: Any, *args: Any, **kwargs: Any) -> Payload:
        """The payload for ``data``, made with the further arguments; LookupError if there is none."""
        if isinstance(data, Payload):
            return data
        factory = self.find(data)
        if factory is None:
            raise LookupError(
                "expected bytes, str, a file, an async iterable, a StreamReader or a Payload, "
                f"got {type(data).__name__}"
            )
        return factory(data, *args, **kwargs)


PAYLOAD_REGISTRY: Final = PayloadRegistry()


def get_payload(data: Any, *args: Any, **kwargs: Any) -> Payload:
    """The payload for ``data``: see `PayloadRegistry.get`."""
    return PAYLOAD_REGISTRY.get(data, *args, **kwargs)


def register_payload(factory: Factory, type: Any, *, order: Order = Order.normal) -> None:
    """Let ``factory`` make the payloads of ``type``: see `PayloadRegistry`."""
    PAYLOAD_REGISTRY.register(factory, type, order=order)


class payload_type:  # noqa: N801 - documented as a decorator of this name
    """Registers the class that it decorates for ``type``."""

    def __init__(self, type: Any, *, order: Order = Order.normal) -> None:
        self.type = type
        self.order = order

    def __call__(self, factory: PayloadT) -> PayloadT:
        """Register ``factory``."""
        register_payload(factory, self.type, order=self.order)
        return factory


# What is registered from the beginning


class _Reading(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return hasattr(instance, "read")  # a Protocol would not see what a wrapper hands on


class _Readable(metaclass=_Reading):
    """What reads like a file, whatever it is: a wrapper of `tempfile`, say."""


for _factory, _kind in (
    (BytesPayload, (bytes, bytearray, memoryview)),
    (StringPayload, str),
    (StringIOPayload, io.StringIO),
    (BytesIOPayload, io.BytesIO),
    (TextIOPayload, io.TextIOBase),
    (BufferedReaderPayload, (io.BufferedReader, io.BufferedRandom)),
    (file_payload, io.IOBase),
    (StreamReaderPayload, StreamReader),
    (StreamWrapperPayload, StreamCall),
    (StreamPayload, streamer),
):
    register_payload(_factory, _kind)
register_payload(AsyncIterablePayload, AsyncIterable, order=Order.try_last)
register_payload(file_payload, _Readable, order=Order.try_last)
