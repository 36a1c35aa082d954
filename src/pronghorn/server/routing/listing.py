"""What a router holds, to be looked at."""

from collections.abc import Collection, Iterable, Iterator

from .resource import AbstractResource
from .route import AbstractRoute


class ResourcesView(Collection[AbstractResource]):
    """The resources of a router, as they were when this was made."""

    def __init__(self, resources: Iterable[AbstractResource]) -> None:
        self._resources = list(resources)

    def __len__(self) -> int:
        return len(self._resources)

    def __iter__(self) -> Iterator[AbstractResource]:
        return iter(self._resources)

    def __contains__(self, resource: object) -> bool:
        return resource in self._resources


class RoutesView(Collection[AbstractRoute]):
    """The routes of a router, as they were when this was made."""

    def __init__(self, resources: Iterable[AbstractResource]) -> None:
        self._routes = [route for resource in resources for route in resource]

    def __len__(self) -> int:
        return len(self._routes)

    def __iter__(self) -> Iterator[AbstractRoute]:
        return iter(self._routes)

    def __contains__(self, route: object) -> bool:
        return route in self._routes
