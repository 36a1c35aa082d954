"""Files below a folder, served below a prefix.

One piece of work on a thread answers a request: no disk is asked from the event loop. What is not served, for
whatever reason, is answered alike: who asks does not learn what is there.
"""

import base64
import hashlib
import os
from collections.abc import Iterator
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import Any, Final

from yarl import URL

from ..errors import HTTPForbidden, HTTPNotFound
from ..files import CHUNK_SIZE, FileResponse, select_near
from ..opening import IsFolderError, NotServedError, below
from ..request import Request
from ..response import Response, StreamResponse
from ..selection import Selected, Wanted, select, wanted_by
from .filenames import decode_path, names_in
from .folder_index import folder_page
from .match_info import UrlMappingMatchInfo
from .paths import SLASH, comparable, quoted, raw_path_of
from .resource import Found, PrefixResource
from .route import ExpectHandler, Handler, ResourceRoute

__all__ = ["CHUNK_SIZE", "StaticResource"]

_SEPARATOR: Final = os.sep
_FILENAME: Final = "filename"
#: Files whose hash is remembered, by their path, time and size.
_MOST_HASHES: Final = 4096


class StaticResource(PrefixResource):
    """The regular files below ``directory``, at paths below ``prefix``, for GET and HEAD.

    ``show_index`` has folders answered with what is in them, otherwise that is 403. ``chunk_size`` is
    as of `FileResponse`. Symbolic links are not served, wherever in a path they are, unless
    ``follow_symlinks``: then they may lead out of ``directory``. Files whose names begin with a dot are
    served as others. ``append_version`` has `url_for` add a hash of the content.
    ValueError if ``directory`` is none.
    """

    VERSION_KEY = "v"

    def __init__(
        self,
        prefix: str,
        directory: "str | os.PathLike[str]",
        *,
        name: str | None = None,
        expect_handler: ExpectHandler | None = None,
        chunk_size: int = CHUNK_SIZE,
        show_index: bool = False,
        follow_symlinks: bool = False,
        append_version: bool = False,
    ) -> None:
        super().__init__(prefix, name=name)
        try:
            self._directory = Path(directory).expanduser().resolve(strict=True)
        except OSError as error:
            raise ValueError(f"directory: expected one that exists, got {str(directory)!r}") from error
        if not self._directory.is_dir():
            raise ValueError(f"directory: expected a directory, got {str(directory)!r}")
        self._root = str(self._directory)
        self._chunk_size = chunk_size
        self._show_index = show_index
        self._follow_symlinks = follow_symlinks
        self._append_version = append_version
        self._expect_handler = expect_handler
        self._hashes: dict[tuple[str, int, int], str] = {}
        self._routes = {
            method: ResourceRoute(method, self._handle, self, expect_handler=expect_handler)
            for method in ("GET", "HEAD")
        }

    def __repr__(self) -> str:
        name = "" if self._name is None else f"{self._name!r} "
        return f"<StaticResource {name}{self._prefix} -> {self._directory}>"

    def __iter__(self) -> Iterator[ResourceRoute]:
        return iter(self._routes.values())

    def __len__(self) -> int:
        return len(self._routes)

    def get_info(self) -> dict[str, Any]:
        return {"directory": self._directory, "prefix": self._prefix, "routes": self._routes}

    def set_options_route(self, handler: Handler) -> None:
        """Answer OPTIONS with ``handler``; RuntimeError if that has one already."""
        if "OPTIONS" in self._routes:
            raise RuntimeError("OPTIONS has a handler already")
        self._routes["OPTIONS"] = ResourceRoute("OPTIONS", handler, self, expect_handler=self._expect_handler)

    # From a path to a file

    async def resolve(self, request: Request) -> Found:
        raw = self._rest_of(request)
        filename = None if raw is None else decode_path(raw)
        if filename is None:
            return None, set()
        route = self._routes.get(request.method)
        allowed = set(self._routes)
        return (None if route is None else UrlMappingMatchInfo({_FILENAME: filename}, route)), allowed

    def _rest_of(self, request: Request) -> str | None:
        """What follows the prefix in the path, percent-encoded; None if it does not begin with that."""
        path = raw_path_of(request)
        if path.startswith(self._prefix2):
            return path[len(self._prefix2) :]
        if path == self._prefix:
            return ""
        if "%" in path and comparable(path).startswith(comparable(self._prefix2)):
            # Comparing leaves separators where they are.
            return path.split(SLASH, self._prefix2.count(SLASH))[-1]
        return None

    async def _handle(self, request: Request) -> StreamResponse:
        filename: str = request.match_info[_FILENAME]
        # A folder may be asked for with or without a slash; what follows a file's name is no file.
        is_folder = filename.endswith(SLASH)
        names = names_in(filename[:-1] if is_folder else filename)
        if names is None or filename == SLASH:
            raise HTTPNotFound
        wanted = wanted_by(request.method, request.headers)

        def look(may_wait: bool) -> Selected | str | None:
            return self._find(names, wanted, is_folder=is_folder, may_wait=may_wait)

        path = _SEPARATOR.join((self._root, *names))
        try:
            found = await select_near(path, look)
        except NotServedError:
            raise HTTPNotFound from None
        if found is None:
            raise HTTPForbidden
        if isinstance(found, str):
            return Response(text=found, content_type="text/html")
        response = FileResponse(path, chunk_size=self._chunk_size)
        response.bring(found)
        return response

    def _find(
        self, names: tuple[str, ...], wanted: Wanted, *, is_folder: bool, may_wait: bool
    ) -> Selected | str | None:
        """The file as it is wanted, or the page of a folder; None for a folder that is not shown."""
        follows = self._follow_symlinks
        with below(self._root, names, follows=follows) as place:
            try:
                if is_folder:
                    place.look()
                    raise NotServedError
                return select(place, wanted, follows=follows, may_wait=may_wait)
            except IsFolderError:
                if not may_wait:
                    raise BlockingIOError("a folder is to be read") from None
                return folder_page(place, self._prefix, names) if self._show_index else None

    # From a file to a path

    def url_for(  # type: ignore[override]  # its one part is a path, and its name is documented
        self, *, filename: "str | os.PathLike[str]", append_version: bool | None = None
    ) -> URL:
        """The path of a file in the folder; ``append_version`` adds ``?v=`` and its `get_file_hash`.

        A file that is not there, or would not be served, gets no version. One that has changed since it was
        last asked for is read here and now, and waited for.
        """
        text = os.fspath(filename).lstrip(SLASH)
        if os.name == "nt":
            text = text.replace("\\", SLASH)
        url = URL.build(path=self._prefix2 + quoted(SLASH + text)[1:], encoded=True)
        if self._append_version if append_version is None else append_version:
            version = self._version_of(names_in(text))
            if version is not None:
                url = url.update_query({self.VERSION_KEY: version})
        return url

    def _version_of(self, names: tuple[str, ...] | None) -> str | None:
        if names is None:
            return None
        try:
            with below(self._root, names, follows=self._follow_symlinks) as place:
                seen = place.look()
                if seen is None:
                    return None
                key = SLASH.join(names), seen.st_mtime_ns, seen.st_size
                known = self._hashes.get(key)
                if known is not None:
                    return known
                descriptor, _ = place.open(seen)
        except NotServedError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            version = _hash_of(file)
        if len(self._hashes) >= _MOST_HASHES:
            self._hashes.clear()
        self._hashes[key] = version
        return version

    @staticmethod
    def get_file_hash(byte_array: bytes) -> str:
        """The version of a file with this content: SHA-256 in URL-safe base64."""
        return _hash_of(BytesIO(byte_array))


def _hash_of(file: BufferedIOBase) -> str:
    return base64.urlsafe_b64encode(hashlib.file_digest(file, "sha256").digest()).decode("ascii")
