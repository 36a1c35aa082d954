"""A static route of pronghorn or of aiohttp: one source for both, since the names are the same."""

from typing import Any

from servers.hosting import arguments, host
from staticfiles import KINDS, PREFIX, folder


def make(web: Any, kind: str) -> Any:
    application = web.Application()
    application.router.add_static(PREFIX, folder(kind))
    return application


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--kind", choices=KINDS, required=True)
    options = parser.parse_args()
    host(lambda web: make(web, options.kind), options)
