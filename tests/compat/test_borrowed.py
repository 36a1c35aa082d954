import asyncio
import os
import subprocess
import sys
from http import HTTPStatus
from inspect import signature
from typing import Any

import pytest
from multidict import CIMultiDict

from pronghorn.compat import borrowed

from .fresh import SOURCES


def test_every_name_is_there() -> None:
    assert borrowed.__all__ == sorted(
        borrowed.__all__, key=lambda name: (not name.isupper(), name.islower(), name)
    )
    assert all(getattr(borrowed, name) is not None for name in borrowed.__all__)


def test_responses_are_the_registered_ones() -> None:
    assert borrowed.RESPONSES.keys() == {status.value for status in HTTPStatus}
    assert borrowed.RESPONSES[404] == ("Not Found", "Nothing matches the given URI")
    assert all(phrase and isinstance(said, str) for phrase, said in borrowed.RESPONSES.values())


@pytest.mark.parametrize(
    ("options", "variables", "is_debugging"),
    [
        ([], {}, False),
        ([], {"PYTHONASYNCIODEBUG": "1"}, True),
        ([], {"PYTHONASYNCIODEBUG": ""}, False),
        (["-E"], {"PYTHONASYNCIODEBUG": "1"}, False),
        (["-X", "dev"], {}, True),
    ],
)
def test_debug_is_what_the_process_was_started_with(
    options: list[str], variables: dict[str, str], is_debugging: bool
) -> None:
    code = (
        f"import sys; sys.path[:0] = [{SOURCES!r}]; from pronghorn.compat.borrowed import DEBUG; print(DEBUG)"
    )
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PYTHONASYNCIODEBUG", "PYTHONDEVMODE", "PYTHONWARNINGS"}
    }
    told = subprocess.run(
        [sys.executable, *options, "-c", code],
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == f"{is_debugging}\n"


def test_a_timer_that_limits_nothing() -> None:
    timer = borrowed.TimerNoop()
    assert isinstance(timer, borrowed.BaseTimerContext)
    for _ in range(2):
        with timer as entered:
            timer.assert_timeout()
        assert entered is None


def test_it_lets_errors_pass() -> None:
    error = ValueError("as it is")
    with pytest.raises(ValueError, match="as it is") as raised, borrowed.TimerNoop():
        raise error
    assert raised.value is error


def test_a_timer_of_ones_own() -> None:
    class Timer(borrowed.BaseTimerContext):
        def __exit__(self, *error: object) -> None:
            return None

        def assert_timeout(self) -> None:
            raise TimeoutError

    timer = Timer()
    with timer as entered, pytest.raises(TimeoutError):
        timer.assert_timeout()
    assert entered is timer


class Kept(borrowed.HeadersMixin):
    """As aiohttp-client-cache's responses are."""

    def __init__(self, **fields: str) -> None:
        self._headers = CIMultiDict({name.replace("_", "-"): value for name, value in fields.items()})


def test_fields_of_one_s_own() -> None:
    kept = Kept(content_type="Text/HTML; Charset=koi8-r", content_length="12")
    assert (kept.content_type, kept.charset, kept.content_length) == ("text/html", "koi8-r", 12)
    nothing = Kept()
    assert (nothing.content_type, nothing.charset, nothing.content_length) == (
        "application/octet-stream",
        None,
        None,
    )
    with pytest.raises(ValueError, match="many"):
        _ = Kept(content_length="many").content_length


async def test_a_future_of_the_loop() -> None:
    loop = asyncio.get_running_loop()
    future = borrowed.create_future(loop)
    assert isinstance(future, asyncio.Future)
    assert future.get_loop() is loop
    future.set_result(1)
    assert await future == 1


async def test_a_task_of_a_coroutine() -> None:
    async def answer() -> int:
        return 1

    task = borrowed.ensure_future(answer())
    assert isinstance(task, asyncio.Task)
    assert await task == 1
    assert borrowed.ensure_future(task) is task


def test_a_property_that_is_computed_once() -> None:
    class Box:
        def __init__(self) -> None:
            self._cache: dict[str, Any] = {}
            self.calls = 0

        @borrowed.reify
        def content(self) -> int:
            """What is inside."""
            self.calls += 1
            return self.calls

    box = Box()
    assert (box.content, box.content, box.calls) == (1, 1, 1)
    assert box._cache == {"content": 1}
    assert Box.content.__doc__ == "What is inside."
    with pytest.raises(AttributeError):
        box.content = 2


def test_futures_take_a_loop() -> None:
    assert list(signature(borrowed.create_future).parameters) == ["loop"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('text/html; Charset=utf-8; A="B;C"', ("text", "html", "", {"charset": "utf-8", "a": "B;C"})),
        ("Application/vnd.x+JSON", ("application", "vnd.x", "json", {})),
        ("*", ("*", "*", "", {})),
        ("text", ("text", "", "", {})),
        ("", ("", "", "", {})),
    ],
)
def test_a_media_type_in_its_parts(text: str, parts: tuple[str, str, str, dict[str, str]]) -> None:
    parsed = borrowed.parse_mimetype(text)
    assert parsed == parts
    assert (parsed.type, parsed.subtype, parsed.suffix, dict(parsed.parameters)) == parts
