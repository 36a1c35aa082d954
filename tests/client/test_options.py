"""What type checkers are told of a request's keywords is what it takes."""

import inspect
from typing import get_type_hints

from pronghorn.client.options import RequestOptions
from pronghorn.client.session import ClientSession


def test_every_keyword_is_told() -> None:
    taken = inspect.signature(ClientSession._request).parameters
    keywords = {name for name, one in taken.items() if one.kind is inspect.Parameter.KEYWORD_ONLY}
    assert set(get_type_hints(RequestOptions)) == keywords
    assert not RequestOptions.__required_keys__


def test_none_of_them_is_needed() -> None:
    taken = inspect.signature(ClientSession._request).parameters
    assert [
        name
        for name, one in taken.items()
        if one.kind is inspect.Parameter.KEYWORD_ONLY and one.default is inspect.Parameter.empty
    ] == []
