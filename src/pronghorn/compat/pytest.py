"""``pytest -p pronghorn.compat.pytest``: tests, and the processes they start, get pronghorn as aiohttp."""

from .._version import __version__
from . import VERSION, install_as_aiohttp, uninstall


# The first hook that a plugin of the command line has, called for each run: conftest.py may import aiohttp.
def pytest_addoption() -> None:
    """Take the names."""
    install_as_aiohttp(subprocesses=True)


def pytest_report_header() -> str:
    """Say what is tested."""
    return f"aiohttp: pronghorn {__version__}, under the names of {VERSION}"


def pytest_unconfigure() -> None:
    """Give the names back."""
    uninstall()
