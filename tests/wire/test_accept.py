"""Accept-Encoding (RFC 9110 section 12.5.3)."""

import pytest

from pronghorn.wire.accept import choose_coding, parse_weights

from ..worktime import LINEAR, growth

OFFERED = ("zstd", "br", "gzip", "deflate")


@pytest.mark.parametrize(
    ("field", "weights"),
    [
        ("", {}),
        ("gzip", {"gzip": 1}),
        ("gzip, deflate, br, zstd", {"gzip": 1, "deflate": 1, "br": 1, "zstd": 1}),
        ("gzip;q=0.5,br ; Q=0.125\t, *;q=0", {"gzip": 0.5, "br": 0.125, "*": 0}),
        ("gzip;q=1., br;q=0., zstd;q=1.000", {"gzip": 1, "br": 0, "zstd": 1}),
        ("GZip", {"gzip": 1}),
        ("x-gzip;q=0.5", {"gzip": 0.5}),
        ("gzip;q=0, gzip", {"gzip": 0}),
        (" ,, gzip ,", {"gzip": 1}),
    ],
)
def test_what_a_field_names(field: str, weights: dict[str, float]) -> None:
    assert parse_weights(field) == weights


@pytest.mark.parametrize(
    "member",
    [
        "gzip;q=2", "gzip;q=1.001", "gzip;q=0.1234", "gzip;q=-1", "gzip;q=.5", "gzip;q=", "gzip;q", "gzip;",
        "gzip;level=1", "gzip;q=0.5;x=1", "gz ip", "gzip q=1", "g\u212azip", "gzip;q=٠", "gzip;q=nan",
    ],
)  # fmt: skip
def test_what_is_malformed_is_left_out(member: str) -> None:
    assert parse_weights(f"{member}, br") == {"br": 1}


@pytest.mark.parametrize(
    ("field", "coding"),
    [
        (None, "identity"),
        ("", "identity"),
        ("identity", "identity"),
        ("compress", "identity"),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("deflate, gzip", "gzip"),
        ("deflate", "deflate"),
        ("gzip;q=1.0, br;q=0.9", "gzip"),
        ("gzip;q=0", "identity"),
        ("gzip;q=0.001", "gzip"),
        ("*", "zstd"),
        ("*;q=0", "identity"),
        ("*, zstd;q=0, br;q=0", "gzip"),
        ("*;q=0, gzip", "gzip"),
        ("gzip;q=0.5, identity", "identity"),
        ("gzip, identity", "gzip"),
        ("gzip;q=0.5, *;q=0.7, zstd;q=0, br;q=0, deflate;q=0", "identity"),
        ("identity;q=0, gzip", "gzip"),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        # Nothing is acceptable: what is there is sent.
        ("identity;q=0", "identity"),
        ("gzip;q=0, identity;q=0, *;q=0", "identity"),
    ],
)
def test_what_is_chosen(field: str | None, coding: str) -> None:
    assert choose_coding(field, OFFERED) == coding


def test_only_what_is_offered_is_chosen() -> None:
    assert choose_coding("br, gzip", ("gzip",)) == "gzip"
    assert choose_coding("br", ("gzip",)) == "identity"
    assert choose_coding("*", ()) == "identity"


def test_what_comes_late_is_not_looked_at() -> None:
    field = ",".join(f"x{number}" for number in range(64))
    assert len(parse_weights(f"{field},gzip")) == 64
    assert choose_coding(f"{field},gzip", OFFERED) == "identity"


@pytest.mark.timed
@pytest.mark.parametrize("piece", ["gzip;q=0.1,", ",", " ", "gzip;", "g", "\t;q=0", "gzip ;q=0.000"])
def test_the_work_is_linear(piece: str) -> None:
    assert growth(lambda size: parse_weights(piece * size), 20_000) < LINEAR
