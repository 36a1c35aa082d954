"""Media types of files."""

from collections.abc import Iterator

import pytest

from pronghorn.server import files as module
from pronghorn.server.content_types import content_type_of, content_types

TYPES = {
    "a.html": "text/html",
    "A.HTML": "text/html",
    "a.b.js": "text/javascript",
    "a.mjs": "text/javascript",
    "a.wasm": "application/wasm",
    "a.woff2": "font/woff2",
    "a.svg": "image/svg+xml",
    "a.tar.gz": "application/gzip",
    "a.bz2": "application/x-bzip2",
    "a.webmanifest": "application/manifest+json",
    "a": "application/octet-stream",
    ".html": "application/octet-stream",
    "a.": "application/octet-stream",
    "a.no-such-type": "application/octet-stream",
    "": "application/octet-stream",
    "dir.html/a": "application/octet-stream",
}


@pytest.fixture
def _no_table() -> Iterator[None]:
    content_types.cache_clear()
    yield
    content_types.cache_clear()


@pytest.mark.usefixtures("_no_table")
@pytest.mark.parametrize("is_made", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("name", "content_type"), TYPES.items())
def test_types(name: str, content_type: str, is_made: bool) -> None:
    """The same, whether the system's table was read or not."""
    if is_made:
        content_types()
    assert content_type_of(name) == content_type


@pytest.mark.usefixtures("_no_table")
def test_types_can_be_added() -> None:
    table = module.CONTENT_TYPES
    assert table is content_types()
    table.add_type("application/x-ours", ".ours")
    table.add_type("text/x-html", ".html")
    assert content_type_of("a.ours") == "application/x-ours"
    assert content_type_of("a.html") == "text/x-html"


def test_nothing_else_is_made_up() -> None:
    with pytest.raises(AttributeError, match="OTHER"):
        _ = module.OTHER
