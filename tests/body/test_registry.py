import enum
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pronghorn.body import registry
from pronghorn.body.files import (
    BufferedReaderPayload,
    BytesIOPayload,
    IOBasePayload,
    StringIOPayload,
    TextIOPayload,
)
from pronghorn.body.payload import BytesPayload, Payload, StringPayload, Writer
from pronghorn.body.pieces import (
    AsyncIterablePayload,
    StreamPayload,
    StreamReaderPayload,
    StreamWrapperPayload,
    streamer,
)
from pronghorn.body.registry import (
    PAYLOAD_REGISTRY,
    Order,
    PayloadRegistry,
    get_payload,
    payload_type,
    register_payload,
)
from pronghorn.body.registry import LookupError as NoPayloadError
from pronghorn.io.stream import StreamReader

from .writing import written


async def agen() -> AsyncIterator[bytes]:
    yield b"abc"


@streamer
async def streaming(writer: Writer) -> None:
    await writer.write(b"abc")


class Text(str):
    __slots__ = ()


class Member(str, enum.Enum):  # noqa: UP042 - this is what members looked like before StrEnum
    one = "abc"


class Buffer(io.BytesIO):
    pass


class Readable:
    def read(self, size: int = -1) -> bytes:
        return b""


class Both(Readable):
    """What aiofiles gives, for one."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return agen()


MADE: list[tuple[Any, type[Payload]]] = [
    (lambda: b"abc", BytesPayload),
    (lambda: bytearray(b"abc"), BytesPayload),
    (lambda: memoryview(b"abc"), BytesPayload),
    (lambda: "abc", StringPayload),
    (lambda: Text("abc"), StringPayload),
    (lambda: Member.one, StringPayload),
    (lambda: io.BytesIO(b"abc"), BytesIOPayload),
    (lambda: Buffer(b"abc"), BytesIOPayload),
    (lambda: io.StringIO("abc"), StringIOPayload),
    (agen, AsyncIterablePayload),
    (Both, AsyncIterablePayload),
    (StreamReader, StreamReaderPayload),
    (lambda: streaming, StreamPayload),
    (streaming.__call__, StreamWrapperPayload),
    (Readable, IOBasePayload),
]


@pytest.mark.parametrize(("make", "kind"), MADE)
def test_what_is_registered_from_the_beginning(make: Any, kind: type[Payload]) -> None:
    assert type(get_payload(make())) is kind


@pytest.mark.parametrize(
    ("mode", "buffering", "kind"),
    [
        ("rb", -1, BufferedReaderPayload),
        ("r+b", -1, BufferedReaderPayload),
        ("rb", 0, IOBasePayload),
        ("r", -1, TextIOPayload),
    ],
)
def test_files(tmp_path: Path, mode: str, buffering: int, kind: type[Payload]) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"abc")
    with path.open(mode, buffering=buffering) as file:
        assert type(get_payload(file)) is kind


OPTIONS = {"content_type": "a/b", "headers": {"X": "y"}, "encoding": "ascii", "filename": "a.png"}


@pytest.mark.parametrize(("make", "kind"), MADE)
async def test_what_every_kind_takes(make: Any, kind: type[Payload]) -> None:
    payload = get_payload(make(), **OPTIONS)
    assert payload.content_type == payload.headers["Content-Type"] == "a/b"
    assert payload.headers["X"] == "y"
    assert payload.encoding == "ascii"
    assert payload.filename == "a.png"
    if kind is not StreamReaderPayload:  # nobody feeds it
        assert await written(payload) in (b"abc", b"")


def test_a_payload_is_its_own() -> None:
    payload = BytesPayload(b"abc", content_type="text/csv")
    assert get_payload(payload) is payload
    assert get_payload(payload, content_type="a/b").content_type == "text/csv"


@pytest.mark.parametrize(
    "data", [None, 5, 1.5, True, object(), {}, [], (), set(), len, bytes, Path("a")], ids=repr
)
def test_what_has_no_payload(data: object) -> None:
    with pytest.raises(NoPayloadError, match=f"^expected bytes, str, .*, got {type(data).__name__}$"):
        get_payload(data)
    assert PAYLOAD_REGISTRY.find(data) is None


def test_there_is_no_payload_is_an_error_of_its_own() -> None:
    assert NoPayloadError.__bases__ == (Exception,)
    assert NoPayloadError.__name__ == "LookupError"


# Users' own


class Mine(Payload):
    async def write(self, writer: Writer) -> None:
        await writer.write(repr(self._value).encode())


class Other(Mine):
    pass


class Base:
    pass


class Derived(Base):
    pass


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> PayloadRegistry:
    """A registry with what is in the common one, which the functions of the module use instead."""
    own = PayloadRegistry()
    for order, factories in PAYLOAD_REGISTRY._factories.items():
        for kind, factory in factories.items():
            own.register(factory, kind, order=order)
    monkeypatch.setattr(registry, "PAYLOAD_REGISTRY", own)
    return own


def test_a_registry_is_empty_at_first() -> None:
    with pytest.raises(NoPayloadError):
        PayloadRegistry().get(b"abc")


async def test_a_class_and_what_derives_from_it(own: PayloadRegistry) -> None:
    register_payload(Mine, Base)
    assert type(get_payload(Base())) is type(get_payload(Derived())) is Mine
    register_payload(Other, Derived)
    assert type(get_payload(Base())) is Mine
    assert type(get_payload(Derived())) is Other


def test_a_class_that_derives_from_one_that_is_registered(own: PayloadRegistry) -> None:
    """The nearest class counts, whatever was registered before."""
    register_payload(Mine, Text)
    assert type(get_payload(Text("abc"))) is Mine
    assert type(get_payload("abc")) is StringPayload
    register_payload(Other, (Buffer, bytearray))
    assert type(get_payload(Buffer())) is type(get_payload(bytearray())) is Other
    assert type(get_payload(io.BytesIO())) is BytesIOPayload
    assert type(get_payload(b"")) is BytesPayload


def test_the_later_factory_of_a_class_counts(own: PayloadRegistry) -> None:
    for kind in (bytes, io.IOBase, io.TextIOBase):
        register_payload(Mine, kind)
        register_payload(Other, kind)
    assert type(get_payload(b"")) is Other
    with io.TextIOWrapper(io.BytesIO()) as text, io.FileIO("/dev/null") as file:
        assert type(get_payload(text)) is type(get_payload(file)) is Other


def test_order(own: PayloadRegistry) -> None:
    register_payload(Mine, (Base, object), order=Order.try_last)
    assert type(get_payload(b"")) is BytesPayload
    assert type(get_payload(5)) is type(get_payload(Base())) is Mine
    register_payload(Other, Base)
    assert type(get_payload(Base())) is Other
    register_payload(Mine, (bytes, Base), order=Order.try_first)
    assert type(get_payload(b"")) is type(get_payload(Derived())) is Mine
    register_payload(Other, (Derived, bytes), order=Order.try_first)
    assert type(get_payload(b"")) is Other
    assert type(get_payload(Derived())) is Mine, "the first that it is an instance of"


def test_an_order_by_its_name(own: PayloadRegistry) -> None:
    assert [order.value for order in Order] == ["normal", "try_first", "try_last"]
    own.register(Mine, bytes, order="try_first")
    assert type(get_payload(b"")) is Mine
    with pytest.raises(ValueError, match="sometime"):
        own.register(Mine, bytes, order="sometime")


def test_payload_type(own: PayloadRegistry) -> None:
    @payload_type((Base, int))
    class Decorated(Mine):
        pass

    @payload_type(bytes, order=Order.try_first)
    class First(Mine):
        pass

    assert type(get_payload(Derived())) is type(get_payload(5)) is Decorated
    assert type(get_payload(b"")) is First
    decorator = payload_type(Base, order=Order.try_last)
    assert (decorator.type, decorator.order) == (Base, Order.try_last)


def test_a_factory_gets_what_get_was_given(own: PayloadRegistry) -> None:
    own.register(lambda *args, **kwargs: Mine((args, kwargs)), Base)
    data = Base()
    assert own.get(data, 1, a=2)._value == ((data, 1), {"a": 2})


def test_an_instance_by_what_it_says_of_itself(own: PayloadRegistry) -> None:
    class Pretender:
        @property
        def __class__(self) -> Any:
            return Base

    register_payload(Mine, Base)
    assert type(get_payload(Pretender())) is Mine
