"""What one message may cost before it has earned anything."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a peer can make us hold; sizes are in bytes.

    Every bound is counted over accumulated input, so that it can't be passed by
    sending a line in many small segments.
    """

    # Apache's LimitRequestLine and LimitRequestFieldSize are 8,190; nginx has buffers of 8 KiB.
    line: int = 8190
    # Apache's LimitRequestFields is 100, Tomcat's maxHeaderCount 100; browsers send about 20.
    fields: int = 128
    # node and llhttp stop at 16-80 KiB, h11 at 100 KiB, Tomcat at 8 KiB.
    head: int = 64 * 1024
    # The size line of a chunk with its extensions, which nobody sends (llhttp: 16 KiB over a body).
    chunk_line: int = 256
    # Trailers share `fields` and `line`; this is their sum.
    trailers: int = 16 * 1024
    # 1xx responses before a final one: real servers send one 100 and a few 103.
    informational: int = 32
    # What is kept of the next requests while one is being answered; then the transport is paused.
    pipelined: int = 64 * 1024


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Bounds on what coded content may decode to; ``size`` is in bytes, None is no limit."""

    # Whoever reads a body whole bounds that; a stream is decoded as it is read, in steps.
    size: int | None = None
    # Apache's DeflateInflateRatioLimit is 200. gzip alone reaches 1,032, gzip in gzip a million.
    ratio: int = 200
    # Content up to here is nobody's harm, whatever it came from.
    free: int = 16 * 1024 * 1024
    # aiohttp stops at 1,024 in one call; files made by bgzip have one for each 64 KiB, so those don't count.
    members: int = 1024
    # curl and urllib3 stop at 5.
    codings: int = 5


DEFAULT_DECODE_LIMITS = DecodeLimits()
