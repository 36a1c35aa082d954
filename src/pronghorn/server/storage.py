"""A place on requests, responses and applications where others leave things."""

import warnings
from collections.abc import Iterator, MutableMapping
from typing import Any, ClassVar, Final, TypeVar, overload

from ..keys import BaseKey, NotAppKeyWarning

T = TypeVar("T")
U = TypeVar("U")

#: Keys that are warned of once. A warning that nobody sees costs 3 us all the same, with every request.
_WARNED: Final = 256


class Storage(MutableMapping[str | BaseKey[Any], Any]):
    """A mapping that costs nothing until something is put into it; equal to itself alone, and always true.

    A key is a `BaseKey`, which knows the type of its value, or a str.
    """

    #: The kind of keys that is meant to be here; setting one of another kind warns.
    _key_class: ClassVar[type] = object
    #: Other keys that were warned of, where that is done once for each; None warns each time.
    _warned: ClassVar[set[object] | None] = None
    #: How far away who sets a key is, as warnings count it.
    _stacklevel: ClassVar[int] = 2
    _stored: dict[str | BaseKey[Any], Any] | None = None

    @overload
    def __getitem__(self, key: BaseKey[T]) -> T: ...
    @overload
    def __getitem__(self, key: str) -> Any: ...
    def __getitem__(self, key: str | BaseKey[Any]) -> Any:
        if self._stored is None:
            raise KeyError(key)
        return self._stored[key]

    @overload
    def __setitem__(self, key: BaseKey[T], value: T) -> None: ...
    @overload
    def __setitem__(self, key: str, value: Any) -> None: ...
    def __setitem__(self, key: str | BaseKey[Any], value: Any) -> None:
        if not isinstance(key, self._key_class) and (self._warned is None or key not in self._warned):
            self._warn_of(key)
        if self._stored is None:
            self._stored = {}
        self._stored[key] = value

    def _warn_of(self, key: object) -> None:
        warned = self._warned
        if warned is not None:
            if len(warned) >= _WARNED:
                return
            warned.add(key)
        # Without the key itself: what warnings remember has to stay as small as the program.
        expected, got = self._key_class.__name__, type(key).__name__
        warnings.warn(
            f"{type(self).__name__}: expected a key of {expected}, got {got}",
            NotAppKeyWarning,
            stacklevel=self._stacklevel + 1,
        )

    def __delitem__(self, key: str | BaseKey[Any]) -> None:
        if self._stored is None:
            raise KeyError(key)
        del self._stored[key]

    def __len__(self) -> int:
        return 0 if self._stored is None else len(self._stored)

    def __iter__(self) -> Iterator[str | BaseKey[Any]]:
        return iter(() if self._stored is None else self._stored)

    @overload  # type: ignore[override]  # narrower than of any mapping: the key knows the type
    def get(self, key: BaseKey[T], default: None = None) -> T | None: ...
    @overload
    def get(self, key: BaseKey[T], default: U) -> T | U: ...
    @overload
    def get(self, key: str, default: Any = None) -> Any: ...
    def get(self, key: str | BaseKey[Any], default: Any = None) -> Any:
        """What is under ``key``, or ``default``."""
        return default if self._stored is None else self._stored.get(key, default)

    def __bool__(self) -> bool:
        return True

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __eq__(self, other: object) -> bool:
        return self is other
