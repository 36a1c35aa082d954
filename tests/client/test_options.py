"""What type checkers are told of a request's keywords is what it takes."""

import inspect
from typing import get_type_hints

from pronghorn.client.options import RequestOptions
from pronghorn.client.session import ClientSession

_TAKEN = inspect.signature(ClientSession._request).parameters
_OPTIONS = [one for name, one in _TAKEN.items() if name not in ("self", "method", "url")]


def test_every_keyword_is_told() -> None:
    assert set(get_type_hints(RequestOptions)) == {one.name for one in _OPTIONS}
    assert not RequestOptions.__required_keys__


def test_none_of_them_is_needed() -> None:
    assert [one.name for one in _OPTIONS if one.default is inspect.Parameter.empty] == []
