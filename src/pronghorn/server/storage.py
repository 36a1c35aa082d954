"""A place on requests, responses and applications where others leave things."""

from collections.abc import Iterator, MutableMapping
from typing import Any


class Storage(MutableMapping[str, Any]):
    """A mapping that costs nothing until something is put into it; equal to itself alone, and always true."""

    _stored: dict[str, Any] | None = None

    def __getitem__(self, key: str) -> Any:
        if self._stored is None:
            raise KeyError(key)
        return self._stored[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if self._stored is None:
            self._stored = {}
        self._stored[key] = value

    def __delitem__(self, key: str) -> None:
        if self._stored is None:
            raise KeyError(key)
        del self._stored[key]

    def __len__(self) -> int:
        return 0 if self._stored is None else len(self._stored)

    def __iter__(self) -> Iterator[str]:
        return iter(() if self._stored is None else self._stored)

    def __bool__(self) -> bool:
        return True

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __eq__(self, other: object) -> bool:
        return self is other
