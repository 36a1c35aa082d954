"""The async HTTP toolkit: client and server, one package, on asyncio."""

from ._version import __version__
