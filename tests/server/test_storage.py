import pytest

from pronghorn.server.storage import Storage


def test_it_is_a_mapping() -> None:
    storage = Storage()
    assert (len(storage), list(storage), "a" in storage, storage.get("a")) == (0, [], False, None)
    storage["a"] = 1
    storage["b"] = 2
    assert dict(storage) == {"a": 1, "b": 2}
    del storage["a"]
    assert list(storage) == ["b"]
    assert storage.pop("b") == 2
    assert len(storage) == 0


@pytest.mark.parametrize("is_used", [False, True])
def test_what_is_not_there(is_used: bool) -> None:
    storage = Storage()
    if is_used:
        storage["a"] = 1
        del storage["a"]
    with pytest.raises(KeyError, match="missing"):
        storage["missing"]
    with pytest.raises(KeyError, match="missing"):
        del storage["missing"]


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
