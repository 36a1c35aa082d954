"""`Retry`: what failed for the moment is asked for once more, after a while.

    wait = max(what the server asked for, chance * min(max_delay, backoff * factor ** retries))

Chance, from 0 to 1, parts clients that have failed together, so that they do not come back together. A budget
bounds what all requests repeat: who repeats each of them n times multiplies an outage by n, and prolongs it.
"""

import asyncio
import logging
import random
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, final

from ..log import client_logger
from ..wire.fields import is_token
from .errors import ClientConnectionError, ClientResponseError, PoolTimeoutError
from .middlewares import ClientHandlerType
from .outgoing import IDEMPOTENT, ClientRequest
from .response import ClientResponse
from .temporary import FUTILE, TEMPORARY, asked_delay, without_secrets

#: Our own queue is what is too long, and would be longer.
_FUTILE: Final = (*FUTILE, PoolTimeoutError)
#: What an int may be, to be a float.
_LARGEST: Final = sys.float_info.max
#: Sums of fractions miss a whole one by less.
_ROUNDING: Final = 1e-9

_Outcome = ClientResponse | ClientConnectionError


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class Retry:
    """A middleware that sends a request again when it failed for the moment: ``attempts`` times in all.

    That is for a response with one of ``statuses``, and for an error of the connection, the timeouts
    ``connect``, ``sock_connect`` and ``sock_read`` among them; not for a certificate, a fingerprint or a
    policy that forbids the address, nor for the timeouts ``pool`` and ``total``. ``methods`` are those that
    are sent again: by default the idempotent ones (RFC 9110 section 9.2.2) and QUERY; None is any. A body
    is sent again if it can be. What can't be, or failed the last time, is the caller's: the last response
    or error as it is.

    The first wait is ``backoff`` seconds, each later one ``factor`` times that, at most ``max_delay``; that
    times ``jitter()``, a number from 0 to 1 by chance, None for none. It is never less than the server asks
    for by Retry-After (RFC 9110 section 10.2.3), in seconds or by a date; a server that asks for more than
    ``max_retry_after`` seconds is not asked again.

    All requests of one Retry have one budget: to the ``reserve`` of retries each request adds ``budget``
    of one, up to where it was, or to one. So, in any span of time, there are at most ``budget`` times as
    many retries as requests, and ``reserve`` more. None is no limit.

    ``attempts`` of the response has what its earlier tries ended in, the first one first: for a response
    a ClientResponseError, with its status and headers. Each retry is a DEBUG line of ``pronghorn.client``.

    The ``total`` of the request's timeout spans all tries and the waits between them. Errors while the
    body of a response is read come after it was returned, and are not tried again. Middlewares behind
    this one are asked each time.

    ``clock``, in seconds since the epoch, and ``sleep`` are there for tests. Nothing of it can be changed
    later; ``dataclasses.replace`` makes another one, with a budget of its own. Raises ValueError for
    numbers out of range and methods that are no tokens, TypeError for other types.
    """

    attempts: int = 3
    statuses: Collection[int] = TEMPORARY
    methods: Collection[str] | None = IDEMPOTENT
    backoff: float = 0.5
    factor: float = 2.0
    max_delay: float = 30.0
    jitter: Callable[[], float] | None = random.random
    max_retry_after: float = 120.0
    budget: float | None = 0.2
    reserve: float = 10.0
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    _bucket: "_Bucket" = field(init=False)

    def __post_init__(self) -> None:
        _check_whole("attempts", self.attempts)
        if self.attempts < 1:
            raise ValueError(f"attempts: expected 1 or more, got {self.attempts!r}")
        for name in ("backoff", "factor", "max_delay", "max_retry_after", "reserve"):
            _check_number(name, getattr(self, name), 1 if name == "factor" else 0)
        if self.budget is not None:
            _check_number("budget", self.budget)
        for name in ("jitter", "clock", "sleep"):
            given = getattr(self, name)
            if not callable(given) and not (given is None and name == "jitter"):
                raise TypeError(f"{name}: expected a function, got {given!r}")
        # What is frozen has no other way.
        object.__setattr__(self, "statuses", _as_statuses(self.statuses))
        if self.methods is not None:
            object.__setattr__(self, "methods", _as_methods(self.methods))
        object.__setattr__(self, "_bucket", _Bucket(self.budget, self.reserve))

    def __repr__(self) -> str:
        methods = None if self.methods is None else sorted(self.methods)
        return (
            f"{type(self).__name__}(attempts={self.attempts!r}, statuses={sorted(self.statuses)}, "
            f"methods={methods}, backoff={self.backoff!r}, factor={self.factor!r}, "
            f"max_delay={self.max_delay!r}, max_retry_after={self.max_retry_after!r}, "
            f"budget={self.budget!r}, reserve={self.reserve!r})"
        )

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send ``request`` by ``handler``, as often as that takes."""
        failures: list[Exception] = []
        tries, longest = 1, min(self.max_delay, self.backoff)
        while True:
            try:
                response = await handler(request)
            except ClientConnectionError as error:
                if not await self._may_go_on(request, error, tries, longest):
                    raise
                failures.append(_without_frames(error))
            else:
                if not await self._may_go_on(request, response, tries, longest):
                    if failures:
                        response.attempts = (*failures, *response.attempts)
                    return response
                failures += (*response.attempts, _failure_of(response))
            tries += 1
            longest = min(self.max_delay, longest * self.factor)

    async def _may_go_on(self, request: ClientRequest, outcome: _Outcome, tries: int, longest: float) -> bool:
        """Whether there is to be another try: then it has been waited for."""
        if tries == 1:
            self._bucket.fill()
        seconds = self._decide(request, outcome, tries, longest)
        if seconds is None:
            return False
        if isinstance(outcome, ClientResponse):
            # At once: what is still being sent of the body is not to go on from its beginning. As with
            # redirects, a little is thrown away as it comes, so the connection becomes free while we wait;
            # reading it here would add to the wait, and would not stop what is being sent.
            await outcome._discard()
        if client_logger.isEnabledFor(logging.DEBUG):
            client_logger.debug(
                "%s %s: %s; sent again in %.1f s, try %d of %d",
                request.method,
                without_secrets(request.url),
                _reason(outcome),
                seconds,
                tries + 1,
                self.attempts,
            )
        await self.sleep(seconds)
        # Once more: something of it may have been sent until it was given up.
        return request.rewind_body()

    def _decide(self, request: ClientRequest, outcome: _Outcome, tries: int, longest: float) -> float | None:
        """Seconds to wait before the next try, which is then paid for; None if there is to be none."""
        if isinstance(outcome, ClientConnectionError):
            if isinstance(outcome, _FUTILE):
                return None
            asked = 0.0
        elif outcome.status in self.statuses:
            asked = asked_delay(outcome.headers, self.clock())
        else:
            return None
        if tries >= self.attempts or asked > self.max_retry_after:
            return None
        if self.methods is not None and request.method not in self.methods:
            return None
        chance = 1.0 if self.jitter is None else self.jitter()
        if not self._bucket.take():
            return None
        # Last: a body of the user's may be changed by it while it is still being sent.
        if not request.rewind_body():
            self._bucket.give_back()
            return None
        return max(asked, chance * longest)


@final
class _Bucket:
    """Retries that may be made: ``each`` request adds to them, up to what they were at first."""

    __slots__ = ("_each", "_left", "_most")

    def __init__(self, each: float | None, reserve: float) -> None:
        self._each = each
        self._left = reserve
        # A whole one, or there could never be any.
        self._most = max(reserve, 1.0)

    def fill(self) -> None:
        """A request was made. Its first try is over: at the limit, what is added sooner would be lost."""
        if self._each is not None and self._left < self._most:
            self._left = min(self._most, self._left + self._each)

    def take(self) -> bool:
        """Whether there is one more, which is then gone."""
        if self._each is None:
            return True
        if self._left < 1.0 - _ROUNDING:
            return False
        self._left -= 1.0
        return True

    def give_back(self) -> None:
        """It was not made."""
        self._left += 1.0


def _failure_of(response: ClientResponse) -> ClientResponseError:
    return ClientResponseError(
        response.request_info,
        response.history,
        status=response.status,
        message=response.reason or "",
        headers=response.headers,
    )


def _without_frames(error: ClientConnectionError) -> ClientConnectionError:
    """``error`` without tracebacks: they hold the callers' frames, and so the response that would hold it."""
    behind: list[BaseException | None] = [error]
    while behind:
        one = behind.pop()
        if one is not None and one.__traceback__ is not None:
            one.__traceback__ = None
            behind += (one.__cause__, one.__context__)
    return error


def _reason(outcome: _Outcome) -> str:
    # Not the text of an error: it may hold a whole URL.
    return f"status {outcome.status}" if isinstance(outcome, ClientResponse) else type(outcome).__name__


def _as_statuses(statuses: Iterable[int]) -> frozenset[int]:
    kept: frozenset[int] = _as_set("statuses", "numbers", statuses)
    for status in kept:
        _check_whole("statuses", status)
        if not 100 <= status <= 599:
            raise ValueError(f"statuses: expected numbers from 100 to 599, got {status!r}")
    return kept


def _as_methods(methods: Iterable[str]) -> frozenset[str]:
    kept: frozenset[str] = _as_set("methods", "names", methods)
    for method in kept:
        if not isinstance(method, str):
            raise TypeError(f"methods: expected names, got {method!r}")
        if not is_token(method.encode("utf-8", "replace")):
            raise ValueError(f"methods: expected tokens, got {method!r}")
    return frozenset(method.upper() for method in kept)  # as sessions send them


def _as_set(name: str, of_what: str, given: Iterable[Any]) -> frozenset[Any]:
    # A str is an iterable of letters.
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(f"{name}: expected several {of_what}, got {given!r}")
    return frozenset(given)


def _check_whole(name: str, value: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name}: expected an int, got {value!r}")


def _check_number(name: str, value: float, least: int = 0) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    if not least <= value <= _LARGEST:  # nor is NaN
        raise ValueError(f"{name}: expected a finite number, {least} or more, got {value!r}")
