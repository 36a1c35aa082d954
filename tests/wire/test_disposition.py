import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.wire.disposition import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    content_disposition_filename,
    content_disposition_header,
    disposition_parameter,
    parse_content_disposition,
    split_parameters,
)

from ..worktime import LINEAR, growth

# Reading

READ = {
    None: (None, {}),
    "": (None, {}),
    "inline": ("inline", {}),
    "INLINE": ("inline", {}),
    'attachment; filename="a.html"': ("attachment", {"filename": "a.html"}),
    "attachment; filename=a.html": ("attachment", {"filename": "a.html"}),
    "attachment; FILENAME=A.html": ("attachment", {"filename": "A.html"}),
    "attachment;filename=a ;size=1": ("attachment", {"filename": "a", "size": "1"}),
    'attachment \t; filename\t= "a"\t': ("attachment", {"filename": "a"}),
    "attachment;": ("attachment", {}),
    "attachment; ;; filename=a;": ("attachment", {"filename": "a"}),
    'attachment; filename=""': ("attachment", {"filename": ""}),
    'attachment; filename="a;b=c"': ("attachment", {"filename": "a;b=c"}),
    r'attachment; filename="\"a\" \\ \b"': ("attachment", {"filename": '"a" \\ b'}),
    'attachment; filename="50%.html"': ("attachment", {"filename": "50%.html"}),
    'attachment; filename="ü\udcfc"': ("attachment", {"filename": "ü\udcfc"}),
    "attachment; filename='a'": ("attachment", {"filename": "'a'"}),
    'form-data; name="a"': ("form-data", {"name": "a"}),
    'form-data; name="a"; filename="b.txt"': ("form-data", {"name": "a", "filename": "b.txt"}),
    'form-data; filename="b.txt"; name=a': ("form-data", {"filename": "b.txt", "name": "a"}),
    "attachment; filename*=UTF-8''%c3%A4-%e2%82%ac.html": ("attachment", {"filename*": "ä-€.html"}),
    "attachment; filename*=utf-8'en'a%20b": ("attachment", {"filename*": "a b"}),
    "attachment; filename*=iso-8859-1''%E4": ("attachment", {"filename*": "ä"}),
    "attachment; filename*=''%C3%A4": ("attachment", {"filename*": "ä"}),
    "attachment; filename*=UTF-8''%2541": ("attachment", {"filename*": "%41"}),
    "attachment; filename*=UTF-8''a; filename=b": ("attachment", {"filename*": "a", "filename": "b"}),
    'attachment; filename*0="a;"; filename*1=b': ("attachment", {"filename*0": "a;", "filename*1": "b"}),
    "attachment; filename*0*=UTF-8''%c3; filename*1*=%a4": (
        "attachment",
        {"filename*0*": "UTF-8''%c3", "filename*1*": "%a4"},
    ),
}


@pytest.mark.parametrize(("header", "told"), READ.items())
def test_parse_content_disposition(header: str | None, told: tuple[str | None, dict[str, str]]) -> None:
    assert parse_content_disposition(header) == told


REFUSED = [
    '"inline"',
    "in line",
    "in{line",
    "; filename=a",
    "filename=a",
    "attachment filename=a",
    "attachment; filename",
    "attachment; inline; filename=a",
    "attachment; filename=",
    "attachment; filename=a,b",
    "attachment; filename=a b",
    "attachment; filename=a/b",
    "attachment; filename=ä",
    "attachment; filename==a",
    'attachment; filename="a',
    'attachment; filename="a\\"',
    'attachment; filename="a"b',
    'attachment; filename="a""b"',
    'attachment; filename=a"b"',
    'attachment; "filename"=a',
    "attachment; file name=a",
    'attachment; filename="a"; filename="b"',
    "attachment; filename=a; FileName=a",
    "attachment; filename*=UTF-8''a; filename*=UTF-8''b",
    "attachment; " + "n" * 65 + "=a",
    "attachment" + "; a=b" * 129,
]


@pytest.mark.parametrize("header", REFUSED)
def test_refused(header: str) -> None:
    with pytest.warns(BadContentDispositionHeader, match=r"^Content-Disposition: "):
        assert parse_content_disposition(header) == (None, {})


@pytest.mark.parametrize("octet", [*range(9), *range(10, 32), 127])
@pytest.mark.parametrize(
    "header", ['form-data; name="a{}b"', 'form-data; name="a"; filename="{}"', "form-data{}", "a; b=c{}"]
)
def test_no_control_character(header: str, octet: int) -> None:
    with pytest.warns(BadContentDispositionHeader):
        assert parse_content_disposition(header.format(chr(octet))) == (None, {})


LEFT_OUT = [
    "=a",
    "a@b=c",
    "filename**=a",
    "filename*x=a",
    "filename*01=a",
    "filename*1234=a",
    "filename*=",
    "filename*=a",
    "filename*=UTF-8'a",
    "filename*=UTF-8''a'b",
    "filename*=UTF-8''a b",
    "filename*=UTF-8''a/b",
    "filename*=UTF-8''%",
    "filename*=UTF-8''%4",
    "filename*=UTF-8''%zz",
    "filename*=\"UTF-8''a\"",
    "filename*=UTF-8''%ff",
    "filename*=UTF-8''%ed%a0%80",
    "filename*=unknown''a",
    "filename*=utf-7''a",
    "filename*=idna''a",
    "filename*=punycode''a",
    "filename*0*=a b",
    "filename*0*=",
]


@pytest.mark.parametrize("parameter", LEFT_OUT)
def test_a_parameter_left_out(parameter: str) -> None:
    with pytest.warns(BadContentDispositionParam, match=r"^Content-Disposition: a parameter: "):
        told = parse_content_disposition(f"attachment; {parameter}; size=1")
    assert told == ("attachment", {"size": "1"})


@pytest.mark.parametrize("octet", ["00", "0a", "0d", "1b", "7f"])
def test_an_ext_value_carries_no_control_character_in(octet: str) -> None:
    with pytest.warns(BadContentDispositionParam):
        told = parse_content_disposition(f"attachment; filename=a; filename*=UTF-8''b%{octet}c")
    assert told == ("attachment", {"filename": "a"})
    assert disposition_parameter({"filename*0*": f"UTF-8''b%{octet}c"}, "filename") is None


def test_CVE_2025_47287_what_came_is_in_no_warning() -> None:
    """The interpreter remembers the text of each warning for good: a peer must not choose it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for number in range(100):
            for header in (f"a b{number}", f"a; b={number}/", f"a; b*={number}/", f"a; {number}@=b"):
                parse_content_disposition(header)
    assert len(caught) == 400
    assert len({str(warning.message) for warning in caught}) == 4


# In a form


@pytest.mark.parametrize(
    "starred", ["filename*=UTF-8''b.php", "filename*0=b.php", "filename*0*=UTF-8''b.php"]
)
@pytest.mark.parametrize("plain", ['; filename="a.txt"', ""])
def test_GHSA_vffw_93wf_4j4q_a_form_has_no_ext_values(starred: str, plain: str) -> None:
    """RFC 7578 section 4.2. What another reader before us does not see is not there."""
    name = {"filename": "a.txt"} if plain else {}
    for header in (f'x; name="n"{plain}; {starred}', f'x; {starred}; name="n"{plain}'):
        form = header.replace("x", "form-data", 1)
        assert parse_content_disposition(form) == ("form-data", {"name": "n", **name})
        assert parse_content_disposition(header, in_form=True) == ("x", {"name": "n", **name})
        _, parameters = parse_content_disposition(form, in_form=False)
        seen = "a.txt" if plain and "*0" in starred else "b.php"
        assert content_disposition_filename(parameters) == seen


def test_a_form_keeps_the_backslashes_of_browsers() -> None:
    header = r'form-data; name="a\"b\\c\ d"; filename="C:\Users\new\x.txt"'
    _, parameters = parse_content_disposition(header)
    assert parameters == {"name": 'a"b\\c d', "filename": r"C:\Users\new\x.txt"}
    _, parameters = parse_content_disposition(header, in_form=False)
    assert parameters == {"name": 'a"b\\c d', "filename": "C:Usersnewx.txt"}


def test_percent_signs_stay() -> None:
    """A browser's %22 can't be told from one that a user typed, and %0D%0A had better stay that."""
    _, parameters = parse_content_disposition('form-data; name="a%22b%0D%0A"')
    assert parameters == {"name": "a%22b%0D%0A"}


@given(st.text("ab ;=*%äß'()", max_size=8), st.none() | st.text('a/"; .ü', max_size=8))
def test_what_is_read_at_once_is_what_is_read_in_steps(name: str, filename: str | None) -> None:
    usual = f'form-data; name="{name}"' + ("" if filename is None else f'; filename="{filename}"')
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert parse_content_disposition(usual) == parse_content_disposition(usual + ";")


# Names of files

PARAMETERS = [
    ({}, None),
    ({"name": "a"}, None),
    ({"filename": "a"}, "a"),
    ({"filename": ""}, ""),
    ({"filename": "a", "filename*": "b"}, "b"),
    ({"filename": "a", "filename*0": "b"}, "a"),
    ({"filename*0": "a", "filename*1": "b"}, "ab"),
    ({"filename*1": "b", "filename*0": "a"}, "ab"),
    ({"filename*0": "a", "filename*2": "b"}, "a"),
    ({"filename*1": "a"}, None),
    ({"filename*0*": "UTF-8''%c3", "filename*1*": "%a4", "filename*2": "%20'"}, "ä%20'"),
    ({"filename*0*": "iso-8859-1'de'%e4", "filename*1*": "%e4"}, "ää"),
    ({"filename*0*": "a%20", "filename*1*": "b"}, "a b"),
    ({"filename*0*": "UTF-8''%ff"}, None),
    ({"filename*0*": "unknown''a"}, None),
    ({"filename*0": "a\udcff"}, None),
]


@pytest.mark.parametrize(("parameters", "filename"), PARAMETERS)
def test_content_disposition_filename(parameters: dict[str, str], filename: str | None) -> None:
    assert content_disposition_filename(parameters) == filename
    assert disposition_parameter(parameters, "filename") == filename


def test_another_name() -> None:
    parameters = {"name": "a/b", "filename": "c"}
    assert disposition_parameter(parameters, "name") == "a/b"
    assert content_disposition_filename(parameters, name="name") == "b"


PATHS = {
    "../../etc/passwd": "passwd",
    "/etc/passwd": "passwd",
    "..\\..\\boot.ini": "boot.ini",
    "C:\\Users\\a.txt": "a.txt",
    "\\\\host\\share\\a.txt": "a.txt",
    "C:a.txt": "a.txt",
    "a/C:b": "b",
    "a/b\\c/d": "d",
    "..": "",
    ".": "",
    "a/..": "",
    "a/": "",
    "C:": "",
    "C:..": "",
    "...": "...",
    ".bashrc": ".bashrc",
    "10:30.txt": "10:30.txt",
}


@pytest.mark.parametrize(("path", "name"), PATHS.items())
def test_CVE_2026_24486_a_filename_is_no_path(path: str, name: str) -> None:
    assert content_disposition_filename({"filename": path}) == name
    assert content_disposition_filename({"filename*": path}) == name
    assert content_disposition_filename({"filename*0": path}) == name
    assert disposition_parameter({"filename": path}, "filename") == path


# Writing

WRITTEN = [
    ("attachment", {}, "attachment"),
    ("form-data", {"name": "a", "filename": "b.txt"}, 'form-data; name="a"; filename="b.txt"'),
    ("form-data", {"name": ""}, 'form-data; name=""'),
    ("form-data", {"name": 'a"b\\c d[]'}, r'form-data; name="a\"b\\c d[]"'),
    ("form-data", {"name": "имя"}, 'form-data; name="имя"'),
    ("form-data", {"filename": "a ü[1].txt"}, 'form-data; filename="a%20%C3%BC%5B1%5D.txt"'),
    ("attachment", {"filename": "a.txt"}, 'attachment; filename="a.txt"'),
    ("attachment", {"filename": "ü"}, "attachment; filename=\"%C3%BC\"; filename*=utf-8''%C3%BC"),
    ("attachment", {"name": "a b", "x": "ü"}, "attachment; name=\"a b\"; x*=utf-8''%C3%BC"),
]


@pytest.mark.parametrize(("disposition", "parameters", "header"), WRITTEN)
def test_content_disposition_header(disposition: str, parameters: dict[str, str], header: str) -> None:
    assert content_disposition_header(disposition, **parameters) == header


def test_in_another_charset() -> None:
    header = content_disposition_header("attachment", _charset="iso-8859-1", filename="ä")
    assert header == "attachment; filename=\"%E4\"; filename*=iso-8859-1''%E4"
    assert parse_content_disposition(header)[1]["filename*"] == "ä"
    assert content_disposition_header("form-data", _charset="iso-8859-1", filename="ä").endswith('="%E4"')


# https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
BROWSERS = [
    ({"name": "a b"}, 'form-data; name="a b"'),
    ({"name": 'a"b'}, 'form-data; name="a%22b"'),
    ({"name": "a%22b"}, 'form-data; name="a%22b"'),
    ({"name": "a\r\nb\nc\rd"}, 'form-data; name="a%0D%0Ab%0D%0Ac%0D%0Ad"'),
    ({"filename": "a\r\nb\nc\rd"}, 'form-data; filename="a%0D%0Ab%0Ac%0Dd"'),
    ({"name": "имя", "filename": "ü.txt"}, 'form-data; name="имя"; filename="ü.txt"'),
    ({"filename": "a\\b"}, 'form-data; filename="a\\\\b"'),
]


@pytest.mark.parametrize(("parameters", "header"), BROWSERS)
def test_as_browsers_do(parameters: dict[str, str], header: str) -> None:
    assert content_disposition_header("form-data", quote_fields=False, **parameters) == header


@pytest.mark.parametrize("name", ["name", "filename", "x"])
@pytest.mark.parametrize("disposition", ["form-data", "attachment"])
@pytest.mark.parametrize("octet", [*range(9), *range(10, 32), 127])
def test_CVE_2026_50269_no_control_character_is_written(octet: int, disposition: str, name: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        content_disposition_header(disposition, **{name: f"a{octet:c}b"})
    if octet not in b"\r\n":
        with pytest.raises(ValueError, match="control character"):
            content_disposition_header(disposition, quote_fields=False, **{name: f"a{octet:c}b"})


@pytest.mark.parametrize("text", ["", "a b", "a;", 'a"', "a\r\n", "ü", "a="])
def test_tokens_are_tokens(text: str) -> None:
    with pytest.raises(ValueError, match="expected a token"):
        content_disposition_header(text)
    with pytest.raises(ValueError, match="expected a token"):
        content_disposition_header("form-data", **{text: "a"})
    with pytest.raises((ValueError, LookupError)):
        content_disposition_header("attachment", _charset=text + "'", filename="ü")


@pytest.mark.parametrize("name", ["filename*", "filename*0", "*"])
def test_a_name_is_given_without_its_star(name: str) -> None:
    with pytest.raises(ValueError, match=r"without '\*'"):
        content_disposition_header("attachment", **{name: "a"})


def test_what_can_not_be_written() -> None:
    with pytest.raises(TypeError, match="expected str for name, got int"):
        content_disposition_header("form-data", name=5)  # type: ignore[arg-type]  # refused
    with pytest.raises(ValueError, match="encode"):
        content_disposition_header("attachment", _charset="ascii", filename="ü")
    with pytest.raises(LookupError, match="unknown"):
        content_disposition_header("attachment", _charset="unknown", filename="ü")


VALUES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\"\\;=%*'\t /"), max_size=20
)


@given(st.sampled_from(["form-data", "attachment"]), VALUES, VALUES, st.booleans())
def test_what_is_written_is_read_back(disposition: str, name: str, filename: str, quote: bool) -> None:
    header = content_disposition_header(disposition, quote, name=name, filename=filename)
    told, parameters = parse_content_disposition(header)
    assert told == disposition
    if not quote:
        name, filename = name.replace('"', "%22"), filename.replace('"', "%22")
    assert disposition_parameter(parameters, "name") == name
    if quote and disposition == "form-data":
        assert "*" not in header.partition("filename=")[2]
    else:
        assert disposition_parameter(parameters, "filename") == filename


# Time


def test_split_parameters() -> None:
    assert split_parameters('Multipart/Mixed ; a=b ;C="d;\\"e"') == (
        "Multipart/Mixed",
        [("a", "b "), ("C", '"d;\\"e"')],
    )
    assert split_parameters("a/b; c") is None
    assert split_parameters('a/b"; c=d') is None


STARTS = ["", 'form-data; name="', "attachment; filename*=", "a; b", "a;"]
UNITS = [";", " ", '"', "\\", "=", "*", "'", "%", '\\"', "; ", ' "', "a=b;", "a*0=b;", ';"', "%41", 'a="b";']


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("unit", UNITS)
def test_CVE_2024_24762_linear_time(start: str, unit: str) -> None:
    """2 MB of anything; what backtracks would take hours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        disposition, parameters = parse_content_disposition(start + unit * (2_000_000 // len(unit)))
    assert disposition is None or len(parameters) <= 128


@pytest.mark.timed
def test_1e5_parameters() -> None:
    def work(count: int) -> None:
        with pytest.warns(BadContentDispositionHeader):
            parse_content_disposition("a" + "; b=c" * count)

    assert growth(work, 50_000) < LINEAR


@pytest.mark.timed
def test_a_filename_in_1e5_pieces() -> None:
    def work(count: int) -> None:
        parameters = {f"filename*{number}": "a/" for number in range(count)}
        assert content_disposition_filename(parameters) == ""

    assert growth(work, 50_000) < LINEAR
