"""Functions of ``aiohttp.helpers`` that tell which proxy the environment names."""

from yarl import URL

from ..client.auth import BasicAuth
from ..client.environment import environment_proxy

__all__ = ["get_env_proxy_for_url"]


def get_env_proxy_for_url(url: URL) -> tuple[URL, BasicAuth | None]:
    """The proxy for ``url``, and what it is told about who asks, as with ``trust_env``.

    LookupError if the environment names none, or excepts the host; ValueError if what it names is none.
    """
    choice = environment_proxy(url)
    if choice is None:
        raise LookupError(f"the environment names no proxy for {url.host}")
    return choice.proxy, choice.auth
