"""For tests of applications and of clients: servers and clients that are started in one line.

Importing this package imports no pytest; the fixtures are in `pronghorn.testing.plugin`.
"""

from .app_connector import AppConnector
from .client import TestClient
from .memory import MemoryExchange
from .mock_connector import MockConnector, MockRequest, MockResponse
from .server import BaseTestServer, RawTestServer, TestServer

__all__ = [
    "AppConnector",
    "BaseTestServer",
    "MemoryExchange",
    "MockConnector",
    "MockRequest",
    "MockResponse",
    "RawTestServer",
    "TestClient",
    "TestServer",
]
