"""Family 10 over sockets: an application is asked for what it must not give, and to say what it must not."""

import json
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pronghorn import StringPayload, web
from pronghorn.server.routing.filenames import names_in
from pronghorn.testing import TestServer
from pronghorn.typedefs import Handler

from ..functional.scripted import turns
from ..server.peer import Answer, Peer, connect
from .cases import few_pieces
from .family_10_applications import ASKED, WINDOWS, Asked

CASES = ASKED
SECRET = b"s3cret"
#: Asked behind each case, if the connection is still there.
NEXT = b"GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
ACCESS = logging.getLogger("test.applications")
#: A path that is a variable part from its beginning.
TOP = web.DynamicResource("/{top}")


# The applications


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "served"
    for folder in (root / "sub", root / "closed", tmp_path / "served-beside"):
        folder.mkdir(parents=True)
    for secret in (tmp_path / "secret.txt", tmp_path / "served-beside" / "secret.txt"):
        secret.write_bytes(SECRET)
    (root / "a.txt").write_text("content")
    (root / "sub" / "b.txt").write_text("inner")
    (root / ".dot").write_text("dot")
    (root / "colon:name").write_text("colon")
    (root / "link").symlink_to(tmp_path / "secret.txt")
    (root / "inner-link").symlink_to(root / "a.txt")
    (root / "folder-link").symlink_to(tmp_path)
    (root / "loop").symlink_to(root / "loop")
    for suffix in ("gz", "br", "zst"):
        (root / f"a.txt.{suffix}").symlink_to(tmp_path / "secret.txt")
    os.mkfifo(root / "pipe")
    return root


def says(text: str) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=text)

    return handler


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    raise web.HTTPForbidden


class View(web.View):
    """Answers GET. Its other attributes are nobody's business."""

    async def get(self) -> web.Response:
        return web.Response(text="view")

    async def secret(self) -> web.Response:
        return web.Response(body=SECRET)

    SECRET = secret


async def move(request: web.Request) -> web.Response:
    raise web.HTTPFound(request.query["to"])


async def move_back(request: web.Request) -> web.Response:
    raise web.HTTPFound(request.url)


async def move_on(request: web.Request) -> web.Response:
    raise web.HTTPFound(request.rel_url.with_query(moved="y"))


async def move_to_named(request: web.Request) -> web.Response:
    raise web.HTTPFound(TOP.url_for(top=request.match_info["part"]))


def as_text(name: str, value: Any) -> str:
    return f"{name}:{value.filename}" if isinstance(value, web.FileField) else f"{name}={value}"


async def set_cookie(request: web.Request) -> web.Response:
    given: dict[str, Any] = dict(request.query)
    response = web.Response()
    response.set_cookie(given.pop("name", "c"), given.pop("value", "x"), **given)
    return response


async def show(request: web.Request) -> web.Response:
    shown: dict[str, Callable[[], Any]] = {
        "/cookies": lambda: dict(request.cookies),
        "/forwarded": lambda: [dict(element) for element in request.forwarded],
        "/query": lambda: list(request.query.items()),
    }
    return web.json_response(shown[request.path]())


async def take_form(request: web.Request) -> web.Response:
    form = await request.post()
    if not form and await request.read() == b"":
        return web.Response(status=400)
    return web.Response(text="&".join(as_text(name, value) for name, value in form.items()))


def _set(name: str) -> Callable[[web.Response, str], object]:
    return lambda response, value: setattr(response, name, value)


def _attachment(_: web.Response, filename: str) -> web.Response:
    payload = StringPayload("x")
    payload.set_content_disposition("attachment", filename=filename)
    return web.Response(body=payload)


def _with_trailer(response: web.Response, value: str) -> None:
    response.enable_chunked_encoding()
    response.trailers["X"] = value


#: What sets a part of a response; it may give another one.
SETTERS: dict[str, Callable[[web.Response, str], object]] = {
    "reason": lambda response, value: response.set_status(200, value),
    **{name: _set(name) for name in ("content_type", "charset", "etag", "last_modified")},
    "field": lambda response, value: response.headers.update({"X": value}),
    "name": lambda response, value: response.headers.update({value: "x"}),
    "cookie": lambda response, value: response.set_cookie("c", value),
    "trailer": _with_trailer,
    "payload": lambda _, value: web.Response(body=StringPayload("x", content_type=value)),
    "disposition": _attachment,
}


async def set_something(request: web.Request) -> web.StreamResponse:
    name, value = request.match_info["name"], request.query["v"]
    if name == "allow":
        raise web.HTTPMethodNotAllowed("GET", [value])
    if name == "link":
        raise web.HTTPUnavailableForLegalReasons(f"http://a/{value}")
    if name == "hint":
        request.send_informational(103, {"Link": value})
    elif name == "early":
        early = web.StreamResponse(headers={"X": value})
        await early.prepare(request)
        return early
    elif name == "stream":
        stream = web.EventStreamResponse()
        await stream.prepare(request)
        await stream.send("x", event=value)
        return stream
    response = web.Response(text="x")
    other = SETTERS[name](response, value) if name in SETTERS else None
    return other if isinstance(other, web.Response) else response


def site(root: Path) -> web.Application:
    app, guarded = web.Application(client_max_size=100_000), web.Application(middlewares=[guard])
    guarded.router.add_get("/{tail:.*}", says(SECRET.decode()))
    app.add_subapp("/admin", guarded)
    app.router.add_static("/static", root)
    app.router.add_static("/linked", root, follow_symlinks=True)
    app.router.add_static("/shown", root, show_index=True)
    for path, handler in {
        "/": says("root"),
        "/ok": says("ok"),
        "/moved": move,
        "/back": move_back,
        "/{where:.*}/on": move_on,
        "/named/{part}": move_to_named,
        "/cookie": set_cookie,
        "/set/{name}": set_something,
        **dict.fromkeys(("/cookies", "/forwarded", "/query"), show),
    }.items():
        app.router.add_get(path, handler)
    app.router.add_post("/form", take_form)
    app.router.add_view("/view", View)
    return app


def led(root: Path) -> web.Application:
    app = web.Application(middlewares=[web.normalize_path_middleware()])
    app.router.add_get("/ok", says("ok"))
    app.router.add_get("/{tail:.*}/", says("there"))
    return app


@asynccontextmanager
async def serving(app: web.Application, **settings: Any) -> AsyncIterator[TestServer]:
    async with TestServer(app, access_log=ACCESS, **settings) as server:
        yield server


# The cases


def is_local(location: str) -> bool:
    """A browser that follows it stays on the host."""
    return location.startswith("http://a/") or (location[:1] == "/" and location[1:2] not in ("/", "\\"))


def check(case: Asked, answer: Answer) -> None:
    """What holds of every answer, and what this one says."""
    assert answer.status in case.statuses
    names = [name for name, _ in answer.fields]
    assert "injected" not in names
    assert len(names) == len(set(names))
    for hidden in (SECRET, b"root:", b"<script", b"\nInjected"):
        assert hidden not in answer.content
    if "location" in answer:
        assert all(0x20 < ord(letter) < 0x7F for letter in answer["location"])
        assert "location" in case.fields or is_local(answer["location"])
    if "set-cookie" in answer:
        assert answer["set-cookie"].count(";") == 1
    for name, value in case.fields.items():
        assert [given for other, given in answer.fields if other == name] == (
            [] if value is None else [value]
        )
    if case.content is not None:
        assert answer.content == case.content


def check_logs(records: list[logging.LogRecord], answer: Answer) -> None:
    """A request is one line of the access log, and an error of ours one line of the server's."""
    access = [record for record in records if record.name == ACCESS.name]
    errors = [record for record in records if record.levelno >= logging.WARNING]
    assert len(access) <= 1 + answer.is_whole
    assert len(errors) == (answer.status == 500 or not answer.is_whole)
    for record in [*access, *errors]:
        assert record.getMessage().isprintable()
        assert not set(record.getMessage()) & set("\u202e\u2066")


#: No answer: the connection was reset, and with it went what of one had come.
LOST = Answer("", 0, "", [], is_whole=False)


async def ask(case: Asked, pieces: list[bytes], peer: Peer) -> Answer:
    """The final answer to a request in ``pieces``; behind it nothing comes, but the answer to `NEXT`."""
    for piece in pieces:
        peer.send(piece)
        await turns()
    try:
        answer = await peer.answer(case.method)
        while answer.status < 200:
            assert "injected" not in answer
            answer = await peer.answer(case.method)
    except ConnectionResetError:
        return LOST
    rest = await peer.rest()
    if rest:
        assert "connection" not in answer
        assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
        assert rest.endswith(b"\r\n\r\nok")
        assert rest.count(b"HTTP/1.1") == 1
    else:
        # It says so, or has left more content unread than is passed over.
        assert "connection" in answer or not answer.is_whole or len(case.wire) > 65536
    return answer


def _without_date(answer: Answer) -> list[tuple[str, str]]:
    return [each for each in answer.fields if each[0] != "date"]


@pytest.mark.parametrize("case", ASKED.values(), ids=ASKED)
async def test_application(case: Asked, root: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serving({"site": site, "led": led}[case.to](root)) as server:
        async with connect(server) as peer:
            missing = await peer.ask(target="/static/no-such-file")
        *first, last = few_pieces(case.wire)
        # Who sends more once the last answer was given talks to a closed socket.
        for pieces in ([case.wire + NEXT], [*first, last + NEXT]):
            caplog.clear()
            async with connect(server) as peer:
                answer = await ask(case, pieces, peer)
            check(case, answer)
            check_logs(caplog.records, answer)
            if case.is_hidden:
                assert _without_date(answer) == _without_date(missing)
                assert answer.content == missing.content


@pytest.mark.parametrize("path", WINDOWS.values(), ids=WINDOWS)
def test_windows(path: str) -> None:
    assert names_in(path, is_windows=True) is None


#: Names of files that are markup, URLs of other kinds, escapes, or no text.
MARKUP = [
    *(
        "<script>alert(1)<",
        '"><img src=x onerror=alert(1)>',
        "' onclick='alert(1)",
        "&lt;b&gt;",
        "<svg onload=alert(1)>",
    ),
    *("javascript:alert(1)", "\\\\host", "%2e%2e", "?a=b", "#c", " ", "a\nb", "\udcff", "\u202e"),
]


class Page(HTMLParser):
    """The elements of a page, and where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "a":
            ((name, value),) = attrs
            assert name == "href"
            self.links.append(value or "")


@pytest.mark.parametrize("kind", ["file", "folder"])
async def test_a_name_is_no_markup(root: Path, kind: str) -> None:
    """CVE-2024-27306: what is listed is text, and its links lead to it."""
    place = root / "sub" / "in"
    place.mkdir()
    for name in MARKUP:
        if kind == "folder":
            (place / name).mkdir()
        (place / name / "x" if kind == "folder" else place / name).write_text("here")
    async with serving(site(root)) as server, connect(server) as peer:
        page = Page((await peer.ask(target="/shown/sub/in")).text)
        assert page.tags <= {"html", "head", "meta", "title", "body", "h1", "ul", "li", "a"}
        assert len(page.links) == len(MARKUP)
        for link in page.links:
            assert link.startswith("/shown/sub/in/")
            answer = await peer.ask(target=link)
            if kind == "folder":
                inner = Page(answer.text)
                assert inner.tags <= page.tags
                answer = await peer.ask(target=inner.links[0])
            assert answer.text == "here"


def test_what_the_cases_stand_for_is_there() -> None:
    """Each setter has its cases, and none of them is about one that is not there."""
    asked = {case.wire.split(b"?")[0] for name, case in ASKED.items() if name.startswith("split-by-")}
    names = {wire.rpartition(b"/")[2].decode() for wire in asked}
    assert names == {*SETTERS, "allow", "link", "hint", "early", "stream"}
    assert json.loads(ASKED["CVE-2023-23934-nameless"].content or b"") == {"a": "b"}
