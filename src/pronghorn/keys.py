"""Keys that know the type of their value, for what applications, requests and responses hold."""

import sys
import warnings
from typing import Any, Generic, TypeVar, get_args

T = TypeVar("T")


class NotAppKeyWarning(UserWarning):
    """A key was set that is not of the kind made for the place. Not shown unless warnings are asked for."""


# Behind every other filter. Plain keys are no mistake, and who runs a program can seldom change it.
warnings.filterwarnings("ignore", category=NotAppKeyWarning, append=True)


class BaseKey(Generic[T]):
    """A key equal to itself alone, for a value of one type: that of ``t``, or of ``Key[type](name)``.

    ``name`` is for people: best that of the variable. It is preceded by the module that the call stands in.
    Keys can be ordered, by name, and come before everything else.
    """

    def __init__(self, name: str, t: type[T] | None = None) -> None:
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_globals.get("__name__") == "typing":
            frame = frame.f_back  # `AppKey[int]("name")` is called by typing
        self._name = f"{frame.f_globals.get('__name__')}.{name}"
        self._t = t

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self._name}, type={_shown(self._type())})>"

    def __lt__(self, other: object) -> bool:
        return not isinstance(other, BaseKey) or self._name < other._name

    def __gt__(self, other: object) -> bool:
        return isinstance(other, BaseKey) and self._name > other._name

    def _type(self) -> Any:
        if self._t is not None:
            return self._t
        # Set by typing, once the key is made.
        return next(iter(get_args(getattr(self, "__orig_class__", None))), None)


class AppKey(BaseKey[T]):
    """A key of `Application`."""


class RequestKey(BaseKey[T]):
    """A key of `Request`."""


class ResponseKey(BaseKey[T]):
    """A key of `Response`, `StreamResponse` and their like."""


def _shown(kind: Any) -> str:
    if kind is None:
        return "<<Unknown>>"
    if not isinstance(kind, type):
        return repr(kind)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
