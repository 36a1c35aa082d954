"""Paths as routes compare them."""

import pytest

from pronghorn.server.routing.paths import (
    comparable,
    decoded,
    folder_of,
    path_of,
    quoted,
    raw_path_of,
    requoted,
)
from pronghorn.testing.memory import make_request

from ...worktime import LINEAR, growth


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/a", "/a"),
        ("/%61", "/a"),
        ("/%c3%a9", "/é"),
        ("/a%2fb", "/a%2Fb"),
        ("/a%2Fb", "/a%2Fb"),
        ("/100%25", "/100%25"),
        ("/%252F", "/%252F"),
        ("/%7Bx%7d", "/{x}"),
        ("/a+b%2B", "/a+b+"),
        ("/%3F%23", "/?#"),
        ("/%5C", "/\\"),
        ("/%00", "/\0"),
        ("/%2e%2E/", "/../"),
        ("/%", "/%"),
        ("/%zz", "/%zz"),
        ("/%ff", "/%ff"),
        ("/%c0%af", "/%c0%af"),
        ("//x", "//x"),
    ],
)
def test_comparable(raw: str, path: str) -> None:
    assert comparable(raw) == path
    assert comparable("") == ""


@pytest.mark.parametrize(("part", "text"), [("a%2Fb", "a/b"), ("%252F", "%2F"), ("%2525", "%25"), ("a", "a")])
def test_decoded(part: str, text: str) -> None:
    assert decoded(part) == text


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a b", "a%20b"),
        ("é", "%C3%A9"),
        ("%41", "%2541"),
        ("a:b", "a:b"),
        ("//a", "//a"),
        ("?#\\", "%3F%23%5C"),
        ("..", ".."),
        ("", ""),
    ],
)
def test_quoted(text: str, path: str) -> None:
    assert quoted(text) == path


@pytest.mark.parametrize(
    ("text", "path"),
    [("/a b", "/a%20b"), ("/%c3%a9 é", "/%C3%A9%20%C3%A9"), ("/a%2fb", "/a%2Fb"), ("/x%y%", "/x%25y%25")],
)
def test_requoted(text: str, path: str) -> None:
    assert requoted(text) == path
    assert requoted(path) == path


@pytest.mark.parametrize(("fixed", "folder"), [("/a/b", "/a"), ("/a/", "/a"), ("/a", "/"), ("", "/")])
def test_folder_of(fixed: str, folder: str) -> None:
    assert folder_of(fixed) == folder


@pytest.mark.parametrize(
    ("method", "target", "raw", "path"),
    [
        ("GET", "/a?b=/c", "/a", "/a"),
        ("GET", "/%61?%62", "/%61", "/a"),
        ("GET", "/%c3%a9%2f", "/%c3%a9%2f", "/é%2F"),
        ("GET", "//evil/a", "//evil/a", "//evil/a"),
        ("GET", "http://host/a%20b?c", "/a%20b", "/a b"),
        ("GET", "http://host", "/", "/"),
        ("GET", "http://host?a", "/", "/"),
        ("OPTIONS", "*", "*", "*"),
        ("CONNECT", "host:80", "", ""),
    ],
)
def test_path_of(method: str, target: str, raw: str, path: str) -> None:
    request = make_request(method, target)
    assert raw_path_of(request) == raw
    assert path_of(request) == path


@pytest.mark.timed
@pytest.mark.parametrize("piece", ["%2F", "%25", "%C3%A9", "%"])
def test_comparing_costs_no_more_than_the_length(piece: str) -> None:
    assert growth(lambda size: [comparable("/" + piece * size) for _ in range(20)], 2000) < LINEAR
