"""The other side of Digest authentication, by the words of RFC 7616: a server that checks what it gets."""

import asyncio
import hashlib
import re
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from pronghorn.body.compression import CompressingWriter
from pronghorn.body.payload import Collector, Payload
from pronghorn.client.digest import DigestAuthMiddleware
from pronghorn.client.response import ClientResponse, Released
from pronghorn.wire.compression import make_compressor

URI = URL("http://host/dir/index.html")
#: RFC 7616 section 6.1, and what aiohttp has beside it.
HASHES = {
    "MD5": "md5",
    "SHA": "sha1",
    "SHA-256": "sha256",
    "SHA256": "sha256",
    "SHA-512-256": "sha512_256",
    "SHA-512": "sha512",
    "SHA512": "sha512",
}
_FIELD = re.compile(r'([a-z*]+)=(?:"((?:[^"\\]|\\.)*)"|([^",\\ ]+))(?:, |\Z)', re.DOTALL)
_QUOTED = {"username", "realm", "nonce", "uri", "response", "cnonce", "opaque"}


class WrongAnswerError(Exception):
    """An answer that breaks the rules, whatever the password is."""


def expect(holds: bool, what: object) -> None:
    if not holds:
        raise WrongAnswerError(what)


class Request:
    """What a middleware is given."""

    def __init__(
        self,
        url: URL | str = URI,
        method: str = "GET",
        payload: Payload | None = None,
        coding: str = "",
        **fields: str,
    ) -> None:
        self.method = method
        self.url = URL(url)
        self.headers = CIMultiDict(fields)
        self.payload = payload
        self.coding = coding

    async def write_body(self, writer: Any) -> None:
        if self.payload is None:
            return
        if not self.coding:
            await self.payload.write(writer)
            return
        coded = CompressingWriter(writer, make_compressor(self.coding))
        await self.payload.write(coded)
        await coded.finish()

    def rewind_body(self) -> bool:
        return self.payload is None or self.payload.rewind()


def respond(
    request: Request, status: int, *fields: tuple[str, str], kind: type[ClientResponse] = ClientResponse
) -> ClientResponse:
    """A response that came over no connection."""
    response = kind(request.method, request.url)
    response.status = status
    response._headers = CIMultiDictProxy(CIMultiDict(fields))
    return response


def challenged(
    request: Request, *challenges: str, kind: type[ClientResponse] = ClientResponse
) -> ClientResponse:
    """A 401 with these challenges, in a field line each."""
    return respond(request, 401, *(("WWW-Authenticate", challenge) for challenge in challenges), kind=kind)


def quote(text: str) -> str:
    """RFC 9110 section 5.6.4."""
    return '"' + "".join(f"\\{letter}" if letter in '"\\' else letter for letter in text) + '"'


def read_answer(value: str) -> dict[str, str]:
    """The parameters of Authorization, written as RFC 7616 section 3.4 has them and not another way."""
    scheme, _, rest = value.partition(" ")
    expect(scheme == "Digest", scheme)
    fields: dict[str, str] = {}
    while rest:
        found = _FIELD.match(rest)
        if found is None:
            raise WrongAnswerError(rest)
        name, quoted, bare = found.groups()
        expect(name not in fields and (quoted is not None) == (name in _QUOTED), name)
        fields[name] = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        rest = rest[found.end() :]
    return fields


class Server:
    """Asks for digests and checks them. A nonce is good for ``uses`` requests.

    ``parameters`` are those of its challenges; one that is "" is left out.
    """

    def __init__(
        self, login: str = "Mufasa", password: str = "Circle of Life", uses: int = 1000, **parameters: str
    ) -> None:
        self.login = login
        self.password = password
        self.uses = uses
        self.parameters = {"realm": "r", "algorithm": "MD5", "qop": "auth", "opaque": "o"} | parameters
        #: Nonce -> how often it was used.
        self.issued: dict[str, int] = {}
        self.counts: set[tuple[str, str]] = set()
        self.sessions: dict[str, str] = {}
        #: All challenges have one nonce.
        self.is_fixed = False
        #: Each response says which nonce is the next.
        self.has_next = False
        #: The answer of each request, None if it had none.
        self.answers: list[dict[str, str] | None] = []
        self.statuses: list[int] = []

    def issue(self) -> str:
        nonce = "n1" if self.is_fixed else f"n{len(self.issued) + 1}"
        self.issued.setdefault(nonce, 0)
        return nonce

    def challenge(self, **more: str) -> str:
        told = self.parameters | {"nonce": self.issue()} | more
        return "Digest " + ", ".join(f"{name}={quote(value)}" for name, value in told.items() if value)

    async def __call__(self, request: Request) -> ClientResponse:
        content = Collector()
        await request.write_body(content)
        given = request.headers.get("Authorization")
        answer = None if given is None else read_answer(given)
        # Both on its way and on its way back others overtake.
        await asyncio.sleep(0)
        response = self.judge(request, answer, bytes(content.content))
        self.answers.append(answer)
        self.statuses.append(response.status)
        await asyncio.sleep(0)
        return response

    def judge(self, request: Request, answer: dict[str, str] | None, body: bytes) -> ClientResponse:
        if answer is None or not self.is_right(request, answer, body):
            return challenged(request, self.challenge())
        nonce = answer["nonce"]
        self.issued[nonce] += 1
        if self.issued[nonce] > self.uses:
            return challenged(request, self.challenge(stale="TRUE"))
        info = [("Authentication-Info", f'nextnonce="{self.issue()}"')] if self.has_next else []
        return respond(request, 200, *info)

    def is_right(self, request: Request, answer: dict[str, str], body: bytes) -> bool:
        told = self.parameters
        name = (told["algorithm"] or "MD5").upper()
        is_session = name.endswith("-SESS")

        def h(data: bytes | str) -> str:
            octets = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
            return hashlib.new(HASHES[name.removesuffix("-SESS")], octets).hexdigest()

        login, password = self.login, self.password
        if told.get("charset"):
            login, password = (unicodedata.normalize("NFC", text) for text in (login, password))
        self.check_name(answer, login, h(f"{login}:{told['realm']}"))
        nonce, uri = answer["nonce"], answer["uri"]
        expect(nonce in self.issued, nonce)
        expect(uri == request.url.raw_path_qs, uri)
        for echoed in ("realm", "algorithm", "opaque"):
            expect(answer.get(echoed, "") == told[echoed], echoed)
        a1 = f"{login}:{told['realm']}:{password}"
        if is_session:
            # Section 3.4.2: once, of the first request with that nonce.
            a1 = self.sessions.setdefault(nonce, f"{h(a1)}:{nonce}:{answer['cnonce']}")
        a2 = f"{request.method}:{uri}"
        qop = answer.get("qop", "")
        if qop == "auth-int":
            a2 += f":{h(body)}"
        if not told["qop"]:
            expect(not qop and "nc" not in answer and ("cnonce" in answer) == is_session, "qop")
            return answer["response"] == h(f"{h(a1)}:{nonce}:{h(a2)}")
        expect(qop in told["qop"].split(","), qop)
        nc = answer["nc"]
        expect(re.fullmatch("[0-9a-f]{8}", nc) is not None, nc)
        expect((nonce, nc) not in self.counts, f"{nonce} was used with {nc} before")
        self.counts.add((nonce, nc))
        return answer["response"] == h(f"{h(a1)}:{nonce}:{nc}:{answer['cnonce']}:{qop}:{h(a2)}")

    def check_name(self, answer: dict[str, str], login: str, hashed: str) -> None:
        if self.parameters.get("userhash"):
            expect((answer["username"], answer["userhash"]) == (hashed, "true"), answer)
        elif self.parameters.get("charset") and not login.isascii():
            expect("username" not in answer, answer)
            expect(unquote(answer["username*"].removeprefix("UTF-8''"), errors="strict") == login, answer)
        else:
            expect(answer["username"] == login and "userhash" not in answer, answer)


# What middlewares are given

Handler = Callable[[Request], Awaitable[ClientResponse]]


def middleware(**options: Any) -> DigestAuthMiddleware:
    return DigestAuthMiddleware("Mufasa", "Circle of Life", **options)


def scripted(*answers: str | int) -> tuple[Handler, list[str | None]]:
    """A handler that gives these, challenges or statuses, and the list of what Authorization it was sent."""
    given = iter(answers)
    sent: list[str | None] = []

    async def handle(request: Request) -> ClientResponse:
        sent.append(request.headers.get("Authorization"))
        answer = next(given)
        return respond(request, answer) if isinstance(answer, int) else challenged(request, answer)

    return handle, sent


MD5 = 'Digest realm="r", nonce="md5", qop="auth"'


def offer(algorithm: str, **more: str) -> str:
    told = {"realm": "r", "nonce": algorithm, "algorithm": algorithm, "qop": "auth"} | more
    return "Digest " + ", ".join(f"{name}={quote(value)}" for name, value in told.items())


class Held(ClientResponse):
    """A response whose body is still to come, as `content` gives it."""

    is_held = True

    @property
    def closed(self) -> bool:
        return not self.is_held

    def release(self) -> Released:
        self.is_held = False
        return super().release()
