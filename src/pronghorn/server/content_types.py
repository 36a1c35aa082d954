"""The media type of a file, by the extension of its name."""

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mimetypes import MimeTypes

DEFAULT_TYPE: Final = "application/octet-stream"

#: What browsers insist on, or what systems disagree about: the same everywhere, whatever is installed.
_TYPES: Final = {
    ".avif": "image/avif",
    ".bz2": "application/x-bzip2",
    ".css": "text/css",
    ".csv": "text/csv",
    ".flac": "audio/flac",
    ".gz": "application/gzip",
    ".htm": "text/html",
    ".html": "text/html",
    ".ico": "image/vnd.microsoft.icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".m4a": "audio/mp4",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".ogg": "audio/ogg",
    ".otf": "font/otf",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "text/xml",
    ".xz": "application/x-xz",
    ".zip": "application/zip",
    ".zst": "application/zstd",
}


@lru_cache(maxsize=1)
def content_types() -> "MimeTypes":
    """The table: to look types up, and to add some with ``add_type``."""
    from mimetypes import MimeTypes

    types = MimeTypes()
    # A `.tar.gz` is served as the gzip file that it is: called a Content-Encoding, it would be undone.
    types.encodings_map.clear()
    types.suffix_map.clear()
    for extension, content_type in _TYPES.items():
        types.add_type(content_type, extension)
    return types


def content_type_of(name: str) -> str:
    """The media type for a file's name; application/octet-stream if it tells none.

    Without a charset: nobody knows that of a file.
    """
    stem, dot, extension = name.rpartition(".")
    if not stem or not dot:
        return DEFAULT_TYPE
    extension = dot + extension.lower()
    if extension in _TYPES and not content_types.cache_info().currsize:
        return _TYPES[extension]
    informal, registered = content_types().types_map
    return registered.get(extension) or informal.get(extension) or DEFAULT_TYPE
