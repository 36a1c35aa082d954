import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from pronghorn.client.request_info import ConnectionKey, RequestInfo

URL_ASKED = URL("http://host/a")
FIELDS = CIMultiDictProxy(CIMultiDict([("Accept", "*/*"), ("X-Two", "1"), ("x-two", "2")]))
COPIES: list[Callable[[Any], Any]] = [
    *(
        lambda value, protocol=protocol: pickle.loads(pickle.dumps(value, protocol))
        for protocol in range(2, 6)
    ),
    copy.copy,
    copy.deepcopy,
]


def test_request_info_is_a_tuple_with_names() -> None:
    info = RequestInfo(URL_ASKED, "GET", FIELDS, URL("http://host/a#b"))
    assert info == (URL_ASKED, "GET", FIELDS, URL("http://host/a#b"))
    assert (info.url, info.method, info.headers, info.real_url) == info
    assert info._fields == ("url", "method", "headers", "real_url")
    assert info._replace(method="PUT").method == "PUT"
    assert hash(info._replace(headers=())) == hash((URL_ASKED, "GET", (), URL("http://host/a#b")))


def test_real_url_is_the_url_if_not_given() -> None:
    assert RequestInfo(URL_ASKED, "GET", FIELDS).real_url is URL_ASKED
    assert RequestInfo(url=URL_ASKED, method="GET", headers=FIELDS).real_url is URL_ASKED


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("headers", [FIELDS, CIMultiDict(FIELDS), {"Accept": "*/*"}, None])
def test_request_info_survives(copied: Callable[[Any], Any], headers: Any) -> None:
    info = RequestInfo(URL_ASKED, "GET", headers, URL("http://host/a#b"))
    other = copied(info)
    assert type(other) is RequestInfo
    assert other == info
    assert type(other.headers) is type(headers)


@pytest.mark.parametrize("copied", COPIES)
def test_subclass_survives(copied: Callable[[Any], Any]) -> None:
    assert type(copied(Named(URL_ASKED, "GET", FIELDS))) is Named


class Named(RequestInfo):
    pass


def test_repeated_fields_survive() -> None:
    other = pickle.loads(pickle.dumps(RequestInfo(URL_ASKED, "GET", FIELDS)))
    assert other.headers.getall("X-Two") == ["1", "2"]


@pytest.mark.parametrize("copied", COPIES)
def test_connection_key(copied: Callable[[Any], Any]) -> None:
    key = ConnectionKey("host", 443, True, False, None, None, None)
    assert key == ("host", 443, True, False, None, None, None, None)
    assert key._fields == (
        "host",
        "port",
        "is_ssl",
        "ssl",
        "proxy",
        "proxy_auth",
        "proxy_headers_hash",
        "server_hostname",
    )
    assert copied(key) == key
