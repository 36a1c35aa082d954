"""The web application of pronghorn or of aiohttp: one source for both, since the names are the same."""

from typing import Any

from servers.hosting import arguments, host
from traffic import BODY

TEXT = BODY.decode()


def make(web: Any) -> Any:
    async def hello(request: Any) -> Any:
        return web.Response(text=TEXT)

    application = web.Application()
    application.add_routes(
        [
            web.get("/", hello),
            web.get("/articles", hello),
            web.get("/articles/{name}", hello),
            web.post("/articles", hello),
            web.get(r"/users/{number:\d+}", hello),
        ]
    )
    return application


if __name__ == "__main__":
    host(make, arguments(__doc__).parse_args())
