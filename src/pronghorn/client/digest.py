"""Digest authentication (RFC 7616): proof that one knows a password, for one nonce of the server's.

    key      = H(name ":" realm ":" password), in a -sess algorithm H(that ":" nonce ":" cnonce)
    response = H(key ":" nonce ":" nc ":" cnonce ":" qop ":" H(method ":" uri))

With qop=auth-int H(body) joins the last part; a challenge without qop (RFC 2069) leaves the middle out.

Whoever has a response can try passwords against it for as long as he likes, and any server may ask for one.
So the credentials belong to one origin: that of the first request.
"""

import asyncio
import hashlib
import secrets
import unicodedata
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final, NamedTuple, Protocol, TypeVar, final
from urllib.parse import quote

from multidict import CIMultiDict
from yarl import URL

from ..body.payload import Payload, Writer
from ..wire.challenges import Challenge, format_credentials, parse_auth_parameters, parse_challenges
from ..wire.fields import list_members
from .errors import ClientError
from .response import ClientResponse

#: Name of an algorithm, without -SESS -> the hash, and how it ranks. Some names are RFC 7616's (section 3.3),
#: the others those that aiohttp has beside them.
_HASHES: Final = {
    "MD5": ("md5", 0),
    "SHA": ("sha1", 1),
    "SHA-256": ("sha256", 2),
    "SHA256": ("sha256", 2),
    # As strong as the one before: the server's order decides.
    "SHA-512-256": ("sha512_256", 2),
    "SHA-512": ("sha512", 3),
    "SHA512": ("sha512", 3),
}
#: Best first. auth-int reads the body once more, and whoever could change that on its way can take auth-int
#: out of the challenge: it is for where nothing else is offered.
_QOPS: Final = ("auth", "auth-int")
#: RFC 7616 section 3.4: those that are not quoted.
_BARE: Final = frozenset({"algorithm", "nc", "qop", "userhash", "username*"})
# CTL of RFC 5234 appendix B.1
_CONTROLS: Final = frozenset(map(chr, (*range(0x20), 0x7F)))

#: Challenges and nonces that are remembered, each at most as long as a field line.
_REMEMBERED: Final = 256
#: URIs of a protection space that are remembered.
_SPACES: Final = 64
#: What is read of a response that nobody sees, so that its connection can be used again, as in `io.channel`.
_DRAINED_BYTES: Final = 64 * 1024
_DRAINED_SECONDS: Final = 1.0
#: Hashing more takes a millisecond and longer.
_HASHED_ON_LOOP: Final = 256 * 1024

_KeyT = TypeVar("_KeyT")
_ValueT = TypeVar("_ValueT")


class AuthorizedRequest(Protocol):
    """What of a request authentication needs."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> URL: ...
    @property
    def headers(self) -> CIMultiDict[str]:
        """The fields as they will be sent."""

    @property
    def payload(self) -> Payload | None: ...
    async def write_body(self, writer: Writer) -> None:
        """Write the body as it is sent, with its content coding."""

    def rewind_body(self) -> bool:
        """Whether the body, if there is one, can be sent from its beginning."""


RequestT = TypeVar("RequestT", bound=AuthorizedRequest)
_Origin = tuple[str, str, int | None]


def _origin(url: URL) -> _Origin:
    """RFC 6454 section 4."""
    return url.scheme, (url.raw_host or "").lower(), url.port


class _Offer(NamedTuple):
    """A challenge of this scheme that can be answered."""

    realm: str
    nonce: str
    opaque: str | None
    #: As the server spelt it; None stands for MD5.
    algorithm: str | None
    #: As `hashlib` has it.
    hash: str
    is_session: bool
    #: "" for RFC 2069.
    qop: str
    is_utf8: bool
    is_name_hashed: bool
    domain: str

    def digest(self, *parts: str | bytes) -> str:
        """The hash of ``parts``, joined by colons, in hexadecimal."""
        joined = b":".join(part if isinstance(part, bytes) else _octets(part) for part in parts)
        return hashlib.new(self.hash, joined).hexdigest()


def _octets(text: str) -> bytes:
    # As field values were decoded: the octets that came.
    return text.encode("utf-8", "surrogateescape")


def _is_available(name: str) -> bool:
    """Whether this interpreter has the hash: SHA-512/256 comes from OpenSSL, FIPS mode forbids MD5."""
    try:
        hashlib.new(name)
    except ValueError:
        return False
    return True


def _read(challenge: Challenge) -> tuple[_Offer, int] | None:
    """The offer in a challenge, and how it ranks; None if it can't be answered."""
    told = challenge.parameters
    realm, nonce = told.get("realm"), told.get("nonce")
    if challenge.scheme != "digest" or realm is None or not nonce:
        return None
    algorithm = told.get("algorithm") or None
    # ASCII, since upper() makes ASCII of other letters.
    name = "" if algorithm and not algorithm.isascii() else (algorithm or "MD5").upper()
    hash_name, rank = _HASHES.get(name.removesuffix("-SESS"), ("", 0))
    qops = list(list_members(told.get("qop", "")))
    qop = next((known for known in _QOPS if known in qops), "")
    if not hash_name or not _is_available(hash_name) or (qops and not qop):
        return None
    offer = _Offer(
        realm,
        nonce,
        told.get("opaque"),
        algorithm,
        hash_name,
        name.endswith("-SESS"),
        qop,
        told.get("charset", "").lower() == "utf-8",
        told.get("userhash", "").lower() == "true",
        told.get("domain", ""),
    )
    # A count and a nonce of ours are worth more than the order in which the server lists them.
    return offer, 2 * rank + bool(qop)


def _choose(response: ClientResponse) -> tuple[_Offer, bool] | None:
    """The strongest offer, of equal ones the first (RFC 7616 section 3.7), and whether it is stale."""
    best: tuple[_Offer, bool] | None = None
    best_rank = -1
    for challenge in parse_challenges(response.headers.getall("WWW-Authenticate", ())):
        found = _read(challenge)
        if found is not None and found[1] > best_rank:
            offer, best_rank = found
            best = offer, challenge.parameters.get("stale", "").lower() == "true"
    return best


@final
class _Session:
    """What lasts from a challenge to the next one (RFC 7616 section 3.6)."""

    __slots__ = ("_cnonce", "_count", "_key", "_name", "_spaces", "is_proven", "nonce", "offer")

    def __init__(self, offer: _Offer, login: str, password: str, count: "count[int]", origin: URL) -> None:
        self.offer = offer
        self.nonce = offer.nonce
        self._count = count
        # One for all requests: some servers make a session's key of the first, and some of each.
        self._cnonce = secrets.token_hex(16)
        if offer.is_utf8:  # RFC 7616 section 4
            login, password = (unicodedata.normalize("NFC", text) for text in (login, password))
        self._name = _describe_name(offer, login)
        self._key = offer.digest(login, offer.realm, password)
        if offer.is_session:
            self._key = offer.digest(self._key, offer.nonce, self._cnonce)
        self._spaces = _read_spaces(offer.domain, origin)
        #: The server has taken an answer.
        self.is_proven = False

    def renew(self, nonce: str, count: "count[int]") -> None:
        """Go on with another nonce."""
        self.nonce = nonce
        self._count = count

    def covers(self, url: URL) -> bool:
        """Whether the server said that the same credentials are for ``url``, of its own origin."""
        if self._spaces is None:
            return True
        path = url.raw_path_qs
        # RFC 7616 section 3.3 says a prefix; one that ends within a segment is none to those who set it up.
        return any(
            path.startswith(space) and (space.endswith("/") or path[len(space) : len(space) + 1] in "/?&")
            for space in self._spaces
        )

    def answer(self, method: str, url: URL, body_hash: str) -> str:
        """The value of Authorization for one more request."""
        offer = self.offer
        # What a server gets as request-target, even if a proxy is sent another.
        uri = url.raw_path_qs or "/"
        what = [method, uri]
        if offer.qop == "auth-int":
            what.append(body_hash)
        nc, middle = None, []
        if offer.qop:
            nc = f"{next(self._count):08x}"
            middle = [nc, self._cnonce, offer.qop]
        fields = {
            **self._name,
            "realm": offer.realm,
            "uri": uri,
            "algorithm": offer.algorithm,
            "nonce": self.nonce,
            "nc": nc,
            # Of no use in RFC 2069, but nobody else knows what the key of a session was made of.
            "cnonce": self._cnonce if offer.qop or offer.is_session else None,
            "qop": offer.qop or None,
            "response": offer.digest(self._key, self.nonce, *middle, offer.digest(*what)),
            "opaque": offer.opaque,
        }
        told = {name: value for name, value in fields.items() if value is not None}
        return format_credentials("Digest", told, _BARE)


def _describe_name(offer: _Offer, login: str) -> dict[str, str]:
    if offer.is_name_hashed:  # RFC 7616 section 3.4.4
        return {"username": offer.digest(login, offer.realm), "userhash": "true"}
    # Servers that know `username*` say what charset they expect; others look for `username`, in UTF-8.
    if offer.is_utf8 and not login.isascii():
        return {"username*": f"UTF-8''{quote(login, safe='')}"}  # RFC 8187 section 3.2
    return {"username": login}


def _read_spaces(domain: str, origin: URL) -> list[str] | None:
    """The paths of this origin in a ``domain``; None for all of them (RFC 7616 section 3.3)."""
    uris = domain.split()
    if not uris:
        return None
    spaces: list[str] = []
    for uri in uris[:_SPACES]:
        try:
            url = origin.join(URL(uri))
        except ValueError:
            continue
        # It may name other hosts; what they get must not be theirs to decide.
        if _origin(url) == _origin(origin):
            spaces.append(url.raw_path_qs)
    return spaces


class DigestAuthMiddleware:
    """Answers challenges of the Digest scheme (RFC 7616), for one origin: that of its first request.

    An origin is a scheme, a host and a port. Requests to any other pass untouched, those after a redirect and
    to what the server's ``domain`` names elsewhere included; who has credentials for several needs as many of
    these. With ``preemptive`` requests that the server said it will take are sent with an answer at once, by
    the last challenge that was answered well.

    Algorithms: MD5, SHA, SHA-256, SHA-512-256 and SHA-512, each also with -sess; of those that are offered,
    the strongest. Name and password are taken in UTF-8. A challenge that can't be answered, a body that can't
    be sent again, and credentials that were refused leave the 401 to the caller.

    Raises ValueError for a login or password that is None or has control characters, and a login with a ":";
    TypeError for what is no str.
    """

    def __init__(self, login: str, password: str, preemptive: bool = True) -> None:
        _check("login", login)
        _check("password", password)
        if ":" in login:
            raise ValueError('Digest authentication: expected a login without ":"')
        self._login = login
        self._password = password
        self._preemptive = preemptive
        self._bound_to: _Origin | None = None
        self._session: _Session | None = None
        self._sessions: dict[_Offer, _Session] = {}
        #: Nonce -> how often it was used; several sessions may have the same.
        self._counts: dict[str, count[int]] = {}

    def __repr__(self) -> str:
        # Logs and tracebacks show it: the password stays out of them.
        return f"{type(self).__name__}(login={self._login!r}, password=..., preemptive={self._preemptive!r})"

    async def __call__(
        self, request: RequestT, handler: Callable[[RequestT], Awaitable[ClientResponse]]
    ) -> ClientResponse:
        """Send ``request`` by ``handler``, and with an answer if a challenge comes: three times at most."""
        origin = _origin(request.url)
        if self._bound_to is None:
            self._bound_to = origin
        if origin != self._bound_to:
            return await handler(request)
        session = self._known_session(request)
        answered = None if session is None else await _authorize(request, session)
        has_answered = has_renewed = False
        while True:
            response = await handler(request)
            if response.status != 401:
                if session is not None and answered is not None:
                    self._learn(session, response)
                return response
            if session is not None and answered is not None:
                session.is_proven = False
            # Unless a handler followed redirects: the challenge would be another's.
            found = _choose(response) if _origin(response.url) == origin else None
            if found is None:
                return response
            offer, is_stale = found
            if is_stale and answered is not None:
                if has_renewed:
                    return response
                has_renewed = True
            elif has_answered or offer == answered:
                return response  # it was answered, and that was refused
            if not request.rewind_body():
                return response
            has_answered = True
            session = self._begin_session(offer, request.url)
            await _give_back(response)
            # Once more: what was still being sent of it has only stopped with its response.
            answered = await _authorize(request, session) if request.rewind_body() else None
            if answered is None:
                return response

    def _known_session(self, request: AuthorizedRequest) -> _Session | None:
        """What the request can be authorized by before it is asked for."""
        given = request.headers.get("Authorization")
        if given is not None:
            if given[:7].lower() != "digest ":
                return None  # the caller's own
            # Of an earlier try or of another URI: none is sent twice.
            del request.headers["Authorization"]
        session = self._session
        if not self._preemptive or session is None or not session.is_proven:
            return None
        return session if session.covers(request.url) else None

    def _begin_session(self, offer: _Offer, url: URL) -> _Session:
        session = self._sessions.get(offer)
        if session is None or session.nonce != offer.nonce:
            session = _Session(offer, self._login, self._password, self._count(offer.nonce), url.origin())
        self._session = _remember(self._sessions, offer, session)
        return session

    def _count(self, nonce: str) -> "count[int]":
        return _remember(self._counts, nonce, self._counts.get(nonce) or count(1))

    def _learn(self, session: _Session, response: ClientResponse) -> None:
        """An answer was taken; the server may have said which nonce it wants next (RFC 7616 section 3.5)."""
        session.is_proven = True
        told = parse_auth_parameters(response.headers.getall("Authentication-Info", ()))
        nonce = told.get("nextnonce")
        if nonce and nonce != session.nonce:
            session.renew(nonce, self._count(nonce))


def _check(name: str, value: str) -> None:
    if value is None:
        raise ValueError(f"Digest authentication: expected a {name}, got None")
    if not isinstance(value, str):
        raise TypeError(f"Digest authentication: expected {name} as str, got {type(value).__name__}")
    if not _CONTROLS.isdisjoint(value):
        raise ValueError(f"Digest authentication: expected a {name} without control characters")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:  # which holds what can't be shown
        raise ValueError(f"Digest authentication: expected a {name} that UTF-8 can encode") from None


def _remember(table: dict[_KeyT, _ValueT], key: _KeyT, value: _ValueT) -> _ValueT:
    """Keep ``value``, if need be in the place of what was not used for longest."""
    table.pop(key, None)
    while len(table) >= _REMEMBERED:
        del table[next(iter(table))]
    table[key] = value
    return value


async def _authorize(request: AuthorizedRequest, session: _Session) -> _Offer | None:
    """Put the answer into the request: what it answers, or None if that can't be done.

    A body is hashed first if it has to be; nothing is used of the nonce until that is done.
    """
    body_hash = ""
    if session.offer.qop == "auth-int":
        hashed = await _hash_body(request, session.offer.hash)
        if hashed is None:
            return None
        body_hash = hashed
    request.headers["Authorization"] = session.answer(request.method, request.url, body_hash)
    return session.offer._replace(nonce=session.nonce)


async def _hash_body(request: AuthorizedRequest, name: str) -> str | None:
    """The hash of the body as it will be sent, which it then can be; None if it can't be read for that.

    Raises ClientError if the body is gone by it.
    """
    if not request.rewind_body():
        return None
    payload = request.payload
    if payload is not None and payload.size is None:
        await payload.as_bytes()  # by which one that would be gone is kept
    hashing = _HashingWriter(name)
    if request.rewind_body():
        await request.write_body(hashing)
        if request.rewind_body():
            return hashing.hash.hexdigest()
    raise ClientError("Digest authentication: the body can't be read for qop=auth-int and then be sent")


@final
class _HashingWriter:
    """Hashes what it is given; large pieces off the loop."""

    def __init__(self, name: str) -> None:
        self.hash = hashlib.new(name)

    async def write(self, data: bytes, /) -> None:
        if len(data) <= _HASHED_ON_LOOP:
            self.hash.update(data)
        else:
            await asyncio.get_running_loop().run_in_executor(None, self.hash.update, data)


async def _give_back(response: ClientResponse) -> None:
    """Read the little that is left of a response, so that its connection can be used again; or close that."""
    if response.closed:
        return
    deadline = asyncio.timeout(_DRAINED_SECONDS)
    left = _DRAINED_BYTES
    try:
        async with deadline:
            while left > 0 and not response.closed:
                piece = await response.content.readany()
                if not piece:
                    break
                left -= len(piece)
    except TimeoutError:
        if not deadline.expired():
            raise  # the time of the request has run out
    except ClientError:
        pass  # the next try has a connection of its own
    finally:
        await response.release()
