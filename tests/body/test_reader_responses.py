from typing import Any

import pytest
from multidict import CIMultiDict

from pronghorn.body.part import BodyPartReader, MultipartError
from pronghorn.body.reader import MultipartReader, MultipartResponseWrapper

from .reading import EVERY_CUT, MIXED, body_of, cuts, reader_of, stream_of, tree_of


class Response:
    """As much of a response as is read."""

    def __init__(self, *pieces: bytes, content_type: str = MIXED["Content-Type"]) -> None:
        self.headers = CIMultiDict({"Content-Type": content_type})
        self.content = stream_of(pieces)
        self.is_released = False

    def release(self) -> "Response":
        self.is_released = True
        return self

    def __await__(self) -> Any:
        yield from ()


@EVERY_CUT
async def test_a_response_is_released_behind_its_parts(cut: int) -> None:
    response = Response(*cuts(body_of(("", b"one"), ("", b"two")) + b"epilogue")[cut])
    wrapper = MultipartReader.from_response(response)
    assert type(wrapper) is MultipartResponseWrapper
    assert wrapper.resp is response
    assert isinstance(wrapper.stream, MultipartReader)
    contents = []
    async for part in wrapper:
        assert not response.is_released
        assert not wrapper.at_eof()
        assert isinstance(part, BodyPartReader)
        contents.append(bytes(await part.read()))
    assert contents == [b"one", b"two"]
    assert response.is_released
    assert wrapper.at_eof()
    assert await wrapper.next() is None


async def test_a_response_can_be_released_at_any_time() -> None:
    response = Response(body_of(("", b"one")))
    wrapper = MultipartReader.from_response(response)
    await wrapper.next()
    await wrapper.release()
    assert response.is_released
    assert not wrapper.at_eof()


async def test_a_response_may_have_any_number_of_parts() -> None:
    """As a camera's has."""
    frame = b"--b\r\nContent-Type: image/jpeg\r\n\r\nframe\r\n"
    wrapper = MultipartReader.from_response(Response(*[frame] * 20_000, b"--b--"))
    number = 0
    async for part in wrapper:
        assert isinstance(part, BodyPartReader)
        assert await part.read() == b"frame"
        number += 1
    assert number == 20_000


async def test_a_response_is_read_with_more_patience() -> None:
    """RFC 2046 section 5.1.1: the CRLF belongs to the delimiter. In a request half of all readers differ."""
    body = b"--b\r\nA: 1\r\n\r\n--b\r\n\r\ntwo\r\n--b--"
    for pieces in cuts(body):
        parts = MultipartReader.from_response(Response(*pieces))
        assert [bytes(await part.read()) async for part in parts if isinstance(part, BodyPartReader)] == [
            b"",
            b"two",
        ]
        with pytest.raises(MultipartError, match="expected CRLF"):
            await tree_of(reader_of(pieces))


async def test_classes_of_users_for_responses() -> None:
    class Wrapper(MultipartResponseWrapper):
        pass

    class Reader(MultipartReader):
        response_wrapper_cls = Wrapper

    wrapper = Reader.from_response(Response(b"--b--"))
    assert type(wrapper) is Wrapper
    assert type(wrapper.stream) is Reader


def test_a_response_of_another_type() -> None:
    with pytest.raises(ValueError, match="Content-Type"):
        MultipartReader.from_response(Response(content_type="text/html"))
