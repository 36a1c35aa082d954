from pathlib import Path

import pytest_asyncio

from pronghorn.testing.fixture import fixture

from .runs import run

ASKS = """
def test_one(pronghorn_client):
    pass
"""


def test_it_is_that_of_pytest_asyncio() -> None:
    assert fixture is pytest_asyncio.fixture


def test_without_pytest_asyncio_pytest_says_what_is_missing(tmp_path: Path) -> None:
    before = "import sys; sys.modules['pytest_asyncio'] = None"
    status, output = run(tmp_path, {"test_it.py": ASKS}, plugins=("pronghorn.testing.plugin",), before=before)
    assert status != 0
    assert "requested an async fixture 'pronghorn_client', with no plugin" in output, output
