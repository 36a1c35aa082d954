"""Found as ``aiohttp`` by processes that inherit the alias: what it leaves behind is pronghorn."""

import sys

from pronghorn.compat import install_as_aiohttp

del sys.modules[__name__]
install_as_aiohttp()
