import pytest

from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.multipart import (
    boundary_of,
    boundary_parameter,
    check_boundary,
    close_delimiter,
    make_boundary,
    part_head,
)

# Boundaries in fields

TYPES = {
    "multipart/form-data; boundary=b": b"b",
    "Multipart/Mixed;BOUNDARY=b": b"b",
    'multipart/mixed; charset="utf-8"; boundary="a b"; x=y': b"a b",
    "multipart/related; boundary=----=_Part:(1)/2?": b"----=_Part:(1)/2?",
    "multipart/form-data; boundary=*****": b"*****",
    "multipart/form-data; boundary=" + "b" * 70: b"b" * 70,
    'multipart/form-data; boundary="a,b;c"': b"a,b;c",
    "multipart/form-data; boundary=b; boundary*=utf-8''c": b"b",
}


@pytest.mark.parametrize(("content_type", "boundary"), TYPES.items())
def test_boundary_of(content_type: str, boundary: bytes) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain; boundary=b",
        "multipart; boundary=b",
        "multipart/; boundary=b",
        "xmultipart/mixed; boundary=b",
        "multipart/form-data",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        'multipart/form-data; boundary="b',
        'multipart/form-data; boundary="b"c',
        'multipart/form-data; boundary="b "',
        'multipart/form-data; boundary="a\\b"',
        "multipart/form-data; boundary=a b",
        "multipart/form-data; boundary=a,b",
        "multipart/form-data, boundary=b",
        "multipart/form-data; boundary=b; boundary=b",
        "multipart/form-data; boundary=b; Boundary=c",
        "multipart/form-data; boundary*=utf-8''b",
        "multipart/form-data; boundary*0=b",
        "multipart/form-data; boundary=ü",
        "multipart/form-data; boundary=a\r\nb",
        "multipart/form-data; boundary=a\0b",
        "multipart/form-data; boundary=" + "b" * 71,
    ],
)
def test_a_boundary_that_can_be_taken_for_another(content_type: str) -> None:
    with pytest.raises(ProtocolError, match=r"^Content-Type: "):
        boundary_of(content_type)


def test_CVE_2024_24762_a_content_type_takes_linear_time() -> None:
    for unit in (";", "; ", '"', "\\", '="', "a=b;"):
        with pytest.raises(ProtocolError):
            boundary_of("multipart/form-data; boundary=" + unit * 500_000)


# Writing


def test_make_boundary() -> None:
    boundaries = {make_boundary() for _ in range(100)}
    assert len(boundaries) == 100
    assert all(check_boundary(boundary) == boundary and len(boundary) == 32 for boundary in boundaries)


@pytest.mark.parametrize(("boundary", "parameter"), [(b"b", "boundary=b"), (b"a:b c", 'boundary="a:b c"')])
def test_boundary_parameter(boundary: bytes, parameter: str) -> None:
    assert boundary_parameter(boundary) == parameter
    assert boundary_of(f"multipart/mixed; {parameter}") == boundary


def test_what_only_others_send_as_a_boundary() -> None:
    with pytest.raises(ValueError, match="characters allowed there"):
        check_boundary(b"*****")


def test_part_head() -> None:
    assert part_head(b"b", []) == b"--b\r\n\r\n"
    fields = [("A", "b"), ("Content-Length", "3"), ("A", "ü")]
    assert part_head(b"b", fields) == b"--b\r\nA: b\r\nContent-Length: 3\r\nA: \xc3\xbc\r\n\r\n"
    assert close_delimiter(b"b") == b"--b--\r\n"


@pytest.mark.parametrize("octet", [*range(9), *range(10, 32), 127])
@pytest.mark.parametrize("name", ["Content-Type", "Content-Disposition", "X"])
def test_CVE_2026_34514_CVE_2026_50269_no_control_character_is_written(name: str, octet: int) -> None:
    with pytest.raises(ValueError, match="control character"):
        part_head(b"b", [(name, f"a{octet:c}b")])
    with pytest.raises(ValueError, match="expected a token"):
        part_head(b"b", [(f"{name}{octet:c}", "a")])


def test_nothing_is_written_that_would_not_be_read() -> None:
    with pytest.raises(ValueError, match="expected Content-Type once"):
        part_head(b"b", [("Content-Type", "a/b"), ("content-type", "a/b")])
    with pytest.raises(TypeError):
        part_head(b"b", [("X", 5)])  # type: ignore[list-item]  # that it is refused is the point
