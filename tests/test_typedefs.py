"""The types of what is taken: they say what the functions accept."""

import json
import os
import subprocess
import sys
import types
import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http.cookies import BaseCookie, Morsel, SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy, istr
from yarl import URL

from pronghorn import typedefs, web


def accepts(kind: Any, value: object) -> bool:
    """Whether ``value`` is of one of the kinds that a union names, as far as that shows at run time."""
    kinds = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    return any(isinstance(value, typing.get_origin(one) or one) for one in kinds)


def test_every_name_is_there() -> None:
    assert typedefs.__all__ == sorted(typedefs.__all__)
    public = {name for name in vars(typedefs) if not name.startswith("_") and name[0].isupper()}
    imported = {name for name in public if hasattr(sys.modules["typing"], name) or hasattr(types, name)}
    borrowed = {"Awaitable", "BaseCookie", "CIMultiDict", "CIMultiDictProxy", "Callable", "Iterable"}
    borrowed |= {"Mapping", "Morsel", "TYPE_CHECKING", "URL"}
    defaults = {"DEFAULT_JSON_DECODER", "DEFAULT_JSON_ENCODER"}
    assert public - imported - borrowed - defaults == set(typedefs.__all__)


@pytest.mark.parametrize(
    ("name", "accepted", "refused"),
    [
        ("Byteish", [b"", bytearray(), memoryview(b"")], ["", 1, None]),
        ("StrOrURL", ["http://host/", URL("http://host/")], [b"", None]),
        ("PathLike", ["a", Path("a")], [b"a", None, 1]),
        (
            "LooseHeaders",
            [{"A": "1"}, {istr("A"): "1"}, CIMultiDict(A="1"), CIMultiDictProxy(CIMultiDict()), [("A", "1")]],
            [None, 1],
        ),
        ("LooseCookies", [{"a": "1"}, {"a": Morsel()}, [("a", "1")], SimpleCookie("a=1")], [None, 1]),
        ("LooseCookiesMappings", [{"a": "1"}, SimpleCookie()], [None, [("a", "1")]]),
        ("LooseCookiesIterables", [[("a", "1")], iter([])], [None, 1]),
        ("RawHeaders", [((b"A", b"1"),)], [None, [(b"A", b"1")]]),
    ],
)
def test_what_is_accepted(name: str, accepted: list[object], refused: list[object]) -> None:
    kind = getattr(typedefs, name)
    assert [value for value in accepted if not accepts(kind, value)] == []
    assert [value for value in refused if accepts(kind, value)] == []


def test_what_they_are_made_of() -> None:
    assert typedefs.RawHeaders == tuple[tuple[bytes, bytes], ...]
    assert typing.get_args(typedefs.PathLike) == (str, os.PathLike[str])
    cookie = str | BaseCookie[str] | Morsel[Any]
    assert typedefs.LooseCookiesMappings == Mapping[str, cookie]
    assert typedefs.LooseCookiesIterables == Iterable[tuple[str, cookie]]
    assert typedefs.JSONEncoder == Callable[[Any], str]
    assert typedefs.JSONBytesEncoder == Callable[[Any], bytes]
    assert typedefs.JSONDecoder == Callable[[str], Any]


def test_json_is_that_of_the_standard_library() -> None:
    assert typedefs.DEFAULT_JSON_ENCODER is json.dumps
    assert typedefs.DEFAULT_JSON_DECODER is json.loads


@pytest.mark.parametrize(
    ("name", "parameters"), [("Handler", [web.Request]), ("Middleware", [web.Request, typedefs.Handler])]
)
def test_handlers_and_middlewares(name: str, parameters: list[Any]) -> None:
    # The server is named by a string, since it is loaded only by who uses it.
    def annotated(handler: Any) -> None: ...

    annotated.__annotations__["handler"] = getattr(typedefs, name)
    resolved = typing.get_type_hints(annotated, {"web": web})["handler"]
    handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
    wanted = [handler if kind is typedefs.Handler else kind for kind in parameters]
    assert resolved == Callable[wanted, Awaitable[web.StreamResponse]]


def test_they_load_no_side() -> None:
    code = "import json, sys, pronghorn.typedefs; print(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(json.loads(done.stdout))
    ours = {name for name in loaded if name.startswith("pronghorn.")}
    assert ours == {"pronghorn._version", "pronghorn.names", "pronghorn.typedefs"}
    assert not loaded & {"asyncio", "ssl"}
