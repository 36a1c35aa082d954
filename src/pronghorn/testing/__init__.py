"""For tests of applications and of clients: servers and clients that are started in one line.

A name is loaded when it is looked at: the fixtures of `pronghorn.testing.plugin` are known to every run of
pytest where this package is installed, whether or not one is used.
"""

from typing import TYPE_CHECKING

from ..names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from .app_connector import AppConnector
    from .case import ApplicationTestCase, unittest_run_loop
    from .client import TestClient
    from .loops import loop_context, setup_test_loop, teardown_test_loop
    from .memory import MemoryExchange
    from .mock_connector import MockConnector, MockRequest, MockResponse
    from .mocked import make_mocked_coro, make_mocked_request
    from .ports import get_port_socket, get_unused_port_socket, unused_port
    from .server import BaseTestServer, RawTestServer, TestServer
    from .websocket_peer import WebSocketPeer

__all__ = [
    "AppConnector",
    "ApplicationTestCase",
    "BaseTestServer",
    "MemoryExchange",
    "MockConnector",
    "MockRequest",
    "MockResponse",
    "RawTestServer",
    "TestClient",
    "TestServer",
    "WebSocketPeer",
    "get_port_socket",
    "get_unused_port_socket",
    "loop_context",
    "make_mocked_coro",
    "make_mocked_request",
    "setup_test_loop",
    "teardown_test_loop",
    "unittest_run_loop",
    "unused_port",
]

__getattr__ = _lazy_names(
    globals(),
    {
        "testing.app_connector": ("AppConnector",),
        "testing.case": ("ApplicationTestCase", "unittest_run_loop"),
        "testing.client": ("TestClient",),
        "testing.loops": ("loop_context", "setup_test_loop", "teardown_test_loop"),
        "testing.memory": ("MemoryExchange",),
        "testing.mock_connector": ("MockConnector", "MockRequest", "MockResponse"),
        "testing.mocked": ("make_mocked_coro", "make_mocked_request"),
        "testing.ports": ("get_port_socket", "get_unused_port_socket", "unused_port"),
        "testing.server": ("BaseTestServer", "RawTestServer", "TestServer"),
        "testing.websocket_peer": ("WebSocketPeer",),
    },
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
