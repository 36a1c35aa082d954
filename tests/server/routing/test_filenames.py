"""Which paths can be names, on each platform."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.server.routing.filenames import decode_path, names_in

DECODED = {
    "a.txt": "a.txt",
    "a/b": "a/b",
    "": "",
    "a%20b": "a b",
    "caf%C3%A9": "caf\u00e9",
    "%FF": "\udcff",
    "%2e%2e/a": "../a",
    # Once: what that brings up is not decoded again.
    "%252e": "%2e",
    "%25%32%66": "%2f",
    "%": "%",
    "%zz": "%zz",
    "a%00b": "a\0b",
    # A separator that was not one makes another path.
    "a%2fb": None,
    "%2Fetc": None,
    "..%2f": None,
}


@pytest.mark.parametrize(("raw", "path"), DECODED.items())
def test_decoding(raw: str, path: str | None) -> None:
    assert decode_path(raw) == path


NAMES = {
    "": (),
    "a": ("a",),
    "a/b.txt": ("a", "b.txt"),
    ".hidden": (".hidden",),
    "..a": ("..a",),
    "a..": None,
    "...": None,
    "a b": ("a b",),
    "caf\u00e9": ("caf\u00e9",),
    "console": ("console",),
    "com10": ("com10",),
    "COM": ("COM",),
    "auxiliary.txt": ("auxiliary.txt",),
    "x.nul": ("x.nul",),
    "%2e%2e": ("%2e%2e",),
}
NEVER = [
    "..",
    ".",
    "../a",
    "a/..",
    "a/../b",
    "./a",
    "/",
    "/etc/passwd",
    "//host/share",
    "a//b",
    "a/",
    "a\0b",
    "\0",
    "a" * 256,
    "\u00e9" * 128,
]
#: Legal on POSIX, and harm on Windows.
ON_POSIX = [
    "a\\b",
    "..\\a",
    "\\\\host\\share",
    "\\etc",
    "C:",
    "C:\\a",
    "c:a",
    "a.txt:b",
    "a.txt::$DATA",
    "CON",
    "con",
    "NUL",
    "aux.txt",
    "AUX.tar.gz",
    "con .txt",
    "prn",
    "COM1",
    "lpt9.log",
    "COM\u00b9",
    "CONIN$",
    "conout$",
    "x/NUL/y",
    "a.",
    "a ",
    "a. .",
    ". ",
    "...",
    "a..",
    "a?",
    "a*",
    "a<b",
    'a"b',
    "a|b",
    "a\x01",
    "a\nb",
]


@pytest.mark.parametrize(("path", "names"), NAMES.items())
def test_names(path: str, names: tuple[str, ...] | None) -> None:
    assert names_in(path, is_windows=True) == names
    assert names_in(path, is_windows=False) == (tuple(path.split("/")) if path else ())


@pytest.mark.parametrize("is_windows", [True, False])
@pytest.mark.parametrize("path", NEVER)
def test_what_is_no_name_anywhere(path: str, is_windows: bool) -> None:
    assert names_in(path, is_windows=is_windows) is None


@pytest.mark.parametrize("path", ON_POSIX)
def test_what_does_harm_on_windows(path: str) -> None:
    assert names_in(path, is_windows=True) is None
    assert names_in(path, is_windows=False) == tuple(path.split("/"))


@given(st.text(".%2eEfF5c/\\:a\0 ", max_size=20), st.booleans())
def test_nothing_leads_out(raw: str, is_windows: bool) -> None:
    path = decode_path(raw)
    names = None if path is None else names_in(path, is_windows=is_windows)
    for name in names or ():
        assert name not in ("", ".", "..")
        assert "/" not in name
        assert "\0" not in name
        assert not is_windows or not {"\\", ":"} & set(name)
