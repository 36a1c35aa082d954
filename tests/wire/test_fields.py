import pytest
from multidict import istr

from pronghorn.wire import fields as fields_module
from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.fields import (
    FieldLines,
    FormattedFields,
    format_field_line,
    is_host,
    is_token,
    list_members,
    parse_field_line,
    parse_media_type,
)
from pronghorn.wire.http1 import head as head_module
from pronghorn.wire.http1 import writing as writing_module
from pronghorn.wire.http1.section import FieldSections

from .feeding import client, feed, server

TABLE_LINES, LINE_SIZE = 4096, 256
TABLE_NAMES, NAME_SIZE = 1024, 64
CONTROLS = [*range(9), *range(10, 32), 127]


# Reading

LINES = {
    b"Host: a": ("Host", "a"),
    b"X:y": ("X", "y"),
    b"X:\t y \t": ("X", "y"),
    b"X:": ("X", ""),
    b"X: a:b": ("X", "a:b"),
    b"X: a\tb": ("X", "a\tb"),
    "X: ü".encode(): ("X", "ü"),
    b"X: \xfc": ("X", "\udcfc"),
    b"X" * 300 + b": y": ("X" * 300, "y"),
}


@pytest.mark.parametrize(("line", "told"), LINES.items())
def test_parse_field_line(line: bytes, told: tuple[str, str]) -> None:
    name, value = parse_field_line(line)
    assert (name, value) == told
    assert type(name) is istr
    assert FieldLines()[line] == told


REFUSED = [
    b"",
    b"X",
    b": y",
    b"X : y",
    b"X\t: y",
    b" X: y",
    b"X Y: z",
    b"X\0: y",
    "Ü: y".encode(),
    b"X" * 300 + b" : y",
]


@pytest.mark.parametrize("line", REFUSED)
def test_refused_field_line(line: bytes) -> None:
    with pytest.raises(ProtocolError, match="expected a token followed by ':'"):
        parse_field_line(line)
    with pytest.raises(ProtocolError):
        FieldLines()[line]


@pytest.mark.parametrize("octet", CONTROLS)
def test_no_control_character_in_a_value(octet: int) -> None:
    for value in (b"%c", b"%cy", b"y%c", b"a%cb"):
        with pytest.raises(ProtocolError, match="control character"):
            parse_field_line(b"X: " + value % octet)


@pytest.mark.parametrize("name", [b"host", b"HOST", b"content-length", b"Content-Length"])
def test_what_frames_and_routes_is_checked_by_any_case(name: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_field_line(name + b": a b")


# Writing


def test_format_field_line() -> None:
    assert format_field_line("X", "y") == b"X: y\r\n"
    assert format_field_line("X", "") == b"X: \r\n"
    assert format_field_line("X", "ü\udcfc") == b"X: \xc3\xbc\xfc\r\n"
    assert FormattedFields()["X", "y"] == b"X: y\r\n"


@pytest.mark.parametrize("name", ["", "X Y", "X:", "X\r\nY", "X\r", "X\n", "X\0", "Ü", "X\ud800", "X\u212a"])
def test_refused_name(name: str) -> None:
    with pytest.raises(ValueError, match=r"field name|surrogate"):
        format_field_line(name, "y")
    with pytest.raises(ValueError, match=r"field name|surrogate"):
        FormattedFields()[name, "y"]


@pytest.mark.parametrize("octet", CONTROLS)
@pytest.mark.parametrize("name", ["X", "Server"])
def test_CVE_2012_2374_refused_value(name: str, octet: int) -> None:
    table = FormattedFields()
    for _ in range(2):
        with pytest.raises(ValueError, match="control character"):
            table[name, f"a{octet:c}b"]
    assert not table


@pytest.mark.parametrize("field", [("X", 5), (b"X", "y"), ("X", b"y"), ("X", None), (None, "y")])
def test_fields_are_strings(field: tuple[str, str]) -> None:
    with pytest.raises(TypeError, match="expected str and str"):
        FormattedFields()[field]


# The tables forget, and keep no secret.

SECRETS = [
    "Authorization",
    "authorization",
    "Cookie",
    "Set-Cookie",
    "Proxy-Authorization",
    "X-Api-Key",
    "Referer",
    "Location",
]


@pytest.mark.parametrize("name", SECRETS)
def test_tables_keep_no_secret(name: str) -> None:
    lines, formatted = FieldLines(), FormattedFields()
    assert lines[f"{name}: secret".encode()] == (name, "secret")
    assert formatted[name, "secret"] == f"{name}: secret\r\n".encode()
    assert not lines
    assert not formatted


def test_tables_keep_what_is_shared() -> None:
    lines, formatted = FieldLines(), FormattedFields()
    assert lines[b"ACCEPT: */*"] is lines[b"ACCEPT: */*"]
    assert formatted["Server", "a"] is formatted["Server", "a"]
    assert (len(lines), len(formatted)) == (1, 1)


def test_tables_keep_nothing_long() -> None:
    lines, formatted = FieldLines(), FormattedFields()
    room = LINE_SIZE - len("Via: ")
    assert lines[b"Via: " + b"a" * (room + 1)][1] == "a" * (room + 1)
    assert formatted["Via", "a" * (room - 1)].endswith(b"a\r\n")
    assert not lines
    assert not formatted
    assert lines[b"Via: " + b"a" * room][1] == "a" * room
    assert formatted["Via", "a" * (room - 2)].endswith(b"a\r\n")
    assert (len(lines), len(formatted)) == (1, 1)


def test_tables_are_bounded() -> None:
    lines, formatted = FieldLines(), FormattedFields()
    sizes = set()
    for n in range(3 * TABLE_LINES):
        assert lines[b"Age: %d" % n] == ("Age", str(n))
        assert formatted["Age", str(n)] == b"Age: %d\r\n" % n
        sizes |= {len(lines), len(formatted)}
    assert max(sizes) == TABLE_LINES


def test_the_table_of_names_is_bounded() -> None:
    names = fields_module._FieldNames()
    sizes = set()
    for n in range(3 * TABLE_NAMES):
        assert names[b"X-%d" % n][0] == f"X-{n}"
        sizes.add(len(names))
    assert max(sizes) == TABLE_NAMES
    before = dict(names)
    assert names[b"X" * (NAME_SIZE + 1)][0] == "X" * (NAME_SIZE + 1)
    with pytest.raises(ProtocolError):
        names[b"no token"]
    assert names == before


def tables() -> list[object]:
    """All that connections keep of fields, wherever it is."""
    modules = (head_module, writing_module)
    values = [value for module in modules for value in vars(module).values()]
    sections = [value for value in values if isinstance(value, FieldSections)]
    kept = [part for value in sections for part in (value.lines, value._kept)]
    return [value for value in values if isinstance(value, FormattedFields)] + kept


def test_no_connection_keeps_a_secret() -> None:
    """Heads, trailers and informational responses, either way."""
    secret = "open-sesame-8730"
    line = b"%b: " + secret.encode()
    lines = b"\r\n".join([line % name.encode() for name in SECRETS])
    request = b"GET / HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n\r\n"
    response = b"HTTP/1.1 103 Hints\r\n" + lines + b"\r\n\r\nHTTP/1.1 204 No\r\n" + lines + b"\r\n\r\n"
    fields = [(name, secret) for name in SECRETS]

    answering = feed(server(), [request]).connection
    assert secret.encode() in answering.send_informational(103, "Hints", fields)
    assert secret.encode() in answering.send_head(200, "OK", fields, None)
    assert secret.encode() in answering.send_end([("X-Api-Key", secret)])
    assert len(feed(client(), [response]).messages) == 2

    assert len(tables()) == 5  # lines and sections of requests and of responses, fields written
    assert any(tables())
    for table in tables():
        assert secret not in repr(table)


# Small grammars


@pytest.mark.parametrize("octet", range(256))
def test_is_token(octet: int) -> None:
    is_tchar = bytes([octet]).isalnum() or octet in b"!#$%&'*+-.^_`|~"
    assert is_token(bytes([octet])) is is_tchar
    assert is_token(b"a%cb" % octet) is is_tchar


def test_a_token_is_not_empty() -> None:
    assert not is_token(b"")


@pytest.mark.parametrize(
    "value",
    ["a", "a.b-c_d~e", "a:1", "a:", "1.2.3.4:65535", "[::]", "[::ffff:1.2.3.4]:1", "%c3%bc", "[v1.x]"],
)
def test_is_host(value: str) -> None:
    assert is_host(value)


@pytest.mark.parametrize(
    "value",
    ["", ":80", "a b", "a/", "u@a", "a:b", "a:123456", "[", "[]", "[::", "::1", "ü", "a\n", "a" * 301],
)
def test_is_no_host(value: str) -> None:
    assert not is_host(value)


def test_list_members() -> None:
    assert list(list_members("")) == []
    assert list(list_members(" , ,\t,")) == []
    assert list(list_members("Close,keep-alive ,\tX\t")) == ["close", "keep-alive", "x"]
    assert list(list_members("a b, c")) == ["a b", "c"]


def test_members_have_the_case_of_ASCII_alone() -> None:
    assert list(list_members("\N{KELVIN SIGN}eep-alive")) != ["keep-alive"]


MEDIA_TYPES = {
    "": ("", {}),
    "Text/HTML": ("text/html", {}),
    "text/html; Charset=UTF-8": ("text/html", {"charset": "UTF-8"}),
    "text/html ;charset = utf-8 ": ("text/html", {"charset": "utf-8"}),
    'text/html; charset="utf-8"': ("text/html", {"charset": "utf-8"}),
    'a/b; c="d;e=f"; g=h': ("a/b", {"c": "d;e=f", "g": "h"}),
    'a/b; c="d\\"e\\\\f"': ("a/b", {"c": 'd"e\\f'}),
    'a/b; c=""': ("a/b", {"c": ""}),
    "a/b; c=d; C=e": ("a/b", {"c": "d"}),
    "a/b; c; =d; ; e=f": ("a/b", {"e": "f"}),
    "a/b; c=d=e": ("a/b", {"c": "d=e"}),
    'a/b; c="d; e=f': ("a/b", {"c": '"d; e=f'}),
    "; a=b": ("", {"a": "b"}),
}


@pytest.mark.parametrize(("value", "parsed"), MEDIA_TYPES.items())
def test_parse_media_type(value: str, parsed: tuple[str, dict[str, str]]) -> None:
    assert parse_media_type(value) == parsed


@pytest.mark.parametrize("unit", ['"', "\\", '\\"', ';"', '"\\', ";", "a=", '"a\\"b'])
def test_CVE_2024_24762_media_types_take_linear_time(unit: str) -> None:
    """A value of 64 KiB that backtracks would take minutes."""
    essence, _ = parse_media_type('a/b"' + unit * (64 * 1024 // len(unit)))
    assert essence.startswith("a/b")
