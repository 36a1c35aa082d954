import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.wire.challenges import (
    Challenge,
    format_credentials,
    parse_auth_parameters,
    parse_challenges,
    quoted_string,
)

from ..worktime import LINEAR, growth

C = Challenge

READ = {
    # RFC 9110 section 11.6.1, whose first challenge has one parameter and whose second has three
    'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""': [
        C("basic", {"realm": "simple"}),
        C("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'}),
    ],
    'Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"': [
        C("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'}),
        C("basic", {"realm": "simple"}),
    ],
    # schemes alone
    "": [],
    " \t,, ,": [],
    "Negotiate": [C("negotiate", {})],
    "NTLM, Negotiate": [C("ntlm", {}), C("negotiate", {})],
    ' ,, Negotiate ,\t, Basic realm="a" , ': [C("negotiate", {}), C("basic", {"realm": "a"})],
    # token68
    "Negotiate oQcwBaADCgEA": [C("negotiate", {}, "oQcwBaADCgEA")],
    "Negotiate abc==, Basic realm=a": [C("negotiate", {}, "abc=="), C("basic", {"realm": "a"})],
    "A a-._~+/9= \t, B": [C("a", {}, "a-._~+/9="), C("b", {})],
    # spaces, in all places
    'Digest  \trealm = "a b" ,nonce\t=\tc , ': [C("digest", {"realm": "a b", "nonce": "c"})],
    "Digest , realm=a": [C("digest", {"realm": "a"})],
    "Digest, realm=a,, ,nonce=b": [C("digest", {"realm": "a", "nonce": "b"})],
    # names in any case
    "DIGEST REALM=A": [C("digest", {"realm": "A"})],
    "Digest username*=UTF-8''%C3%BC": [C("digest", {"username*": "UTF-8''%C3%BC"})],
    # what quotes protect
    'Digest realm="a, Basic realm=b", nonce="c=d"': [
        C("digest", {"realm": "a, Basic realm=b", "nonce": "c=d"})
    ],
    'A b=""': [C("a", {"b": ""})],
    'A b="\t "': [C("a", {"b": "\t "})],
    'A b="\xfc\udcff\u0130"': [C("a", {"b": "\xfc\udcff\u0130"})],
    # escapes, each undone once
    r'A b="\a\b"': [C("a", {"b": "ab"})],
    r'A b="\\"': [C("a", {"b": "\\"})],
    r'A b="\\\""': [C("a", {"b": '\\"'})],
    r'A b="\\\\n"': [C("a", {"b": r"\\n"})],
    r'A b="c\", d=\"e"': [C("a", {"b": 'c", d="e'})],
    r'A b="c\\", d="e"': [C("a", {"b": "c\\", "d": "e"})],
    # values that need quotes and have none
    "Digest nonce=ab/c+d==, qop=auth": [C("digest", {"nonce": "ab/c+d==", "qop": "auth"})],
    "Digest domain=http://host/a?b;c opaque, a": [C("a", {})],
    "Digest domain=http://host/a?b;c, opaque=": [C("digest", {"domain": "http://host/a?b;c", "opaque": ""})],
    r"A b=c\d": [C("a", {"b": r"c\d"})],
    "A b='c d', e": [C("e", {})],
    "A b==c": [C("a", {"b": "=c"})],
    # A token without "=" begins a challenge, wherever it stands.
    "Digest qop=auth,auth-int, nonce=a": [C("digest", {"qop": "auth"}), C("auth-int", {"nonce": "a"})],
    # what belongs to nothing
    "realm=a": [],
    'realm="a", nonce=b, Basic realm=c': [C("basic", {"realm": "c"})],
    '"Basic realm=a", Digest realm=b': [C("digest", {"realm": "b"})],
    "A =b": [],
    "A b, C =d": [],
}

MALFORMED = [
    # a name twice
    "A b=c, b=c",
    "A b=c, B=d",
    'A b=c, d=e, b="c"',
    # a token68 and more
    "A bcd, e=f",
    "A b=, e=f",
    # no parameter
    "A b c",
    "A b=c d",
    "A b=c d=e",
    'A b="c"d',
    'A b="c" d',
    'A b="c""d"',
    'A b=c"d"',
    'A "b"=c',
    "A b:c",
    "A b\xfc=c",
    "A \u0130=c",
    "A b;c",
    "A b=c, @",
    "A b=c, =d",
    'A b=c, "d"',
    # control characters
    'A b="\0"',
    'A b="\r\n"',
    'A b="\x7f"',
    'A b="\\\n"',
    "A b=\0",
    "A b=c\x1f",
    # a quote or an escape that does not end
    'A b="c',
    'A b="',
    'A b="c\\',
    'A b="c\\"',
    'A b=c, "',
    'A b=c, "\\',
]


@pytest.mark.parametrize("value", READ)
def test_parse_challenges(value: str) -> None:
    assert parse_challenges([value]) == READ[value]


@pytest.mark.parametrize("value", MALFORMED)
def test_a_malformed_challenge_is_left_out_alone(value: str) -> None:
    assert parse_challenges([value]) == []
    assert parse_challenges([f"X x=1, {value}"]) == [C("x", {"x": "1"})]
    assert parse_challenges(["X x=1", value, "Y y=1"]) == [C("x", {"x": "1"}), C("y", {"y": "1"})]
    if value.replace('\\"', "").count('"') % 2 == 0:
        assert parse_challenges([f"{value}, q=1, Y y=1"]) == [C("y", {"y": "1"})]


def test_what_is_in_quotes_without_an_end_is_no_challenge() -> None:
    assert parse_challenges(['A b="c, Basic realm=d, Digest realm="e"']) == []
    assert parse_challenges(['A b="c, Basic realm=d', "Digest realm=e"]) == [C("digest", {"realm": "e"})]


def test_field_lines_are_apart() -> None:
    assert parse_challenges([]) == []
    assert parse_challenges(["Digest realm=a", "nonce=b", "Basic realm=c"]) == [
        C("digest", {"realm": "a"}),
        C("basic", {"realm": "c"}),
    ]
    assert parse_challenges(iter(["A", "A", "A b=c"])) == [C("a", {}), C("a", {}), C("a", {"b": "c"})]


PARAMETERS = {
    (): {},
    ("",): {},
    (", ,",): {},
    ('nextnonce="a", qop=auth , NC = 00000001,',): {"nextnonce": "a", "qop": "auth", "nc": "00000001"},
    ("a=b", "c=d"): {"a": "b", "c": "d"},
    (r'a="b\"c\\"',): {"a": 'b"c\\'},
    # A part of what can't be understood is not believed.
    ("a=b, a=c",): {},
    ("a=b", "A=b"): {},
    ("a=b, c",): {},
    ("a=b", 'c="d'): {},
    ("Digest a=b",): {},
}


@pytest.mark.parametrize("values", PARAMETERS)
def test_parse_auth_parameters(values: tuple[str, ...]) -> None:
    assert parse_auth_parameters(values) == PARAMETERS[values]


@given(st.lists(st.text(st.sampled_from('ab=",\\ \t;\x00\xfc'), max_size=60), max_size=3))
def test_whatever_comes_is_read(values: list[str]) -> None:
    for challenge in parse_challenges(values):
        assert challenge.scheme
        assert not (challenge.parameters and challenge.token68)
        assert "\0" not in "".join(challenge.parameters.values())
    assert isinstance(parse_auth_parameters(values), dict)


# One more of a kind costs what the one before did.
REPEATED = [
    "A ",
    "A b=c,",
    "b=c,",
    'A b="c",',
    "a",
    "=",
    " ",
    '"',
    '\\"',
    '"\\',
    'a="',
    'a="\\',
    "A b=,",
    "a ",
    '",',
    'a="b",',
]


@pytest.mark.timed
@pytest.mark.parametrize("part", REPEATED)
@pytest.mark.parametrize("before", ["", "A ", 'A b="', "A b="])
def test_time_is_linear(part: str, before: str) -> None:
    # What is passed over in one step is done so quickly that it has to be done often to be measured.
    size, times = (5_000, 1) if "," in part else (50_000, 8)

    def read(size: int) -> None:
        value = before + part * size
        for _ in range(times):
            parse_challenges([value])
            parse_auth_parameters([value])

    assert growth(read, size) < LINEAR


# Writing

QUOTED = {
    "": '""',
    "a b": '"a b"',
    'a"b': r'"a\"b"',
    "a\\": r'"a\\"',
    '\\"': r'"\\\""',
    "\t": '"\t"',
    "\xfc\udcff": '"\xfc\udcff"',
}


@pytest.mark.parametrize("text", QUOTED)
def test_quoted_string(text: str) -> None:
    assert quoted_string(text) == QUOTED[text]


@pytest.mark.parametrize("control", [chr(code) for code in (*range(0x20), 0x7F) if code != 0x09])
def test_control_characters_are_not_quoted(control: str) -> None:
    for text in (control, f"secret{control}", f"{control}secret"):
        with pytest.raises(ValueError, match="control character") as raised:
            quoted_string(text)
        assert "secret" not in str(raised.value)
        with pytest.raises(ValueError, match="control character"):
            format_credentials("Digest", {"a": text})


def test_format_credentials() -> None:
    assert format_credentials("Negotiate", {}) == "Negotiate"
    assert format_credentials("Digest", {"b": "c", "a": 'd"'}) == r'Digest b="c", a="d\""'
    assert format_credentials("Digest", {"a": "b", "nc": "1"}, {"nc", "qop"}) == 'Digest a="b", nc=1'
    assert (
        format_credentials("Digest", {"username*": "UTF-8''%C3"}, {"username*"})
        == "Digest username*=UTF-8''%C3"
    )


@pytest.mark.parametrize("name", ["", "a b", "a=", 'a"', "a\r\n", "a,", "\xfc", "\u212a"])
def test_what_is_no_token_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="token as scheme"):
        format_credentials(name, {})
    with pytest.raises(ValueError, match="token as name"):
        format_credentials("Digest", {name: "a"})
    with pytest.raises(ValueError, match="token as value of a"):
        format_credentials("Digest", {"a": name}, {"a"})


def test_no_message_shows_a_value() -> None:
    with pytest.raises(ValueError, match="value of a") as raised:
        format_credentials("Digest", {"a": "my secret"}, {"a"})
    assert "secret" not in str(raised.value)


TOKENS = st.text(st.sampled_from("!#$%&'*+-.^_`|~09azAZ"), min_size=1, max_size=12)
QUOTABLE = st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from('\t"\\,= \udc80\udcff'))
WRITTEN = st.tuples(
    TOKENS,
    st.dictionaries(TOKENS.map(str.lower), QUOTABLE, max_size=5),
    st.dictionaries(TOKENS.map(str.lower), TOKENS, max_size=3),
)


@given(st.lists(WRITTEN, max_size=4))
def test_what_is_written_is_read(written: list[tuple[str, dict[str, str], dict[str, str]]]) -> None:
    challenges = [C(scheme.lower(), {**quoted, **bare}) for scheme, quoted, bare in written]
    values = [format_credentials(scheme, {**quoted, **bare}, bare) for scheme, quoted, bare in written]
    assert parse_challenges(values) == challenges
    assert parse_challenges([", ".join(values)]) == challenges
    for value, challenge in zip(values, challenges, strict=True):
        assert parse_auth_parameters([value.partition(" ")[2]]) == challenge.parameters
