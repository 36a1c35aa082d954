import asyncio
import errno
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pronghorn import BasicAuth
from pronghorn.client.netrc import NetrcFile, netrc_auth

HOSTS = """# which are not real
# machine commented.example login a password b
machine one.example login me password "a \\"secret\\""
machine TWO.example
    login me
    password two
    account other
machine ::1 login six password s
macdef init
machine macro.example login a password b

machine three.example account me password three
machine four.example password four
machine five.example login me
"""


Warned = Callable[[], list[str]]


class Clock:
    """Each look is a second and more after the one before."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 2
        return self.now


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where NETRC says it is; there is none yet."""
    path = tmp_path / "hosts"
    monkeypatch.setenv("NETRC", str(path))
    return path


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> Warned:
    """What was logged since it was asked for last."""
    caplog.set_level(logging.DEBUG)

    def take() -> list[str]:
        assert {record.name for record in caplog.records} <= {"pronghorn.client", "asyncio"}
        assert {record.levelname for record in caplog.records} <= {"WARNING", "DEBUG"}
        messages = [record.getMessage() for record in caplog.records if record.name == "pronghorn.client"]
        caplog.clear()
        return messages

    return take


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("one.example", BasicAuth("me", 'a "secret"')),
        ("ONE.example", BasicAuth("me", 'a "secret"')),
        ("two.example", BasicAuth("me", "two")),
        ("::1", BasicAuth("six", "s")),
        ("three.example", BasicAuth("me", "three")),
        ("four.example", BasicAuth("", "four")),
        ("five.example", BasicAuth("me", "")),
        ("example", None),
        ("sub.one.example", None),
        ("one.example.", None),
        ("commented.example", None),
        ("macro.example", None),
        ("default", None),
        ("", None),
    ],
)
async def test_hosts(file: Path, host: str, expected: BasicAuth | None) -> None:
    file.write_text(HOSTS)
    assert await netrc_auth(host) == expected


async def test_default_is_for_all_that_are_not_named(file: Path) -> None:
    file.write_text("machine empty\nmachine one login a password b\ndefault login c password d")
    assert await netrc_auth("one") == BasicAuth("a", "b")
    assert await netrc_auth("two") == await netrc_auth("default") == BasicAuth("c", "d")
    assert await netrc_auth("empty") is None
    assert await netrc_auth("") is None


async def test_charsets(file: Path) -> None:
    text = "machine a login \xfc password \xe9\nmachine b login \xfc password \u7530"
    file.write_text(text, "utf-8")
    auth = await netrc_auth("a")
    assert auth == BasicAuth("\xfc", "\xe9")
    assert auth.encode() == "Basic /Drp"
    auth = await netrc_auth("b")
    assert auth == BasicAuth("\xfc", "\u7530", "utf-8")
    auth.encode()


# Where it is


def home(monkeypatch: pytest.MonkeyPatch, path: Path | str) -> None:
    monkeypatch.setenv("HOME", str(path))
    monkeypatch.setenv("USERPROFILE", str(path))


@pytest.mark.parametrize("given", [None, ""])
async def test_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None) -> None:
    home(monkeypatch, tmp_path)
    if given is None:
        monkeypatch.delenv("NETRC", raising=False)
    else:
        monkeypatch.setenv("NETRC", given)
    name = "_netrc" if sys.platform == "win32" else ".netrc"
    (tmp_path / name).write_text("machine a login b password c")
    assert await netrc_auth("a") == BasicAuth("b", "c")


async def test_windows_has_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETRC", raising=False)
    home(monkeypatch, tmp_path)
    monkeypatch.setattr(sys, "platform", "win32")
    (tmp_path / ".netrc").write_text("machine a login b password other")
    (tmp_path / "_netrc").write_text("machine a login b password c")
    assert await NetrcFile().auth("a") == BasicAuth("b", "c")


async def test_where_a_tilde_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home(monkeypatch, tmp_path)
    monkeypatch.setenv("NETRC", "~/hosts")
    (tmp_path / "hosts").write_text("machine a login b password c")
    assert await netrc_auth("a") == BasicAuth("b", "c")


@pytest.mark.skipif(sys.platform == "win32", reason="homes are found in another way")
async def test_without_a_home(monkeypatch: pytest.MonkeyPatch, warned: Warned) -> None:
    monkeypatch.setenv("NETRC", "~no-such-user/hosts")
    assert await netrc_auth("a") is None
    assert warned() == []


async def test_none_is_there(file: Path, warned: Warned, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await netrc_auth("a") is None
    file.write_text("machine a login b password c")
    monkeypatch.setenv("NETRC", str(file / "below"))
    assert await netrc_auth("a") is None
    monkeypatch.setenv("NETRC", os.devnull)
    assert await netrc_auth("a") is None
    assert warned() == []


# Once


async def test_it_is_read_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import netrc

    reads: list[str] = []

    class Counting(netrc.netrc):
        def __init__(self, path: str) -> None:
            reads.append(path)
            super().__init__(path)

    monkeypatch.setattr(netrc, "netrc", Counting)
    file.write_text("machine a login b password c")
    hosts = NetrcFile(Clock())
    for _ in range(3):
        assert await hosts.auth("a") == BasicAuth("b", "c")
    assert reads == [str(file)]
    file.write_text("machine a login b password changed")
    assert await hosts.auth("a") == BasicAuth("b", "changed")
    file.unlink()
    assert await hosts.auth("a") is None
    assert len(reads) == 2


async def test_another_file_counts_at_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("machine a login b password c")
    other = file.with_name("other")
    other.write_text("machine a login b password d")
    for path, password in ((file, "c"), (other, "d"), (file, "c")):
        monkeypatch.setenv("NETRC", str(path))
        assert await netrc_auth("a") == BasicAuth("b", password)


async def test_within_a_second_nobody_looks(file: Path) -> None:
    now = 0.0
    hosts = NetrcFile(lambda: now)
    assert await hosts.auth("a") is None
    file.write_text("machine a login b password c")
    now = 0.9
    assert await hosts.auth("a") is None
    now = 1.0
    assert await hosts.auth("a") == BasicAuth("b", "c")


async def test_while_one_looks_the_others_take_what_is_there(file: Path) -> None:
    now = 0.0
    file.write_text("machine a login b password c")
    hosts = NetrcFile(lambda: now)
    await hosts.auth("a")
    before = threading.active_count()
    now = 1.0
    looking = asyncio.create_task(hosts.auth("a"))
    await asyncio.sleep(0)
    # Answered in the turn of the loop in which it was asked, without a thread.
    with pytest.raises(StopIteration) as answer:
        hosts.auth("a").send(None)
    assert answer.value.value == BasicAuth("b", "c")
    assert threading.active_count() <= before + 1
    assert await looking == BasicAuth("b", "c")


# What can't be read

MALFORMED = {
    "secret": "line 1",
    "machine": "line 1",
    "machine a secret": "line 1",
    "\n\nmachine a login b secret c": "line 3",
    "machine a login b password c\nsecret": "line 2",
    "macdef secret\nsecret": "line 2",
}


@pytest.mark.parametrize("text", MALFORMED)
async def test_a_malformed_file_is_none(file: Path, warned: Warned, text: str) -> None:
    file.write_text(text)
    hosts = NetrcFile(Clock())
    for _ in range(3):
        assert await hosts.auth("a") is None
    (message,) = warned()
    assert message == f"netrc: {file}: it is not used, since {MALFORMED[text]} is malformed"
    file.write_text(f"{text} and more")
    await hosts.auth("a")
    assert len(warned()) == 1


async def test_an_entry_that_is_no_credential(file: Path, warned: Warned) -> None:
    file.write_text('machine a login b:secret password c\nmachine d login e password "\x01"\ndefault login f')
    hosts = NetrcFile(Clock())
    for _ in range(2):
        # Not the default's, which were meant for others.
        assert await hosts.auth("a") is None
        assert await hosts.auth("d") is None
        assert await hosts.auth("other") == BasicAuth("f", "")
    (message,) = warned()
    assert "an entry is not used" in message
    assert "secret" not in message


async def test_what_is_no_text(file: Path, warned: Warned, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(b"machine a login b password secret\xff\x81")
    code = (
        "import asyncio\nfrom pronghorn.client.netrc import netrc_auth\nprint(asyncio.run(netrc_auth('a')))\n"
    )
    # The library's second guess is the charset of the locale, which a process has from its beginning.
    command = [sys.executable, *(["-O"] if sys.flags.optimize else []), "-X", "utf8", "-c", code]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "None\n", done.stderr
    assert done.stderr.strip() == f"netrc: {file}: it is not used, since it is no text"


async def test_what_is_no_file(file: Path, warned: Warned) -> None:
    file.mkdir()
    hosts = NetrcFile(Clock())
    for _ in range(2):
        assert await hosts.auth("a") is None
    assert [message.partition(": expected a file")[0] for message in warned()] == [f"netrc: {file}"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such pipes")
async def test_a_pipe_is_not_waited_for(file: Path, warned: Warned) -> None:
    os.mkfifo(file)
    assert await asyncio.wait_for(netrc_auth("a"), 30) is None
    assert len(warned()) == 1


async def test_a_huge_file(file: Path, warned: Warned) -> None:
    file.write_text("#" * (1024 * 1024 + 1))
    assert await netrc_auth("a") is None
    assert len(warned()) == 1


@pytest.mark.parametrize("failing", ["stat", "open"])
async def test_a_file_that_is_not_ours(
    file: Path, warned: Warned, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """As for another user; root, who may run this, can read all."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", "secret")

    import netrc

    file.write_text("machine a login b password c")
    hosts = NetrcFile(Clock())
    with monkeypatch.context() as patch:
        if failing == "stat":
            patch.setattr(Path, "stat", refuse)
        else:
            patch.setattr(netrc, "netrc", refuse)
        for _ in range(2):
            assert await hosts.auth("a") is None
    assert warned() == [f"netrc: {file}: it can't be read: Permission denied"]
    # Permissions change, and with them the time that counts for them.
    file.chmod(0o600)
    assert await hosts.auth("a") == BasicAuth("b", "c")


async def test_a_name_that_is_too_long(file: Path, warned: Warned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", str(file) + "a" * 5000)
    assert await netrc_auth("a") is None
    (message,) = warned()
    assert "can't be read" in message


# Threads


async def test_the_loops_own_threads_may_all_be_busy(file: Path) -> None:
    file.write_text("machine a login b password c")
    done = threading.Event()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as executor:
        loop.set_default_executor(executor)
        held_up = loop.run_in_executor(None, done.wait)
        try:
            assert await NetrcFile().auth("a") == BasicAuth("b", "c")
        finally:
            done.set()
            await held_up


async def test_cancelled_while_it_reads(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import netrc

    begun, go = threading.Event(), threading.Event()

    class Slow(netrc.netrc):
        def __init__(self, path: str) -> None:
            begun.set()
            go.wait()
            super().__init__(path)

    monkeypatch.setattr(netrc, "netrc", Slow)
    file.write_text("machine a login b password c")
    hosts = NetrcFile(Clock())
    task = asyncio.create_task(hosts.auth("a"))
    while not begun.is_set():
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    assert await hosts.auth("a") == BasicAuth("b", "c")
    while any(thread.name.startswith("pronghorn-netrc") for thread in threading.enumerate()):
        await asyncio.sleep(0.001)


async def test_many_ask_at_once(file: Path) -> None:
    file.write_text("machine a login b password c")
    hosts = NetrcFile(Clock())
    assert set(await asyncio.gather(*(hosts.auth("a") for _ in range(50)))) == {BasicAuth("b", "c")}


def test_on_one_loop_after_the_other(file: Path) -> None:
    file.write_text("machine a login b password c")
    hosts = NetrcFile(Clock())
    for _ in range(2):
        assert asyncio.run(hosts.auth("a")) == BasicAuth("b", "c")
