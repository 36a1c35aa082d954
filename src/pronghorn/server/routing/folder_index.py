"""What is in a folder, as a page."""

import os
from collections.abc import Sequence
from html import escape
from typing import Final
from urllib.parse import quote

from ..opening import NotServedError, Place
from .filenames import names_in

#: More than this is not listed: the page would be of no use, and somebody has to hold it.
MOST_ENTRIES: Final = 10_000


def folder_page(place: Place, prefix: str, names: Sequence[str]) -> str:
    """The folder at ``place`` as HTML; ``names`` lead to it below ``prefix``, which is percent-encoded.

    Sorted, folders with a "/" at their end. Only what would be served is listed. NotServedError if it
    can't be read.
    """
    path = "/".join(names)
    base = f"{prefix}/{_quoted(path)}/" if path else f"{prefix}/"
    title = f"Index of /{_shown(path)}"
    entries = sorted(_entries(place))
    lines = [
        f'<li><a href="{base}{_quoted(name)}{end}">{_shown(name)}{end}</a></li>'
        for name, end in entries[:MOST_ENTRIES]
    ]
    if len(entries) > MOST_ENTRIES:
        lines.append("<li>&hellip;</li>")
    listed = "\n".join(lines)
    return (
        f'<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n</head>\n'
        f"<body>\n<h1>{title}</h1>\n<ul>\n{listed}\n</ul>\n</body>\n</html>\n"
    )


def _entries(place: Place) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    try:
        with place.listing() as entries:
            for entry in entries:
                if len(found) > MOST_ENTRIES:
                    break
                end = None if names_in(entry.name) is None else _end_of(entry, follows=place.follows)
                if end is not None:
                    found.append((entry.name, end))
    except OSError as error:
        raise NotServedError from error
    return found


def _end_of(entry: "os.DirEntry[str]", *, follows: bool) -> str | None:
    """What stands behind the name of a folder, and of a file; None for what is neither."""
    try:
        if entry.is_dir(follow_symlinks=follows):
            return "/"
        return "" if entry.is_file(follow_symlinks=follows) else None
    except OSError:
        return None  # a link that leads to itself, or to where we may not look


def _quoted(path: str) -> str:
    return quote(os.fsencode(path), safe="/")


def _shown(text: str) -> str:
    # Names need be no text; what is none is shown as it is not.
    return escape(os.fsencode(text).decode("utf-8", "replace"))
