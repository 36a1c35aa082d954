import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pronghorn.io.open_file import OpenFile


@pytest.fixture
def file(path: Path) -> Iterator[OpenFile]:
    """The file at ``path``, which is the module's own, open for reading."""
    file = OpenFile(os.open(path, os.O_RDONLY))
    yield file
    file.close()
