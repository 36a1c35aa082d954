"""For tests of applications and of clients: servers and clients that are started in one line.

Importing this package imports no pytest; the fixtures are in `pronghorn.testing.plugin`.
"""

from .client import TestClient
from .memory import MemoryExchange
from .server import BaseTestServer, RawTestServer, TestServer

__all__ = ["BaseTestServer", "MemoryExchange", "RawTestServer", "TestClient", "TestServer"]
