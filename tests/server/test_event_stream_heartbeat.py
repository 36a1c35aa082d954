"""The comments that fill the silence of a stream of events, and the timer behind them."""

import asyncio
import zlib

import pytest

from pronghorn.server.content_coding import ContentCoding
from pronghorn.server.event_stream import EventStreamResponse
from pronghorn.testing.memory import MemoryExchange, make_request

from .event_streams import chunk, head, prepared, streamed
from .peer import PATIENCE, eventually


@pytest.mark.parametrize("heartbeat", [0, -1, float("nan")])
def test_a_heartbeat_takes_time(heartbeat: float) -> None:
    with pytest.raises(ValueError, match="heartbeat"):
        EventStreamResponse(heartbeat=heartbeat)


async def test_silence_is_filled_with_comments() -> None:
    async with streamed(heartbeat=0.01) as (peer, queue, _):
        await head(peer)
        assert await chunk(peer) == b":\n"
        assert await chunk(peer) == b":\n"
        queue.put_nowait("x")
        while (content := await chunk(peer)) == b":\n":
            pass
        assert content == b"data: x\n\n"
        queue.put_nowait(None)
        while (content := await chunk(peer)) == b":\n":
            pass
        assert content == b""


async def test_comments_are_compressed_as_well() -> None:
    async with streamed(heartbeat=0.01, compress=ContentCoding.gzip) as (peer, _, _told):
        await head(peer)
        inflate = zlib.decompressobj(wbits=31)
        content = b""
        while content != b":\n:\n":
            content += inflate.decompress(await chunk(peer))


async def test_without_a_heartbeat_there_is_no_timer_and_no_task() -> None:
    tasks = asyncio.all_tasks()
    stream, _, _ = await prepared()
    assert (stream._timer, asyncio.all_tasks()) == (None, tasks)
    await stream.write_eof()


@pytest.mark.parametrize("end", ["write_eof", "return", "raise", "cancel", "leave"])
async def test_the_timer_ends_with_the_stream(end: str) -> None:
    stream = EventStreamResponse(heartbeat=1000)
    timers: list[asyncio.TimerHandle | None] = []

    async def handle() -> None:
        request = make_request()
        await stream.prepare(request)
        timers.append(stream._timer)
        if end == "write_eof":
            await stream.write_eof()
        elif end == "raise":
            raise LookupError
        elif end == "cancel":
            await asyncio.Event().wait()
        elif end == "leave":
            stream.go_away()
            async with stream:
                await asyncio.Event().wait()

    task = asyncio.create_task(handle())
    await asyncio.sleep(0)
    if end == "cancel":
        task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    (timer,) = timers
    assert timer is not None
    assert (timer.cancelled(), stream._timer) == (True, None)
    assert task.cancelled() == (end == "cancel")
    if end == "raise":
        assert isinstance(task.exception(), LookupError)


async def test_nobody_hears_a_heartbeat() -> None:
    stream, exchange, _ = await prepared(heartbeat=0.001)
    exchange.reset("gone")
    async with asyncio.timeout(PATIENCE), stream:
        await asyncio.Event().wait()
    assert not stream.is_open


async def test_who_does_not_read_is_sent_no_comments() -> None:
    beats = 0

    class Counted(EventStreamResponse):
        def _beat(self) -> None:
            nonlocal beats
            beats += 1
            super()._beat()

    request = make_request(exchange=MemoryExchange(writable=5))
    stream = Counted(heartbeat=0.001)
    await stream.prepare(request)
    exchange = request.exchange
    assert isinstance(exchange, MemoryExchange)
    sending = asyncio.create_task(stream.send("x"))
    await eventually(lambda: exchange.content.endswith(b"data: x\n\n"))
    sent, seen = bytes(exchange.content), beats
    await eventually(lambda: beats >= seen + 3)
    assert bytes(exchange.content) == sent
    exchange.take()
    await sending
    await eventually(lambda: exchange.content.endswith(b":\n"))
    await stream.write_eof()
