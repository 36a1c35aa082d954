"""`run_app`: from an application to a process that serves it until it is told to stop."""

import asyncio
import signal
import ssl
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from .application import Application
from .runner import SHUTDOWN_TIMEOUT, AppRunner, TCPSite


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop of uvloop where it is installed, of asyncio otherwise."""
    try:
        from uvloop import new_event_loop as new_loop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = new_loop()
    return loop


def run_app(
    app: Application | Awaitable[Application],
    *,
    host: str | None = None,
    port: int | None = None,
    shutdown_timeout: float = SHUTDOWN_TIMEOUT,
    ssl_context: ssl.SSLContext | None = None,
    print: Callable[..., None] | None = print,
    backlog: int = 128,
    handle_signals: bool = True,
    reuse_address: bool | None = None,
    reuse_port: bool | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = new_event_loop,
    **settings: Any,
) -> None:
    """Serve ``app`` until SIGINT or SIGTERM, then end gracefully; a second signal ends at once.

    Listens on ``host`` (None: all interfaces) and ``port`` (None: 8080, or 8443 with
    ``ssl_context``; 0: a free one). Requests have ``shutdown_timeout`` seconds to be
    answered. ``print`` is called with what a person wants to know, None for silence.
    Further keywords are those of `AppRunner`.
    """

    async def serve() -> None:
        application = await app if isinstance(app, Awaitable) else app
        runner = AppRunner(application, shutdown_timeout=shutdown_timeout, **settings)
        stop = _StopRequest()
        if handle_signals:
            stop.listen()
        try:
            await runner.setup()
            site = TCPSite(
                runner,
                host,
                port,
                ssl_context=ssl_context,
                backlog=backlog,
                reuse_address=reuse_address,
                reuse_port=reuse_port,
            )
            await site.start()
            if print is not None:
                print(f"======== Running on {site.name} ========\n(Press CTRL+C to quit)", flush=True)
            await stop.wait()
        finally:
            await runner.cleanup()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        try:
            runner.run(serve())
        except (KeyboardInterrupt, asyncio.CancelledError):
            pass  # the second signal: asyncio.Runner has cancelled what was left


class _StopRequest:
    """SIGINT or SIGTERM, once; the second one cancels whoever is still at work."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._task = asyncio.current_task()

    def listen(self) -> None:
        """Take the signals over, where this loop and thread can."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, self._receive)
            except (NotImplementedError, RuntimeError, ValueError):
                # Windows, or not the main thread: KeyboardInterrupt remains.
                if sys.platform != "win32":
                    return

    async def wait(self) -> None:
        """Wait for the first signal."""
        await self._event.wait()

    def _receive(self) -> None:
        if self._event.is_set() and self._task is not None:
            self._task.cancel()
        self._event.set()
