"""What a chain of applications keeps, seen as one mapping."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, final, overload

from ..keys import AppKey

T = TypeVar("T")
U = TypeVar("U")

_MISSING: Any = object()


@final
class ChainMapProxy(Mapping[str | AppKey[Any], Any]):
    """Looks a key up in each of ``maps``, the first that has it counts. Read-only, and always true."""

    __slots__ = ("_maps",)

    def __init__(self, maps: Iterable[Any]) -> None:
        self._maps: tuple[Mapping[str | AppKey[Any], Any], ...] = tuple(maps)

    def __repr__(self) -> str:
        return f"ChainMapProxy({', '.join(map(repr, self._maps))})"

    @overload
    def __getitem__(self, key: AppKey[T]) -> T: ...
    @overload
    def __getitem__(self, key: str) -> Any: ...
    def __getitem__(self, key: str | AppKey[Any]) -> Any:
        for mapping in self._maps:
            if (found := mapping.get(key, _MISSING)) is not _MISSING:
                return found
        raise KeyError(key)

    @overload  # type: ignore[override]  # narrower than of any mapping: the key knows the type
    def get(self, key: AppKey[T], default: None = None) -> T | None: ...
    @overload
    def get(self, key: AppKey[T], default: U) -> T | U: ...
    @overload
    def get(self, key: str, default: Any = None) -> Any: ...
    def get(self, key: str | AppKey[Any], default: Any = None) -> Any:
        """What the first that has ``key`` has under it, or ``default``."""
        try:
            return self[key]
        except KeyError:
            return default

    def __contains__(self, key: object) -> bool:
        return any(key in mapping for mapping in self._maps)

    def __iter__(self) -> Iterator[str | AppKey[Any]]:
        return iter(dict.fromkeys(key for mapping in self._maps for key in mapping))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return True
