"""Where two readers of the same bytes part."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest

from .readers import GET, Asking, End, Message, Told

_COMPARED = ("start", "version", "fields", "content", "trailers", "end")
_OURS = {End.REFUSED: "we refuse", End.OPEN: "we wait", End.CLOSED: "we close"}
_THEIRS = {End.REFUSED: "they refuse", End.OPEN: "they wait", End.CLOSED: "they close"}


@dataclass(frozen=True)
class Difference:
    """The first message that two readers disagree about; ``what`` says how."""

    peer: str
    what: str
    wire: bytes
    asking: Asking
    ours: Told
    theirs: Told
    #: The message as it was told by who told it whole; by us, if both did.
    accepted: Message
    #: Where it begins.
    begin: int

    @property
    def why(self) -> str:
        """What was said by who refused."""
        return self.ours.why if self.what == "we refuse" else self.theirs.why

    @property
    def part(self) -> bytes:
        """The bytes of the message."""
        return self.wire[self.begin : self.accepted.end]

    def holds(self, pattern: bytes) -> bool:
        return re.search(pattern, self.part) is not None

    def __str__(self) -> str:
        return (
            f"{self.what}: {self.peer}, asked {self.asking}\n"
            f"  wire   {self.wire!r}\n  told   {self.accepted}\n"
            f"  ours   {self.ours.end.value} {self.ours.why!r}\n"
            f"  theirs {self.theirs.end.value} {self.theirs.why!r}"
        )


@dataclass(frozen=True)
class Known:
    """A difference that is understood: whose doing it is, and by which clause."""

    name: str
    peers: tuple[str, ...]
    #: What is different, or several such things with "|" between them.
    what: str
    #: "theirs" if they depart from the clause, "choice" if it leaves the choice and we take the strict one.
    fault: str
    clause: str
    example: bytes
    applies: Callable[[Difference], bool]
    #: What the response of the example answers.
    asking: Asking = GET

    def covers(self, difference: Difference) -> bool:
        return (
            difference.peer in self.peers
            and difference.what in self.what.split("|")
            and bool(self.applies(difference))
        )


def _unequal(ours: Message, theirs: Message) -> str:
    for name in _COMPARED:
        mine, other = getattr(ours, name), getattr(theirs, name)
        if mine is not None and other is not None and mine != other:
            return name
    return ""


def difference(peer: str, wire: bytes, asking: Asking, ours: Told, theirs: Told) -> Difference | None:
    """What ``theirs`` tells otherwise of a message that one of the two has accepted.

    Who refuses sooner, or still waits where the other has refused, tells nothing else.
    """
    begin = 0
    for mine, other in zip_longest(ours.messages, theirs.messages):
        if mine is None and other is not None and other.content is None:
            mine = ours.begun  # no more than the head is told
        if (mine is None and ours.end is End.HANDED) or (other is None and theirs.end is End.HANDED):
            return None
        if mine is None:
            what = _OURS[ours.end]
        elif other is None:
            what = _THEIRS[theirs.end]
        elif name := _unequal(mine, other):
            what = f"other {name}"
        else:
            begin = mine.end or 0
            continue
        return Difference(peer, what, wire, asking, ours, theirs, mine or other, begin)
    return None
