from collections.abc import Iterator

import pytest

from .forms import RecordedFile, recorded_files


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[RecordedFile]]:
    """The files that are made meanwhile, all of which have to be closed."""
    made = recorded_files(monkeypatch)
    yield made
    assert all(file.closed for file in made)
