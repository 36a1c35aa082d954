"""Whatever reads like a file: what is sent of it, and what is said of it."""

import bz2
import gzip
import io
import lzma
import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Self

import pytest

from pronghorn.body.files import (
    BytesIOPayload,
    IOBasePayload,
    StringIOPayload,
    TextIOPayload,
    file_payload,
    guess_filename,
)
from pronghorn.body.payload import Payload
from pronghorn.body.registry import get_payload

from .writing import Written, written

BINARY = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
LARGE = bytes(range(256)) * 4096  # 1 MiB
PIECE = 256 * 1024


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(LARGE)
    return path


# Whatever reads like a file


def compressed_by(module: Any) -> Callable[[Path], IO[bytes]]:
    def opened(path: Path) -> IO[bytes]:
        path.write_bytes(module.compress(LARGE))
        file: IO[bytes] = module.open(path)
        return file

    return opened


def spooled(path: Path) -> IO[bytes]:
    file = tempfile.SpooledTemporaryFile(max_size=100)  # noqa: SIM115 - who asked for it closes it
    file.write(LARGE)
    file.seek(0)
    return file


def named(path: Path) -> Any:
    file = tempfile.NamedTemporaryFile()  # noqa: SIM115 - who asked for it closes it
    file.write(LARGE)
    file.seek(0)
    return file


def zipped(path: Path) -> IO[bytes]:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", LARGE)
    return zipfile.ZipFile(path).open("a")


class Imitation:
    """Reads like a file, forgets what seek has to return, and has nothing else."""

    def __init__(self, path: Path) -> None:
        self._file = io.BytesIO(LARGE)
        self.read = self._file.read
        self.tell = self._file.tell

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> None:
        self._file.seek(offset, whence)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass


OTHERS = {
    "BytesIO": (lambda path: io.BytesIO(LARGE), True),
    "over BytesIO": (lambda path: io.BufferedReader(io.BytesIO(LARGE)), True),
    "read and write": (lambda path: path.open("r+b"), True),
    "spooled": (spooled, True),
    "named": (named, True),
    "imitation": (Imitation, True),
    "gzip": (compressed_by(gzip), False),
    "bz2": (compressed_by(bz2), False),
    "lzma": (compressed_by(lzma), False),
    "zip": (zipped, False),
    "over gzip": (lambda path: io.BufferedReader(compressed_by(gzip)(path)), False),
}


@pytest.mark.parametrize(("opened", "is_measured"), OTHERS.values(), ids=OTHERS)
async def test_whatever_reads_like_a_file(
    path: Path, opened: Callable[[Path], Any], is_measured: bool
) -> None:
    """Its size is that of what it gives, whatever lies on the disk; who decompresses is not asked for it."""
    with opened(path) as file:
        file.seek(3)
        payload = get_payload(file)
        assert payload.size == (len(LARGE) - 3 if is_measured else None)
        for _ in range(2):
            assert await written(payload) == LARGE[3:]
            assert payload.rewind()
        if not isinstance(payload, BytesIOPayload):
            await payload.close()
            assert not payload.rewind()


def test_a_file_that_decompresses_is_not_read_to_be_measured(path: Path) -> None:
    with compressed_by(gzip)(path) as file:
        get_payload(file)
        assert file.fileobj.tell() == 0


@pytest.mark.parametrize("name", ["/proc/self/status", "/proc/cpuinfo"])
async def test_a_file_whose_size_nobody_knows(name: str) -> None:
    with Path(name).open("rb") as file:
        payload = get_payload(file)
        assert payload.size is None
        assert (await written(payload)).startswith(Path(name).read_bytes()[:5])


class Pieces:
    """What can only be read; it has no end to be closed at."""

    def __init__(self, *pieces: Any) -> None:
        self._pieces = [*pieces, b""]

    def read(self, size: int) -> Any:
        return self._pieces.pop(0)


async def test_what_can_only_be_read() -> None:
    payload = get_payload(Pieces(b"a", bytearray(b"b"), memoryview(b"c")))
    assert payload.size is None
    assert payload.rewind(), "nothing of it was read yet"
    assert await written(payload) == b"abc"
    assert payload.consumed
    assert not payload.rewind()
    with pytest.raises(RuntimeError, match="can't be read once more"):
        await payload.write(Written())
    with pytest.raises(TypeError, match="must be read first"):
        payload.decode()
    await payload.close()


@pytest.mark.parametrize("piece", ["text", None, 5, [b"a"]], ids=repr)
async def test_a_file_that_gives_no_bytes(piece: object) -> None:
    """None is what a file that does not block gives if there is nothing yet: no end."""
    writer = Written()
    with pytest.raises(TypeError, match=r"expected read\(\) to give bytes"):
        await get_payload(Pieces(b"a", piece)).write(writer)
    assert writer.content == b"a"


async def test_a_file_that_gives_more_than_it_was_asked_for() -> None:
    class Generous(Imitation):
        def __init__(self) -> None:
            super().__init__(Path())
            self.read = lambda size: LARGE * 2

    assert await written(get_payload(Generous())) == LARGE


def test_a_file_whose_read_is_awaited() -> None:
    class Asynchronous:
        async def read(self, size: int) -> bytes:
            return b""

    with pytest.raises(TypeError, match="of Asynchronous it is awaited"):
        get_payload(Asynchronous())


async def test_a_pipe() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"abc")
    os.close(write_end)
    with os.fdopen(read_end, "rb") as file:
        payload = get_payload(file)
        assert payload.size is None
        assert await written(payload) == b"abc"
        assert not payload.rewind()


# Text

GREEN = "gr\u00fcn\n" * 100


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
async def test_a_text_file_is_sent_as_utf_8(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "green"
    path.write_bytes(GREEN.replace("\n", "\r\n").encode(encoding))
    with path.open(encoding=encoding) as file:
        payload = get_payload(file)
        assert isinstance(payload, TextIOPayload)
        assert payload.size is None
        assert payload.content_type == TEXT
        assert payload.decode() == GREEN
        for _ in range(2):
            assert await written(payload) == GREEN.encode()
            assert payload.rewind()


LONG = "\u00fc\u20ac" * 300_000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "iso2022_jp_2"])
async def test_text_in_another_charset(tmp_path: Path, encoding: str) -> None:
    """Its pieces are those of one text, with one mark at its beginning and one end."""
    text = LONG if encoding != "iso2022_jp_2" else "\u65e5\u672c" * 300_000
    path = tmp_path / "long"
    path.write_text(text, "utf-8")
    for options in ({"encoding": encoding}, {"content_type": f"text/plain; charset={encoding}"}):
        with path.open(encoding="utf-8") as file:
            payload = get_payload(file, **options)
            assert payload.content_type == f"text/plain; charset={encoding}"
            for _ in range(2):
                assert await written(payload) == text.encode(encoding)


async def test_text_that_its_charset_does_not_have(tmp_path: Path) -> None:
    path = tmp_path / "euro"
    path.write_text("\u20ac", "utf-8")
    with path.open(encoding="utf-8") as file, pytest.raises(UnicodeEncodeError):
        await get_payload(file, encoding="latin-1").write(Written())


async def test_a_text_file_is_sent_from_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "green"
    path.write_text(GREEN, "utf-8")
    with path.open(encoding="utf-8") as file:
        file.readline()
        payload = get_payload(file)
        for _ in range(2):
            assert await written(payload) == GREEN[5:].encode()
        file.seek(0)
        next(file)  # from now on it does not tell where it stands
        payload = get_payload(file)
        assert await written(payload) == GREEN[5:].encode()
        assert not payload.rewind()


@pytest.mark.parametrize("kind", [tempfile.NamedTemporaryFile, tempfile.SpooledTemporaryFile])
async def test_a_temporary_text_file_is_text(kind: Any) -> None:
    """It is no TextIOBase, for all that it reads like one."""
    with kind(mode="w+", encoding="latin-1") as file:
        file.write(GREEN)
        file.seek(0)
        payload = get_payload(file)
        assert isinstance(payload, TextIOPayload)
        assert payload.size is None
        assert await written(payload) == GREEN.encode()


async def test_text_in_memory() -> None:
    file = io.StringIO(GREEN)
    file.readline()
    payload = get_payload(file)
    assert isinstance(payload, StringIOPayload)
    assert payload.content_type == TEXT
    for _ in range(2):
        assert await written(payload) == GREEN[5:].encode()
        assert payload.rewind()


# Names


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("a.png", "image/png"), ("a.json", "application/json"), ("a.html", "text/html"), ("a", BINARY)],
)
def test_what_the_name_of_a_file_says(tmp_path: Path, name: str, content_type: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"")
    with path.open("rb") as file:
        payload = get_payload(file)
        assert payload.filename == name
        assert payload.headers == {
            "Content-Type": content_type,
            "Content-Disposition": f'attachment; filename="{name}"',
        }


def test_a_file_without_a_name() -> None:
    with tempfile.TemporaryFile() as file:
        payload = get_payload(file)
        assert (payload.filename, dict(payload.headers)) == (None, {"Content-Type": BINARY})


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        (
            {"filename": "b.png"},
            {"Content-Type": "image/png", "Content-Disposition": 'attachment; filename="b.png"'},
        ),
        ({"filename": None}, {"Content-Type": BINARY}),
        (
            {"disposition": "inline"},
            {"Content-Type": BINARY, "Content-Disposition": 'inline; filename="data.bin"'},
        ),
        ({"disposition": ""}, {"Content-Type": BINARY}),
        (
            {"content_type": "a/b", "headers": {"Content-Disposition": "mine", "X": "y"}},
            {"Content-Type": "a/b", "Content-Disposition": "mine", "X": "y"},
        ),
    ],
    ids=repr,
)
def test_what_is_said_of_a_file(path: Path, options: dict[str, Any], headers: dict[str, str]) -> None:
    with path.open("rb") as file:
        assert get_payload(file, **options).headers == headers


@pytest.mark.parametrize("name", ["a\r\nX: y", "a\0b"])
def test_a_name_that_can_t_be_sent(name: str) -> None:
    with pytest.raises(ValueError, match="control character in filename"):
        get_payload(io.BytesIO(), filename=name)


class Named(io.BytesIO):
    def __init__(self, name: object) -> None:
        super().__init__()
        self.name = name


@pytest.mark.parametrize(
    ("name", "guessed"),
    [("a", "a"), ("/b/a", "a"), ("b/a.txt", "a.txt"), ("<stdin>", None), ("", None), (5, None), (b"a", None)],
)
def test_guess_filename(name: object, guessed: str | None) -> None:
    assert guess_filename(Named(name)) == guessed
    assert guess_filename(Named(name), "default") == (guessed or "default")
    assert guess_filename(object(), "default") == "default"


def test_file_payload() -> None:
    kinds: list[type[Payload]] = [type(file_payload(file)) for file in (Pieces(), Named("a"), io.StringIO())]
    assert kinds == [IOBasePayload, IOBasePayload, TextIOPayload]
