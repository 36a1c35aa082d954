import io
from typing import Any

import pytest
from multidict import CIMultiDict, MultiDict, MultiDictProxy

from pronghorn.body.data import make_payload
from pronghorn.body.form import FormData
from pronghorn.body.payload import BytesPayload
from pronghorn.body.registry import get_payload

from .writing import written

BINARY = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("data", "content", "content_type"),
    [
        (b"abc", b"abc", BINARY),
        (b"", b"", BINARY),
        (bytearray(b"abc"), b"abc", BINARY),
        (memoryview(b"abcdef")[::2], b"ace", BINARY),
        ("gr\u00fcn", b"gr\xc3\xbcn", TEXT),
        ("", b"", TEXT),
        (io.StringIO("abc"), b"abc", TEXT),
        (io.BytesIO(b"abc"), b"abc", BINARY),
        ({"a": "1"}, b"a=1", FORM),
        ({}, b"", FORM),
        ({"a": ["1", "2"], "b": 3, "c": 1.5}, b"a=1&a=2&b=3&c=1.5", FORM),
        ([("a", "1"), ("a", "2")], b"a=1&a=2", FORM),
        ((("a", "1"), ["b", "2"]), b"a=1&b=2", FORM),
        ({"a": "1"}.items(), b"a=1", FORM),
        (MultiDict([("a", "1"), ("a", "2")]), b"a=1&a=2", FORM),
        (MultiDictProxy(MultiDict(a="1")), b"a=1", FORM),
        (CIMultiDict(A="1"), b"A=1", FORM),
        ([MultiDict(a="1"), ("b", "2")], b"a=1&b=2", FORM),
        (FormData({"a": "1"}), b"a=1", FORM),
    ],
    ids=repr,
)
async def test_what_is_there(data: object, content: bytes, content_type: str) -> None:
    payload = make_payload(data)
    assert payload.size == len(content)
    assert payload.content_type == content_type
    for _ in range(2):
        assert await written(payload) == content
        assert payload.rewind()


def test_a_payload_is_one() -> None:
    payload = BytesPayload(b"abc", content_type="text/csv")
    assert make_payload(payload) is payload


async def test_a_dict_with_a_file_is_multipart() -> None:
    payload = make_payload({"a": "1", "file": io.BytesIO(b"abc")})
    assert payload.content_type.startswith("multipart/form-data; boundary=")
    assert b'form-data; name="file"; filename="file"\r\n\r\nabc\r\n' in await written(payload)


def test_what_is_registered_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users register dict for JSON."""
    from pronghorn.body.registry import PAYLOAD_REGISTRY, Order

    monkeypatch.setitem(PAYLOAD_REGISTRY._factories[Order.normal], dict, lambda data: get_payload(repr(data)))
    assert make_payload({"a": 1}).decode() == "{'a': 1}"


@pytest.mark.parametrize(
    "data", [None, 5, 1.5, True, object(), len, iter([("a", "b")]), (b"a" for _ in "ab")], ids=repr
)
def test_what_is_no_body(data: Any) -> None:
    with pytest.raises(TypeError, match=f"data: expected .*, got {type(data).__name__}$"):
        make_payload(data)


@pytest.mark.parametrize("data", [["ab", "cd"], [b"ab"], {1, 2}, [("a",)], [None]], ids=repr)
def test_an_iterable_of_no_pairs(data: object) -> None:
    with pytest.raises(
        TypeError, match="form: expected pairs of a name and a value, multidicts or files, got"
    ):
        make_payload(data)
