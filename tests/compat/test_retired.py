import copy
import pickle

import pytest

from pronghorn.compat import retired
from pronghorn.compat.retired import SUCCESSORS, RetiredNameError

each_path = pytest.mark.parametrize("path", SUCCESSORS)
#: Of the documents that begin with `aiohttp.errors`, what has no successor of its own name.
DOCUMENTED = """
    helpers.Timeout helpers.requote_uri helpers.str_to_bytes helpers.unquote_unreserved
    multipart.BodyPartWriter
    parsers.StreamParser parsers.StreamProtocol parsers.StreamWriter parsers.ParserBuffer
    parsers.LinesParser parsers.ChunksParser
    signals.BaseSignal signals.DebugSignal signals.PreSignal signals.PostSignal
    streams.ChunksQueue streams.FlowControlStreamReader streams.FlowControlChunksQueue
    wsgi.WSGIServerHttpProtocol wsgi.FileWrapper wsgi.WsgiResponse
""".split()


def retired_name(path: str) -> type:
    found = getattr(retired, path.rpartition(".")[2])
    assert isinstance(found, type)
    return found


def test_all_are_there() -> None:
    assert set(DOCUMENTED) <= SUCCESSORS.keys()
    assert list(SUCCESSORS) == sorted(SUCCESSORS)


def test_a_name_is_of_one_module() -> None:
    assert len({path.rpartition(".")[2] for path in SUCCESSORS}) == len(SUCCESSORS)


@each_path
def test_it_is_one_class(path: str) -> None:
    cls = retired_name(path)
    assert cls is retired_name(path)
    assert cls.__name__ == path.rpartition(".")[2]
    assert cls.__doc__ == f"Gone: use {SUCCESSORS[path]}."
    assert pickle.loads(pickle.dumps(cls)) is cls


@each_path
def test_using_it_says_what_took_its_place(path: str) -> None:
    with pytest.raises(RetiredNameError) as raised:
        retired_name(path)(1, 2, loop=None)
    error = raised.value
    assert (error.name, error.successor) == (f"aiohttp.{path}", SUCCESSORS[path])
    assert str(error) == f"aiohttp.{path} has no meaning any more: use {SUCCESSORS[path]}"


@each_path
def test_a_class_can_be_derived_from_it(path: str) -> None:
    class Derived(retired_name(path)):  # type: ignore[misc]  # that it is one, is known at run time
        def __init__(self, application: object) -> None:
            super().__init__()
            self.application = application

    with pytest.raises(RetiredNameError, match=f"aiohttp.{path} has no meaning"):
        Derived(None)


def test_nothing_is_an_instance() -> None:
    assert not isinstance(object(), retired_name("streams.ChunksQueue"))


@pytest.mark.parametrize("name", ["Nothing", "parsers.StreamParser", "__path__"])
def test_other_names_are_unknown(name: str) -> None:
    with pytest.raises(AttributeError, match=f"'pronghorn.compat.retired' has no attribute '{name}'"):
        getattr(retired, name)


def test_the_error_is_typed_and_can_be_copied() -> None:
    error = RetiredNameError("aiohttp.a", "b")
    assert isinstance(error, NotImplementedError)
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is RetiredNameError
        assert (other.name, other.successor, str(other)) == ("aiohttp.a", "b", str(error))
