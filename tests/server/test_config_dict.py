"""Several mappings seen as one."""

import pytest

from pronghorn.keys import AppKey
from pronghorn.server.config_dict import ChainMapProxy

KEY = AppKey("key", int)
OTHER = AppKey("other", int)


def test_the_first_that_has_a_key_counts() -> None:
    chain = ChainMapProxy([{"a": 1, KEY: None}, {"a": 2, "b": 3, KEY: 4}])
    assert (chain["a"], chain["b"], chain[KEY]) == (1, 3, None)
    assert (chain.get("a"), chain.get("c"), chain.get("c", 5), chain.get(OTHER)) == (1, None, 5, None)
    assert "b" in chain
    assert OTHER not in chain
    with pytest.raises(KeyError, match="c"):
        _ = chain["c"]


def test_it_is_a_mapping() -> None:
    chain = ChainMapProxy([{"a": 1}, {"a": 2, "b": 3}])
    assert len(chain) == 2
    assert dict(chain) == {"a": 1, "b": 3}
    assert chain == {"a": 1, "b": 3}
    assert repr(chain) == "ChainMapProxy({'a': 1}, {'a': 2, 'b': 3})"
    assert bool(ChainMapProxy([]))
    assert dict(ChainMapProxy([])) == {}


def test_it_sees_what_changes_and_changes_nothing() -> None:
    below = {"a": 1}
    chain = ChainMapProxy([below])
    below["a"] = 2
    assert chain["a"] == 2
    with pytest.raises(TypeError):
        chain["a"] = 3  # type: ignore[index]  # that it is refused is the point
