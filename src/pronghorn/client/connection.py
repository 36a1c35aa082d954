"""The client's end of a connection: one exchange at a time, from the head we send to the last byte."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, final

from multidict import istr

from ..io.channel import Channel, QuietOwner
from ..io.deadline import PRECISE, Deadline, Sweep
from ..io.dial import Address
from ..io.exchange import Http1Exchange
from ..io.stream import StreamReader
from ..wire.coding import decoder_of
from ..wire.errors import ConnectionEnded, ProtocolError
from ..wire.events import Event, InformationalHead, ResponseHead
from ..wire.http1.connection import Http1Connection, Reading
from ..wire.http1.writing import Writing
from .errors import (
    ClientConnectionError,
    ClientConnectionResetError,
    ClientOSError,
    ClientPayloadError,
    ServerDisconnectedError,
    SocketTimeoutError,
)
from .pool_stats import CloseReason
from .probe import Probe
from .terms import DEFAULT_TERMS, Terms


class MalformedResponse(Exception):
    """The bytes that came are no response. The flow knows the request and makes the public error of it."""


#: A final head, its content if that did not come with it, and the 1xx responses before it.
Received = tuple[ResponseHead, StreamReader | None, tuple[InformationalHead, ...]]


class Keeper(Protocol):
    """Who lends connections and takes them back."""

    def take_back(self, connection: "ClientConnection", /) -> None: ...
    def lost(self, connection: "ClientConnection", /) -> None: ...
    def let_go(self, connection: "ClientConnection", /) -> None: ...


@final
@dataclass(slots=True, eq=False)
class Answer:
    """What came of a request."""

    head: ResponseHead
    #: Its content, if it did not come with the head.
    content: StreamReader | None
    connection: "ClientConnection"
    #: Which of the connection's exchanges it is.
    exchange: int
    #: What earlier tries on other connections ended in.
    attempts: Sequence[Exception]
    #: The 1xx responses that came before.
    informational: Sequence[ResponseHead]


@final
class ClientConnection(QuietOwner):
    """Owns a channel. ``begin`` starts an exchange; when it is over, the connection goes to its keeper."""

    __slots__ = (
        "_gap",
        "_gap_seconds",
        "_go_ahead",
        "_has_answer_begun",
        "_is_discarding",
        "_informational",
        "_is_adopted",
        "_is_lent",
        "_keeper",
        "_loop",
        "_machine",
        "_probe",
        "_sender",
        "_terms",
        "_total",
        "_waiter",
        "address",
        "announced_idleness",
        "channel",
        "close_reason",
        "exchange",
        "idle_deadline",
        "idle_since",
        "is_body_unsent",
        "is_promised",
        "make_stream",
        "uses",
    )

    #: Where it leads, and who keeps it: see `adopt`.
    address: Address
    _keeper: Keeper
    _total: Deadline
    _gap: Deadline
    #: Closes the connection when it has been idle too long.
    idle_deadline: Deadline

    def __init__(self, loop: asyncio.AbstractEventLoop, channel: Channel, machine: Http1Connection) -> None:
        self._loop = loop
        self._machine = machine
        self.channel = channel
        self.exchange = Http1Exchange(channel, machine)
        self._is_adopted = False
        self._waiter: asyncio.Future[Received] | None = None
        #: Sends the request body while the response may come already.
        self._sender: asyncio.Task[None] | None = None
        self._gap_seconds: float | None = None
        self._take_on(DEFAULT_TERMS)
        self._has_answer_begun = False
        #: Nobody reads what is left of the response.
        self._is_discarding = False
        #: Makes the stream of the content that comes next, once.
        self.make_stream: Callable[..., StreamReader] = StreamReader
        #: An exchange is going on: the connection is not its keeper's to give away.
        self._is_lent = False
        #: The 1xx responses of the exchange.
        self._informational: tuple[InformationalHead, ...] = ()
        #: Resolved when the request body is wanted, or an answer has come without it.
        self._go_ahead: asyncio.Future[None] | None = None
        #: The body was held back for 100 (Continue), and none of it has been sent.
        self.is_body_unsent = False
        self.idle_since = 0.0
        #: Made when it is asked for.
        self._probe: Probe | None = None
        #: It was granted to somebody who has not come for it yet.
        self.is_promised = False
        #: Exchanges begun.
        self.uses = 0
        #: Seconds that the server keeps it while it is idle, less than it said; None if it said nothing.
        self.announced_idleness: float | None = None
        #: Why it will have been closed, if nobody knows better.
        self.close_reason = CloseReason.LOST

    def adopt(self, address: Address, keeper: Keeper, sweep: Sweep) -> None:
        """Belong to ``keeper`` from now on, as a connection to ``address``."""
        self.address = address
        self._keeper = keeper
        self._total = Deadline(sweep, self._run_out)
        self._gap = Deadline(sweep, self._run_out_of_data)
        self.idle_deadline = Deadline(sweep, self._run_out_of_idleness)
        self._is_adopted = True

    # Lent without an exchange

    def hold(self) -> None:
        """Lend the connection out as it is."""
        self._is_lent = True
        self.uses += 1

    def give_up_hold(self) -> None:
        """What `hold` was for is over; it must not have been abandoned."""
        if self._is_lent:
            self._is_lent = False
            self._keeper.take_back(self)

    def leave(self) -> None:
        """Belong to its user from now on, and to no keeper."""
        self._is_lent = False
        self._keeper.let_go(self)

    def switch(self) -> bytes:
        """Leave HTTP for what the server has switched to; the bytes that came. RuntimeError if it has not."""
        self._total.stop()
        self._gap.stop()
        return self._machine.accept_upgrade()

    # The exchange

    def begin(self, terms: Terms, total: float | None) -> None:
        """Lend the connection out for one exchange, with ``total`` seconds left for it."""
        if terms is not self._terms:
            self._take_on(terms)
        self._is_lent = True
        self.uses += 1
        self._has_answer_begun = self._is_discarding = False
        if total is not None:
            self._total.start(total)
        self._informational = ()

    def _take_on(self, terms: Terms) -> None:
        self._terms = terms
        machine = self._machine
        machine.request_version = terms.version
        machine.reads_until_close = terms.reads_until_close
        machine.limits = terms.limits
        self.exchange.hold_up_to(terms.buffer_size)
        self._gap_seconds = terms.timeout.sock_read

    def expect_head(self) -> "asyncio.Future[Received]":
        """The head of the final response, once it has come, or what the exchange failed with."""
        # Who resolves the waiter lets go of it: when its reader goes on, the connection may be another's.
        waiter: asyncio.Future[Received] = self._loop.create_future()
        self._waiter = waiter
        if self._gap_seconds is not None:
            self._gap.start(self._gap_seconds)
        if self.channel.is_lost:
            raise ServerDisconnectedError
        return waiter

    @property
    def sender(self) -> "asyncio.Task[None] | None":
        """What sends the body of the request, as long as it does."""
        return self._sender

    @property
    def may_repeat(self) -> bool:
        """The exchange failed before a byte of an answer came, on a connection that had served before."""
        return self.uses > 1 and not self._has_answer_begun

    @property
    def transport(self) -> asyncio.Transport | None:
        """What the bytes go over; None once that is lost."""
        return self.channel.transport

    @property
    def is_lent(self) -> bool:
        """An exchange is going on."""
        return self._is_lent

    def is_in(self, exchange: int) -> bool:
        """That exchange, by the count of `uses`, is going on."""
        return self._is_lent and self.uses == exchange

    def send_body(self, write: Coroutine[Any, Any, None]) -> None:
        """Send the request body by ``write``, beside whatever else happens on the exchange."""
        sender = self._sender = self._loop.create_task(self._send_body(write))
        # Cancelled before its first turn, it has not begun to await.
        sender.add_done_callback(lambda _: write.close())

    def expect_continue(self) -> None:
        """Let the body wait for 100 (Continue), but not for long (RFC 9110 section 10.1.1)."""
        self._go_ahead = self._loop.create_future()
        self.is_body_unsent = True

    async def _send_body(self, write: Coroutine[Any, Any, None]) -> None:
        try:
            if self._go_ahead is not None:
                await asyncio.wait((self._go_ahead,), timeout=_CONTINUE_PATIENCE)
                if self._machine.reading is not Reading.HEAD:
                    return  # answered without the body: it stays unsent, and the connection is not used again
            self.is_body_unsent = False
            await write
            self.exchange.end()
        except asyncio.CancelledError:
            # By what the body itself waited for, if not by `abandon`.
            self.fail_exchange(ClientConnectionError("The request body was cancelled"))
            raise
        except Exception as error:  # noqa: BLE001 - whatever the body raises is the caller's to see
            # An answer may have come, or be on its way: whoever waits for it learns of a loss from `lose`.
            if not self.channel.is_lost:
                self.fail_exchange(error)
            return
        finally:
            self._sender = self._go_ahead = None
        if self._is_lent and self._gap_seconds is not None:
            self._gap.start(self._gap_seconds)
        if self._is_lent and self._machine.is_over:
            self._end_unless_switching()

    def _resolve_go_ahead(self) -> None:
        if self._go_ahead is not None and not self._go_ahead.done():
            self._go_ahead.set_result(None)

    def abandon(self) -> None:
        """End the exchange, over or not: a connection with an exchange half done is closed."""
        if self._is_lent:
            self._is_lent = False
            self._waiter = None
            self._total.stop()
            self._gap.stop()
            if self.close_reason is CloseReason.LOST:
                self.close_reason = CloseReason.ABANDONED
            self.exchange.discard()
            self.channel.abort()
            if self._sender is not None:
                self._sender.cancel()

    async def discard(self, error: Exception) -> None:
        """Keep the connection without the rest of its response, if that is little; who reads gets ``error``.

        A request that has not left whole is given up: its body can be used again when this returns.
        """
        self.exchange.fail(error)
        sender = self._sender
        if sender is None:
            self._is_discarding = True
            self.exchange.discard()
            self._total.start(_DISCARDED_SECONDS)
        else:
            self.abandon()
            await asyncio.wait((sender,))

    def fail_exchange(self, error: Exception) -> None:
        """The exchange can't go on because of ``error``; whoever waits for it is told."""
        waiter, self._waiter = self._waiter, None
        if waiter is None:
            self.exchange.fail(error)
        elif not waiter.done():
            waiter.set_exception(error)
        self.abandon()

    def drop(self, error: Exception) -> None:
        """As `fail_exchange`, whenever that may be: the loop may be gone."""
        if not self._loop.is_closed():
            self.fail_exchange(error)

    # Idleness

    def is_usable(self, may_be_stale: bool = False) -> bool:
        """Whether an idle connection can still be used, as far as can be known without sending."""
        channel = self.channel
        transport = channel.transport
        if channel.is_lost or transport is None or transport.is_closing():
            return False
        # The loop may not have run since the server closed: readable while idle means end, or rubbish.
        if not may_be_stale or self._loop.time() - self.idle_since > _TRUSTED_IDLE:
            if self._probe is None:
                self._probe = Probe(transport)
            return not self._probe.is_readable()
        return True

    def start_idling(self, seconds: float | None) -> None:
        """Note when idleness began, and close in ``seconds``."""
        if seconds is None:
            self.idle_since = self._loop.time()
        else:
            self.idle_deadline.start(seconds)
            self.idle_since = self.idle_deadline.at - seconds

    def close(self) -> None:
        """Close an idle connection."""
        self.idle_deadline.stop()
        self.channel.close()

    # What the channel reports

    def receive(self, events: Sequence[Event]) -> None:
        self._has_answer_begun = True
        if self._gap_seconds is not None:
            self._gap.start(self._gap_seconds)
        for event in events:
            if type(event) is ResponseHead:
                self._receive_head(event)
            elif type(event) is InformationalHead:
                self._informational = (*self._informational, event)
                if event.status == 100:
                    self._resolve_go_ahead()
            else:
                self.exchange.deliver(event)
        if self._is_lent:
            if self._machine.is_over:
                self._end_unless_switching()
            elif self._is_discarding and self.exchange.unread > _DISCARDED_BYTES:
                self.abandon()

    def fail(self, error: ProtocolError) -> None:
        if self._waiter is None or self._machine.is_in_body:
            self.fail_exchange(ClientPayloadError(f"Response payload is not completed: {error.message}"))
        elif not isinstance(error, ConnectionEnded):
            self._has_answer_begun = True
            self.fail_exchange(MalformedResponse(error.message))
        else:
            self.fail_exchange(ServerDisconnectedError())
        self.channel.abort()

    def lose(self, error: Exception | None) -> None:
        if self._is_lent:
            if self._waiter is None:
                failure: Exception = ClientPayloadError(
                    "Response payload is not completed: the connection was lost"
                )
                failure.__cause__ = error
            elif isinstance(error, ConnectionResetError) or not isinstance(error, OSError):
                failure = ServerDisconnectedError()
                failure.__cause__ = error
            else:
                failure = ClientOSError(error.errno, error.strerror or str(error))
            self.fail_exchange(failure)
        if self._is_adopted:
            self.idle_deadline.stop()
            self._keeper.lost(self)

    # Parts

    def _receive_head(self, head: ResponseHead) -> None:
        content = None
        if head.body is None:
            content = self.make_stream(
                self.exchange,
                decoder=decoder_of(head.headers, self._terms.decoding),
                error_factory=payload_error,
            )
            self.exchange.open(content)
        self.make_stream = StreamReader
        self._resolve_go_ahead()
        waiter, self._waiter = self._waiter, None
        if _KEEP_ALIVE in head.headers:
            self.announced_idleness = _idleness(head.headers[_KEEP_ALIVE])
        if waiter is not None and not waiter.done():
            waiter.set_result((head, content, self._informational))
        else:
            self.abandon()

    def _end_unless_switching(self) -> None:
        if self._machine.is_switching:
            self.channel.pause_reading()  # what comes, or the end, waits for whoever asked to switch
            return
        self._is_lent = False
        self._total.stop()
        if self._gap_seconds is not None:
            self._gap.stop()
        self._machine.resume()
        self._keeper.take_back(self)

    @property
    def is_reusable(self) -> bool:
        """The last exchange left the connection fit for another."""
        transport = self.channel.transport
        return self._machine.reading is Reading.IDLE and transport is not None and not transport.is_closing()

    def _run_out_of_idleness(self) -> None:
        self.close_reason = CloseReason.IDLE_TIMEOUT
        self.close()

    def _run_out(self) -> None:
        self.fail_exchange(
            TimeoutError(f"The request took longer than its total of {self._terms.timeout.total} s")
        )

    def _run_out_of_data(self) -> None:
        if self._gap_seconds is not None and (
            self.channel.is_reading_paused or self._machine.writing is not Writing.DONE
        ):
            self._gap.start(self._gap_seconds)  # it is the reader that is slow, or the request not yet whole
        else:
            self.fail_exchange(
                SocketTimeoutError(f"Nothing was received for {self._gap_seconds} s (sock_read)")
            )


#: Seconds of idleness after which the socket itself is asked: less than a server's shortest keep-alive.
_TRUSTED_IDLE = 0.05

#: What is read and thrown away of a response that nobody wants, before its connection is given up.
_DISCARDED_BYTES: Final = 64 * 1024
_DISCARDED_SECONDS: Final = 1.0

#: Seconds that a request body waits for 100 (Continue): servers that don't know of it send none (curl: 1 s).
_CONTINUE_PATIENCE = 1.0


_KEEP_ALIVE: Final = istr("Keep-Alive")
_KEEP_ALIVE_TIMEOUT: Final = re.compile(r'(?:^|[,;])\s*timeout\s*=\s*"?([0-9]{1,9})\b', re.IGNORECASE)


def _idleness(keep_alive: str) -> float | None:
    """Seconds of idleness that are safe where Keep-Alive says ``timeout`` (RFC 2068 section 19.7.1.1).

    A request that is on its way when the server closes is lost; and our own deadlines may strike late.
    """
    found = _KEEP_ALIVE_TIMEOUT.search(keep_alive)
    if found is None:
        return None
    seconds = int(found[1])
    return max(0.0, seconds - (1.0 if seconds <= PRECISE else 2.0))


def payload_error(error: ProtocolError) -> ClientPayloadError:
    """What a reader of a broken response body gets."""
    return ClientPayloadError(error.message)


def sending_error(error: OSError) -> ClientOSError | ClientConnectionResetError:
    """What the sender of a request on a broken connection gets."""
    if isinstance(error, ConnectionResetError):
        return ClientConnectionResetError(error.errno, error.strerror or str(error))
    return ClientOSError(error.errno, error.strerror or str(error))
