"""HTTP exceptions: responses that are raised. One plain class for each, so that type checkers see them."""

import re
from collections.abc import Callable, Iterable
from copy import copy
from functools import partial
from typing import Any, ClassVar, Final

from yarl import URL

from .response import REASONS, Headers, Response

# RFC 3986 section 2: what a URI reference is made of.
_URI: Final = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def _as_uri(name: str, given: object) -> str:
    """``given`` as it can stand in a field; ValueError for what is no URL, and for control characters."""
    text = str(given)
    if isinstance(given, URL) and not given.absolute and given.raw_path.startswith("//"):
        # A path, as of a request for "//host": browsers pass over the empty host that `str` puts in front.
        text = f"/.{text[2:]}"
    if _URI.fullmatch(text):
        return text
    if _CONTROL.search(text):
        # Not encoded or left out: who made it did not mean to, and it may have been somebody else.
        raise ValueError(f"{name}: control character in {text!r}")
    return str(URL(text))


class HTTPException(Response, Exception):
    """A response that a handler can raise instead of returning it.

    Without ``text`` and ``body`` the body is ``"404: Not Found"`` and the like. The arguments are those
    of `Response`.
    """

    status_code: ClassVar[int] = -1
    #: The status allows no body (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5).
    empty_body: ClassVar[bool] = False

    def __init__(
        self,
        *,
        headers: Headers | None = None,
        reason: str | None = None,
        body: Any = None,
        text: str | None = None,
        content_type: str | None = None,
    ) -> None:
        if self.status_code < 0:
            raise TypeError(f"{type(self).__name__} has no status: raise one of its subclasses")
        if text is None and body is None and not self.empty_body:
            text = f"{self.status_code}: {reason or REASONS.get(self.status_code, '')}"
        Response.__init__(
            self,
            status=self.status_code,
            headers=headers,
            reason=reason,
            body=body,
            text=text,
            content_type=content_type,
        )
        Exception.__init__(self, self.reason)

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception would call the class with its `args`, which are not those of the constructors here.
        state = {name: value for name, value in vars(self).items() if name not in _OF_ONE_REQUEST}
        state["_headers"] = self.headers.copy()
        if self._cookies is not None:
            state["_cookies"] = copy(self._cookies)
        return _remake, (type(self), self.reason, state)


#: What is left behind when an exception is passed on.
_OF_ONE_REQUEST: Final = frozenset({"_coder", "_exchange", "_req"})


def _remake(kind: type[HTTPException], reason: str, state: dict[str, Any]) -> HTTPException:
    error = kind.__new__(kind, reason)
    vars(error).update(state)
    return error


class HTTPSuccessful(HTTPException):
    """2xx."""


class HTTPOk(HTTPSuccessful):
    status_code = 200


class HTTPCreated(HTTPSuccessful):
    status_code = 201


class HTTPAccepted(HTTPSuccessful):
    status_code = 202


class HTTPNonAuthoritativeInformation(HTTPSuccessful):
    status_code = 203


class HTTPNoContent(HTTPSuccessful):
    status_code = 204
    empty_body = True


class HTTPResetContent(HTTPSuccessful):
    status_code = 205
    empty_body = True


class HTTPPartialContent(HTTPSuccessful):
    status_code = 206


class HTTPRedirection(HTTPException):
    """3xx."""


class HTTPMove(HTTPRedirection):
    """A redirection to ``location``, a URL reference.

    What a URL can't hold as it is, a space or a letter outside ASCII, is encoded. ValueError for an empty
    one, for control characters, and for what is no URL. Where it leads is the caller's to decide:
    "//example.org" is another host. A `yarl.URL` without a host, `Request.rel_url` for one, never is.
    """

    def __init__(
        self,
        location: str | URL,
        *,
        headers: Headers | None = None,
        reason: str | None = None,
        body: Any = None,
        text: str | None = None,
        content_type: str | None = None,
    ) -> None:
        if not str(location):
            raise ValueError("location: expected a URL, got an empty one")
        target = _as_uri("location", location)
        super().__init__(headers=headers, reason=reason, body=body, text=text, content_type=content_type)
        #: As it was given.
        self.location = location
        self.headers["Location"] = target


class HTTPMultipleChoices(HTTPMove):
    status_code = 300


class HTTPMovedPermanently(HTTPMove):
    status_code = 301


class HTTPFound(HTTPMove):
    status_code = 302


class HTTPSeeOther(HTTPMove):
    status_code = 303


class HTTPNotModified(HTTPRedirection):
    status_code = 304
    empty_body = True


class HTTPUseProxy(HTTPMove):
    status_code = 305


class HTTPTemporaryRedirect(HTTPMove):
    status_code = 307


class HTTPPermanentRedirect(HTTPMove):
    status_code = 308


class HTTPError(HTTPException):
    """4xx and 5xx."""


class HTTPClientError(HTTPError):
    """4xx."""


class HTTPBadRequest(HTTPClientError):
    status_code = 400


class HTTPUnauthorized(HTTPClientError):
    status_code = 401


class HTTPPaymentRequired(HTTPClientError):
    status_code = 402


class HTTPForbidden(HTTPClientError):
    status_code = 403


class HTTPNotFound(HTTPClientError):
    status_code = 404


class HTTPMethodNotAllowed(HTTPClientError):
    """The resource exists, and answers other methods: those in ``allowed_methods``."""

    status_code = 405

    def __init__(
        self,
        method: str,
        allowed_methods: Iterable[str],
        *,
        headers: Headers | None = None,
        reason: str | None = None,
        body: Any = None,
        text: str | None = None,
        content_type: str | None = None,
    ) -> None:
        super().__init__(headers=headers, reason=reason, body=body, text=text, content_type=content_type)
        self.method = method
        self.allowed_methods = set(allowed_methods)
        self.headers["Allow"] = ",".join(sorted(self.allowed_methods))


class HTTPNotAcceptable(HTTPClientError):
    status_code = 406


class HTTPProxyAuthenticationRequired(HTTPClientError):
    status_code = 407


class HTTPRequestTimeout(HTTPClientError):
    status_code = 408


class HTTPConflict(HTTPClientError):
    status_code = 409


class HTTPGone(HTTPClientError):
    status_code = 410


class HTTPLengthRequired(HTTPClientError):
    status_code = 411


class HTTPPreconditionFailed(HTTPClientError):
    status_code = 412


class HTTPRequestEntityTooLarge(HTTPClientError):
    """The body is larger than ``max_size`` bytes."""

    status_code = 413

    def __init__(
        self,
        max_size: float,
        actual_size: float = 0,
        *,
        headers: Headers | None = None,
        reason: str | None = None,
        body: Any = None,
        text: str | None = None,
        content_type: str | None = None,
    ) -> None:
        if text is None and body is None:
            text = f"Maximum request body size {max_size} exceeded."
        super().__init__(headers=headers, reason=reason, body=body, text=text, content_type=content_type)
        self.max_size = max_size
        self.actual_size = actual_size


class HTTPRequestURITooLong(HTTPClientError):
    status_code = 414


class HTTPUnsupportedMediaType(HTTPClientError):
    status_code = 415


class HTTPRequestRangeNotSatisfiable(HTTPClientError):
    status_code = 416


class HTTPExpectationFailed(HTTPClientError):
    status_code = 417


class HTTPMisdirectedRequest(HTTPClientError):
    status_code = 421


class HTTPUnprocessableEntity(HTTPClientError):
    status_code = 422


class HTTPFailedDependency(HTTPClientError):
    status_code = 424


class HTTPUpgradeRequired(HTTPClientError):
    status_code = 426


class HTTPPreconditionRequired(HTTPClientError):
    status_code = 428


class HTTPTooManyRequests(HTTPClientError):
    status_code = 429


class HTTPRequestHeaderFieldsTooLarge(HTTPClientError):
    status_code = 431


class HTTPUnavailableForLegalReasons(HTTPClientError):
    """Blocked by law; ``link`` names who demanded it (RFC 7725)."""

    status_code = 451

    def __init__(
        self,
        link: str | URL | None,
        *,
        headers: Headers | None = None,
        reason: str | None = None,
        body: Any = None,
        text: str | None = None,
        content_type: str | None = None,
    ) -> None:
        super().__init__(headers=headers, reason=reason, body=body, text=text, content_type=content_type)
        #: None if nobody is named.
        self.link = None if link is None else URL(link)
        if link:
            self.headers["Link"] = f'<{_as_uri("link", link)}>; rel="blocked-by"'


class HTTPServerError(HTTPError):
    """5xx."""


class HTTPInternalServerError(HTTPServerError):
    status_code = 500


class HTTPNotImplemented(HTTPServerError):
    status_code = 501


class HTTPBadGateway(HTTPServerError):
    status_code = 502


class HTTPServiceUnavailable(HTTPServerError):
    status_code = 503


class HTTPGatewayTimeout(HTTPServerError):
    status_code = 504


class HTTPVersionNotSupported(HTTPServerError):
    status_code = 505


class HTTPVariantAlsoNegotiates(HTTPServerError):
    status_code = 506


class HTTPInsufficientStorage(HTTPServerError):
    status_code = 507


class HTTPNotExtended(HTTPServerError):
    status_code = 510


class HTTPNetworkAuthenticationRequired(HTTPServerError):
    status_code = 511


#: The answers that a broken request gets from the wire's status hint.
FOR_STATUS: Final[dict[int, Callable[..., HTTPException]]] = {
    400: HTTPBadRequest,
    408: HTTPRequestTimeout,
    413: partial(HTTPRequestEntityTooLarge, 0, 0),
    414: HTTPRequestURITooLong,
    417: HTTPExpectationFailed,
    431: HTTPRequestHeaderFieldsTooLarge,
    501: HTTPNotImplemented,
    505: HTTPVersionNotSupported,
}
