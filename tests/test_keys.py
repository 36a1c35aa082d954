import subprocess
import sys
from collections.abc import Callable, Iterable
from random import Random
from threading import Thread
from typing import Any

import pytest

from pronghorn.keys import AppKey, BaseKey, NotAppKeyWarning, RequestKey, ResponseKey

KINDS = [AppKey, RequestKey, ResponseKey]
AT_MODULE_LEVEL = AppKey("at_module_level", int)
GENERIC = AppKey[Iterable[int]]("generic")


class Plugin:
    KEY = RequestKey("key", str)
    GENERIC = RequestKey[str | None]("generic")


def made_by(make: Callable[[], BaseKey[Any]]) -> BaseKey[Any]:
    """Calls it in another frame, as a factory or a decorator does."""
    return make()


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_are_apart(kind: type[BaseKey[Any]]) -> None:
    assert isinstance(kind("a"), BaseKey)
    assert [other for other in KINDS if isinstance(kind("a"), other)] == [kind]


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (AT_MODULE_LEVEL, f"<AppKey({__name__}.at_module_level, type=int)>"),
        (GENERIC, f"<AppKey({__name__}.generic, type=collections.abc.Iterable[int])>"),
        (Plugin.KEY, f"<RequestKey({__name__}.key, type=str)>"),
        (Plugin.GENERIC, f"<RequestKey({__name__}.generic, type=str | None)>"),
        (ResponseKey("a", Plugin), f"<ResponseKey({__name__}.a, type={__name__}.Plugin)>"),
        (AppKey[int]("a"), f"<AppKey({__name__}.a, type=int)>"),
        (AppKey[None]("a"), f"<AppKey({__name__}.a, type=NoneType)>"),
        (AppKey[int]("a", bool), f"<AppKey({__name__}.a, type=bool)>"),
        (AppKey[list[int]]("a"), f"<AppKey({__name__}.a, type=list[int])>"),
        (AppKey("a"), f"<AppKey({__name__}.a, type=<<Unknown>>)>"),
        (made_by(lambda: AppKey("a", int)), f"<AppKey({__name__}.a, type=int)>"),
        (made_by(lambda: AppKey[int]("a")), f"<AppKey({__name__}.a, type=int)>"),
    ],
)
def test_it_tells_its_module_name_and_type(key: BaseKey[Any], shown: str) -> None:
    assert repr(key) == shown


def test_its_module_is_that_of_who_makes_it_wherever_it_is_called() -> None:
    namespace: dict[str, Any] = {"__name__": "shop.keys", "AppKey": AppKey}
    source = """
MODULE = AppKey("a", int)
def make():
    return AppKey[int]("b")
class C:
    KEY = AppKey("c", int)
"""
    exec(source, namespace)
    found = [namespace["MODULE"], namespace["make"](), namespace["C"].KEY]
    assert list(map(repr, found)) == [f"<AppKey(shop.keys.{name}, type=int)>" for name in "abc"]


def test_it_can_be_made_in_a_thread() -> None:
    made: list[AppKey[int]] = []
    thread = Thread(target=lambda: made.append(AppKey("a", int)))
    thread.start()
    thread.join()
    assert repr(made[0]) == f"<AppKey({__name__}.a, type=int)>"


def test_it_is_equal_to_itself_alone() -> None:
    one, other = AppKey("a", int), AppKey("a", int)
    assert one == {0: one}[0]
    assert one != other
    assert {one: 1, other: 2} == {other: 2, one: 1}
    assert len({one, other, one}) == 2


def test_keys_are_ordered_by_name_and_before_everything_else() -> None:
    keys = [AppKey("a"), RequestKey("b", int), AppKey("c", str)]
    assert [key < other for key in keys for other in keys] == [
        False,
        True,
        True,
        *[False] * 2,
        True,
        *[False] * 3,
    ]
    assert keys[0] < ""
    assert not keys[0] > ""
    mixed: list[Any] = [*keys, "a", "b"]
    for seed in range(20):
        assert sorted(Random(seed).sample(mixed, len(mixed))) == mixed


def test_the_warning_is_one_for_users() -> None:
    assert issubclass(NotAppKeyWarning, UserWarning)


@pytest.mark.parametrize(
    ("options", "is_shown"), [((), False), (("-W", "default"), True), (("-W", "ignore"), False)]
)
def test_the_warning_is_shown_to_those_who_ask(options: tuple[str, ...], is_shown: bool) -> None:
    code = "import warnings; from pronghorn.keys import NotAppKeyWarning as W; warnings.warn('a str key', W)"
    done = subprocess.run(
        [sys.executable, "-E", *options, "-c", f"import sys; sys.path[:0] = {sys.path}; {code}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ("NotAppKeyWarning: a str key" in done.stderr) is is_shown
