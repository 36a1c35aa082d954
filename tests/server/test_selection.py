"""What of a file answers a request."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from multidict import CIMultiDict

from pronghorn.server.opening import IsFolderError, NotServedError, Place
from pronghorn.server.selection import SMALL, Selected, Wanted, _answer, select, wanted_by
from pronghorn.wire.conditional import ETag, Preconditions
from pronghorn.wire.dates import format_date

AT = 1_700_000_000


def open_descriptors() -> int:
    """How many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_bytes(b"0123456789")
    os.utime(path, (AT, AT))
    return path


def selected(path: Path, wanted: Wanted | None = None, *, follows: bool = False) -> Selected:
    return select(Place(str(path)), wanted or Wanted(), follows=follows)


def test_whole(path: Path) -> None:
    found = selected(path)
    assert found.status == 200
    assert found.content == b"0123456789"
    assert found.content_type == "text/html"
    assert found.fields == {
        "ETag": f'"{AT * 10**9:x}-a"',
        "Last-Modified": format_date(AT),
        "Accept-Ranges": "bytes",
    }
    assert found.file is None


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (253_402_300_800, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (10**13, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (-62_135_596_801, "Mon, 01 Jan 0001 00:00:00 GMT"),
    ],
)
def test_a_time_that_no_date_says(seconds: int, shown: str) -> None:
    """What was unpacked from an archive of somebody else's may be of any time."""
    found: Any = SimpleNamespace(st_size=10, st_mtime_ns=seconds * 10**9)  # few file systems keep it
    answer = _answer(found, "", "text/html", Wanted(preconditions=Preconditions(if_modified_since=0.0)))
    assert answer.fields["Last-Modified"] == shown
    assert answer.status == (304 if seconds < 0 else 200)


def test_a_large_one_is_left_open(path: Path) -> None:
    path.write_bytes(b"x" * (SMALL + 1))
    found = selected(path)
    assert found.content is None
    assert found.pieces == ((0, SMALL + 1),)
    assert found.file is not None
    descriptor = found.file.descriptor
    assert os.fstat(descriptor).st_size == SMALL + 1
    found.close()
    found.close()
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(descriptor)
    head = selected(path, Wanted(is_get=False))
    assert head.size == SMALL + 1
    assert head.file is None
    assert head.content is None


def test_a_small_part_of_a_large_one_is_read(path: Path) -> None:
    path.write_bytes(b"abc" * SMALL)
    found = selected(path, Wanted(range="bytes=3-5"))
    assert found.status == 206
    assert found.content == b"abc"
    assert found.file is None


@pytest.mark.parametrize("name", ["page.br", "nothing"])
def test_nothing_there(path: Path, name: str) -> None:
    with pytest.raises(NotServedError):
        selected(path.with_name(name))
    with pytest.raises(IsFolderError):
        selected(path.parent)


def test_what_is_left_beside_a_file_is_not_it(path: Path) -> None:
    path.with_name("gone.html.gz").write_bytes(b"packed")
    with pytest.raises(NotServedError):
        selected(path.with_name("gone.html"), Wanted(accepted="gzip"))


@pytest.fixture
def packed(path: Path) -> Path:
    for suffix in ("br", "zst", "gz"):
        path.with_name(f"{path.name}.{suffix}").write_bytes(suffix.encode())
    return path


CODINGS = {
    "gzip, deflate, br, zstd": "br",
    "gzip": "gzip",
    "zstd;q=1, br;q=0.5": "zstd",
    "br;q=0, *": "zstd",
    "identity, gzip;q=0.5": "",
    "deflate": "",
    "": "",
    None: "",
}


@pytest.mark.parametrize(("accepted", "coding"), CODINGS.items())
def test_siblings(packed: Path, accepted: str | None, coding: str) -> None:
    found = selected(packed, Wanted(accepted=accepted))
    suffix = {"br": b"br", "zstd": b"zst", "gzip": b"gz", "": b"0123456789"}
    assert found.fields.get("Content-Encoding", "") == coding
    assert found.content == suffix[coding]
    assert found.content_type == "text/html"
    # Caches must know in any case that there are others.
    assert found.fields["Vary"] == "Accept-Encoding"


def test_each_coding_has_a_tag_of_its_own(packed: Path) -> None:
    for suffix in ("br", "zst", "gz"):
        sibling = packed.with_name(f"{packed.name}.{suffix}")
        sibling.write_bytes(b"x" * 10)
        os.utime(sibling, (AT, AT))
    tags = {selected(packed, Wanted(accepted=coding)).fields["ETag"] for coding in ("br", "gzip", "zstd", "")}
    assert len(tags) == 4


def test_ranges_and_conditions_are_those_of_the_coded_file(packed: Path) -> None:
    whole = selected(packed, Wanted(accepted="zstd"))
    tag = whole.fields["ETag"].strip('"')
    found = selected(packed, Wanted(accepted="zstd", range="bytes=1-"))
    assert found.fields["Content-Range"] == "bytes 1-2/3"
    assert found.content == b"st"
    same = Preconditions(if_none_match=(ETag(tag),))
    assert selected(packed, Wanted(accepted="zstd", preconditions=same)).status == 304
    assert selected(packed, Wanted(preconditions=same)).status == 200


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_siblings_that_are_not_served(path: Path, kind: str) -> None:
    sibling = path.with_name(f"{path.name}.gz")
    secret = path.with_name("secret")
    secret.write_bytes(b"secret")
    if kind == "link":
        sibling.symlink_to(secret)
        assert selected(path, Wanted(accepted="gzip"), follows=True).content == b"secret"
    elif kind == "folder":
        sibling.mkdir()
    else:
        os.mkfifo(sibling)
    found = selected(path, Wanted(accepted="gzip"))
    assert found.content == b"0123456789"
    assert "Vary" not in found.fields


def test_several_ranges(path: Path) -> None:
    found = selected(path, Wanted(range="bytes=0-1,8-"))
    assert found.status == 206
    assert "Content-Range" not in found.fields
    kind, _, boundary = found.content_type.partition("; boundary=")
    assert kind == "multipart/byteranges"
    parts = (
        f"\r\n--{boundary}\r\nContent-Type: text/html\r\nContent-Range: bytes 0-1/10\r\n\r\n01"
        f"\r\n--{boundary}\r\nContent-Type: text/html\r\nContent-Range: bytes 8-9/10\r\n\r\n89"
        f"\r\n--{boundary}--\r\n"
    )
    assert found.content == parts.encode()
    assert found.size == len(parts)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("bytes=2-3", 206),
        ("bytes=10-", 416),
        ("bytes=5-4", 416),
        ("bytes=x", 416),
        ("items=0-1", 200),
        ("bytes=0-,0-", 200),
        ("bytes=" + "0-0," * 100, 200),
    ],
)
def test_ranges(path: Path, asked: str, status: int) -> None:
    found = selected(path, Wanted(range=asked))
    assert found.status == status
    if status == 416:
        assert found.fields["Content-Range"] == "bytes */10"
        assert found.content is None or not found.content
    assert selected(path, Wanted(range=asked, if_range='"other"')).status == 200


def test_one_that_changes_while_it_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pronghorn.server.selection.read_at", lambda *_: b"012")
    with pytest.raises(OSError, match="shorter"):
        selected(path)


def test_without_waiting(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pronghorn.io.open_file._NOWAIT", 0)
    monkeypatch.setattr("pronghorn.server.selection.nearness", lambda _: (False, True))
    before = open_descriptors()
    with pytest.raises(BlockingIOError):
        select(Place(str(path)), Wanted(), may_wait=False)
    assert open_descriptors() == before
    assert select(Place(str(path)), Wanted()).is_near


# What a request wants


def test_wanted_by() -> None:
    fields = CIMultiDict(
        [
            ("If-None-Match", '"a"'),
            ("if-none-match", 'W/"b"'),
            ("If-Modified-Since", format_date(AT)),
            ("Accept-Encoding", "gzip"),
            ("accept-encoding", "br"),
            ("Range", "bytes=0-1"),
            ("If-Range", '"a"'),
        ]
    )
    wanted = wanted_by("GET", fields)
    assert wanted == Wanted(
        accepted="gzip, br",
        preconditions=Preconditions(None, None, (ETag("a"), ETag("b", is_weak=True)), float(AT)),
        range="bytes=0-1",
        if_range='"a"',
    )
    assert not wanted_by("HEAD", fields).is_get
    # Conditions are for what would be sent whole, and for what only reads.
    assert wanted_by("GET", fields, 404) == Wanted(accepted="gzip, br")
    assert wanted_by("POST", fields) == Wanted(accepted="gzip, br")


def test_wanted_by_a_plain_mapping() -> None:
    assert wanted_by("GET", {"If-Match": '"a"', "If-Unmodified-Since": "yesterday"}) == Wanted(
        preconditions=Preconditions(if_match=(ETag("a"),))
    )
