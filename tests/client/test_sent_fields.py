"""The fields of a request: what is made up, and what is given."""

from typing import Any

import pytest
from multidict import CIMultiDict

from pronghorn.client.sent_fields import as_fields, auto_fields, skipped_names, transfer_fields


def test_what_is_made_up() -> None:
    assert [name for name, _ in auto_fields()] == ["User-Agent", "Accept", "Accept-Encoding"]
    assert [name for name, _ in auto_fields(frozenset({"accept", "user-agent"}))] == ["Accept-Encoding"]


@pytest.mark.parametrize(
    ("given", "names"),
    [(None, set()), ([], set()), ("Accept", {"accept"}), (iter(["A", "b"]), {"a", "b"})],
)
def test_what_is_not_made_up(given: Any, names: set[str]) -> None:
    assert skipped_names(given) == names


def test_names_of_fields_are_str() -> None:
    with pytest.raises(TypeError, match="skip_auto_headers: expected names of fields, got 5"):
        skipped_names(["A", 5])  # type: ignore[list-item]  # what is tested


@pytest.mark.parametrize("given", [{"A": "1"}, [("A", "1")], CIMultiDict(a="1")])
def test_fields_are_a_copy(given: Any) -> None:
    fields = as_fields(given)
    assert fields is not given
    assert fields["a"] == "1"


@pytest.mark.parametrize("given", [5, "A: 1", [("A",)], {"A": 1}, {"A": None}])
def test_what_are_no_fields(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^headers: expected"):
        as_fields(given)


def test_codings_and_chunks() -> None:
    assert dict(transfer_fields(None, "gzip", False)) == {
        "Content-Encoding": "gzip",
        "Transfer-Encoding": "chunked",
    }
    assert dict(transfer_fields({"A": "1"}, "", True)) == {"A": "1", "Transfer-Encoding": "chunked"}


@pytest.mark.parametrize(
    ("headers", "coding", "chunked", "expected"),
    [
        ({"Content-Encoding": "br"}, "gzip", False, "compress: the headers have a Content-Encoding"),
        ({"Content-Length": "1"}, "gzip", False, "compress: expected no Content-Length"),
        ({"Content-Length": "1"}, "", True, "chunked: expected no Content-Length"),
        ({"Transfer-Encoding": "chunked"}, "", True, "chunked: the headers have a Transfer-Encoding"),
        ({}, "lzma", False, "lzma"),
    ],
)
def test_contradictions(headers: dict[str, str], coding: str, chunked: bool, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        transfer_fields(headers, coding, chunked)
