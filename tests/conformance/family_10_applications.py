"""Family 10, and the rows on forms, cookies and logs: what an application is asked. Ids name the row."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field

from .cases import joined, lines


@dataclass(frozen=True)
class Asked:
    """Bytes to an application. It answers with one of ``statuses``; 0 is no answer at all."""

    wire: bytes
    statuses: tuple[int, ...]
    #: The whole content, where that is told.
    content: bytes | None = None
    #: What fields say; None is not there.
    fields: Mapping[str, str | None] = field(default_factory=dict)
    #: The answer is that to a file which is not there, to the last byte.
    is_hidden: bool = False
    #: Which application: "site", or "led", that leads paths to others by `normalize_path_middleware`.
    to: str = "site"

    @property
    def method(self) -> str:
        return self.wire.split(b" ", 1)[0].decode()


def asked(
    target: str,
    *given: bytes,
    status: int | tuple[int, ...] = 200,
    content: bytes | None = None,
    method: str = "GET",
    body: bytes | None = None,
    fields: Mapping[str, str | None] | None = None,
    is_hidden: bool = False,
    to: str = "site",
) -> Asked:
    """A request for ``target`` with the lines ``given`` and ``body``."""
    framing = () if body is None else (b"Content-Length: %d" % len(body),)
    wire = lines(f"{method} {target} HTTP/1.1".encode(), b"Host: a", *given, *framing, content=body or b"")
    statuses = (status,) if isinstance(status, int) else status
    return Asked(wire, statuses, content, fields or {}, is_hidden, to)


# Static files


_HIDDEN: Mapping[str, str] = {
    "aiohttp-380-dot-dot": "/static/../secret.txt",
    "aiohttp-380-dot-dot-further-in": "/static/sub/../../secret.txt",
    "aiohttp-380-dot-dot-to-a-file-that-is-served": "/static/sub/../a.txt",
    "dot": "/static/./a.txt",
    "dot-dot-alone": "/static/..",
    "dot-dot-far": "/static/" + "../" * 40 + "etc/passwd",
    "CVE-2024-23334-dot-dot-where-links-are-followed": "/linked/../secret.txt",
    "CVE-2024-23334-dot-dot-far-where-links-are-followed": "/linked/" + "../" * 40 + "etc/passwd",
    "CVE-2024-23334-encoded-where-links-are-followed": "/linked/%2e%2e/secret.txt",
    "CVE-2024-23334-absolute-where-links-are-followed": "/linked//etc/passwd",
    "dots-encoded": "/static/%2e%2e/secret.txt",
    "dots-encoded-in-upper-case": "/static/%2E%2E/secret.txt",
    "one-dot-encoded": "/static/.%2e/secret.txt",
    "CVE-2017-16762-slash-encoded": "/static/..%2fsecret.txt",
    "CVE-2017-16762-slash-encoded-that-leads-inside": "/static/sub%2fb.txt",
    "CVE-2006-0847-all-encoded": "/static/%2e%2e%2fsecret.txt",
    "CVE-2017-16762-encoded-twice": "/static/%252e%252e%252fsecret.txt",
    "encoded-twice-by-halves": "/static/%25%32%65%25%32%65/secret.txt",
    "backslash": "/static/..\\secret.txt",
    "backslash-encoded": "/static/..%5csecret.txt",
    "backslash-before": "/static/%5c..%5csecret.txt",
    "overlong-dots": "/static/%c0%ae%c0%ae/secret.txt",
    "overlong-slash": "/static/..%c0%afsecret.txt",
    "fullwidth-dots": "/static/%EF%BC%8E%EF%BC%8E/secret.txt",
    "path-parameter": "/static/..;/secret.txt",
    "four-dots": "/static/....//secret.txt",
    "starlette-3139-NUL-behind": "/static/a.txt%00",
    "starlette-3139-NUL-before-a-suffix": "/static/a.txt%00.png",
    "starlette-3139-NUL-alone": "/static/%00",
    "CVE-2023-29159-dot-dot-behind-the-prefix": "/static../secret.txt",
    "CVE-2023-29159-a-folder-beside": "/static/../served-beside/secret.txt",
    "CVE-2023-29159-a-prefix-that-goes-on": "/static-beside/secret.txt",
    "absolute": "/static//etc/passwd",
    "absolute-encoded": "/static/%2fetc%2fpasswd",
    "CVE-2026-34515-UNC": "/static//host/share/file",
    "CVE-2026-34515-UNC-by-backslashes": "/static/%5c%5chost%5cshare%5cfile",
    "GHSA-wqp7-x3pw-xc5r-UNC-device": "/static/%5c%5c%3f%5cC:%5cx",
    "drive": "/static/C:/Windows/win.ini",
    "drive-alone": "/static/C:",
    "alternate-data-stream": "/static/a.txt::$DATA",
    "device-name": "/static/aux.txt",
    "dot-at-the-end": "/static/a.txt.",
    "space-at-the-end": "/static/a.txt%20",
    "slash-at-the-end": "/static/a.txt/",
    "below-a-file": "/static/a.txt/b",
    "case": "/static/A.TXT",
    "CVE-2025-69226-a-folder-that-is-there": "/static/../served/a.txt",
    "CVE-2025-69226-a-folder-that-is-not": "/static/../none/a.txt",
    "CVE-2025-69226-a-name-of-300": "/static/" + "a" * 300,
    "CVE-2025-69226-links-without-end": "/linked/loop",
    "CVE-2025-69226-no-permission": "/static/closed/b.txt",
    "link-to-a-file": "/static/link",
    "link-to-a-file-inside": "/static/inner-link",
    "link-to-a-folder": "/static/folder-link/secret.txt",
    "link-to-a-folder-and-back": "/static/folder-link/served/a.txt",
    "pipe": "/static/pipe",
    "absolute-form": "http://a/static/../secret.txt",
    "absolute-form-encoded": "http://a/static/%2e%2e/secret.txt",
}
# Nobody but the client resolves dots: what is asked for is not in these folders, and leads into no other.
_CODINGS = (b"gzip", b"br", b"zstd")
STATIC = {
    **{name: asked(target, status=404, is_hidden=True) for name, target in _HIDDEN.items()},
    "dotfile-is-a-file": asked("/static/.dot", content=b"dot"),
    "colon-is-a-letter": asked("/static/colon:name", content=b"colon"),
    "link-if-they-are-followed": asked("/linked/inner-link", content=b"content"),
    **{
        f"CVE-2024-42367-{coding.decode()}-variant-is-a-link-outside": asked(
            "/static/a.txt",
            b"Accept-Encoding: %b, *;q=0" % coding,
            content=b"content",
            fields={"content-encoding": None},
        )
        for coding in _CODINGS
    },
    "folder-is-no-redirect": asked("/static/sub", status=403, fields={"location": None}),
    "CVE-2023-28370-folder-behind-slashes-is-no-redirect": asked(
        "//static/sub", status=404, fields={"location": None}
    ),
}

#: Paths that lead elsewhere on Windows: refused there before any disk is asked.
WINDOWS = {
    "CVE-2026-34515-UNC": "\\\\host\\share\\file",
    "CVE-2026-34515-UNC-by-slashes": "//host/share/file",
    "GHSA-wqp7-x3pw-xc5r-UNC-device": "\\\\?\\C:\\x",
    "device-path": "\\\\.\\pipe\\x",
    "drive": "C:\\Windows\\win.ini",
    "drive-by-slashes": "C:/Windows/win.ini",
    "drive-alone": "C:",
    "drive-relative": "C:x",
    "alternate-data-stream": "a.txt::$DATA",
    "alternate-data-stream-named": "a.txt:stream",
    "backslash": "sub\\..\\..\\x",
    "backslash-alone": "\\",
    "dot-at-the-end": "a.txt.",
    "space-at-the-end": "a.txt ",
    "dots-and-space": "sub/.. ",
    "three-dots": "...",
    **{f"device-{name}": name for name in ("CON", "nul", "aux.txt", "COM1", "lpt9.x", "CONIN$", "COM\u00b9")},
    "device-further-in": "sub/prn",
    "device-and-a-space": "nul .txt",
    "wildcard": "*.txt",
    "quotation-mark": 'a"b',
    "control": "a\x1fb",
}


# Ranges and conditions


def _range(value: str, status: int | tuple[int, ...], *more: bytes) -> Asked:
    return asked("/static/a.txt", b"Range: " + value.encode(), *more, status=status)


_TAG, _DATE = b'If-Range: "x"', b"If-Range: Thu, 01 Jan 1970 00:00:00 GMT"
RANGES = {
    "CVE-2025-69225-unicode-digits": _range("bytes=\u0660-\u0661", 416),
    "CVE-2025-69225-superscript": _range("bytes=0-\u00b2", 416),
    "GHSA-7f5h-v6xp-fcq8-1800-ranges": _range("bytes=" + ",".join(["0-0"] * 1800), 200),
    "GHSA-7f5h-v6xp-fcq8-overlapping": _range("bytes=" + ",".join(["0-"] * 16), 200),
    "GHSA-7f5h-v6xp-fcq8-descending": _range("bytes=6-6,4-4,2-2,0-0", 206),
    "GHSA-7f5h-v6xp-fcq8-commas": _range("bytes=" + "," * 7000, 200),
    "CVE-2011-3192-5-0,5-1,5-2": _range("bytes=0-," + ",".join(f"5-{n}" for n in range(5, 1000)), 200),
    "range-of-7000-digits": _range("bytes=" + "9" * 7000 + "-", 416),
    "range-beyond-2^64": _range("bytes=18446744073709551616-", 416),
    "range-of-the-last-0": _range("bytes=-0", 416),
    "range-turned-around": _range("bytes=5-2", 416),
    "range-signed": _range("bytes=+1-2", 416),
    "range-with-an-underscore": _range("bytes=1_0-", 416),
    "range-unit-unknown": _range("lines=0-1", 200),
    "range-and-another-tag": _range("bytes=0-0", 200, _TAG),
    "range-and-another-date": _range("bytes=0-0", 200, _DATE),
    "range-and-a-condition-of-no-kind": _range("bytes=0-0", 200, b"If-Range: *"),
    "range-of-HEAD": asked("/static/a.txt", b"Range: bytes=0-0", method="HEAD", status=200),
    "tags-without-end": asked("/static/a.txt", b"If-None-Match: " + b'"a",' * 2000, status=200),
    "tag-that-is-open": asked("/static/a.txt", b'If-None-Match: "' + b"a" * 8000, status=200),
    "date-that-is-none": asked(
        "/static/a.txt", b"If-Modified-Since: Thu, 99 Feb 9999 99:99:99 GMT", status=200
    ),
    "date-before-all": asked(
        "/static/a.txt", b"If-Unmodified-Since: Mon, 01 Jan 0001 00:00:00 GMT", status=412
    ),
    "codings-without-end": asked("/static/a.txt", b"Accept-Encoding: " + b"gzip;q=0.1," * 700, status=200),
}


# Routes and redirects

_LED = (200, 308, 400, 404)
_SPELLINGS: Mapping[str, str] = {
    "CVE-2021-21330-two-slashes-and-dots": "//evil.test/%2e%2e",
    "CVE-2021-21330-three-slashes": "///evil.test/%2e%2e",
    "CVE-2020-28724-two-slashes": "//evil.test",
    "CVE-2023-28370-two-slashes-and-a-folder": "//evil.test/static",
    "four-slashes": "////evil.test//",
    "slash-and-backslash": "/\\evil.test",
    "slash-and-two-backslashes": "/\\\\evil.test",
    "slash-backslash-slash": "/\\/evil.test",
    "slash-and-an-encoded-backslash": "/%5cevil.test",
    "two-slashes-and-an-encoded-backslash": "//%5cevil.test",
    "encoded-slash": "/%2fevil.test",
    "two-encoded-slashes": "/%2F%2Fevil.test",
    "slash-and-an-encoded-one": "//%2fevil.test",
    "dot-and-slashes": "/.//evil.test",
    "dots-and-slashes": "/..//evil.test",
    "encoded-tab": "/%09//evil.test",
    "user": "//user:word@evil.test",
    "at": "//@evil.test",
    "port": "//evil.test:80",
    "absolute-form": "http://a//evil.test",
    "encoded-line-break": "//%0d%0aLocation:%20//evil.test",
    "query": "//evil.test?//evil.test",
    "query-alone": "//?//evil.test",
}


def _moved(to: str, status: int = 302) -> Asked:
    location = None if status == 500 else to.replace('"', "%22").replace("<", "%3C").replace(">", "%3E")
    quoted = "".join(f"%{byte:02X}" for byte in to.encode())
    return asked(f"/moved?to={quoted}", status=status, fields={"location": location})


REDIRECTS = {
    **{f"led-{name}": asked(target, status=_LED, to="led") for name, target in _SPELLINGS.items()},
    "CVE-2020-35678-CRLF-in-Location": _moved("/x\r\nInjected: y", 500),
    "CVE-2016-9964-LF-in-Location": _moved("/x\nInjected: y", 500),
    "CR-in-Location": _moved("/x\rInjected: y", 500),
    "NUL-in-Location": _moved("/x\0y", 500),
    "CVE-2024-41810-markup-in-Location": _moved('/"><script>alert(1)</script>'),
    **{
        f"built-of-{name}": asked(f"/named/{part}", status=302)
        for name, part in {
            "a-slash": "%2Fevil.test",
            "two-slashes": "%2F%2Fevil.test",
            "a-backslash": "%5Cevil.test",
            "slash-and-backslash": "%2F%5Cevil.test",
            "a-line-break": "%0D%0AInjected:y",
            "an-origin": "http:%2F%2Fevil.test",
            "NUL": "%00",
            "an-escape": "%252Fevil.test",
        }.items()
    },
    **{
        f"CVE-2023-28370-to-what-was-asked-for-{name}": asked(target, status=302)
        for name, target in {
            "two-slashes": "//evil.test/on",
            "three-slashes": "///evil.test/on",
            "backslash": "/\\evil.test/on",
            "slashes-and-a-query": "//evil.test/on?//evil.test",
            "absolute-form": "http://a//evil.test/on",
        }.items()
    },
    "Forwarded-that-nobody-trusts": asked(
        "/back",
        b"Forwarded: for=1.1.1.1;host=evil.test;proto=https",
        status=302,
        fields={"location": "http://a/back"},
    ),
    "X-Forwarded-that-nobody-trusts": asked(
        "/back",
        b"X-Forwarded-Host: evil.test",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-For: 127.0.0.1",
        b"X-Original-URL: /admin/",
        b"X-Rewrite-URL: /admin/",
        status=302,
        fields={"location": "http://a/back"},
    ),
    "absolute-form-names-the-host": asked("http://a/back", status=302, fields={"location": "http://a/back"}),
}

#: Of everything below /admin a middleware says no: no spelling gets past it.
_GUARDED: Mapping[str, tuple[str, int]] = {
    "as-it-is": ("/admin/x", 403),
    "encoded": ("/%61dmin/%78", 403),
    "absolute-form": ("http://a/admin/x", 403),
    "nothing-behind": ("/admin", 403),
    "two-slashes": ("//admin/x", 404),
    "two-slashes-behind": ("/admin//x", 403),
    "three-slashes": ("///admin/x", 404),
    "encoded-slash": ("/admin%2fx", 404),
    "encoded-slash-before": ("/%2fadmin/x", 404),
    "backslash": ("/admin\\x", 404),
    "dot": ("/./admin/x", 404),
    "dots": ("/y/../admin/x", 404),
    "dots-encoded": ("/y/%2e%2e/admin/x", 404),
    "dots-within": ("/admin/y/../x", 403),
    "case": ("/ADMIN/x", 404),
    "path-parameter": ("/admin;y/x", 404),
    "NUL": ("/admin%00/x", 404),
    "encoded-twice": ("/%2561dmin/x", 404),
    "query": ("/?/admin/x", 200),
    "prefix-that-goes-on": ("/administrator/x", 404),
}
_METHODS: Mapping[str, tuple[str, str, int]] = {
    "starlette-3286-attribute": ("__class__", "/view", 405),
    "starlette-3286-helper": ("secret", "/view", 405),
    "starlette-3286-helper-in-upper-case": ("SECRET", "/view", 405),
    "lower-case": ("get", "/view", 405),
    "wildcard": ("*", "/view", 405),
    "TRACE": ("TRACE", "/", 405),
    "of-256-letters": ("G" * 256, "/", 405),
    "of-a-static-file": ("POST", "/static/a.txt", 405),
    "of-what-is-guarded": ("X-Y", "/admin/x", 403),
    "CONNECT-to-a-path": ("CONNECT", "/", 400),
    "OPTIONS-of-all": ("OPTIONS", "*", 404),
}
ROUTES = {
    **{f"guarded-{name}": asked(target, status=status) for name, (target, status) in _GUARDED.items()},
    **{
        f"method-{name}": asked(target, method=method, status=status)
        for name, (method, target, status) in _METHODS.items()
    },
    "method-CONNECT": Asked(b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", (404,)),
    "method-by-a-field": asked("/view", b"X-HTTP-Method-Override: SECRET", status=200, content=b"view"),
}


# What is set


_SETTERS = (
    *("reason", "content_type", "charset", "etag", "last_modified", "field", "name", "cookie", "trailer"),
    *("allow", "link", "hint", "payload", "disposition", "early", "stream"),
)
#: What of them comes behind the head, so that the message breaks off.
_LATE = ("trailer", "stream")
_BREAKS = {"CRLF": "%0d%0aInjected:%20y", "LF": "%0aInjected:%20y", "CR": "%0dInjected:%20y", "NUL": "%00"}
_ATTRIBUTES = {
    "Domain": "domain=a.test;%20Injected",
    "Path": "path=/;%20Injected",
    "SameSite": "samesite=Lax;%20Injected",
    "Expires": "expires=Thu,%2001%20Jan%201970%2000:00:00%20GMT;%20Injected",
    "Max-Age": "max_age=1;%20Injected",
    "Version": "version=1;%20Injected",
    "Path-line-break": "path=/%0d%0aInjected:%20y",
    "Domain-line-break": "domain=a%0aInjected:%20y",
    "name": "name=x;%20Injected",
    "name-equals": "name=x%3dy",
    "name-empty": "name=",
    "name-line-break": "name=x%0d%0aInjected",
    "value-line-break": "value=x%0d%0aInjected:%20y",
    "GHSA-wwv5-g3v4-889x-by-another-case": "DOMAIN=a;%20Injected",
    "GHSA-wwv5-g3v4-889x-unknown": "comment=a;%20Injected",
}
SETTERS = {
    **{
        f"split-by-{name}-{kind}": asked(f"/set/{name}?v=x{text}", status=(0, 200) if name in _LATE else 500)
        for name in _SETTERS
        for kind, text in _BREAKS.items()
    },
    **{
        f"CVE-2026-35536-cookie-{name}": asked(f"/cookie?{query}", status=500, fields={"set-cookie": None})
        for name, query in _ATTRIBUTES.items()
    },
    "CVE-2026-35536-cookie-value": asked(
        "/cookie?value=x;%20Injected", fields={"set-cookie": 'c="x\\073 Injected"; Path=/'}
    ),
    "CVE-2026-35536-cookie-value-with-quotes": asked(
        "/cookie?value=x%22;%20Injected", fields={"set-cookie": 'c="x\\"\\073 Injected"; Path=/'}
    ),
}


# Cookies, forms and logs


def _cookies(value: bytes, found: bytes) -> Asked:
    return asked("/cookies", b"Cookie: " + value, content=found)


COOKIES = {
    "CVE-2023-23934-nameless": _cookies(b"=__Host-x=bad; a=b", b'{"a": "b"}'),
    "CVE-2023-23934-nameless-alone": _cookies(b"__Host-x", b"{}"),
    "CVE-2025-69230-thousands-that-are-none": _cookies(b"\x09,;" * 2500, b"{}"),
    "CVE-2024-52804-quotes-and-escapes": _cookies(
        b'a="' + b'\\"' * 4000 + b'"', b'{"a": "' + b'\\"' * 4000 + b'"}'
    ),
    "CVE-2024-52804-escapes-without-end": _cookies(
        b'a="' + b"\\" * 8000, b'{"a": "\\"' + b"\\\\" * 8000 + b'"}'
    ),
    "escape-of-a-line-break": _cookies(b'a="\\015\\012"', b'{"a": "\\\\015\\\\012"}'),
    "2700-of-one-letter": asked("/cookies", b"Cookie: " + b"a=;" * 2700),
    "Forwarded-of-8000": asked("/forwarded", b"Forwarded: " + b"for=a;" * 1300),
    "Forwarded-quotes": asked("/forwarded", b'Forwarded: for="' + b'\\"' * 4000),
    "Forwarded-commas": asked("/forwarded", b"Forwarded: " + b"," * 8000),
}


def _form(body: bytes, status: int, content: bytes | None = None, *, kind: bytes | None = None) -> Asked:
    kind = kind or b"multipart/form-data; boundary=b"
    return asked("/form", b"Content-Type: " + kind, method="POST", body=body, status=status, content=content)


def _part(*given: bytes, content: bytes = b"x") -> bytes:
    return lines(b"--b", *given, content=content + b"\r\n")


_NAMED, _URLENCODED = b'Content-Disposition: form-data; name="a"', b"application/x-www-form-urlencoded"
_UPLOAD = _NAMED + b'; filename="%b"'
_END = b"--b--\r\n"
FORMS = {
    "CVE-2024-30251-truncated-in-a-part": _form(_part(_NAMED, b"Content-Length: 100")[:-4], 400),
    "CVE-2024-30251-length-beyond-the-body": _form(
        _part(_NAMED, b"Content-Length: 1000") + _END, 200, b"a=x"
    ),
    "CVE-2025-69227-no-end": _form(_part(_NAMED), 400),
    "CVE-2025-69227-nothing": _form(b"", 400),
    "GHSA-v9pg-7xvm-68hf-negative-length": _form(_part(_NAMED, b"Content-Length: -1") + _END, 400),
    "aiohttp-12794-signed-length": _form(_part(_NAMED, b"Content-Length: +1") + _END, 400),
    "CVE-2024-53981-bytes-behind-the-end": _form(_part(_NAMED) + _END + b"\r\n" * 5000, 200, b"a=x"),
    "CVE-2026-40347-large-preamble": _form(b"-" * 90_000 + b"\r\n" + _part(_NAMED) + _END, 413),
    "CVE-2026-42561-many-fields-of-a-part": _form(_part(_NAMED, *[b"A: b"] * 200) + _END, 413),
    "CVE-2026-34516-large-field-of-a-part": _form(_part(_NAMED, b"A: " + b"b" * 20_000) + _END, 413),
    "CVE-2026-31958-many-parts": _form(_part(_NAMED) * 1001 + _END, 413),
    "CVE-2023-25577-many-empty-parts": _form(b"--b\r\n\r\n\r\n" * 1001 + _END, 400),
    "CVE-2024-47874-nameless": _form(
        _part(b"Content-Disposition: form-data", content=b"x" * 90_000) + _END, 400
    ),
    "GHSA-82w8-qh3p-5jfq-many-fields": _form(b"a=1&" * 1001, 413, kind=_URLENCODED),
    "GHSA-mpf4-983q-p7j4-many-empty-fields": _form(b"&" * 90_000, 413, kind=_URLENCODED),
    "CVE-2025-69228-too-large": _form(_part(_NAMED, content=b"x" * 110_000) + _END, 413),
    "CVE-2026-34517-too-large-in-chunks": Asked(
        lines(
            b"POST /form HTTP/1.1",
            b"Host: a",
            b"Content-Type: multipart/form-data; boundary=b",
            b"Transfer-Encoding: chunked",
            content=b"1a000\r\n" + _part(_NAMED, content=b"x" * 110_000)[:0x1A000] + b"\r\n0\r\n\r\n",
        ),
        (413,),
    ),
    "CVE-2026-24486-name-that-leads-out": _form(
        _part(_UPLOAD % b"../../etc/passwd") + _END, 200, b"a:passwd"
    ),
    "CVE-2026-24486-name-that-leads-out-on-Windows": _form(
        _part(_UPLOAD % b"..\\\\..\\\\x.exe") + _END, 200, b"a:x.exe"
    ),
    "CVE-2026-24486-name-of-dots": _form(_part(_UPLOAD % b"..") + _END, 200),
    "GHSA-vffw-93wf-4j4q-second-name": _form(
        _part(_NAMED + b"; filename=\"a.txt\"; filename*=UTF-8''evil.exe") + _END, 200, b"a:a.txt"
    ),
    "python-multipart-282-boundary-of-300": _form(
        b"", 400, kind=b"multipart/form-data; boundary=" + b"b" * 300
    ),
    "boundary-missing": _form(_part(_NAMED) + _END, 400, kind=b"multipart/form-data"),
    "python-multipart-290-semicolons": _form(b"a=1;b=2", 200, b"a=1;b=2", kind=_URLENCODED),
    "CVE-2020-28473-parameter-cloaking": asked("/query?a=1;b=2&c=3", content=b'[["a", "1;b=2"], ["c", "3"]]'),
    "CVE-2024-24762-media-type": _form(b"a=1", 400, kind=b'multipart/form-data; !="' + b"\\" * 7000),
    "multipart-in-multipart": _form(
        _part(_NAMED, b"Content-Type: multipart/mixed; boundary=c", content=b"--c\r\n\r\n\r\n--c--") + _END,
        400,
    ),
    "CVE-2025-69223-bomb": asked(
        "/form",
        b"Content-Type: " + _URLENCODED,
        b"Content-Encoding: gzip",
        method="POST",
        body=gzip.compress(bytes(2**20)),
        status=413,
    ),
}
LOGS = {
    "CVE-2020-7694-escape-in-the-target": asked("/static/%1b[31mred", status=(400, 404)),
    "CVE-2020-7694-line-break-in-the-target": asked("/%0d%0a127.0.0.1%20-%20GET", status=404),
    "CVE-2020-7694-escape-in-User-Agent": asked("/", b"User-Agent: \xc2\x9b31m"),
    "escape-in-User-Agent-of-one-byte": asked("/", b"User-Agent: \x9b31m"),
    "quote-in-Referer": asked("/", b'Referer: " 200 1 "-" "x'),
    "line-separator-in-User-Agent": asked("/", "User-Agent: a\u2028b\u2029c\u0085d".encode()),
    "text-turned-around-in-User-Agent": asked("/", "User-Agent: a\u202eb\u2066c".encode()),
    "bytes-that-are-no-text": asked("/", b"User-Agent: \xff\xfe"),
    "CVE-2025-47287-storm": _form(b"--b\r\nnonsense\r\n\r\n" * 1000, 400),
}

ASKED = joined(STATIC, RANGES, REDIRECTS, ROUTES, SETTERS, COOKIES, FORMS, LOGS)
