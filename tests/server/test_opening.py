"""Files opened below a folder, and nothing else."""

import os
import socket
from pathlib import Path

import pytest

from pronghorn.server.opening import HAS_STEPS, IsFolderError, NotServedError, Place, below

pytestmark = pytest.mark.skipif(not HAS_STEPS, reason="the platform has no such calls")
STEPS = pytest.mark.parametrize("has_steps", [True, False], ids=["step-by-step", "whole-paths"])


def open_descriptors() -> int:
    """How many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "a" / "b").mkdir(parents=True)
    (root / "file").write_text("top")
    (root / "a" / "file").write_text("in a")
    (root / "a" / "b" / "file").write_text("in b")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("secret")
    (root / "link").symlink_to(outside / "file")
    (root / "inner-link").symlink_to(root / "file")
    (root / "folder-link").symlink_to(outside)
    (root / "a" / "folder-link").symlink_to(root / "a" / "b")
    (root / "dangling").symlink_to(root / "none")
    (root / "loop").symlink_to(root / "loop")
    os.mkfifo(root / "pipe")
    return root


def read(root: Path, *parts: str, follows: bool = False, has_steps: bool = True) -> str:
    with below(str(root), parts, follows=follows, has_steps=has_steps) as place:
        seen = place.look()
        if seen is None:
            raise NotServedError
        descriptor, found = place.open(seen)
        with os.fdopen(descriptor, "rb") as file:
            content = file.read()
    assert found.st_size == len(content)
    return content.decode()


@STEPS
def test_files(root: Path, has_steps: bool) -> None:
    assert read(root, "file", has_steps=has_steps) == "top"
    assert read(root, "a", "file", has_steps=has_steps) == "in a"
    assert read(root, "a", "b", "file", has_steps=has_steps) == "in b"


NOTHING = {
    "none": ("none",),
    "none-in-a": ("a", "none"),
    "no-folder": ("none", "file"),
    "below-a-file": ("file", "x"),
    "below-a-file-in-a": ("a", "file", "x"),
    "link": ("link",),
    "inner-link": ("inner-link",),
    "folder-link": ("folder-link", "file"),
    "inner-folder-link": ("a", "folder-link", "file"),
    "dangling": ("dangling",),
    "loop": ("loop",),
    "below-a-loop": ("loop", "x"),
    "pipe": ("pipe",),
    "long": ("a" * 300,),
    "long-folder": ("a" * 300, "x"),
    "NUL": ("a\0b",),
    "NUL-folder": ("a\0b", "x"),
}


@STEPS
@pytest.mark.parametrize("parts", NOTHING.values(), ids=NOTHING)
def test_what_is_not_served(root: Path, parts: tuple[str, ...], has_steps: bool) -> None:
    before = open_descriptors()
    with pytest.raises(NotServedError) as caught:
        read(root, *parts, has_steps=has_steps)
    assert type(caught.value) is NotServedError
    assert open_descriptors() <= before


@STEPS
@pytest.mark.parametrize("parts", [(), ("a",), ("a", "b")])
def test_folders(root: Path, parts: tuple[str, ...], has_steps: bool) -> None:
    with pytest.raises(IsFolderError):
        read(root, *parts, has_steps=has_steps)


def test_links_are_followed_if_that_is_asked_for(root: Path) -> None:
    assert read(root, "link", follows=True) == "secret"
    assert read(root, "folder-link", "file", follows=True) == "secret"
    assert read(root, "a", "folder-link", "file", follows=True) == "in b"
    with pytest.raises(NotServedError):
        read(root, "dangling", follows=True)
    with pytest.raises(NotServedError):
        read(root, "pipe", follows=True)


def test_a_socket(root: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(root / "socket"))
        with pytest.raises(NotServedError):
            read(root, "socket")


@pytest.mark.parametrize("replaced_by", ["link", "file", "folder", "nothing", "pipe"])
def test_what_is_replaced_after_it_was_looked_at(root: Path, replaced_by: str) -> None:
    path = root / "a" / "file"
    other = root / "a" / "other"
    other.write_text("other")
    with below(str(root), ("a", "file"), follows=False) as place:
        seen = place.look()
        assert seen is not None
        path.unlink()
        if replaced_by == "link":
            path.symlink_to(root.parent / "outside" / "file")
        elif replaced_by == "file":
            path.hardlink_to(other)
        elif replaced_by == "folder":
            path.mkdir()
        elif replaced_by == "pipe":
            os.mkfifo(path)
        before = open_descriptors()
        with pytest.raises(NotServedError):
            place.open(seen)
        assert open_descriptors() <= before


def test_a_folder_that_is_replaced_on_the_way(root: Path) -> None:
    """What was gone through is what is served: the descriptor leads there still."""
    with below(str(root), ("a", "b", "file"), follows=False) as place:
        (root / "a" / "b").rename(root / "moved")
        (root / "a" / "b").symlink_to(root.parent / "outside")
        seen = place.look()
        assert seen is not None
        descriptor, _ = place.open(seen)
    with os.fdopen(descriptor) as file:
        assert file.read() == "in b"


def test_what_may_not_be_read(root: Path) -> None:
    (root / "file").chmod(0)
    (root / "a").chmod(0)
    try:
        if os.access(root / "file", os.R_OK):
            pytest.skip("this user may read everything")
        for parts in (("file",), ("a", "file"), ("a", "b", "file")):
            with pytest.raises(NotServedError):
                read(root, *parts)
    finally:
        (root / "a").chmod(0o700)


def test_listing(root: Path) -> None:
    with below(str(root), ("a", "b"), follows=False) as place, place.listing() as entries:
        assert [entry.name for entry in entries] == ["file"]
    link = Place(str(root / "folder-link"))
    with pytest.raises(OSError), link.listing():  # noqa: PT011 - which error it is differs
        pass


def test_a_whole_path() -> None:
    place = Place("/nowhere/at/all")
    assert place.look() is None
    assert place.beside(".gz", follows=False).name == "/nowhere/at/all.gz"
