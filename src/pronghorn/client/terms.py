"""The terms of a request: what is not sent, and decides how its exchange goes."""

from typing import Final, NamedTuple

from ..io.exchange import HIGH_WATER
from ..wire.events import HttpVersion, HttpVersion11
from ..wire.limits import DEFAULT_DECODE_LIMITS, DEFAULT_LIMITS, DecodeLimits, Limits
from .timeouts import DEFAULT_TIMEOUT, ClientTimeout


class Terms(NamedTuple):
    """How a request is carried out."""

    timeout: ClientTimeout = DEFAULT_TIMEOUT
    #: A request that can be repeated is, if an idle connection turns out to have been closed.
    retry_stale: bool = True
    #: How content codings are undone; None leaves them.
    decoding: DecodeLimits | None = DEFAULT_DECODE_LIMITS
    version: HttpVersion = HttpVersion11
    #: A response that does not say where it ends has a body, up to the end of the connection.
    reads_until_close: bool = True
    #: What the head of a response may cost.
    limits: Limits = DEFAULT_LIMITS
    #: Content that may wait for its reader, in bytes, before the transport is paused.
    buffer_size: int = HIGH_WATER


DEFAULT_TERMS: Final = Terms()
