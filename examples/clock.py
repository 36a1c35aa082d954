"""A clock that tells the time to every browser that looks: server-sent events.

python examples/clock.py --port 8080
curl -N http://127.0.0.1:8080/clock
"""

import argparse
import asyncio
import time
from datetime import UTC, datetime

from pronghorn import web

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Clock</title>
<style>
  body { display: grid; min-height: 100vh; margin: 0; place-items: center; font: 1rem/1.5 system-ui }
  body { color: #234; background: #f6f4ef; text-align: center }
  time { display: block; font-size: min(18vw, 9rem); font-weight: 200; font-variant-numeric: tabular-nums }
</style>
<main><time id="time">--:--:--</time><span id="status">connecting</span></main>
<script>
  const show = (id, text) => { document.getElementById(id).textContent = text }
  const events = new EventSource("clock")
  events.onopen = () => show("status", "in time")
  events.onerror = () => show("status", "the server is gone, asking again")
  events.addEventListener("tick", event => show("time", event.data))
</script>
"""

TICK = web.AppKey("TICK", float)
routes = web.RouteTableDef()


@routes.get("/")
async def page(request: web.Request) -> web.Response:
    return web.Response(text=PAGE, content_type="text/html")


@routes.get("/clock")
async def clock(request: web.Request) -> web.EventStreamResponse:
    """The time at each tick. Its number is the id: who comes back tells which it has heard last."""
    stream = web.EventStreamResponse()
    await stream.prepare(request)
    tick, last = request.app[TICK], 0
    async with stream:  # until the client has gone, or the server goes
        while True:
            number, since = divmod(time.time(), tick)
            if number > last:  # a sleep may end a little early
                last = int(number)
                await stream.send(f"{datetime.now(UTC):%H:%M:%S}", event="tick", id=str(last))
            await asyncio.sleep(tick - since)
    return stream


def application(tick: float = 1.0) -> web.Application:
    app = web.Application()
    app[TICK] = tick
    app.add_routes(routes)
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="A clock for browsers.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one")
    parser.add_argument("--tick", type=float, default=1.0, metavar="SECONDS")
    args = parser.parse_args()

    web.run_app(application(args.tick), host=args.host, port=args.port)


if __name__ == "__main__":
    main()
