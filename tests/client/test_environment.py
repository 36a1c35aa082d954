import os
import subprocess
import sys
from itertools import product
from time import perf_counter
from urllib.request import getproxies_environment

import pytest
from yarl import URL

from pronghorn.client.auth import BasicAuth
from pronghorn.client.environment import ProxyChoice, environment_proxy

# There the names of variables have no case.
distinguishes_case = pytest.mark.skipif(os.name == "nt", reason="variables in two cases are one variable")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name == "REQUEST_METHOD":
            monkeypatch.delenv(name)


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return monkeypatch


def proxy(url: str) -> str | None:
    choice = environment_proxy(URL(url))
    return None if choice is None else str(choice.proxy)


# Variables


def test_nothing_is_named() -> None:
    assert environment_proxy(URL("http://example.com/")) is None


def test_what_is_given_is_a_proxy_without_its_credentials(env: pytest.MonkeyPatch) -> None:
    env.setenv("http_proxy", "http://user:p%40ss%2Fword@proxy.example:3128/")
    choice = environment_proxy(URL("http://example.com/"))
    assert choice == ProxyChoice(URL("http://proxy.example:3128"), BasicAuth("user", "p@ss/word"))
    assert "ss" not in repr(choice).replace("pass", "")


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize(
    ("scheme", "variables"),
    [
        ("http", ["http", "all"]),
        ("https", ["https", "all"]),
        ("ws", ["ws", "http", "all"]),
        ("wss", ["wss", "https", "all"]),
    ],
)
def test_which_variables_count_for_a_scheme(
    env: pytest.MonkeyPatch, scheme: str, variables: list[str], upper: bool
) -> None:
    for name in ("http", "https", "ws", "wss", "all", "ftp", "no"):
        variable = f"{name}_proxy"
        env.setenv(variable.upper() if upper else variable, f"http://{name}.example:1")
    for name in variables:
        assert proxy(f"{scheme}://host/") == f"http://{name}.example:1"
        env.delenv(f"{name}_proxy".upper() if upper else f"{name}_proxy")
    assert proxy(f"{scheme}://host/") is None


def test_a_variable_is_read_at_each_call(env: pytest.MonkeyPatch) -> None:
    for value in ("http://a:1", "http://b:2"):
        env.setenv("http_proxy", value)
        assert proxy("http://host/") == value


@pytest.mark.parametrize("url", ["ftp://host/", "unix://host/", "/path", "//host/", "http:///path"])
def test_urls_that_no_proxy_is_for(env: pytest.MonkeyPatch, url: str) -> None:
    env.setenv("all_proxy", "http://proxy:1")
    assert proxy(url) is None


@distinguishes_case
def test_lower_case_wins(env: pytest.MonkeyPatch) -> None:
    env.setenv("HTTPS_PROXY", "http://upper:1")
    env.setenv("https_proxy", "http://lower:1")
    assert proxy("https://host/") == "http://lower:1"


@distinguishes_case
def test_variables_are_read_in_any_case(env: pytest.MonkeyPatch) -> None:
    env.setenv("Https_Proxy", "http://mixed:1")
    assert proxy("https://host/") == "http://mixed:1"


@distinguishes_case
def test_an_empty_variable_takes_back_the_upper_case_one(env: pytest.MonkeyPatch) -> None:
    env.setenv("HTTPS_PROXY", "http://upper:1")
    env.setenv("https_proxy", "")
    assert proxy("https://host/") is None
    env.setenv("HTTP_PROXY", "http://upper:1")
    env.setenv("NO_PROXY", "*")
    assert proxy("http://host/") is None
    env.setenv("no_proxy", "")
    assert proxy("http://host/") == "http://upper:1"


def test_an_empty_variable_names_nothing(env: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "all_proxy"):
        env.setenv(name, "")
    assert proxy("http://host/") is None
    assert proxy("https://host/") is None
    # As in curl: it is as if it were not there.
    env.setenv("all_proxy", "http://all:1")
    assert proxy("http://host/") == "http://all:1"


# CVE-2016-1000110: a CGI program finds a field `Proxy` of the request under this name.
def test_upper_case_http_proxy_does_not_count_under_cgi(env: pytest.MonkeyPatch) -> None:
    env.setenv("REQUEST_METHOD", "GET")
    env.setenv("HTTP_PROXY", "http://attacker.example:1")
    env.setenv("HTTPS_PROXY", "http://upper:1")
    assert proxy("http://host/") is None
    assert proxy("ws://host/") is None
    assert proxy("https://host/") == "http://upper:1"
    env.setenv("ALL_PROXY", "http://all:1")
    assert proxy("http://host/") == "http://all:1"


@distinguishes_case
def test_lower_case_http_proxy_counts_under_cgi(env: pytest.MonkeyPatch) -> None:
    env.setenv("REQUEST_METHOD", "GET")
    env.setenv("http_proxy", "http://lower:1")
    assert proxy("http://host/") == "http://lower:1"


@distinguishes_case
@pytest.mark.parametrize(
    ("lower", "upper", "cgi"),
    [*product((None, "", "http://l:1"), (None, "", "http://u:1"), (False, True))],
)
def test_it_reads_what_the_standard_library_reads(
    env: pytest.MonkeyPatch, lower: str | None, upper: str | None, cgi: bool
) -> None:
    for name, value in (("http_proxy", lower), ("HTTP_PROXY", upper)):
        if value is not None:
            env.setenv(name, value)
    if cgi:
        env.setenv("REQUEST_METHOD", "GET")
    assert proxy("http://host/") == getproxies_environment().get("http")


def test_settings_of_the_system_are_not_looked_at(env: pytest.MonkeyPatch) -> None:
    def of_the_system() -> dict[str, str]:
        raise AssertionError

    env.setattr("urllib.request.getproxies", of_the_system)
    assert proxy("http://host/") is None
    env.setenv("all_proxy", "http://p:1")
    assert proxy("http://host/") == "http://p:1"


# Values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("proxy", "http://proxy"),
        ("proxy:3128", "http://proxy:3128"),
        ("10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("[::1]:3128", "http://[::1]:3128"),
        ("  http://proxy:3128/ \n", "http://proxy:3128"),
        ("HTTP://Proxy:80", "http://proxy"),
        ("https://proxy:8443", "https://proxy:8443"),
        ("https://proxy:443", "https://proxy"),
        ("https://proxy:80", "https://proxy:80"),
        ("socks4://proxy:1080", "socks4://proxy:1080"),
        ("socks4a://proxy:1080", "socks4a://proxy:1080"),
        ("socks5://proxy:1080", "socks5://proxy:1080"),
        ("socks5h://proxy:1080/", "socks5h://proxy:1080"),
        ("socks://127.0.0.1:7890/", "socks5h://127.0.0.1:7890"),
        ("http://b\xfccher.example:1", "http://xn--bcher-kva.example:1"),
    ],
)
def test_values(env: pytest.MonkeyPatch, value: str, expected: str) -> None:
    env.setenv("http_proxy", value)
    choice = environment_proxy(URL("http://host/"))
    assert choice == (URL(expected), None)


@pytest.mark.parametrize(
    ("value", "auth"),
    [
        ("user:word@proxy:1", BasicAuth("user", "word")),
        ("http://user@proxy:1", BasicAuth("user", "")),
        ("http://:word@proxy:1", BasicAuth("", "word")),
        ("http://user:w@rd@proxy:1", BasicAuth("user", "w@rd")),
        ("socks5://us%3Der:w%3Ard@proxy:1", BasicAuth("us=er", "w:rd")),
    ],
)
def test_credentials(env: pytest.MonkeyPatch, value: str, auth: BasicAuth) -> None:
    env.setenv("http_proxy", value)
    choice = environment_proxy(URL("http://host/"))
    assert choice is not None
    assert choice.auth == auth
    assert choice.proxy.host == "proxy"
    assert choice.proxy.user is None
    assert choice.proxy.password is None


MALFORMED = [
    "http://",
    " ",
    "http://user:S3CRET@",
    "http://user:S3CRET@proxy:port",
    "http://user:S3CRET@proxy:99999",
    "http://user:S3CRET@[::1",
    "http://user:S3CRET@pro xy:1",
    "http://user:S3CRET@proxy:1\r\nX: y",
    "http://user:S3CRET@proxy\x00:1",
    "http://user:12/S3CRET@proxy:1",
    "http://user:12?S3CRET@proxy:1",
    "http://user:12#S3CRET@proxy:1",
    "http://user:S3CRET@proxy:1/proxy.pac",
    "http://us%3Aer:S3CRET@proxy:1",
    "http://user:S3CRET%0A@proxy:1",
    "http://user:S3CRET\u20ac@proxy:1",
    "ftp://user:S3CRET@proxy:1",
    "user:S3CRET://@proxy:1",
    "direct://",
    "http://proxy..example\xfc:1",
]


@pytest.mark.parametrize("value", MALFORMED)
def test_a_malformed_value_names_its_variable_and_nothing_else(env: pytest.MonkeyPatch, value: str) -> None:
    if "\x00" in value:
        env.setattr("urllib.request.getproxies_environment", lambda: {"https": value, "no": "direct.example"})
        env.setenv("https_proxy", "-")
    else:
        env.setenv("https_proxy", value)
    env.setenv("no_proxy", "direct.example")
    for _ in range(2):  # the verdict is remembered
        with pytest.raises(ValueError, match=r"https_proxy: expected \[scheme://\]") as caught:
            proxy("https://host/")
        shown = caught.getrepr(chain=True, style="long", showlocals=False)
        assert "S3CRET" not in str(caught.value)
        assert caught.value.__context__ is None
        assert "During handling" not in str(shown)
    # It harms nobody else.
    assert proxy("http://host/") is None
    assert proxy("https://direct.example/") is None


@distinguishes_case
def test_the_variable_is_named_as_it_is_spelt(env: pytest.MonkeyPatch) -> None:
    env.setenv("ALL_PROXY", "http://")
    with pytest.raises(ValueError, match=r"^ALL_PROXY: "):
        proxy("wss://host/")


# NO_PROXY

NO_PROXY = [
    # entry, URLs without the proxy, URLs through it
    ("*", ["http://host", "http://10.0.0.1", "http://[::1]"], []),
    ("other.example,*", ["http://host"], []),
    ("*:80", [], ["http://host"]),
    (
        "example.com",
        [
            "http://example.com",
            "https://example.com",
            "http://example.com:8080",
            "http://www.example.com",
            "http://a.b.example.com",
            "http://EXAMPLE.com",
            "http://example.com.",
            "http://www.example.com.:8080",
            "ws://example.com",
            "wss://example.com",
        ],
        ["http://notexample.com", "http://example.com.evil.example", "http://com", "http://xexample.com."],
    ),
    (
        ".example.com",
        ["http://www.example.com", "http://a.b.example.com", "http://www.example.com."],
        ["http://example.com", "http://example.com.", "http://notexample.com"],
    ),
    ("*.example.com", ["http://www.example.com"], ["http://example.com", "http://notexample.com"]),
    ("*example.com", [], ["http://example.com", "http://www.example.com", "http://notexample.com"]),
    ("EXAMPLE.com.", ["http://example.com", "http://www.example.com"], ["http://notexample.com"]),
    (".EXAMPLE.com.", ["http://www.example.com"], ["http://example.com"]),
    (
        "example.com:8080",
        ["http://example.com:8080", "http://www.example.com:8080"],
        ["http://example.com", "http://example.com:808", "http://notexample.com:8080"],
    ),
    (
        ".example.com:8080",
        ["http://www.example.com:8080"],
        ["http://example.com:8080", "http://www.example.com"],
    ),
    (
        "example.com:80",
        ["http://example.com", "ws://example.com"],
        ["https://example.com", "wss://example.com"],
    ),
    ("example.com:443", ["https://example.com", "wss://example.com"], ["http://example.com"]),
    ("com", ["http://example.com"], ["http://example.org"]),
    ("localhost", ["http://localhost", "http://app.localhost:81"], ["http://127.0.0.1", "http://[::1]"]),
    ("my_service", ["http://my_service"], ["http://service"]),
    # addresses
    ("10.0.0.1", ["http://10.0.0.1", "http://10.0.0.1:81"], ["http://10.0.0.10", "http://10.0.0.1.example"]),
    ("10.0.0.1:80", ["http://10.0.0.1"], ["http://10.0.0.1:81", "https://10.0.0.1"]),
    ("0.1", [], ["http://10.0.0.1"]),
    (".0.0.1", [], ["http://10.0.0.1"]),
    ("10.0.0.0/8", ["http://10.200.1.2:81"], ["http://11.0.0.1", "http://10.0.0.1.example"]),
    ("10.1.2.3/8", ["http://10.200.1.2"], ["http://11.0.0.1"]),
    ("10.0.0.0/255.0.0.0", ["http://10.200.1.2"], ["http://11.0.0.1"]),
    ("0.0.0.0/0", ["http://10.0.0.1"], ["http://host", "http://[::1]"]),
    ("::1", ["http://[::1]", "http://[0:0::1]:81"], ["http://[::2]", "http://localhost"]),
    ("[::1]", ["http://[::1]", "http://[::1]:81"], ["http://[::2]"]),
    ("[::1]:81", ["http://[::1]:81"], ["http://[::1]"]),
    ("FD00::/8", ["http://[fd12:3456::1]"], ["http://[fe80::1]", "http://10.0.0.1"]),
    ("fe80::/10", ["http://[fe80::1%25eth0]/"], ["http://[fd00::1]"]),
    # Nothing is looked up and no spelling but the canonical one is an address.
    ("127.0.0.0/8", ["http://127.0.0.1"], ["http://localhost", "http://127.1", "http://2130706433"]),
    # both spellings of a name
    (
        "b\xfccher.example",
        ["http://b\xfccher.example", "http://www.xn--bcher-kva.example"],
        ["http://bcher.example"],
    ),
    ("B\xdcCHER.example.:80", ["http://xn--bcher-kva.example"], ["https://xn--bcher-kva.example"]),
    (".xn--bcher-kva.example", ["http://www.b\xfccher.example"], ["http://b\xfccher.example"]),
    ("*.b\xfccher.example", ["http://www.b\xfccher.example"], ["http://b\xfccher.example"]),
    # separators
    (
        " a.example,b.example , c.example\td.example\n\ne.example,,",
        [f"http://{name}.example" for name in "abcde"],
        ["http://f.example"],
    ),
    # malformed
    *(
        (entry, [], ["http://host", "http://10.0.0.1", "http://[::1]", "http://example.com", "http://./"])
        for entry in (
            "",
            ",",
            " ",
            ".",
            "*.",
            "..",
            ":",
            ":80",
            "[]",
            "[]:80",
            "host:",
            "host:http",
            "host:99999",
            "host:-80",
            "host:" + "8" * 5000,
            "http://host",
            "host/",
            "user@host",
            "[host",
            "[host]",
            "[::1",
            "[10.0.0.11",
            "10.0.0.1/33",
            "10.0.0.1/-1",
            "10.0.0.1/",
            "::1/129",
            "::g",
            "::1:80:",
            "10.0.0",
            "10.0.0.*",
            "ex*mple.com",
            "\xfc..com",
            "\udcff",
        )
    ),
]


@pytest.mark.parametrize(("no_proxy", "direct", "proxied"), NO_PROXY)
def test_no_proxy(env: pytest.MonkeyPatch, no_proxy: str, direct: list[str], proxied: list[str]) -> None:
    env.setenv("all_proxy", "http://proxy:1")
    for entries in (no_proxy, f"other.example, {no_proxy}", f"{no_proxy} 192.0.2.1"):
        env.setenv("no_proxy", entries)
        assert [url for url in direct if proxy(url) is not None] == []
        assert [url for url in proxied if proxy(url) is None] == []


def test_no_proxy_of_a_host_that_was_not_encoded(env: pytest.MonkeyPatch) -> None:
    env.setenv("http_proxy", "http://proxy:1")
    env.setenv("no_proxy", "b\xfccher.example")
    url = URL("http://B\xfccher.example/", encoded=True)
    assert environment_proxy(url) is None


def test_the_local_host_is_not_special(env: pytest.MonkeyPatch) -> None:
    env.setenv("http_proxy", "http://proxy:1")
    for host in ("localhost", "127.0.0.1", "[::1]", "app.localhost"):
        assert proxy(f"http://{host}/") == "http://proxy:1"


# Cost


def test_no_module_is_loaded_for_nothing() -> None:
    code = """
import os, sys
for name in list(os.environ):
    if name.lower().endswith("_proxy"):
        del os.environ[name]
from yarl import URL
from pronghorn.client.environment import environment_proxy
if environment_proxy(URL("http://host/")) is not None or "urllib.request" in sys.modules:
    sys.exit("urllib.request was loaded")
os.environ["http_proxy"] = "http://proxy:1"
if environment_proxy(URL("http://host/")) is None or "urllib.request" not in sys.modules:
    sys.exit("nothing was read")
"""
    command = [sys.executable, "-W", "error", *(["-O"] if sys.flags.optimize else []), "-c", code]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def cost(url: URL) -> float:
    """Seconds of a call, at its best."""
    best = float("inf")
    for _ in range(20):
        start = perf_counter()
        for _ in range(50):
            environment_proxy(url)
        best = min(best, (perf_counter() - start) / 50)
    return best


@pytest.mark.timed
def test_without_a_proxy_it_costs_little(env: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        env.delenv(name)
    for number in range(30):
        env.setenv(f"VARIABLE_{number}", "value")
    assert cost(URL("https://example.com/")) < 30e-6  # 4 us when this was written


@pytest.mark.timed
def test_a_long_no_proxy_is_parsed_once(env: pytest.MonkeyPatch) -> None:
    env.setenv("http_proxy", "http://proxy:1")
    url = URL("http://host.example/")
    direct = cost(url)
    env.setenv("no_proxy", ",".join(f"h{number}.example 10.{number % 256}.0.0/16" for number in range(1000)))
    # To parse it takes 10 ms.
    assert cost(url) - direct < 2e-3
