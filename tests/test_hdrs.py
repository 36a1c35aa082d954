import json
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest
from multidict import CIMultiDict, istr

from pronghorn import hdrs

# Every name that aiohttp 3.14.5 has for a field.
FIELDS = """
ACCEPT ACCEPT_CH ACCEPT_CHARSET ACCEPT_ENCODING ACCEPT_LANGUAGE ACCEPT_RANGES ACCESS_CONTROL_ALLOW_CREDENTIALS
ACCESS_CONTROL_ALLOW_HEADERS ACCESS_CONTROL_ALLOW_METHODS ACCESS_CONTROL_ALLOW_ORIGIN
ACCESS_CONTROL_EXPOSE_HEADERS ACCESS_CONTROL_MAX_AGE ACCESS_CONTROL_REQUEST_HEADERS
ACCESS_CONTROL_REQUEST_METHOD AGE ALLOW ALT_SVC ALT_USED AUTHENTICATION_INFO AUTHORIZATION BAGGAGE
CACHE_CONTROL CACHE_STATUS CDN_CACHE_CONTROL CDN_LOOP CLEAR_SITE_DATA CONNECTION CONTENT_DIGEST
CONTENT_DISPOSITION CONTENT_ENCODING CONTENT_ID CONTENT_LANGUAGE CONTENT_LENGTH CONTENT_LOCATION CONTENT_MD5
CONTENT_RANGE CONTENT_SECURITY_POLICY CONTENT_SECURITY_POLICY_REPORT_ONLY CONTENT_TRANSFER_ENCODING
CONTENT_TYPE COOKIE CROSS_ORIGIN_EMBEDDER_POLICY CROSS_ORIGIN_OPENER_POLICY CROSS_ORIGIN_RESOURCE_POLICY DATE
DESTINATION DIGEST EARLY_DATA ETAG EXPECT EXPIRES FORWARDED FROM HOST IF_MATCH IF_MODIFIED_SINCE IF_NONE_MATCH
IF_RANGE IF_UNMODIFIED_SINCE KEEP_ALIVE LAST_EVENT_ID LAST_MODIFIED LINK LOCATION MAX_FORWARDS NEL ORIGIN
ORIGIN_AGENT_CLUSTER PERMISSIONS_POLICY PRAGMA PRIORITY PROXY_AUTHENTICATE PROXY_AUTHENTICATION_INFO
PROXY_AUTHORIZATION RANGE REFERER REFERRER_POLICY REPORTING_ENDPOINTS REPORT_TO REPR_DIGEST RETRY_AFTER
SEC_CH_UA SEC_CH_UA_MOBILE SEC_CH_UA_PLATFORM SEC_FETCH_DEST SEC_FETCH_MODE SEC_FETCH_SITE SEC_FETCH_USER
SEC_GPC SEC_PURPOSE SEC_WEBSOCKET_ACCEPT SEC_WEBSOCKET_EXTENSIONS SEC_WEBSOCKET_KEY SEC_WEBSOCKET_KEY1
SEC_WEBSOCKET_PROTOCOL SEC_WEBSOCKET_VERSION SERVER SERVER_TIMING SET_COOKIE STRICT_TRANSPORT_SECURITY TE
TIMING_ALLOW_ORIGIN TRACEPARENT TRACESTATE TRAILER TRANSFER_ENCODING UPGRADE UPGRADE_INSECURE_REQUESTS URI
USER_AGENT VARY VIA WANT_CONTENT_DIGEST WANT_DIGEST WANT_REPR_DIGEST WARNING WWW_AUTHENTICATE
X_CONTENT_TYPE_OPTIONS X_CORRELATION_ID X_FORWARDED_FOR X_FORWARDED_HOST X_FORWARDED_PORT X_FORWARDED_PROTO
X_FRAME_OPTIONS X_POWERED_BY X_RATELIMIT_LIMIT X_RATELIMIT_REMAINING X_RATELIMIT_RESET X_REAL_IP
X_REQUESTED_WITH X_REQUEST_ID X_XSS_PROTECTION
""".split()
METHODS = "CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT TRACE".split()


def test_all_fields_are_there() -> None:
    ours = {name for name, value in vars(hdrs).items() if isinstance(value, istr)}
    assert ours == set(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_a_constant_is_named_after_its_field(name: str) -> None:
    value = getattr(hdrs, name)
    assert type(value) is istr
    assert value.casefold() == name.replace("_", "-").casefold()


@pytest.mark.parametrize("name", FIELDS)
def test_it_finds_and_is_found_whatever_the_case(name: str) -> None:
    value = getattr(hdrs, name)
    for spelling in (str(value), value.upper(), value.lower(), value.swapcase(), istr(value.upper())):
        assert CIMultiDict({spelling: "1"})[value] == "1"
        assert CIMultiDict({value: "1"})[spelling] == "1"


@pytest.mark.parametrize("name", FIELDS)
def test_it_is_a_str_as_it_is_written(name: str) -> None:
    value = getattr(hdrs, name)
    assert value == str(value)
    assert hash(value) == hash(str(value))
    assert {str(value): 1}[value] == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONTENT_TYPE", "Content-Type"),
        ("WWW_AUTHENTICATE", "WWW-Authenticate"),
        ("SEC_WEBSOCKET_KEY", "Sec-WebSocket-Key"),
        ("TE", "TE"),
        ("ETAG", "Etag"),
        ("SEC_CH_UA", "Sec-CH-UA"),
        ("X_XSS_PROTECTION", "X-XSS-Protection"),
        ("TRACEPARENT", "traceparent"),
    ],
)
def test_how_they_are_written(name: str, value: str) -> None:
    assert getattr(hdrs, name) == value


@pytest.mark.parametrize("method", METHODS)
def test_methods_are_in_upper_case(method: str) -> None:
    assert getattr(hdrs, f"METH_{method}") == method
    assert type(getattr(hdrs, f"METH_{method}")) is str


def test_all_methods() -> None:
    assert hdrs.METH_ANY == "*"
    assert set(METHODS) == hdrs.METH_ALL


@pytest.mark.parametrize(
    ("spellings", "word"),
    [(hdrs.METH_HEAD_ALL, "HEAD"), (hdrs.METH_CONNECT_ALL, "CONNECT"), (hdrs.HOST_ALL, "HOST")],
)
def test_every_mix_of_cases(spellings: frozenset[str], word: str) -> None:
    assert len(spellings) == 2 ** len(word)
    assert {spelling.upper() for spelling in spellings} == {word}
    assert {word, word.lower(), word.title()} <= spellings


def test_names_are_sorted_within_their_group() -> None:
    lines = Path(hdrs.__file__).read_text("utf-8").splitlines()
    groups = [
        [line.partition(":")[0] for line in group]
        for is_field, group in groupby(lines, key=lambda line: "= istr(" in line)
        if is_field
    ]
    assert sum(map(len, groups)) == len(FIELDS)
    for group in groups:
        assert group == sorted(group)


def test_others_may_leave_names_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdrs, "WEBSOCKET", "websocket", raising=False)
    from pronghorn.hdrs import WEBSOCKET  # type: ignore[attr-defined]  # set the line before

    assert WEBSOCKET == "websocket"


def test_importing_it_is_cheap() -> None:
    code = (
        "import json, sys, pronghorn; before = {*sys.modules}; import pronghorn.hdrs;"
        "print(json.dumps([*({*sys.modules} - before)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(json.loads(done.stdout))
    assert {name for name in loaded if name.startswith("pronghorn")} == {"pronghorn.hdrs"}
    assert not loaded & {"asyncio", "ssl", "yarl"}
