"""An application: a router, middlewares, shared things, and what happens when it starts and stops."""

import asyncio
import logging
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from functools import partial, update_wrapper
from typing import Any, Final, TypeVar, overload

from frozenlist import FrozenList

from ..io.exchange import Exchange
from ..io.stream import StreamReader
from ..keys import AppKey, BaseKey
from ..log import access_logger, web_logger
from ..signals import Signal
from ..wire.events import RequestHead
from .access_log import AbstractAccessLogger, AccessLogger, Log
from .cleanup import CleanupCallback, CleanupContext
from .matching import AbstractMatchInfo
from .middlewares import Handler, Link, Middleware, chain, make_link
from .request import ConnectionFacts, Request
from .request_body import CLIENT_MAX_FIELDS, CLIENT_MAX_SIZE
from .response import StreamResponse
from .routing.dispatcher import AbstractRouter, RouteDefinition, UrlDispatcher
from .routing.domain import Domain, MaskDomain
from .routing.match_info import UrlMappingMatchInfo
from .routing.paths import SLASH
from .routing.route import AbstractRoute
from .routing.subapp import MatchedSubAppResource, PrefixedSubAppResource
from .server import Server
from .storage import Storage

T = TypeVar("T")
ResourceT = TypeVar("ResourceT", bound=PrefixedSubAppResource)

#: Handlers that are kept with their middlewares in front. Routes made for one request fill it, and no more.
_CHAINS: Final = 4096


class Application(Storage):
    """Handlers, by method and path. As a mapping: what they share.

    ``middlewares`` stand in front of every handler, the first outermost, and of the answer that there is
    none. ``client_max_size`` bounds, in bytes, what `Request.read` and `post` accept, and
    ``client_max_fields`` how many fields of a form; 0 is unlimited. ``handler_args`` go before the settings
    that `make_server` is given. ``router`` may be any `AbstractRouter`. ``loop`` and ``debug`` are not
    needed.

    After `freeze`, which starting does, neither routes nor middlewares nor callbacks can be added.
    """

    _key_class = AppKey
    _stacklevel = 3

    #: aiohttp's list of the attributes that an application may have. Any may be set here.
    ATTRS = frozenset[str]()

    def __init__(
        self,
        *,
        logger: logging.Logger = web_logger,
        router: AbstractRouter | None = None,
        middlewares: Iterable[Middleware] = (),
        handler_args: Mapping[str, Any] | None = None,
        client_max_size: int = CLIENT_MAX_SIZE,
        client_max_fields: int = CLIENT_MAX_FIELDS,
        loop: asyncio.AbstractEventLoop | None = None,
        debug: Any = ...,
    ) -> None:
        if router is not None and not isinstance(router, AbstractRouter):
            raise TypeError(f"router: expected an AbstractRouter, got {router!r}")
        self.logger = logger
        self._router: Any = UrlDispatcher() if router is None else router
        self._router.post_init(self)
        self._handler_args = dict(handler_args or {})
        self._client_max_size = client_max_size
        self._client_max_fields = client_max_fields
        self._has_default_limits = (client_max_size, client_max_fields) == (
            CLIENT_MAX_SIZE,
            CLIENT_MAX_FIELDS,
        )
        self._loop = loop
        self._debug = debug
        self._middlewares: FrozenList[Middleware] = FrozenList(middlewares)
        self._on_startup: Signal[Application] = Signal(self)
        self._on_shutdown: Signal[Application] = Signal(self)
        self._on_cleanup: Signal[Application] = Signal(self)
        self._on_response_prepare: Signal[Request, StreamResponse] = Signal(self)
        self._cleanup_ctx = CleanupContext()
        self._on_startup.append(self._cleanup_ctx.enter)
        self._on_cleanup.append(self._cleanup_ctx.leave)
        self._subapps: list[Application] = []
        self._is_pre_frozen = False
        self._is_frozen = False
        self._alone = (self,)
        #: Those of this application alone.
        self._links: tuple[Link, ...] = ()
        #: There are middlewares, or somebody is told of responses: here or in a sub-application.
        self._has_links = False
        self._has_listeners = False
        #: For each route the applications on the way to it, its handler, and that with all in front.
        self._chains: dict[AbstractRoute, tuple[tuple[Any, ...], Handler, Handler]] = {}

    def __repr__(self) -> str:
        return f"<Application 0x{id(self):x}>"

    def __call__(self) -> "Application":
        """Itself, so that it is its own factory."""
        return self

    @overload
    def __setitem__(self, key: BaseKey[T], value: T) -> None: ...
    @overload
    def __setitem__(self, key: str, value: Any) -> None: ...
    def __setitem__(self, key: str | BaseKey[Any], value: Any) -> None:
        self._warn_if_frozen()
        super().__setitem__(key, value)

    def __delitem__(self, key: str | BaseKey[Any]) -> None:
        self._warn_if_frozen()
        super().__delitem__(key)

    def _warn_if_frozen(self) -> None:
        if self._is_frozen:
            warnings.warn(
                "Changing state of started or joined application is deprecated",
                DeprecationWarning,
                stacklevel=3,
            )

    # What it is made of

    @property
    def router(self) -> Any:
        """Where routes are added and looked up: a `UrlDispatcher`, unless another router was given."""
        return self._router

    @property
    def middlewares(self) -> "FrozenList[Middleware]":
        """What stands in front of the handlers, outermost first."""
        return self._middlewares

    @property
    def on_startup(self) -> "Signal[Application]":
        """Coroutine functions of the application, awaited in order before it serves."""
        return self._on_startup

    @property
    def on_shutdown(self) -> "Signal[Application]":
        """Awaited when no new connection is accepted any more, before open requests are waited for."""
        return self._on_shutdown

    @property
    def on_cleanup(self) -> "Signal[Application]":
        """Awaited last, when no request is being handled."""
        return self._on_cleanup

    @property
    def on_response_prepare(self) -> "Signal[Request, StreamResponse]":
        """Coroutine functions of a request and its response, awaited before the head is sent."""
        return self._on_response_prepare

    @property
    def cleanup_ctx(self) -> "FrozenList[CleanupCallback]":
        """Async generator functions of the application, or what makes async context managers of it.

        Entered in order before everything else at start-up, left in reverse order first at `cleanup`.
        """
        return self._cleanup_ctx

    @property
    def pre_frozen(self) -> bool:
        """It can't be changed any more: it has been started, or joined to another."""
        return self._is_pre_frozen

    @property
    def frozen(self) -> bool:
        """It has started: it can't be changed."""
        return self._is_frozen

    @property
    def debug(self) -> bool:
        """The loop's debug mode, unless it was given."""
        if self._debug is not ...:
            return bool(self._debug)
        try:
            return asyncio.get_running_loop().get_debug()
        except RuntimeError:
            return False

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The running loop, unless one was given; RuntimeError without either."""
        return self._loop or asyncio.get_running_loop()

    def add_routes(self, routes: Iterable[RouteDefinition]) -> list[AbstractRoute]:
        """Add routes to the router; return them."""
        added: list[AbstractRoute] = self._router.add_routes(routes)
        return added

    # Applications in it

    def add_subapp(self, prefix: str, subapp: "Application") -> PrefixedSubAppResource:
        """Give ``subapp`` all that is below ``prefix``. It starts and ends with this one.

        TypeError for what is not an application, ValueError for an empty prefix, RuntimeError if one of the
        two has started.
        """
        if not isinstance(prefix, str):
            raise TypeError(f"prefix: expected a str, got {prefix!r}")
        prefix = prefix.rstrip(SLASH)
        if not prefix:
            raise ValueError("prefix: expected a path, got an empty one")
        return self._add(subapp, partial(PrefixedSubAppResource, prefix))

    def add_domain(self, domain: str, subapp: "Application") -> MatchedSubAppResource:
        """Give ``subapp`` all that is asked of the host ``domain``, in which "*" may stand for anything.

        As `add_subapp`, but it can be given several domains; ValueError for what is no host name.
        """
        if not isinstance(domain, str):
            raise TypeError(f"domain: expected a str, got {domain!r}")
        rule = MaskDomain(domain) if "*" in domain else Domain(domain)
        return self._add(subapp, partial(MatchedSubAppResource, rule), may_be_in=True)

    def _add(
        self, subapp: "Application", make: Callable[["Application"], ResourceT], *, may_be_in: bool = False
    ) -> ResourceT:
        if not isinstance(subapp, Application):
            raise TypeError(f"subapp: expected an Application, got {subapp!r}")
        if self._is_pre_frozen or self._on_startup.frozen:
            raise RuntimeError("it has started, or was added to another: no application can be added to it")
        is_in = subapp in self._subapps
        if subapp is self or (subapp._is_pre_frozen and not (may_be_in and is_in)):
            raise RuntimeError("subapp: it has started, or is in an application already")
        resource = make(subapp)
        self._router.register_resource(resource)
        if is_in:
            return resource
        for signal, inner in (
            (self._on_startup, subapp._on_startup),
            (self._on_shutdown, subapp._on_shutdown),
            (self._on_cleanup, subapp._on_cleanup),
        ):
            signal.append(partial(_pass_on, inner, subapp))
        self._subapps.append(subapp)
        subapp.pre_freeze()
        return resource

    # Its life

    def pre_freeze(self) -> None:
        """Allow no further change of routes, middlewares and callbacks, here and in sub-applications."""
        if self._is_pre_frozen:
            return
        self._is_pre_frozen = True
        self._router.freeze()
        for part in (
            self._middlewares,
            self._on_startup,
            self._on_shutdown,
            self._on_cleanup,
            self._on_response_prepare,
            self._cleanup_ctx,
        ):
            part.freeze()
        self._links = tuple(make_link(function, self) for function in self._middlewares)
        inner = self._subapps
        self._has_links = bool(self._links) or any(subapp._has_links for subapp in inner)
        self._has_listeners = bool(self._on_response_prepare) or any(
            subapp._has_listeners for subapp in inner
        )

    def freeze(self) -> None:
        """`pre_freeze`, and note that it has started."""
        self.pre_freeze()
        self._is_frozen = True
        for subapp in self._subapps:
            subapp.freeze()

    async def startup(self) -> None:
        """Tell `on_startup`, whose callbacks may still add routes; then freeze."""
        self._on_startup.freeze()
        await self._on_startup.send(self)
        self.freeze()

    async def shutdown(self) -> None:
        """Tell `on_shutdown`."""
        await self._on_shutdown.send(self)

    async def cleanup(self) -> None:
        """Tell `on_cleanup`, if it has started; in any case leave all that start-up has entered."""
        async with AsyncExitStack() as stack:
            self._have_left(stack)
            if self._is_frozen:
                await self._on_cleanup.send(self)

    def _have_left(self, stack: AsyncExitStack) -> None:
        """Let ``stack`` leave what start-up has entered here and, before that, in sub-applications."""
        # Not by a stack inside another: it would cut off which failure came before its own.
        stack.push_async_callback(self._cleanup_ctx.leave, self)
        for subapp in self._subapps:
            subapp._have_left(stack)

    # Serving

    def make_server(self, *, access_log: Log | logging.Logger | None = None, **settings: Any) -> Server:
        """A server for this application.

        ``settings`` are the fields of `ServerSettings`, and ``access_log_class`` and ``access_log_format``
        if ``access_log`` is a logger.
        """
        self.pre_freeze()
        settings = {"access_log": access_log, **settings, **self._handler_args}
        log_class = settings.pop("access_log_class", AccessLogger)
        log_format = settings.pop("access_log_format", AccessLogger.LOG_FORMAT)
        if isinstance(settings["access_log"], logging.Logger):
            settings["access_log"] = log_class(settings["access_log"], log_format)
        return Server(self._handle, request_factory=self._make_request, **settings)

    def make_handler(
        self,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        access_log_class: type[AbstractAccessLogger] = AccessLogger,
        **kwargs: Any,
    ) -> Server:
        """Deprecated: `freeze` and `make_server`, with an access log. An `AppRunner` does it all."""
        warnings.warn(
            "Application.make_handler(...) is deprecated, use AppRunner", DeprecationWarning, stacklevel=2
        )
        if not isinstance(access_log_class, type) or not issubclass(access_log_class, AbstractAccessLogger):
            raise TypeError(f"access_log_class: expected an AbstractAccessLogger, got {access_log_class!r}")
        self.freeze()
        return self.make_server(
            **{"access_log": access_logger, "access_log_class": access_log_class, **kwargs}
        )

    def _make_request(
        self,
        message: RequestHead,
        payload: bytes | StreamReader,
        protocol: ConnectionFacts,
        writer: Exchange,
        task: "asyncio.Task[None] | None",
        _cls: type[Request] = Request,
    ) -> Request:
        if self._has_default_limits and _cls is Request:
            return Request(message, payload, protocol, writer, task)  # keywords cost 0.2 us
        return _cls(
            message,
            payload,
            protocol,
            writer,
            task,
            client_max_size=self._client_max_size,
            client_max_fields=self._client_max_fields,
        )

    async def _handle(self, request: Request) -> StreamResponse:
        match = await self._router.resolve(request)
        apps: tuple[Any, ...]
        if type(match) is UrlMappingMatchInfo and not match._apps:
            # What `_join` does, without its calls: 1.9 us instead of 2.5 for all that stands here.
            match._apps = apps = self._alone
            match._current_app = request._app = self
            match._is_frozen = True
        else:
            apps = self._join(request, match)
        request._match_info = match
        if self._has_listeners:
            request.prepare_signals = tuple(signal for app in apps if (signal := app._on_response_prepare))
        if request.head.expects_continue and match.expect_handler is not None:
            answer: StreamResponse | None = await match.expect_handler(request)
            if answer is not None:
                return answer
        handler = self._chained(match, apps) if self._has_links else match.handler
        response: StreamResponse = await handler(request)
        return response

    def _join(self, request: Request, match: AbstractMatchInfo) -> tuple[Any, ...]:
        """Note in what a router has found that it goes by this application; those that it goes by."""
        if not isinstance(match, AbstractMatchInfo):
            raise TypeError(f"router: expected resolve() to give an AbstractMatchInfo, got {match!r}")
        match.add_app(self)
        match.freeze()
        apps = tuple(match.apps) or self._alone
        request._app = apps[-1]
        return apps

    def _chained(self, match: AbstractMatchInfo, apps: tuple[Any, ...]) -> Handler:
        """The handler with all middlewares on its way in front; made once for a route."""
        handler = match.handler
        route = match.route if type(match) is UrlMappingMatchInfo else None
        if route is not None:
            kept = self._chains.get(route)
            if kept is not None and kept[0] == apps and kept[1] is handler:
                return kept[2]
        chained = handler
        for app in reversed(apps):
            chained = chain(chained, app._links)
            if len(apps) > 1:
                chained = _inside(app, chained)
        if route is not None and (route in self._chains or len(self._chains) < _CHAINS):
            self._chains[route] = apps, handler, chained
        return chained


def _inside(app: Application, handler: Handler) -> Handler:
    """``handler`` with ``app`` as the application of the request."""

    async def call(request: Request) -> StreamResponse:
        match, outer = request.match_info, request._app
        request._app = match._current_app = app
        try:
            return await handler(request)
        finally:
            request._app = match._current_app = outer

    return update_wrapper(call, handler)


async def _pass_on(signal: "Signal[Application]", subapp: Application, _: Application) -> None:
    await signal.send(subapp)
