import base64
import gzip

import pytest

from pronghorn.body.multipart import MultipartWriter
from pronghorn.body.part import BodyPartReaderPayload, MultipartError
from pronghorn.body.payload import Payload
from pronghorn.body.registry import get_payload

from .reading import FORM, cancelled, next_part, part_of, reader_of
from .writing import Stuck, Written, written


async def test_a_part_can_be_sent() -> None:
    fields = 'Content-Disposition: form-data; name="a"; filename="b.txt"\nContent-Transfer-Encoding: base64'
    part = await part_of(base64.encodebytes(bytes(range(256)) * 500), fields, cut=2, headers=FORM)
    payload = get_payload(part)
    assert type(payload) is BodyPartReaderPayload
    assert isinstance(payload, Payload)
    assert (payload.size, payload.content_type) == (None, "application/octet-stream")
    assert payload.headers["Content-Disposition"] == 'attachment; name="a"; filename="b.txt"'
    assert not payload.consumed
    assert await written(payload) == bytes(range(256)) * 500
    assert payload.consumed
    assert not payload.rewind()
    with pytest.raises(TypeError, match="must be read first"):
        payload.decode()


async def test_a_part_without_a_name_can_be_sent() -> None:
    payload = BodyPartReaderPayload(await part_of(b"abc"), content_type="text/plain")
    assert dict(payload.headers) == {"Content-Type": "text/plain"}
    assert await payload.as_bytes() == b"abc"


async def test_a_part_can_be_a_part_of_another_body() -> None:
    writer = MultipartWriter("mixed", boundary="c")
    writer.append(await part_of(b"abc", "Content-Disposition: attachment; filename=a"))
    body = await written(writer)
    part = await next_part(reader_of(body, {"Content-Type": "multipart/mixed; boundary=c"}))
    assert (part.filename, await part.read()) == ("a", b"abc")


async def test_who_stops_sending_a_part_leaves_nothing_open() -> None:
    part = await part_of(gzip.compress(bytes(1_000_000)), "Content-Encoding: gzip")
    payload = BodyPartReaderPayload(part)
    await cancelled(lambda: payload.write(Stuck()))
    assert payload.consumed


async def test_what_is_malformed_is_not_sent_as_if_it_were_whole() -> None:
    payload = BodyPartReaderPayload(await part_of(b"YWJjY", "Content-Transfer-Encoding: base64"))
    writer = Written()
    with pytest.raises(MultipartError, match="base64"):
        await payload.write(writer)
    assert writer.content == b"abc"
