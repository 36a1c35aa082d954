"""The package under aiohttp's names, for programs that say ``import aiohttp``.

Never unasked: by `install_as_aiohttp`, by ``python -m pronghorn.compat script.py``, or by
``pytest -p pronghorn.compat.pytest``.
"""

from .aiohttp import VERSION
from .importer import install_as_aiohttp, uninstall

__all__ = ["VERSION", "install_as_aiohttp", "uninstall"]
