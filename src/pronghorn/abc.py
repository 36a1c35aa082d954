"""What can be replaced: the abstract classes behind what this package brings along."""

from typing import TYPE_CHECKING

from .names import lazy_names

if TYPE_CHECKING:
    from .body.writer import AbstractStreamWriter
    from .client.cookiejar import AbstractCookieJar, ClearCookiePredicate
    from .io.resolver import AbstractResolver, ResolveResult
    from .server.access_log import AbstractAccessLogger
    from .server.matching import AbstractMatchInfo
    from .server.routing.dispatcher import AbstractRouter
    from .server.view import AbstractView

__all__ = [
    "AbstractAccessLogger",
    "AbstractCookieJar",
    "AbstractMatchInfo",
    "AbstractResolver",
    "AbstractRouter",
    "AbstractStreamWriter",
    "AbstractView",
    "ClearCookiePredicate",
    "ResolveResult",
]

_HOMES = {
    "body.writer": ("AbstractStreamWriter",),
    "client.cookiejar": ("AbstractCookieJar", "ClearCookiePredicate"),
    "io.resolver": ("AbstractResolver", "ResolveResult"),
    "server.access_log": ("AbstractAccessLogger",),
    "server.matching": ("AbstractMatchInfo",),
    "server.routing.dispatcher": ("AbstractRouter",),
    "server.view": ("AbstractView",),
}

__getattr__ = lazy_names(globals(), _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
