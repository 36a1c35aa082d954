import warnings
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pronghorn.keys import AppKey, NotAppKeyWarning, RequestKey
from pronghorn.server.storage import Storage

NUMBER = AppKey("number", int)


class Particular(Storage):
    """One that is made for keys of one kind."""

    _key_class = AppKey


@pytest.mark.parametrize("keys", [("a", "b"), (NUMBER, AppKey("b", int)), ("a", NUMBER)])
def test_it_is_a_mapping(keys: tuple[Any, Any]) -> None:
    first, second = keys
    storage = Storage()
    assert (len(storage), list(storage), first in storage, storage.get(first)) == (0, [], False, None)
    storage[first] = 1
    storage[second] = 2
    assert dict(storage) == {first: 1, second: 2}
    assert (storage[first], storage.get(second), storage.get(first, 3), first in storage) == (1, 2, 1, True)
    del storage[first]
    assert list(storage) == [second]
    assert (storage.get(first), storage.get(first, 3), storage.setdefault(second, 3)) == (None, 3, 2)
    assert storage.pop(second) == 2
    assert len(storage) == 0


@pytest.mark.parametrize("is_used", [False, True])
@pytest.mark.parametrize("key", ["missing", AppKey("missing", int)])
def test_what_is_not_there(is_used: bool, key: Any) -> None:
    storage = Storage()
    if is_used:
        storage["a"] = 1
        del storage["a"]
    with pytest.raises(KeyError, match="missing"):
        storage[key]
    with pytest.raises(KeyError, match="missing"):
        del storage[key]
    assert storage.get(key, 1) == 1


def test_keys_of_one_name_are_apart() -> None:
    storage = Storage()
    one, other = AppKey("a", int), AppKey("a", int)
    storage[one], storage[other], storage["a"] = 1, 2, 3
    assert (storage[one], storage[other], storage["a"]) == (1, 2, 3)


def test_two_of_them_share_nothing() -> None:
    one, other = Storage(), Storage()
    one["a"] = 1
    assert "a" not in other


def test_equal_to_itself_alone_and_always_true() -> None:
    one, other = Storage(), Storage()
    assert one == {0: one}[0]
    assert one != other
    assert len({one, other}) == 2
    assert bool(one) is True


def test_nothing_is_made_until_it_is_used() -> None:
    storage = Storage()
    assert (storage.get("a"), "a" in storage, list(storage)) == (None, False, [])
    assert vars(storage) == {}


@pytest.mark.parametrize(("key", "kind"), [("a", "str"), (RequestKey("a", int), "RequestKey")])
def test_a_key_of_another_kind_warns_each_time_where_it_is_set(key: Any, kind: str) -> None:
    storage = Particular()
    for value in (1, 2):
        with pytest.warns(
            NotAppKeyWarning, match=f"^Particular: expected a key of AppKey, got {kind}$"
        ) as caught:
            storage[key] = value
        assert [Path(warning.filename) for warning in caught] == [Path(__file__)]
        assert storage[key] == value


def test_once_for_a_key_and_for_not_too_many() -> None:
    class Patient(Particular):
        _warned: ClassVar[set[object]] = set()

    storage = Patient()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", NotAppKeyWarning)
        for number in range(1000):
            storage[f"a{number}"] = storage["a"] = number
    assert {warning.filename for warning in caught} == {__file__}
    assert len(caught) == len(Patient._warned) == 256
    assert len(storage) == 1001


def test_nothing_else_warns() -> None:
    storage: Storage = Particular()
    storage[NUMBER] = 1
    assert (storage[NUMBER], storage.get("a"), "a" in storage) == (1, None, False)
    with pytest.warns(NotAppKeyWarning):
        storage["a"] = 1
    assert storage["a"] == storage.get("a") == 1
    del storage["a"]


def test_what_is_refused_is_not_kept() -> None:
    storage = Particular()
    with warnings.catch_warnings():
        warnings.simplefilter("error", NotAppKeyWarning)
        with pytest.raises(NotAppKeyWarning):
            storage["a"] = 1
    assert len(storage) == 0
