"""What is found for a request: the route that answers it, and what the path said; or why there is none."""

from collections.abc import Mapping
from typing import Any

from ..errors import HTTPException
from ..matching import AbstractMatchInfo
from .route import AbstractRoute, ExpectHandler, Handler, SystemRoute


class UrlMappingMatchInfo(dict[str, str], AbstractMatchInfo):
    """What the path said, by name, the route that it chose, and the applications on the way to it."""

    __slots__ = ("_apps", "_current_app", "_is_frozen", "_route")

    def __init__(self, match_dict: Mapping[str, str], route: AbstractRoute) -> None:
        if match_dict:
            self.update(match_dict)
        self._route = route
        self._apps: tuple[Any, ...] = ()
        self._current_app: Any = None
        self._is_frozen = False

    def __repr__(self) -> str:
        return f"<MatchInfo {dict.__repr__(self)}: {self._route!r}>"

    @property
    def route(self) -> AbstractRoute:
        """The route."""
        return self._route

    @property
    def handler(self) -> Handler:
        return self._route._handler

    @property
    def expect_handler(self) -> ExpectHandler:
        return self._route.handle_expect_header

    @property
    def http_exception(self) -> HTTPException | None:
        return None

    @property
    def apps(self) -> tuple[Any, ...]:
        return self._apps

    @property
    def current_app(self) -> Any:
        """The innermost application; in a middleware, that of the middleware."""
        return self._current_app

    @current_app.setter
    def current_app(self, app: Any) -> None:
        self._current_app = app

    def get_info(self) -> dict[str, Any]:
        return self._route.get_info()

    def add_app(self, app: Any) -> None:
        if self._is_frozen:
            raise RuntimeError("match_info: the request is on its way, no application can be added")
        if self._current_app is None:
            self._current_app = app
        self._apps = (app, *self._apps)

    def freeze(self) -> None:
        self._is_frozen = True


class MatchInfoError(UrlMappingMatchInfo):
    """No route: what is found then raises why."""

    __slots__ = ("_exception",)

    def __init__(self, http_exception: HTTPException) -> None:
        super().__init__({}, SystemRoute(http_exception))
        self._exception = http_exception

    def __repr__(self) -> str:
        return f"<MatchInfoError {self._exception.status}: {self._exception.reason}>"

    @property
    def http_exception(self) -> HTTPException:
        return self._exception
