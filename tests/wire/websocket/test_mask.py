import random
import sys
from importlib.util import module_from_spec, spec_from_file_location
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.wire.websocket import mask as masking
from pronghorn.wire.websocket.mask import (
    mask,
    mask_in_place,
    mask_in_place_in_python,
    mask_in_python,
    masking_keys,
)

from .exchanging import KEY, xor

SIZES = [*range(20), 124, 125, 126, 4095, 4096, 4097, 4098, 4099, 4100, 65536, 100_003]
WAYS = [mask_in_python] if mask is mask_in_python else [mask_in_python, mask]
IN_PLACE = [mask_in_place_in_python, mask_in_place][: len(WAYS)]


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def way(request: pytest.FixtureRequest) -> masking.Callable[[masking.Octets, bytes], bytes]:
    return request.param


def test_without_a_compiler_it_is_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pronghorn.wire.websocket._mask", None)
    spec = spec_from_file_location("pronghorn.wire.websocket.mask_again", masking.__file__)
    again = module_from_spec(spec)
    spec.loader.exec_module(again)
    assert again.mask is again.mask_in_python
    assert again.mask_in_place is again.mask_in_place_in_python
    assert again.mask(b"Hello", KEY) == mask(b"Hello", KEY)


def test_example_of_section_5_7(way) -> None:
    assert way(b"Hello", KEY) == bytes.fromhex("7f9f4d5158")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_each_octet_with_one_of_the_key_in_turn(way, size: int, kind) -> None:
    data = random.Random(size).randbytes(size)
    masked = way(kind(data), KEY)
    assert type(masked) is bytes
    assert masked == xor(data, KEY)
    assert way(masked, KEY) == data


@pytest.mark.parametrize("key", [bytes(4), b"\xff" * 4, b"\x00\x00\x00\x01", b"\x80\x00\x00\x00"])
@pytest.mark.parametrize("size", [1, 5, 8, 5001])
def test_keys_at_the_edges(way, key: bytes, size: int) -> None:
    data = random.Random(size).randbytes(size)
    assert way(data, key) == xor(data, key)


def test_it_leaves_alone_what_it_is_given(way) -> None:
    for size in (16, 5000):
        data = bytearray(size)
        way(data, b"abcd")
        assert data == bytes(size)


def test_a_view_into_something_larger(way) -> None:
    data = bytes(range(256)) * 40
    for start, stop in ((3, 20), (7, 9000)):
        assert way(memoryview(data)[start:stop], KEY) == xor(data[start:stop], KEY)


@pytest.mark.parametrize("in_place", IN_PLACE, ids=lambda in_place: in_place.__name__)
@pytest.mark.parametrize("size", SIZES)
def test_in_place_it_changes_what_it_is_given_and_nothing_around_it(in_place, size: int) -> None:
    data = random.Random(size).randbytes(size)
    for before in (0, 1, 7):
        memory = bytearray(b"x" * before + data + b"after")
        assert in_place(memoryview(memory)[before : before + size], KEY) is None
        assert memory == b"x" * before + xor(data, KEY) + b"after"


@pytest.mark.skipif(len(WAYS) == 1, reason="the mask in C was not built")
def test_in_place_it_refuses_what_it_cannot_mask() -> None:
    for args in ((b"bytes", KEY), (bytearray(3), b"key"), (bytearray(3),), (bytearray(3), "keys"), (3, KEY)):
        with pytest.raises((TypeError, ValueError, BufferError)):
            mask_in_place(*args)


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_all_ways_agree(data: bytes, key: bytes) -> None:
    assert {each(data, key) for each in WAYS} == {xor(data, key)}


def test_keys_are_new_each_time() -> None:
    keys = list(islice(masking_keys(), 1000))
    assert {len(key) for key in keys} == {4}
    assert len(set(keys)) > 990  # of 2**32
    assert set(keys).isdisjoint(islice(masking_keys(), 5))
