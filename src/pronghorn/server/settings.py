"""What a server is told once and every connection of it reads."""

from dataclasses import dataclass, field

from ..wire.limits import DEFAULT_DECODE_LIMITS, DEFAULT_LIMITS, DecodeLimits, Limits


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Times in seconds, sizes in bytes. All deadlines are on by default."""

    # Longer than the 60 s after which nginx and most load balancers close, so that they close first.
    keepalive_timeout: float = 75.0
    # A head that takes longer is a slow attack or a dead peer (granian: 30 s, nginx: 60 s).
    head_timeout: float = 30.0
    # Time for each further `progress_size` of a request body, or for its end.
    body_timeout: float = 30.0
    progress_size: int = 16 * 1024
    # Time for a peer that has stopped reading to take in half a buffer of ours.
    write_timeout: float = 30.0
    # Request content that nobody read and that is passed over to keep the connection.
    drain_size: int = 64 * 1024
    # Connections that may be open at once; a request on one more is answered with 503. 0 is no limit.
    max_connections: int = 0
    # Requests that may be handled at once; one more is answered with 503. 0 is no limit.
    max_in_flight: int = 0
    #: Cancel a handler when its client goes away.
    handler_cancellation: bool = False
    #: Undo the content codings of request bodies.
    auto_decompress: bool = True
    #: Bounds on what they may decode to.
    decode_limits: DecodeLimits = field(default=DEFAULT_DECODE_LIMITS)
    limits: Limits = field(default=DEFAULT_LIMITS)
