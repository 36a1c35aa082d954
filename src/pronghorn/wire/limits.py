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
