"""Which proxy the environment names, as programs ask for it. The rules have their tests with `trust_env`."""

import os

import pytest
from yarl import URL

from pronghorn import BasicAuth
from pronghorn.compat.proxies import get_env_proxy_for_url

HTTP, HTTPS = URL("http://host.example/"), URL("https://host.example/")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def test_the_proxy_and_its_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user:secret@proxy.example:8080")
    monkeypatch.setenv("HTTPS_PROXY", "http://other.example")
    assert get_env_proxy_for_url(HTTP) == (URL("http://proxy.example:8080"), BasicAuth("user", "secret"))
    assert get_env_proxy_for_url(HTTPS) == (URL("http://other.example"), None)


def test_none_is_named() -> None:
    with pytest.raises(LookupError, match=r"no proxy for host\.example$"):
        get_env_proxy_for_url(HTTP)


def test_the_host_is_excepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:8080")
    monkeypatch.setenv("no_proxy", "host.example")
    with pytest.raises(LookupError):
        get_env_proxy_for_url(HTTP)
    assert get_env_proxy_for_url(URL("http://else.example/"))[0].host == "proxy.example"


def test_what_is_named_is_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "ftp://user:secret@proxy.example")
    with pytest.raises(ValueError, match=r"^http_proxy: expected") as caught:
        get_env_proxy_for_url(HTTP)
    assert "secret" not in str(caught.value)
