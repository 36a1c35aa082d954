"""The names of methods and fields.

A field's name is an `istr`: a str that `CIMultiDict` takes over as it is and finds whatever the case.
"""

from typing import Final

from multidict import istr


def _spellings(word: str) -> frozenset[str]:
    """The word in every mix of cases."""
    found = [""]
    for letter in word:
        found = [start + end for start in found for end in (letter.upper(), letter.lower())]
    return frozenset(found)


# Methods: RFC 9110 section 9, RFC 5789 (PATCH)
METH_ANY: Final = "*"  # a route's, for every method
METH_CONNECT: Final = "CONNECT"
METH_DELETE: Final = "DELETE"
METH_GET: Final = "GET"
METH_HEAD: Final = "HEAD"
METH_OPTIONS: Final = "OPTIONS"
METH_PATCH: Final = "PATCH"
METH_POST: Final = "POST"
METH_PUT: Final = "PUT"
METH_TRACE: Final = "TRACE"

METH_ALL: Final = {
    METH_CONNECT,
    METH_DELETE,
    METH_GET,
    METH_HEAD,
    METH_OPTIONS,
    METH_PATCH,
    METH_POST,
    METH_PUT,
    METH_TRACE,
}
METH_CONNECT_ALL: Final = _spellings(METH_CONNECT)
METH_HEAD_ALL: Final = _spellings(METH_HEAD)

# HTTP itself: RFC 9110 (semantics), 9111 (caching), 9112 (HTTP/1.1)
ACCEPT: Final = istr("Accept")
ACCEPT_CHARSET: Final = istr("Accept-Charset")
ACCEPT_ENCODING: Final = istr("Accept-Encoding")
ACCEPT_LANGUAGE: Final = istr("Accept-Language")
ACCEPT_RANGES: Final = istr("Accept-Ranges")
AGE: Final = istr("Age")
ALLOW: Final = istr("Allow")
AUTHENTICATION_INFO: Final = istr("Authentication-Info")
AUTHORIZATION: Final = istr("Authorization")
CACHE_CONTROL: Final = istr("Cache-Control")
CONNECTION: Final = istr("Connection")
CONTENT_ENCODING: Final = istr("Content-Encoding")
CONTENT_LANGUAGE: Final = istr("Content-Language")
CONTENT_LENGTH: Final = istr("Content-Length")
CONTENT_LOCATION: Final = istr("Content-Location")
CONTENT_RANGE: Final = istr("Content-Range")
CONTENT_TYPE: Final = istr("Content-Type")
DATE: Final = istr("Date")
ETAG: Final = istr("Etag")  # RFC 9110 writes "ETag"; code that compares text knows this spelling
EXPECT: Final = istr("Expect")
EXPIRES: Final = istr("Expires")
FROM: Final = istr("From")
HOST: Final = istr("Host")
IF_MATCH: Final = istr("If-Match")
IF_MODIFIED_SINCE: Final = istr("If-Modified-Since")
IF_NONE_MATCH: Final = istr("If-None-Match")
IF_RANGE: Final = istr("If-Range")
IF_UNMODIFIED_SINCE: Final = istr("If-Unmodified-Since")
LAST_MODIFIED: Final = istr("Last-Modified")
LOCATION: Final = istr("Location")
MAX_FORWARDS: Final = istr("Max-Forwards")
PRAGMA: Final = istr("Pragma")
PROXY_AUTHENTICATE: Final = istr("Proxy-Authenticate")
PROXY_AUTHENTICATION_INFO: Final = istr("Proxy-Authentication-Info")
PROXY_AUTHORIZATION: Final = istr("Proxy-Authorization")
RANGE: Final = istr("Range")
REFERER: Final = istr("Referer")
RETRY_AFTER: Final = istr("Retry-After")
SERVER: Final = istr("Server")
TE: Final = istr("TE")
TRAILER: Final = istr("Trailer")
TRANSFER_ENCODING: Final = istr("Transfer-Encoding")
UPGRADE: Final = istr("Upgrade")
USER_AGENT: Final = istr("User-Agent")
VARY: Final = istr("Vary")
VIA: Final = istr("Via")
WWW_AUTHENTICATE: Final = istr("WWW-Authenticate")

# Other RFCs
ACCEPT_CH: Final = istr("Accept-CH")  # RFC 8942
ALT_SVC: Final = istr("Alt-Svc")  # RFC 7838
ALT_USED: Final = istr("Alt-Used")  # RFC 7838
CACHE_STATUS: Final = istr("Cache-Status")  # RFC 9211
CDN_CACHE_CONTROL: Final = istr("CDN-Cache-Control")  # RFC 9213
CDN_LOOP: Final = istr("CDN-Loop")  # RFC 8586
CONTENT_DIGEST: Final = istr("Content-Digest")  # RFC 9530
CONTENT_DISPOSITION: Final = istr("Content-Disposition")  # RFC 6266
COOKIE: Final = istr("Cookie")  # RFC 6265
DESTINATION: Final = istr("Destination")  # RFC 4918
EARLY_DATA: Final = istr("Early-Data")  # RFC 8470
FORWARDED: Final = istr("Forwarded")  # RFC 7239
LINK: Final = istr("Link")  # RFC 8288
ORIGIN: Final = istr("Origin")  # RFC 6454
PRIORITY: Final = istr("Priority")  # RFC 9218
REPR_DIGEST: Final = istr("Repr-Digest")  # RFC 9530
SET_COOKIE: Final = istr("Set-Cookie")  # RFC 6265
STRICT_TRANSPORT_SECURITY: Final = istr("Strict-Transport-Security")  # RFC 6797
WANT_CONTENT_DIGEST: Final = istr("Want-Content-Digest")  # RFC 9530
WANT_REPR_DIGEST: Final = istr("Want-Repr-Digest")  # RFC 9530

# WebSocket: RFC 6455
SEC_WEBSOCKET_ACCEPT: Final = istr("Sec-WebSocket-Accept")
SEC_WEBSOCKET_EXTENSIONS: Final = istr("Sec-WebSocket-Extensions")
SEC_WEBSOCKET_KEY: Final = istr("Sec-WebSocket-Key")
SEC_WEBSOCKET_PROTOCOL: Final = istr("Sec-WebSocket-Protocol")
SEC_WEBSOCKET_VERSION: Final = istr("Sec-WebSocket-Version")

# Parts of a multipart body: RFC 2045
CONTENT_ID: Final = istr("Content-ID")
CONTENT_TRANSFER_ENCODING: Final = istr("Content-Transfer-Encoding")

# Obsolete
CONTENT_MD5: Final = istr("Content-MD5")  # RFC 2616
DIGEST: Final = istr("Digest")  # RFC 3230
KEEP_ALIVE: Final = istr("Keep-Alive")  # RFC 2068
SEC_WEBSOCKET_KEY1: Final = istr("Sec-WebSocket-Key1")  # before RFC 6455
URI: Final = istr("URI")  # RFC 2068
WANT_DIGEST: Final = istr("Want-Digest")  # RFC 3230
WARNING: Final = istr("Warning")  # RFC 7234

# Browsers: the specifications of WHATWG, W3C and WICG
ACCESS_CONTROL_ALLOW_CREDENTIALS: Final = istr("Access-Control-Allow-Credentials")
ACCESS_CONTROL_ALLOW_HEADERS: Final = istr("Access-Control-Allow-Headers")
ACCESS_CONTROL_ALLOW_METHODS: Final = istr("Access-Control-Allow-Methods")
ACCESS_CONTROL_ALLOW_ORIGIN: Final = istr("Access-Control-Allow-Origin")
ACCESS_CONTROL_EXPOSE_HEADERS: Final = istr("Access-Control-Expose-Headers")
ACCESS_CONTROL_MAX_AGE: Final = istr("Access-Control-Max-Age")
ACCESS_CONTROL_REQUEST_HEADERS: Final = istr("Access-Control-Request-Headers")
ACCESS_CONTROL_REQUEST_METHOD: Final = istr("Access-Control-Request-Method")
CLEAR_SITE_DATA: Final = istr("Clear-Site-Data")
CONTENT_SECURITY_POLICY: Final = istr("Content-Security-Policy")
CONTENT_SECURITY_POLICY_REPORT_ONLY: Final = istr("Content-Security-Policy-Report-Only")
CROSS_ORIGIN_EMBEDDER_POLICY: Final = istr("Cross-Origin-Embedder-Policy")
CROSS_ORIGIN_OPENER_POLICY: Final = istr("Cross-Origin-Opener-Policy")
CROSS_ORIGIN_RESOURCE_POLICY: Final = istr("Cross-Origin-Resource-Policy")
LAST_EVENT_ID: Final = istr("Last-Event-ID")
NEL: Final = istr("NEL")
ORIGIN_AGENT_CLUSTER: Final = istr("Origin-Agent-Cluster")
PERMISSIONS_POLICY: Final = istr("Permissions-Policy")
REFERRER_POLICY: Final = istr("Referrer-Policy")
REPORTING_ENDPOINTS: Final = istr("Reporting-Endpoints")
REPORT_TO: Final = istr("Report-To")
SEC_CH_UA: Final = istr("Sec-CH-UA")
SEC_CH_UA_MOBILE: Final = istr("Sec-CH-UA-Mobile")
SEC_CH_UA_PLATFORM: Final = istr("Sec-CH-UA-Platform")
SEC_FETCH_DEST: Final = istr("Sec-Fetch-Dest")
SEC_FETCH_MODE: Final = istr("Sec-Fetch-Mode")
SEC_FETCH_SITE: Final = istr("Sec-Fetch-Site")
SEC_FETCH_USER: Final = istr("Sec-Fetch-User")
SEC_GPC: Final = istr("Sec-GPC")
SEC_PURPOSE: Final = istr("Sec-Purpose")
SERVER_TIMING: Final = istr("Server-Timing")
TIMING_ALLOW_ORIGIN: Final = istr("Timing-Allow-Origin")
UPGRADE_INSECURE_REQUESTS: Final = istr("Upgrade-Insecure-Requests")
X_CONTENT_TYPE_OPTIONS: Final = istr("X-Content-Type-Options")
X_FRAME_OPTIONS: Final = istr("X-Frame-Options")

# Tracing: W3C Trace Context and Baggage
BAGGAGE: Final = istr("baggage")
TRACEPARENT: Final = istr("traceparent")
TRACESTATE: Final = istr("tracestate")

# Registered nowhere: of proxies, servers and applications
X_CORRELATION_ID: Final = istr("X-Correlation-ID")
X_FORWARDED_FOR: Final = istr("X-Forwarded-For")
X_FORWARDED_HOST: Final = istr("X-Forwarded-Host")
X_FORWARDED_PORT: Final = istr("X-Forwarded-Port")
X_FORWARDED_PROTO: Final = istr("X-Forwarded-Proto")
X_POWERED_BY: Final = istr("X-Powered-By")
X_RATELIMIT_LIMIT: Final = istr("X-RateLimit-Limit")
X_RATELIMIT_REMAINING: Final = istr("X-RateLimit-Remaining")
X_RATELIMIT_RESET: Final = istr("X-RateLimit-Reset")
X_REAL_IP: Final = istr("X-Real-IP")
X_REQUESTED_WITH: Final = istr("X-Requested-With")
X_REQUEST_ID: Final = istr("X-Request-ID")
X_XSS_PROTECTION: Final = istr("X-XSS-Protection")

# For those who look names up in fields that nobody has folded
HOST_ALL: Final = _spellings(HOST)
