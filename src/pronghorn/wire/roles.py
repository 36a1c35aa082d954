"""What differs between the two ends of a connection, named.

One machine serves both roles. Where they differ, the role states a fact about
itself and the machine binds that fact once; it never asks "am I a server?".
"""

from dataclasses import dataclass
from typing import Final, final


@final
@dataclass(frozen=True, slots=True)
class Role:
    """One end of a connection."""

    name: str
    #: The first message on the connection is ours to read, not to write.
    reads_first: bool
    #: A body without a length lasts until the peer closes (RFC 9112 section 6.3, rule 8).
    eof_ends_body: bool
    #: The few oddities of deployed peers that are read anyway: see `wire.http1.head`.
    is_lenient: bool
    #: WebSocket frames that we send are masked (RFC 6455 section 5.3).
    masks_frames: bool


CLIENT: Final = Role("client", reads_first=False, eof_ends_body=True, is_lenient=True, masks_frames=True)
SERVER: Final = Role("server", reads_first=True, eof_ends_body=False, is_lenient=False, masks_frames=False)
