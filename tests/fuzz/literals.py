"""What broke other readers, in pieces to be spliced: start lines, field lines, chunk lines, line ends.

The families are those of attacks on framing, transfer codings, chunks, field lines, start lines, upgrades and
expectations. Each piece stands without its line end, so that every end can follow it.
"""

# A literal a line would hide the families.
# fmt: off


#: The right one first.
LINE_ENDS = (
    b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r", b"\r\n ", b"\r\n\t", b"\x0b\r\n", b"\0\r\n", b"",
)
LENGTHS = (
    b"0", b"3", b"5", b"00005", b"5, 5", b"5,5", b"5, 6", b"+5", b"-1", b"0x5", b"1_0", b"5 5", b"",
    b" 5\t", b"5;", b"1" + b"0" * 25, b"9" * 19, b"9" * 20, b"18446744073709551615", b"\xd9\xa3", b"5\x0b",
    b"5.0", b"\t5", b"5 ,",
)
CODINGS = (
    b"chunked", b"Chunked", b"CHUNKED\t", b"xchunked", b"chunked, identity", b"identity",
    b"chunked, chunked", b"\x0bchunked", b"\x0cchunked", b"\xa0chunked", b"gzip, chunked", b"chunked, gzip",
    b"gzip", b"chunked;a=b", b",chunked", b"chunked,", b"", b'"chunked"', b"chun\xe2\x84\xaaed",
    b"identity, chunked", b"chunke",
)
HOSTS = (
    b"a", b"a:80", b"a:", b"", b"a, b", b"u@a", b"a/b", b"a?b", b"a b", b"[::1]", b"[::1", b"a:b",
    b"\xc3\xa9", b"b", b"a:000080", b"%61", b"[v1.a:b]", b"A",
)
CONNECTIONS = (
    b"close", b"keep-alive", b"Close, keep-alive", b"upgrade", b"notupgrade", b"Upgrade, HTTP2-Settings",
    b"x-close", b"close\t", b", ,close", b"keep-alive, upgrade", b"", b"clo\xc5\xbfe", b"close;q=1",
    b"Keep-Alive", b'"close"',
)
FIELDS = (
    *(b"Content-Length: " + value for value in LENGTHS),
    *(b"Transfer-Encoding: " + value for value in CODINGS), *(b"Host: " + value for value in HOSTS),
    *(b"Connection: " + value for value in CONNECTIONS), b"Transfer_Encoding: chunked",
    b"Transfer-Encoding : chunked", b"Transfer-Encoding\t: chunked", b"Content-Length : 5",
    b"Content_Length: 5", b"Content-Length:5", b" Content-Length: 5", b"Transfer-Encoding",
    b" Transfer-Encoding: chunked", b"\tTransfer-Encoding: chunked", b"Transfer-Encoding:chunked",
    b"X-Abc: \rxTransfer-Encoding: chunked", b"X: a\r\n b", b"X:\r\n\tb",
    b"X: a\nTransfer-Encoding: chunked", b": y", b"X", b"X: a\0b", b"X: a\x01b", b"X: \x7f", b"X(: y",
    b"\xc3\x89: y", b"X: \xe9", b"X:", b"X: ", b"X:\t", b'"X": y', b"X: a\x0bb", b"X:a:b:c", b"X[]: y",
    b"X-\x80: y", b"\0: y", b"X: a \t b", b"X: \xa0y\xa0", b"Content-Type: a/b", b"Content-Type: c/d",
    b"Expect: 100-continue", b"Expect: 100-Continue, x", b"Expect: x", b"Upgrade: websocket",
    b"Upgrade: h2c", b"Upgrade: x, y", b"HTTP2-Settings: AAMAAABkAAQAAP__", b"TE: trailers", b"Trailer: X",
    b"Keep-Alive: timeout=5", b"Proxy-Connection: close", b"Proxy-Connection: keep-alive",
    b"Set-Cookie: a=b", b"X: " + b"y" * 300, b"X" * 80 + b": y",
)
METHODS = (
    b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS", b"CONNECT", b"PURGE", b"M-SEARCH", b"PATCH", b"DELETE",
    b"TRACE", b"get", b"BREW", b"G!T", b"GE(T", b"GE\0T", b"", b"PRI", b"SOURCE", b"DESCRIBE", b"QUERY",
    b"Get", b"G\xc3\x89T",
)
TARGETS = (
    b"/", b"/a?b=c", b"//b", b"*", b"a:443", b"a", b"http://a/", b"http://a", b"http://A?c", b"http://b/",
    b"../a", b"http://u@a/", b"http:///a", b"http:/a", b"/a#b", b'/"', b"/\xc3\xa9", b"/\0", b"/\x7f", b"",
    b"/{[a|b^c`d\\]}", b"https://a:80/", b"a:", b"?a", b"/%", b"/<", b"/\t", b"ftp://a", b"[::1]:443",
    b"urn:a", b"/a??b", b"/\x0b",
)
VERSIONS = (
    b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.10", b"HTTP/1", b"http/1.1", b"HTTP/1.2",
    b"", b"HTTP", b"HTTP/1,1", b"HTTP/11", b"HTTP/1.1 ", b"RTSP/1.0", b"ICE/1.0", b"HTTP/3.0", b"HTTP/01.1",
    b"HTTPS/1.1", b"HTTP/1.1\t",
)
GAPS = (b" ", b"  ", b"\t", b"\xa0", b"\x0b", b"\x0c", b"\r", b"\n", b"")
REQUEST_LINES = (
    b"GET /", b"PRI * HTTP/2.0", b"\x16\x03\x01\x02\x00\x01\x00", b"GET", b"GET / HTTP/1.1 x",
    b" GET / HTTP/1.1", b"PROXY TCP4 10.0.0.1 10.0.0.2 56324 443", b"GET /\rHTTP/1.1",
    b"CONNECT a:443 HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET http://a/b?c HTTP/1.1", b"HTTP/1.1 200 OK",
    b"CONNECT / HTTP/1.1", b"GET * HTTP/1.1",
)
STATUSES = (
    b"200", b"204", b"304", b"404", b"206", b"100", b"101", b"103", b"199", b"999", b"099", b"20", b"2000",
    b"600", b"\xd9\xa2\xd9\xa0\xd9\xa0", b"+20", b"0xc", b"1_0", b"000", b"500", b"", b"2 0",
)
REASONS = (
    b"OK", b"", b"Not quite OK", b"\xc3\xa9", b"\xfc", b"\ta", b"O\0K", b" OK ", b"O\x7fK", b"O\x0bK",
    b"OK\t",
)
STATUS_LINES = (
    b"HTTP/1.1 200", b"HTTP/1.1 200OK", b"HTTP/1.1", b"ICY 200 OK", b"HTTP/1.1 200 OK\rX: y",
    b"HTTP/2 200 OK", b"HTTP/1.1  200 OK", b"HTTP/1.1\t200 OK", b"HTTP/1.1 200\tOK",
    b"<html>no head</html>", b"HTTP/1.2 200 OK", b"HTTP/1.1 204 No", b"HTTP/1.1 304 Not Modified",
    b"HTTP/1.1 100 Continue", b"HTTP/1.0 100 Continue", b"HTTP/1.1 101 Switching Protocols",
    b"HTTP/1.1 103 Early Hints", b"\x15\x03\x01\x00\x02\x02\x16",
)
CHUNK_SIZES = (
    b"5", b"0", b"3", b"a", b"A", b"0x5", b"0_5", b"+5", b"-5", b" 5", b"5 ", b"5\t", b"5\x0b", b"g", b"",
    b"00005", b"0" * 15 + b"5", b"0" * 16 + b"5", b"1" + b"0" * 16, b"ffffffffffffffff",
    b"7fffffffffffffff", b"\xd9\xa5", b"00", b"0" * 20 + b"5", b"5 a=b", b"5  ", b"5h", b"1",
)
EXTENSIONS = (
    b";a", b";a=b", b" ;\ta \t= b ; c", b';a="; \\" \\\\ \t\xe9"', b';a=""', b";", b";=b", b";a=", b';a="b',
    b";a\nb", b";a\rb", b";a\0b", b';a="\0"', b';a="b"c', b";\x7f", b"; a", b" ; a", b";;", b";a;",
    b";a=b;c=d", b';a="\r"', b";" + b"a" * 20, b";a=\xe9", b";\xe9", b';a="b\\', b";a b", b';a="\\\n"',
    b"; ", b";a ", b';a="b" ', b";a= b",
)
DATA_ENDS = (b"\r\n", b"\n", b"\r", b"", b"XX", b"\r\n\r\n", b"\n\r", b"\rX")
LAST_CHUNKS = (
    b"0\r\n\r\n", b"0\r\n", b"0\n\n", b"0\r\n\n", b"0\r\rX: y\r\n\r\n", b"00;a\r\n\r\n", b"0\n\r\n", b"",
)
TRAILERS = (
    b"X: y", b"x:z ", b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Host: b", b"X : y", b": y",
    b"X: \0", b"X: y\r\n z", b"X: y\rZ: y", b"GET /evil HTTP/1.1", b"Set-Cookie: a=b", b"Trailer: X", b"X",
    b"Expect: x", b"Connection: close", b"\xe9: y", b"X: \xe9", b"Content-Type: a/b", b" X: y", b"X:",
)

#: Whole pieces that make another message of what follows or went before.
SMUGGLED = (
    b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 Smuggled\r\nContent-Length: 0\r\n\r\n",
    b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", b"\r\n\r\n", b"\n\n", b"\r\n\rX: y\r\n", b"\r\n",
    b"\n", b"\r", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
)
PIECES = (*FIELDS, *REQUEST_LINES, *STATUS_LINES, *SMUGGLED, *EXTENSIONS, *LAST_CHUNKS, *LINE_ENDS, *GAPS)
