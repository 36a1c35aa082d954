"""What one message may cost before it has earned anything."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a peer can make us hold; sizes are in bytes.

    Every bound is counted over accumulated input, so that it can't be passed by
    sending a line in many small segments.
    """

    # Apache's LimitRequestLine and LimitRequestFieldSize are 8,190; nginx has buffers of 8 KiB.
    start_line: int = 8190
    field_line: int = 8190
    # Apache's LimitRequestFields is 100, Tomcat's maxHeaderCount 100; browsers send about 20.
    fields: int = 128
    # node and llhttp stop at 16-80 KiB, h11 at 100 KiB, Tomcat at 8 KiB.
    head: int = 64 * 1024
    # The size line of a chunk with its extensions, which nobody sends (llhttp: 16 KiB over a body).
    chunk_line: int = 256
    # Trailers share `fields` and `field_line`; this is their sum.
    trailers: int = 16 * 1024
    # 1xx responses before a final one: real servers send one 100 and a few 103.
    informational: int = 32
    # What is kept of the next requests while one is being answered; then the transport is paused.
    pipelined: int = 64 * 1024

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name}: expected an int, got {value!r}")
            if value < 0:
                raise ValueError(f"{name}: expected a number not below 0, got {value!r}")


DEFAULT_LIMITS = Limits()


def head_limits(max_line_size: int, max_field_size: int, max_headers: int) -> Limits:
    """Limits of heads: a start line's bytes, a field line's, and the number of fields.

    The whole head may be as much larger than by default as the longer of the lines may.
    """
    default = DEFAULT_LIMITS
    if (max_line_size, max_field_size, max_headers) == (
        default.start_line,
        default.field_line,
        default.fields,
    ):
        return default
    larger = max(1, max_line_size / default.start_line, max_field_size / default.field_line)
    return replace(
        default,
        start_line=max_line_size,
        field_line=max_field_size,
        fields=max_headers,
        head=int(default.head * larger),
        trailers=int(default.trailers * larger),
    )


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
