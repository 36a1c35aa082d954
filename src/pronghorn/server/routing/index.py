"""Which resources a path may belong to, found by its segments and in the order of precedence.

The longest fixed beginning goes first, and among resources with the same one the order of registration. A
beginning is found by one look-up for each of the path's segments at most. Where many patterns have the same,
a tree of their segments leaves those that can fit: a thousand routes are looked through as fast as ten.
"""

from collections.abc import Iterable, Iterator
from typing import Final, final

from .paths import SLASH, folder_of
from .resource import AbstractResource, DynamicResource, PlainResource

#: Up to here trying them one by one is faster than a tree.
_FEW: Final = 8

#: A resource and its place in the order of registration.
_Placed = tuple[int, AbstractResource]


@final
class PathIndex:
    """The resources of a router. It is made anew when they have changed."""

    def __init__(self) -> None:
        self._resources: list[AbstractResource] = []
        self._buckets: dict[str, _Bucket] = {}
        self._is_current = True
        self._longest = 0
        #: Plain paths that no other resource goes before; of one path, in the order of registration.
        #: Empty until `candidates` was asked, after each change.
        self.plain: dict[str, tuple[PlainResource, ...]] = {}

    def add(self, resource: AbstractResource) -> None:
        """Take ``resource`` up, behind the others."""
        self._resources.append(resource)
        self._forget()

    def remove(self, resource: AbstractResource) -> None:
        """Leave ``resource`` out from now on; ValueError if it is not there."""
        self._resources.remove(resource)
        self._forget()

    def candidates(self, path: str) -> Iterable[AbstractResource]:
        """The resources that may match a comparable ``path``, in the order of precedence."""
        if not self._is_current:
            self._build()
        prefix = path
        if len(path) > self._longest:
            # Nothing begins with more than this: a path of a thousand slashes costs no thousand look-ups.
            prefix = path[: max(0, path.rfind(SLASH, 0, self._longest + 1))] or SLASH
        bucket = self._find(prefix)
        return () if bucket is None else bucket.candidates(path)

    def _find(self, prefix: str) -> "_Bucket | None":
        """The bucket of ``prefix``, or of the longest folder around it that has one."""
        buckets = self._buckets
        while (bucket := buckets.get(prefix)) is None:
            if prefix == SLASH or not prefix:
                return None
            prefix = prefix.rpartition(SLASH)[0] or SLASH
        return bucket

    def _forget(self) -> None:
        self._is_current = False
        self.plain.clear()

    def _build(self) -> None:
        self._is_current = True
        groups: dict[str, list[_Placed]] = {}
        for place, resource in enumerate(self._resources):
            groups.setdefault(resource.index_key, []).append((place, resource))
        self._longest = max(map(len, groups), default=0)
        self._buckets = {}
        for key in sorted(groups, key=len):
            outer = None if key == SLASH else self._find(folder_of(key))
            self._buckets[key] = _Bucket(groups[key], outer)
        for placed in groups.values():
            self._index_plain(resource for _, resource in placed)

    def _index_plain(self, resources: Iterable[AbstractResource]) -> None:
        for resource in resources:
            if type(resource) is not PlainResource:
                return  # what follows comes after it
            path = resource.compared
            self.plain[path] = (*self.plain.get(path, ()), resource)


@final
class _Bucket:
    """The resources with one fixed beginning; ``outer`` is that of a shorter one."""

    __slots__ = ("_all", "_loose", "_outer", "_placed", "_tree")

    def __init__(self, placed: list[_Placed], outer: "_Bucket | None") -> None:
        self._placed = placed
        self._outer = outer
        self._tree: _Node | None = None
        #: Those that no tree can hold.
        self._loose: list[_Placed] = []
        #: What is here and further out, if there is no tree among them.
        self._all: tuple[AbstractResource, ...] | None = None
        if len(placed) > _FEW:
            self._plant()
        elif outer is None:
            self._all = tuple(resource for _, resource in placed)
        elif outer._all is not None:
            self._all = (*(resource for _, resource in placed), *outer._all)

    def candidates(self, path: str) -> Iterable[AbstractResource]:
        return self._walk(path) if self._all is None else self._all

    def _walk(self, path: str) -> Iterator[AbstractResource]:
        found = self._placed
        if self._tree is not None:
            found = [*self._loose]
            self._tree.collect(path.split(SLASH), 0, found)
            found.sort(key=_place_of)
        for _, resource in found:
            yield resource
        if self._outer is not None:
            yield from self._outer.candidates(path)

    def _plant(self) -> None:
        tree = self._tree = _Node()
        for place, resource in self._placed:
            segments: tuple[str | None, ...] | None = None
            if isinstance(resource, DynamicResource):
                segments = resource.segments
            elif type(resource) is PlainResource:
                segments = tuple(resource.compared.split(SLASH))
            if segments is None:
                self._loose.append((place, resource))
            else:
                tree.add(segments, (place, resource))


@final
class _Node:
    """Where the paths are that go on in the same way."""

    __slots__ = ("_fixed", "_here", "_variable")

    def __init__(self) -> None:
        self._here: list[_Placed] = []
        self._fixed: dict[str, _Node] = {}
        self._variable: _Node | None = None

    def add(self, segments: tuple[str | None, ...], placed: _Placed) -> None:
        node = self
        for segment in segments:
            if segment is not None:
                node = node._fixed.setdefault(segment, _Node())
            else:
                if node._variable is None:
                    node._variable = _Node()
                node = node._variable
        node._here.append(placed)

    def collect(self, segments: list[str], at: int, found: list[_Placed]) -> None:
        """Add to ``found`` what ``segments`` from ``at`` on lead to."""
        if at == len(segments):
            found += self._here
            return
        fixed = self._fixed.get(segments[at])
        if fixed is not None:
            fixed.collect(segments, at + 1, found)
        if self._variable is not None:
            self._variable.collect(segments, at + 1, found)


def _place_of(placed: _Placed) -> int:
    return placed[0]
