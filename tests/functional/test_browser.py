"""The chat of the examples in a browser: Chromium, driven by its DevTools protocol over our own WebSocket."""

import asyncio
import json
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pronghorn import ClientSession, ClientWebSocketResponse, WSMsgType

from ..test_example_programs import running
from ..test_examples import WITHIN, example_server
from .programs import find

ARGUMENTS = """
    --headless=new --no-sandbox --remote-debugging-port=0 --no-first-run --disable-gpu --disable-dev-shm-usage
    --disable-background-networking --disable-component-update --disable-breakpad about:blank
""".split()
LISTENING = re.compile(r"DevTools listening on (ws://\S+)")
STATUS = 'document.getElementById("status").textContent'
#: What the page shows, and whether it is of this guest.
MESSAGES = '[...document.querySelectorAll("li")].map(li => [li.innerText, li.className])'
IS_OPEN = "document.body.className"
IS_SENDING = '!document.querySelector("button").disabled'


@contextmanager
def chromium() -> Iterator[Path]:
    """A browser without a window; the file that it writes its messages to."""
    path = find("chromium")
    with TemporaryDirectory(prefix="chromium", ignore_cleanup_errors=True) as name:
        output = Path(name, "output")
        with output.open("wb") as file:
            process = subprocess.Popen(
                [path, f"--user-data-dir={name}/profile", *ARGUMENTS],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file,
                start_new_session=True,
            )
        try:
            yield output
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Browser:
    """Asks one thing at a time (https://chromedevtools.github.io/devtools-protocol)."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.count = 0

    async def ask(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        self.count += 1
        about = {} if session is None else {"sessionId": session}
        await self.socket.send_json({"id": self.count, "method": method, "params": params, **about})
        async for message in self.socket:
            assert message.type is WSMsgType.TEXT, message
            said = message.json()
            if said.get("id") == self.count:  # others are events
                assert "error" not in said, said
                result: dict[str, Any] = said["result"]
                return result
        raise ConnectionResetError(f"the browser has left with {self.socket.close_code}")

    async def open(self, url: str) -> "Page":
        target = await self.ask("Target.createTarget", url=url)
        attached = await self.ask("Target.attachToTarget", **target, flatten=True)
        return Page(self, attached["sessionId"])


class Page:
    def __init__(self, browser: Browser, session: str) -> None:
        self.browser = browser
        self.session = session

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        return await self.browser.ask(method, self.session, **params)

    async def value(self, expression: str) -> Any:
        """None if it throws, as it does while the page is loading."""
        answer = await self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value") if "exceptionDetails" not in answer else None

    async def until(self, expression: str, expected: object) -> None:
        found = None
        try:
            async with asyncio.timeout(WITHIN):
                while (found := await self.value(expression)) != expected:
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"{expression}: expected {expected!r}, got {found!r}") from None

    async def choose(self, selector: str, path: Path) -> None:
        """Choose a file, as in the dialogue of an input."""
        document = await self.ask("DOM.getDocument")
        node = await self.ask("DOM.querySelector", nodeId=document["root"]["nodeId"], selector=selector)
        await self.ask("DOM.setFileInputFiles", nodeId=node["nodeId"], files=[str(path)])

    async def submit(self, text: str) -> None:
        """Type ``text`` and press the key that sends it."""
        await self.ask("Runtime.evaluate", expression="document.forms[0].text.focus()")
        await self.ask("Input.insertText", text=text)
        enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        await self.ask("Input.dispatchKeyEvent", type="keyDown", **enter)
        await self.ask("Input.dispatchKeyEvent", type="keyUp", **enter)


async def devtools(output: Path) -> str:
    """Where the browser listens."""
    async with asyncio.timeout(WITHIN):
        while (found := LISTENING.search(output.read_text(errors="replace"))) is None:
            await asyncio.sleep(0.005)
    return found[1]


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    with chromium() as output:
        url = await devtools(output)
        async with ClientSession() as session, session.ws_connect(url, max_msg_size=0) as socket:
            yield Browser(socket)


async def test_two_pages_chat_until_the_server_goes_away() -> None:
    with example_server() as (server, url):
        async with browsing() as browser, ClientSession() as session:
            ada = await browser.open(f"{url}/chat")
            await ada.until(STATUS, "Guest 1, 1 here")
            assert (await ada.value(IS_OPEN), await ada.value(IS_SENDING)) == ("open", True)
            await ada.submit("h\u00e9llo, <b>wire</b>")
            first = ["Guest 1\nh\u00e9llo, <b>wire</b>", "mine"]
            await ada.until(MESSAGES, [first])
            assert await ada.value("document.forms[0].text.value") == ""

            ben = await browser.open(f"{url}/chat")
            await ben.until(STATUS, "Guest 2, 2 here")
            await ada.until(STATUS, "Guest 1, 2 here")
            await ben.submit("and hello, room")
            await ben.until(MESSAGES, [["Guest 2\nand hello, room", "mine"]])
            await ada.until(MESSAGES, [first, ["Guest 2\nand hello, room", ""]])

            async with session.ws_connect(f"{url}/ws/chat") as program:  # who is no browser
                await ada.until(STATUS, "Guest 1, 3 here")
                await program.send_str("pages!")
                for page in (ada, ben):
                    await page.until(f"{MESSAGES}.pop()", ["Guest 3\npages!", ""])
            await ada.until(STATUS, "Guest 1, 2 here")

            server.send_signal(signal.SIGTERM)
            for page in (ada, ben):
                await page.until(STATUS, "disconnected (1001)")
                assert (await page.value(IS_OPEN), await page.value(IS_SENDING)) == ("", False)
            _, errors = await asyncio.to_thread(server.communicate, timeout=WITHIN)
            assert (server.returncode, errors) == (0, "")


async def test_a_page_of_another_site_is_kept_out() -> None:
    with example_server() as (_, url), example_server() as (_, other):
        async with browsing() as browser:
            page = await browser.open(f"{other}/")
            target = json.dumps(url.replace("http", "ws", 1) + "/ws/chat")
            await page.until("document.title", "pronghorn")
            await page.value(f"socket = new WebSocket({target}); socket.onclose = e => code = e.code; 0")
            await page.until("code", 1006)
            assert await page.value("socket.readyState") == 3
            await page.value(f"echo = new WebSocket({target.replace('chat', 'echo')}); 0")
            await page.until("echo.readyState", 1)  # which is for all


# The example of files


ROWS = '[...document.querySelectorAll("tr")].map(row => [...row.cells].map(cell => cell.innerText))'
#: How far the bar has come, as often as it has moved.
WATCHED = """
    seen = [];
    const bar = document.getElementById("progress");
    const own = Object.getOwnPropertyDescriptor(HTMLProgressElement.prototype, "value");
    Object.defineProperty(bar, "value", {
        get() { return own.get.call(bar) }, set(value) { seen.push(value); own.set.call(bar, value) }
    });
    0
"""


async def test_files_are_uploaded_under_a_bar(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (tmp_path / "<b>.txt").write_bytes(b"never")
    large = tmp_path / "large (1).bin"
    large.write_bytes(bytes(range(256)) * 4096 * 8)
    with running("files.py", "--folder", str(shared)) as (server, url):
        async with browsing() as browser:
            page = await browser.open(url)
            await page.until("document.title + document.readyState", "Filescomplete")
            assert await page.value(WATCHED) == 0
            await page.choose("#input", large)
            await page.until(STATUS, "uploaded large (1).bin")
            await page.until(ROWS, [["large (1).bin", "8.0 MiB", "delete"]])
            seen = await page.value("seen")
            assert seen == sorted(seen)
            assert (seen[0], seen[-1]) == (0, 1)
            assert (shared / large.name).read_bytes() == large.read_bytes()

            await page.choose("#input", tmp_path / "<b>.txt")
            await page.until(STATUS, "<b>.txt: expected a name of letters, digits, spaces and .()_-")

            href = await page.value('document.querySelector("a").href')
            assert href == f"{url}/files/large%20(1).bin"
            await page.value('document.querySelector("button").click(); 0')
            await page.until(ROWS, [])
            assert [*shared.iterdir()] == []
        server.send_signal(signal.SIGTERM)
        _, errors = await asyncio.to_thread(server.communicate, timeout=WITHIN)
        assert (server.returncode, errors) == (0, "")
