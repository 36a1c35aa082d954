"""What can't be sent in parts, and what must not be: content that makes parts of its own."""

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.body.multipart import MultipartWriter
from pronghorn.body.payload import BytesPayload, JsonPayload

from .writing import Written, at_once, parts_of, parts_sent, written


async def agen(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def filled(*parts: Any, boundary: str | None = None) -> MultipartWriter:
    """Each part an object, or that and its headers."""
    writer = MultipartWriter(boundary=boundary)
    for part in parts:
        writer.append(*(part if isinstance(part, tuple) else (part,)))
    return writer


# Bad input

CONTROLS = ["\0", "\r", "\n", "\r\nX: y", "\x1b", "\x7f"]


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize(
    "field", ["X", "Content-Type", "Content-Disposition", "Content-Encoding", "Content-Transfer-Encoding"]
)
def test_CVE_2026_50269_no_control_character_in_a_header(field: str, control: str) -> None:
    writer = MultipartWriter()
    for payload in (b"", JsonPayload({})):
        with pytest.raises(ValueError, match=f"^{field}: "):
            writer.append(payload, {field: f"gzip{control}"})
        with pytest.raises(ValueError, match=r"^field name: expected a token"):
            writer.append(b"", {f"{field}{control}": "y"})
    with pytest.raises(ValueError, match=f"^{field}: "):
        writer.append_json({}, {field: f"base64{control}"})
    with pytest.raises(ValueError, match=f"^{field}: "):
        writer.append_form({}, {field: f"base64{control}"})
    assert len(writer) == 0


@pytest.mark.parametrize("octet", [*CONTROLS, " ", ";", "/", "\u00fc", "\ud800", ""])
def test_no_subtype(octet: str) -> None:
    with pytest.raises(ValueError, match="subtype: expected a token, got"):
        MultipartWriter(f"mixed{octet}" if octet else octet)


@pytest.mark.parametrize(
    "boundary", ["", " ", "a ", "a" * 71, "a!b", 'a"b', "a\\b", "\u00fc", "\ud800", *CONTROLS]
)
def test_no_boundary(boundary: str) -> None:
    with pytest.raises(ValueError, match="boundary: expected"):
        MultipartWriter(boundary=boundary)


@pytest.mark.parametrize("headers", [{"X": 5}, {"X": None}, {5: "x"}])
def test_headers_are_strings(headers: Any) -> None:
    with pytest.raises(TypeError):
        MultipartWriter().append(b"", headers)


@pytest.mark.parametrize("name", ["Content-Type", "Content-Disposition", "Content-Transfer-Encoding"])
def test_what_a_part_says_of_itself_it_says_once(name: str) -> None:
    payload = BytesPayload(b"")
    payload.headers.add(name, "7bit")
    payload.headers.add(name.lower(), "7bit")
    with pytest.raises(ValueError, match=f"expected {name} once"):
        MultipartWriter().append(payload)


# A boundary that is known

INSIDE = [b"--b", b"--b\r\n\r\nsmuggled", b"abc\r\n--b--\r\n", b"abc\n--b", b"abc\r\n--bc", b"\r\n--b"]
BESIDE = [b"-b", b"-- b", b"abc--b", b" --b", b"\r\n--", b"\r--b", b"--B", b"b"]


@pytest.mark.parametrize("content", INSIDE)
async def test_who_knows_the_boundary_adds_no_part(content: bytes) -> None:
    """A picture of a camera, a message that is sent on: whoever made it may know the boundary."""
    cuts = [
        [content[at : at + size] for at in range(0, len(content), size)] for size in range(1, len(content))
    ]
    for part in (content, io.BytesIO(content), filled(content, boundary="o"), *(agen(*cut) for cut in cuts)):
        output = Written()
        with pytest.raises(ValueError, match="part: its content holds the boundary b'b'"):
            await filled(b"\r", part, boundary="b").write(output)
        assert not output.content.endswith(b"--b--\r\n")
    with pytest.raises(ValueError, match="holds the boundary"):
        list(filled(content, boundary="b").serialize())
    assert [found for _, found in await parts_sent(filled(content))] == [content]


async def test_content_that_holds_the_boundary_when_it_is_encoded() -> None:
    fields = {"Content-Transfer-Encoding": "quoted-printable"}
    with pytest.raises(ValueError, match="holds the boundary"):
        await filled((b"--b", fields), boundary="b").write(Written())
    assert await parts_sent(filled((b"\n--b", fields), boundary="b"))


@pytest.mark.parametrize("content", BESIDE)
async def test_what_only_looks_like_the_boundary(content: bytes) -> None:
    for pieces in ([content], [content[at : at + 1] for at in range(len(content))]):
        parts = await parts_sent(filled(agen(*pieces), content, boundary="b"))
        assert [found for _, found in parts] == [content, content]


@pytest.mark.parametrize("inner", ["b", "bc", "b:c"])
async def test_a_boundary_inside_that_begins_like_the_one_outside(inner: str) -> None:
    with pytest.raises(ValueError, match="holds the boundary"):
        await filled(filled(b"abc", boundary=inner), boundary="b").write(Written())


PIECES = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"-", b"--", b"b", b"--b", b"a", b" "]), max_size=8)


@given(st.lists(PIECES, max_size=4), st.booleans())
def test_parts_come_back_as_they_were_or_are_not_sent(parts: list[list[bytes]], is_streamed: bool) -> None:
    writer = filled(
        *[agen(*pieces, b"") if is_streamed else b"".join(pieces) for pieces in parts], boundary="b"
    )
    contents = [b"".join(pieces) for pieces in parts]
    if any(b"\n--b" in b"\n" + content for content in contents):
        with pytest.raises(ValueError, match="holds the boundary"):
            at_once(writer.write(Written()))
    else:
        assert [found for _, found in parts_of(writer.content_type, at_once(written(writer)))] == contents
