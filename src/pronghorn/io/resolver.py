"""From the name of a host to its addresses.

The default is the system's own resolver, so that a name means here what it means to every other
program on the machine: its hosts file, its search domains, mDNS, the VPN's split DNS. c-ares knows
DNS alone; it is there for those who ask for it.
"""

import asyncio
import socket
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypedDict, final

#: What `socket.getaddrinfo` gives: family, type, protocol, canonical name, socket address.
AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]

#: Look-ups at a time. Each waits for the network in a thread, for half a minute if a name server is gone.
_MAX_THREADS: Final = 32
_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
#: How many parts the addresses have that can be used; a Python without IPv6 gives others for it.
_SOCKADDR_PARTS: Final = {socket.AF_INET: 2, socket.AF_INET6: 4}


class ResolveResult(TypedDict):
    """One address."""

    #: The name that was asked for.
    hostname: str
    #: The address, as text.
    host: str
    port: int
    #: ``socket.AF_INET`` or ``socket.AF_INET6``.
    family: int
    proto: int
    #: ``socket.AI_*``
    flags: int


class AbstractResolver(ABC):
    """Finds the addresses of hosts."""

    @abstractmethod
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of ``host``, best first, each with ``port``; OSError if there is none."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of whatever is held."""


def packed(host: str) -> bytes | None:
    """The 4 or 16 octets of the address that ``host`` is; None if it is a name. A zone is not looked at."""
    address, has_zone, zone = host.partition("%")
    is_ipv6 = ":" in address
    if has_zone and not (zone and is_ipv6):
        return None
    try:
        return socket.inet_pton(socket.AF_INET6 if is_ipv6 else socket.AF_INET, address)
    except (OSError, ValueError):
        return None


def literal(host: str, port: int = 0, family: int = socket.AF_UNSPEC) -> ResolveResult | None:
    """The address that ``host`` is, if it is one: nobody has to be asked. OSError if of another family."""
    octets = packed(host)
    if octets is None:
        return None
    own = socket.AF_INET if len(octets) == 4 else socket.AF_INET6
    if family not in (socket.AF_UNSPEC, own):
        raise unresolved(host, "the address is of another family than asked for", socket.EAI_FAMILY)
    return ResolveResult(
        hostname=host, host=host, port=port, family=own, proto=socket.IPPROTO_TCP, flags=_NUMERIC
    )


def unresolved(host: str, why: str, code: int = socket.EAI_FAIL) -> socket.gaierror:
    """The error that says why ``host`` has no address; ``code`` is one of ``socket.EAI_*``."""
    return socket.gaierror(code, f"{host}: {why}")


class ThreadedResolver(AbstractResolver):
    """The system's resolver, `socket.getaddrinfo`, on threads of its own.

    The event loop's default executor has no part in it: whoever fills that one stops no look-up.
    There are as many threads as look-ups, 32 at most, and the others wait for their turn; a thread
    ends when nobody waits. Any loop may use it, several at a time too, so ``loop`` is not looked at.

    `resolve` raises OSError, a `socket.gaierror` that names the host. Cancelled, it is forgotten; but
    what the system is doing goes on until the system gives it up. The exit of the interpreter does
    not wait for it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._threads = _Threads()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of ``host``, in the order in which the system prefers them (RFC 6724)."""
        if (known := literal(host, port, family)) is not None:
            return [known]
        return await self._threads.resolve(host, port, family)

    async def close(self) -> None:
        """End all look-ups with an OSError; it can be used again."""
        # Threads that are still held up belong to the old ones and take no place of the new ones.
        threads, self._threads = self._threads, _Threads()
        threads.close()


def _ask_system(host: str, port: int, family: int) -> list[ResolveResult]:
    # Without it a machine without IPv6 would ask for, and try, addresses that it cannot reach. Where a family
    # is asked for it has no use, and on a machine that has its loopback interface alone finds not even that.
    flags = socket.AI_ADDRCONFIG if family == socket.AF_UNSPEC else 0
    try:
        infos = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, flags)
        found = [
            _result(host, kind, proto, sockaddr)
            for kind, _, proto, _, sockaddr in infos
            if len(sockaddr) == _SOCKADDR_PARTS.get(kind)
        ]
    except OSError as error:
        raise unresolved(host, error.strerror or str(error), error.errno or socket.EAI_FAIL) from error
    except ValueError as error:  # IDNA: UnicodeError
        raise unresolved(host, f"not the name of a host: {error}", socket.EAI_NONAME) from error
    if not found:
        raise unresolved(host, "no address", socket.EAI_NONAME)
    return found


def _result(host: str, family: int, proto: int, sockaddr: tuple[Any, ...]) -> ResolveResult:
    address, port, *_ = sockaddr
    if any(sockaddr[3:]):  # fe80::1%eth0
        address, _ = socket.getnameinfo(sockaddr, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=proto, flags=_NUMERIC)


@final
class _Lookup:
    """One call of the system's resolver, and who waits for it."""

    __slots__ = ("_family", "_host", "_loop", "_port", "outcome")

    def __init__(self, host: str, port: int, family: int, loop: asyncio.AbstractEventLoop) -> None:
        self._host = host
        self._port = port
        self._family = family
        self._loop = loop
        self.outcome: asyncio.Future[list[ResolveResult]] = loop.create_future()

    def run(self) -> None:
        try:
            found = _ask_system(self._host, self._port, self._family)
        except Exception as error:  # noqa: BLE001 - it is raised to who waits
            self._settle(self.outcome.set_exception, error)
        else:
            self._settle(self.outcome.set_result, found)

    def fail(self, why: str) -> None:
        """Raise an OSError to who waits."""
        self._settle(self.outcome.set_exception, unresolved(self._host, why))

    def _settle(self, settle: Callable[[Any], None], value: object) -> None:
        try:
            self._loop.call_soon_threadsafe(self._settle_once, settle, value)
        except RuntimeError:
            pass  # the loop is closed, and nobody waits any more

    def _settle_once(self, settle: Callable[[Any], None], value: object) -> None:
        if not self.outcome.done():
            settle(value)


@final
class _Threads:
    """Threads in which the system is asked.

    Not a `ThreadPoolExecutor`: when it exits, the interpreter joins those threads, for as long as the
    system goes on asking name servers that are gone. These are daemons, which it leaves behind. That
    is safe here, since they are inside of getaddrinfo, and hold nothing that anybody misses. Starting
    one for each look-up costs 0.1 ms, keeps none idle, and leaves none to be closed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: OrderedDict[_Lookup, None] = OrderedDict()
        self._running: set[_Lookup] = set()
        self._count = 0

    async def resolve(self, host: str, port: int, family: int) -> list[ResolveResult]:
        """What the system says, in its turn; OSError if there is no thread, or after `close`."""
        lookup = _Lookup(host, port, family, asyncio.get_running_loop())
        try:
            self._start(lookup)
        except RuntimeError as error:
            raise unresolved(host, f"no thread to ask the system in: {error}", socket.EAI_AGAIN) from error
        try:
            return await lookup.outcome
        finally:
            with self._lock:
                self._waiting.pop(lookup, None)

    def close(self) -> None:
        """Fail all look-ups, also those that go on in their threads."""
        with self._lock:
            lookups = [*self._running, *self._waiting]
            self._waiting.clear()
        for lookup in lookups:
            lookup.fail("the resolver was closed")

    def _start(self, lookup: _Lookup) -> None:
        with self._lock:
            self._waiting[lookup] = None
            if self._count >= _MAX_THREADS:
                return
            self._count += 1
        try:
            threading.Thread(target=self._work, name="pronghorn-dns", daemon=True).start()
        except RuntimeError:
            with self._lock:
                self._count -= 1
                if not self._count:
                    self._waiting.pop(lookup, None)
                    raise
            # One of those that run comes to it in time.

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._count -= 1
                    return
                lookup, _ = self._waiting.popitem(last=False)
                self._running.add(lookup)
            lookup.run()
            with self._lock:
                self._running.discard(lookup)


class AsyncResolver(AbstractResolver):
    """DNS by c-ares, which needs aiodns 3.2 or newer; RuntimeError where that is not installed.

    ``args`` and ``kwargs`` are those of `aiodns.DNSResolver`: ``nameservers=["192.0.2.1"]``,
    ``timeout=`` seconds for the first try, ``tries=``. It belongs to the loop that first asks, and to
    the next one when that is closed; ``loop`` is not looked at. It has a channel of c-ares from then
    on, to be closed with `close`.

    `resolve` raises OSError, a `socket.gaierror` that names the host. c-ares can't stop a single
    query: one that was cancelled goes on, unheard, until no other is waited for.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None, *args: Any, **kwargs: Any) -> None:
        try:
            from aiodns import DNSResolver
        except ImportError as error:
            raise RuntimeError("AsyncResolver needs aiodns 3.2 or newer: pip install aiodns") from error
        if not hasattr(DNSResolver, "getaddrinfo"):
            raise RuntimeError("AsyncResolver needs aiodns 3.2 or newer: pip install --upgrade aiodns")
        self._make = partial(DNSResolver, *args, **kwargs)
        self._channel: _Channel | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of ``host``, sorted as RFC 6724 says."""
        if (known := literal(host, port, family)) is not None:
            return [known]
        return await self._bind(host).ask(host, port, family)

    async def close(self) -> None:
        """End all look-ups with an OSError and close the channel; it can be used again."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    def _bind(self, host: str) -> "_Channel":
        loop = asyncio.get_running_loop()
        channel = self._channel
        if channel is None or channel.loop is not loop:
            if channel is not None and not channel.loop.is_closed():
                raise RuntimeError(f"the resolver belongs to {channel.loop!r}, and is used on {loop!r}")
            from pycares import AresError

            try:
                channel = self._channel = _Channel(loop, self._make(loop=loop))
            except (AresError, ValueError) as error:  # name servers that are none, for one
                raise unresolved(host, f"c-ares does not start with what it was given: {error}") from error
        return channel


@final
class _Channel:
    """c-ares on one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, dns: Any) -> None:
        self.loop = loop
        self._dns = dns
        self._askers = 0
        #: Queries go on whose askers were cancelled.
        self._has_strays = False
        self._is_open = True

    async def ask(self, host: str, port: int, family: int) -> list[ResolveResult]:
        """What c-ares says; OSError if that is nothing."""
        from aiodns.error import DNSError

        try:
            # Its AI_ADDRCONFIG is not the system's, and does nothing.
            query = self._dns.getaddrinfo(host, family, port, type=socket.SOCK_STREAM)
        except (ValueError, RuntimeError) as error:  # IDNA
            raise unresolved(host, f"not the name of a host: {error}", socket.EAI_NONAME) from error
        self._askers += 1
        try:
            answer = await query
        except asyncio.CancelledError:
            self._has_strays = True
            raise
        except DNSError as error:
            raise _translated(host, error) from error
        finally:
            self._askers -= 1
            if self._has_strays and not self._askers and self._is_open:
                # Their answers would come to a loop that may be closed by then.
                self._has_strays = False
                self._dns.cancel()
        found = [
            _result(host, node.family, socket.IPPROTO_TCP, (node.addr[0].decode("ascii"), *node.addr[1:]))
            for node in answer.nodes
        ]
        if not found:
            raise unresolved(host, "no address", socket.EAI_NONAME)
        return found

    async def close(self) -> None:
        """End all look-ups."""
        self._is_open = False
        if self.loop.is_closed():
            return  # nobody waits, and c-ares ends with the last reference
        self._dns.cancel()
        if hasattr(self._dns, "close"):  # since aiodns 3.5
            await self._dns.close()


def _translated(host: str, error: Exception) -> socket.gaierror:
    """Of c-ares, whose numbers mean something else as an errno: its "not found" is EINTR."""
    from aiodns import error as ares

    code, message = (*error.args, "unknown error")[:2] if error.args else (None, "unknown error")
    if code in (ares.ARES_ENOTFOUND, ares.ARES_ENODATA, ares.ARES_EBADNAME):
        number = socket.EAI_NONAME
    elif code in (ares.ARES_ETIMEOUT, ares.ARES_ESERVFAIL, ares.ARES_EREFUSED, ares.ARES_ECONNREFUSED):
        number = socket.EAI_AGAIN
    else:
        number = socket.EAI_FAIL
    return unresolved(host, str(message), number)


DefaultResolver = ThreadedResolver
