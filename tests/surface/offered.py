"""What a class of ours offers under a name: a function, a descriptor, or an attribute of its instances.

Instances are not made. What they have is read from the classes of the MRO: annotations, slots, and what their
methods assign to ``self``.
"""

import ast
import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, Final

from .signatures import resolve

#: Nothing stands in the class; each instance has it.
ON_INSTANCES: Final = object()
NOTHING: Final = object()


def member(owner: type, name: str) -> Any:
    """What stands in the class under ``name``, or ON_INSTANCES, or NOTHING."""
    for cls in owner.__mro__:
        if name in vars(cls):
            return vars(cls)[name]
    has = any(
        name in vars(cls).get("__annotations__", ()) or name in assigned(cls)
        for cls in owner.__mro__
        if cls.__module__ != "builtins"
    )
    if has or (issubclass(owner, BaseException) and name == "args"):
        return ON_INSTANCES
    # A metaclass may have it, as that of an enum has `__len__`.
    return getattr(owner, name, NOTHING)


@cache
def assigned(cls: type) -> frozenset[str]:
    """The attributes that the methods of a class assign to their first argument."""
    try:
        tree = _parsed(inspect.getsourcefile(cls) or "")
    except (OSError, TypeError):  # made in C, or at run time
        return frozenset()
    found = (tree.get(cls.__qualname__) if tree else None) or ()
    return frozenset(found)


@cache
def _parsed(path: str) -> dict[str, set[str]]:
    """By the qualified name of each class of a file, the attributes that it assigns."""
    tree = ast.parse(Path(path).read_bytes())
    classes: dict[str, set[str]] = {}

    def walk(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                name = f"{prefix}{child.name}"
                classes[name] = set(_assignments(child))
                walk(child, f"{name}.")
            elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                walk(child, prefix)

    walk(tree, "")
    return classes


def _assignments(tree: ast.ClassDef) -> list[str]:
    return [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if isinstance(node.value, ast.Name) and node.value.id == "self"
    ]


def function(value: Any) -> Callable[..., Any] | None:
    """What is called when a member is; None if it is read."""
    if isinstance(value, staticmethod | classmethod):
        return value.__func__
    if isinstance(value, property) or inspect.isdatadescriptor(value) or not callable(value):
        return None
    return value


def is_method(value: Any) -> bool:
    return isinstance(value, classmethod | staticmethod) or (callable(value) and inspect.isroutine(value))


def is_awaitable(called: Callable[..., Any]) -> bool:
    """Whether what a function returns can be awaited."""
    if inspect.iscoroutinefunction(inspect.unwrap(called)):
        return True
    return hasattr(returned(called), "__await__")


def is_async_iterable(called: Callable[..., Any]) -> bool:
    return inspect.isasyncgenfunction(called) or hasattr(returned(called), "__aiter__")


def returned(called: Callable[..., Any]) -> Any:
    """The class that a function returns, as far as it says; None if it does not."""
    if isinstance(called, type):
        return called
    if not isinstance(inspect.unwrap(called), FunctionType):
        return None
    annotation = resolve(inspect.signature(called).return_annotation, called)
    return getattr(annotation, "__origin__", annotation)
