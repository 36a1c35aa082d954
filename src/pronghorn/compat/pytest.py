"""``pytest -p pronghorn.compat.pytest``: tests, and the processes they start, get pronghorn as aiohttp."""

from .. import __version__ as _version
from . import VERSION, install_as_aiohttp, uninstall

install_as_aiohttp(subprocesses=True)


def pytest_report_header() -> str:
    """Say what is tested."""
    return f"aiohttp: pronghorn {_version}, under the names of {VERSION}"


def pytest_unconfigure() -> None:
    """Give the names back."""
    uninstall()
