"""Forms that tests post, and the files that come of them."""

import asyncio
import tempfile
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pronghorn import web
from pronghorn.io.stream import StreamReader
from pronghorn.server import form
from pronghorn.testing.memory import make_request

URLENCODED = "application/x-www-form-urlencoded"
FORM = "multipart/form-data; boundary=b"
TEXT = "Content-Type: text/plain"
LARGE = bytes(range(256)) * 4096 * 3

Part = tuple[str, bytes]


def posted(
    body: bytes | StreamReader,
    content_type: str | None = FORM,
    *,
    method: str = "POST",
    max_size: int = 1024**2,
    max_fields: int = 1000,
    **fields: str,
) -> web.Request:
    headers = [("Host", "test"), *((name.replace("_", "-"), value) for name, value in fields.items())]
    if content_type is not None:
        headers.append(("Content-Type", content_type))
    request = make_request(method, "/", headers, body)
    request._client_max_size = max_size
    request._client_max_fields = max_fields
    return request


def file(name: str, filename: str, content: bytes, *fields: str) -> Part:
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"'
    return "\n".join((disposition, *fields)), content


class RecordedFile(tempfile.SpooledTemporaryFile[bytes]):
    """A file that knows who writes it."""

    def __init__(self, max_size: int) -> None:
        super().__init__(max_size)
        self.writers: set[str] = set()
        self.closers: set[str] = set()
        #: Writing waits for it.
        self.gate: threading.Event | None = None

    def write(self, data: Any) -> int:
        self.writers.add(threading.current_thread().name)
        if self.gate is not None:
            self.gate.wait(5)
        return super().write(data)

    def close(self) -> None:
        self.closers.add(threading.current_thread().name)
        super().close()

    @property
    def is_on_disk(self) -> bool:
        return self._rolled  # type: ignore[attr-defined,no-any-return]  # it has no other way to tell


def recorded_files(monkeypatch: pytest.MonkeyPatch) -> list[RecordedFile]:
    """The files that are made from now on."""
    made: list[RecordedFile] = []

    class Recorded(RecordedFile):
        def __init__(self, max_size: int) -> None:
            super().__init__(max_size)
            made.append(self)

    monkeypatch.setattr(form, "SpooledTemporaryFile", Recorded)
    return made


async def in_a_task(request: web.Request, look: Callable[[Any], object] = lambda form: None) -> Any:
    """What `post` gives to a handler, when that is done."""

    async def handler() -> Any:
        form = await request.post()
        look(form)
        return form

    return await asyncio.create_task(handler())
