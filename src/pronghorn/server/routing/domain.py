"""Rules that a request may match by something other than its path; by the host that it asks, for one."""

import re
from abc import ABC, abstractmethod
from fnmatch import translate
from typing import Any

from yarl import URL

from ..request import BaseRequest
from .paths import SLASH


class AbstractRuleMatching(ABC):
    """Which requests belong to a sub-application."""

    @abstractmethod
    async def match(self, request: BaseRequest) -> bool:
        """Whether ``request`` does."""

    @abstractmethod
    def get_info(self) -> dict[str, Any]:
        """What the rule says, for tools."""

    @property
    @abstractmethod
    def canonical(self) -> str:
        """The rule as text."""


class Domain(AbstractRuleMatching):
    """The requests for the host ``domain``; on its port alone if it has one other than 80.

    TypeError unless it is a str, ValueError unless it is a host name. Names are compared in lower case and
    without a dot at their end; those outside ASCII as they are encoded for DNS.
    """

    re_part = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")

    def __init__(self, domain: str) -> None:
        super().__init__()
        self._domain = self.validation(domain)
        self._name, _, self._port = self._domain.partition(":")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._domain}>"

    @property
    def canonical(self) -> str:
        return self._domain

    def validation(self, domain: str) -> str:
        """``domain`` as it is compared."""
        if not isinstance(domain, str):
            raise TypeError(f"domain: expected a str, got {domain!r}")
        name = domain.rstrip(".").lower()
        if not name:
            raise ValueError("domain: expected a host name, got an empty one")
        if "://" in name:
            raise ValueError(f"domain: expected a host name without a scheme, got {domain!r}")
        try:
            url = URL.build(scheme="http", authority=name)
        except ValueError as error:
            raise ValueError(f"domain: expected a host name, got {domain!r}") from error
        host = url.raw_host or ""
        if url.raw_user is not None or not all(self.re_part.fullmatch(label) for label in host.split(".")):
            raise ValueError(f"domain: expected a host name, got {domain!r}")
        return host if url.port == 80 else f"{host}:{url.port}"

    async def match(self, request: BaseRequest) -> bool:
        host = _host_of(request)
        return bool(host) and self.match_domain(host)

    def match_domain(self, host: str) -> bool:
        """Whether ``host``, with or without a port, is meant."""
        name, _, port = host.lower().partition(":")
        return (not self._port or port == self._port) and self._fits(name.removesuffix("."))

    def _fits(self, name: str) -> bool:
        return name == self._name

    def get_info(self) -> dict[str, Any]:
        return {"domain": self._domain}


class MaskDomain(Domain):
    """The requests for a host that fits ``domain``, in which "*" stands for anything, dots included."""

    re_part = re.compile(r"(?!-)[a-z0-9*-]{1,63}(?<!-)")

    def __init__(self, domain: str) -> None:
        super().__init__(domain)
        # Linear, however many "*" there are.
        self._mask = re.compile(translate(self._name))

    @property
    def canonical(self) -> str:
        return self._domain.replace(".", r"\.").replace("*", "[^:]*") + "(:.*)?"

    def _fits(self, name: str) -> bool:
        return self._mask.match(name) is not None


def _host_of(request: BaseRequest) -> str:
    """What the target names, else the Host field (RFC 9112 section 3.2.2)."""
    target = request.head.target
    if target[:1] != SLASH:
        _, _, rest = target.partition("://")
        authority = re.split("[/?]", rest, maxsplit=1)[0]
        if authority:
            return authority
    return request.headers.get("Host", "")
