import json
import os
import pickle
import stat
from math import inf
from pathlib import Path
from typing import Any

import pytest

from pronghorn.client.cookie_file import read_cookies, write_cookies
from pronghorn.client.cookie_store import Key, StoredCookie

COOKIES = [
    StoredCookie(Key("a.example", "/", "a", False), "b", {}, inf),
    StoredCookie(Key("a.example", "/", "a", True), "b", {}, inf),
    StoredCookie(
        Key("a.example", "/x", "c[d]", True),
        '"e f"',
        {"secure": True, "httponly": True, "samesite": "Lax", "partitioned": True},
        1_000_000_000.5,
    ),
    StoredCookie(Key("", "/", "ü", False), "\udcff\u2603", {}, 0),
]


def seen(cookie: StoredCookie) -> object:
    said = {name: value for name, value in cookie.attributes.items() if value and name != "expires"}
    return cookie.key, cookie.coded_value, cookie.value, said, cookie.expires, cookie.is_secure


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "jar"
    write_cookies(path, COOKIES)
    read = read_cookies(str(path))
    assert list(map(seen, read)) == list(map(seen, COOKIES))
    assert read[2].attributes["expires"] == "Sun, 09 Sep 2001 01:46:40 GMT"
    assert isinstance(json.loads(path.read_text("ascii")), list)


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "jar"
    path.write_text("[]")
    path.chmod(0o644)
    before = os.umask(0)
    try:
        write_cookies(path, COOKIES)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "jar"
    write_cookies(path, COOKIES[:1])
    before = path.read_bytes()

    def broken() -> Any:
        yield COOKIES[0]
        raise LookupError("broken")

    with pytest.raises(LookupError):
        write_cookies(path, broken())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_of_a_file_that_cannot_be_put_in_place(tmp_path: Path) -> None:
    (tmp_path / "jar").mkdir()
    with pytest.raises(OSError, match="jar"):
        write_cookies(tmp_path / "jar", COOKIES)
    assert list(tmp_path.iterdir()) == [tmp_path / "jar"]


def test_a_file_of_aiohttp(tmp_path: Path) -> None:
    path = tmp_path / "jar"
    path.write_text(
        """{
        "a.example|/x": {"a": {"key": "a", "value": "q v", "coded_value": "\\"q v\\"", "path": "/x",
            "domain": "a.example", "secure": true, "httponly": true, "samesite": "Lax", "host_only": true}},
        "a.example|": {"b": {"key": "b", "value": "c", "coded_value": "c", "path": "/", "domain": "a.example",
            "expires_timestamp": 1924992000}},
        "|": {"s": {"key": "s", "value": "x", "coded_value": "x", "path": "/"}}}"""
    )
    assert [(cookie.key, cookie.coded_value, cookie.expires) for cookie in read_cookies(path)] == [
        (("a.example", "/x", "a", True), '"q v"', inf),
        (("a.example", "/", "b", False), "c", 1924992000),
        (("", "/", "s", False), "x", inf),
    ]


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_cookies(tmp_path / "jar")


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_CVE_2026_34993_a_pickle_is_not_read(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "jar"
    path.write_bytes(pickle.dumps(Trap(tmp_path / "trapped"), protocol))
    with pytest.raises(ValueError, match=r"jar: expected the JSON that `save` writes") as caught:
        read_cookies(path)
    assert ("a pickle, which is never read" in str(caught.value)) == (protocol >= 2)
    assert not (tmp_path / "trapped").exists()


def record(**fields: object) -> object:
    return [{"key": "a", "coded_value": "b", "domain": "a.example", "path": "/", "host_only": True, **fields}]


BROKEN = [
    5,
    "text",
    None,
    {"a": 1},
    {"a": {"b": 1}},
    [5],
    [[]],
    [{}],
    [{"key": "a"}],
    record(key=5),
    record(key=""),
    record(key="a=b"),
    record(key="a;b"),
    record(coded_value="b; c=d"),
    record(coded_value="b\r\nX: y"),
    record(coded_value=None),
    record(domain=None),
    record(path="x"),
    record(path=5),
    record(host_only="yes"),
    record(host_only=1),
    record(secure="yes"),
    record(samesite=5),
    record(expires_timestamp="soon"),
    record(expires_timestamp=True),
    record(expires_timestamp=None),
    record(expires_timestamp=float("nan")),
    record(expires_timestamp=float("-inf")),
    record(expires_timestamp=1e300),
]


@pytest.mark.parametrize("content", BROKEN)
def test_other_content(tmp_path: Path, content: object) -> None:
    path = tmp_path / "jar"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"jar: expected the JSON that `save` writes"):
        read_cookies(path)


@pytest.mark.parametrize("data", [b"", b"hello", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"9" * 10_000])
def test_other_data(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "jar"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"jar: expected the JSON that `save` writes"):
        read_cookies(path)
