"""`StaticResource`: names, routes, versions, and what it finds."""

import base64
import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest

from pronghorn import web
from pronghorn.server.files import FileResponse
from pronghorn.server.routing.static import StaticResource
from pronghorn.testing.memory import MemoryExchange, make_request


def open_descriptors() -> int:
    """How many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "served"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_text("content")
    (root / "sub" / "b c.txt").write_text("inner")
    (tmp_path / "secret").write_text("secret")
    (root / "link").symlink_to(tmp_path / "secret")
    return root


async def get(resource: StaticResource, target: str, method: str = "GET", **request: Any) -> tuple[int, str]:
    """The status and the content for a request that an application has."""
    app = web.Application()
    app.router.register_resource(resource)
    app.freeze()
    exchange = MemoryExchange(method=method, writable=1 << 20)
    asked = make_request(method, target, exchange=exchange, **request)
    try:
        response = await app._handle(asked)
    except web.HTTPException as error:
        return error.status, error.text or ""
    await response.prepare(asked)
    await response.write_eof()
    if exchange.sent is None:
        raise AssertionError("nothing was sent")
    return int(exchange.sent.first), exchange.content.decode()


async def test_files(root: Path) -> None:
    for prefix in ("/static", "/static/", "/"):
        base = prefix.rstrip("/")
        assert await get(StaticResource(prefix, root), f"{base}/a.txt") == (200, "content")
        assert await get(StaticResource(prefix, str(root)), f"{base}/sub/b%20c.txt?v=1") == (200, "inner")
    assert await get(StaticResource("/static", root), "/static/a.txt", "HEAD") == (200, "")
    assert await get(StaticResource("/stat ic", root), "/stat%20ic/a.txt") == (200, "content")
    assert await get(StaticResource("/st\u00e4tic", root), "/st%c3%a4tic/sub/b%20c.txt") == (200, "inner")
    assert await get(StaticResource("/static", root), "http://a/static/a.txt") == (200, "content")


@pytest.mark.parametrize(
    "target",
    [
        "/static/none",
        "/static/link",
        "/static/a.txt/",
        "/static//a.txt",
        "/static//",
        "/static/sub//",
        "/static/./a.txt",
        "/static/sub/../a.txt",
        "/static/../secret",
        "/static../secret",
        "/static/%2e%2e/secret",
        "/static/sub%2fb%20c.txt",
        "/static/%00",
        "/static/" + "a" * 5000,
        "/static/" + "a/" * 2000,
        "/staticx",
        "/",
    ],
)
async def test_one_answer_to_all_else(root: Path, target: str) -> None:
    assert await get(StaticResource("/static", root, show_index=True), target) == (404, "404: Not Found")


async def test_folders(root: Path) -> None:
    for target in ("/static", "/static/", "/static/sub", "/static/sub/"):
        status, _ = await get(StaticResource("/static", root), target)
        assert status == 403
        status, text = await get(StaticResource("/static", root, show_index=True), target)
        assert status == 200
        assert ('href="/static/sub/b%20c.txt"' in text) is ("sub" in target)
        assert "link" not in text


async def test_links_if_they_are_followed(root: Path) -> None:
    resource = StaticResource("/static", root, follow_symlinks=True)
    assert await get(resource, "/static/link") == (200, "secret")
    for target in ("/static/../secret", "/static/sub/../../secret", "/static/%2e%2e/secret"):
        assert (await get(resource, target))[0] == 404


async def test_a_root_that_is_a_link(root: Path) -> None:
    link = root.parent / "current"
    link.symlink_to(root)
    assert await get(StaticResource("/static", link), "/static/a.txt") == (200, "content")


async def test_methods(root: Path) -> None:
    resource = StaticResource("/static", root)
    assert (await get(resource, "/static/a.txt", "POST"))[0] == 405
    assert len(resource) == 2

    async def options(_request: web.Request) -> web.Response:
        return web.Response(text="yes")

    resource.set_options_route(options)
    assert await get(resource, "/static/a.txt", "OPTIONS") == (200, "yes")
    assert {route.method for route in resource} == {"GET", "HEAD", "OPTIONS"}
    with pytest.raises(RuntimeError, match="OPTIONS"):
        resource.set_options_route(options)


async def test_a_subclass_may_handle_files(root: Path) -> None:
    class Marked(StaticResource):
        async def _handle(self, request: web.Request) -> web.StreamResponse:
            response = await super()._handle(request)
            assert isinstance(response, FileResponse)
            assert response._path == self._directory / "a.txt"
            assert response._chunk_size == self._chunk_size == 77
            assert request.match_info["filename"] == "a.txt"
            return web.Response(text="marked")

    assert await get(Marked("/static", root, chunk_size=77), "/static/a.txt") == (200, "marked")


async def test_what_is_not_sent_is_closed(root: Path) -> None:
    (root / "large").write_bytes(b"x" * 100_000)
    before = open_descriptors()

    class Replaced(StaticResource):
        async def _handle(self, request: web.Request) -> web.StreamResponse:
            await super()._handle(request)
            return web.Response(text="instead")

    assert await get(Replaced("/static", root), "/static/large") == (200, "instead")
    assert open_descriptors() == before


async def test_a_file_at_hand_that_changes(root: Path) -> None:
    """What was looked at a moment ago is looked at again."""
    resource = StaticResource("/static", root, show_index=True)
    path = root / "a.txt"
    for content in ("one", "two!", "x" * 70_000):
        path.write_text(content)
        for _ in range(2):
            assert await get(resource, "/static/a.txt") == (200, content)
    path.unlink()
    assert (await get(resource, "/static/a.txt"))[0] == 404
    assert (await get(resource, "/static/a.txt"))[0] == 404
    path.write_text("again")
    assert await get(resource, "/static/a.txt") == (200, "again")
    path.unlink()
    path.mkdir()
    assert "Index of /a.txt" in (await get(resource, "/static/a.txt"))[1]
    path.rmdir()
    path.symlink_to(root / "sub" / "b c.txt")
    assert (await get(resource, "/static/a.txt"))[0] == 404


async def test_no_disk_is_asked_from_the_loop_at_first(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    inner = StaticResource._find

    def find(self: StaticResource, *args: Any, **kwargs: Any) -> Any:
        threads.append(threading.get_ident())
        return inner(self, *args, **kwargs)

    monkeypatch.setattr(StaticResource, "_find", find)
    resource = StaticResource("/static", root)
    for target in ("/static/a.txt", "/static/none", "/static/none", "/static/sub"):
        await get(resource, target)
    assert len(threads) == 4
    assert threading.get_ident() not in threads


def test_url_for(root: Path) -> None:
    resource = StaticResource("/static", root)
    assert str(resource.url_for(filename="a.txt")) == "/static/a.txt"
    assert str(resource.url_for(filename="/sub/b c.txt")) == "/static/sub/b%20c.txt"
    assert str(resource.url_for(filename=Path("a.txt"))) == "/static/a.txt"
    assert str(resource.url_for(filename="a?b#c%.txt")) == "/static/a%3Fb%23c%25.txt"
    # A path, whatever it begins with.
    assert str(StaticResource("/", root).url_for(filename="//evil.example/x")) == "/evil.example/x"
    assert resource.canonical == "/static"
    resource.add_prefix("/app")
    assert str(resource.url_for(filename="a.txt")) == "/app/static/a.txt"


def version(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()


def test_versions(root: Path) -> None:
    resource = StaticResource("/static", root, append_version=True)
    url = resource.url_for(filename="a.txt")
    assert url.query["v"] == version(b"content") == StaticResource.get_file_hash(b"content")
    assert resource.url_for(filename="a.txt") == url
    assert resource.url_for(filename="sub/b c.txt").query["v"] == version(b"inner")
    (root / "a.txt").write_text("changed!")
    assert resource.url_for(filename="a.txt").query["v"] == version(b"changed!")
    assert not resource.url_for(filename="a.txt", append_version=False).query
    assert StaticResource("/s", root).url_for(filename="a.txt", append_version=True).query


@pytest.mark.parametrize("name", ["none", "link", "sub", "../secret", "sub/../../secret", "a\0b", ""])
def test_what_is_not_served_has_no_version(root: Path, name: str) -> None:
    resource = StaticResource("/static", root, append_version=True)
    assert not resource.url_for(filename=name).query


def test_only_so_many_hashes_are_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pronghorn.server.routing.static._MOST_HASHES", 3)
    resource = StaticResource("/static", root, append_version=True)
    for number in range(10):
        (root / "a.txt").write_text("x" * number)
        assert resource.url_for(filename="a.txt").query["v"] == version(b"x" * number)
    assert len(resource._hashes) <= 3


def test_info(root: Path) -> None:
    resource = StaticResource("/static", root, name="files")
    info = resource.get_info()
    assert info["directory"] == root.resolve()
    assert info["prefix"] == "/static"
    assert set(info["routes"]) == {"GET", "HEAD"}
    assert resource.name == "files"
    assert repr(resource) == f"<StaticResource 'files' /static -> {root.resolve()}>"
    assert repr(StaticResource("/static", root)) == f"<StaticResource /static -> {root.resolve()}>"
    assert resource._directory == root.resolve()
    assert resource._show_index is False
    assert resource._prefix == "/static"


def test_what_is_no_folder(root: Path) -> None:
    for path in (root / "none", root / "a.txt"):
        with pytest.raises(ValueError, match="directory"):
            StaticResource("/static", path)
    with pytest.raises(ValueError, match="prefix"):
        StaticResource("static", root)
