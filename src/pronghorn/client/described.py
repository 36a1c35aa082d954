"""What fields of a response say of its body, and of where it leads."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from multidict import CIMultiDictProxy, MultiDict, MultiDictProxy
from yarl import URL

from ..wire.disposition import content_disposition_filename, parse_content_disposition
from ..wire.links import parse_links
from .target import join, read_url


class ContentDisposition(NamedTuple):
    """What a Content-Disposition field says; ``type`` is None if it is malformed."""

    type: str | None
    parameters: Mapping[str, str]
    filename: str | None


def disposition_of(headers: CIMultiDictProxy[str]) -> ContentDisposition | None:
    """What Content-Disposition says; None if there is none."""
    value = headers.get("Content-Disposition")
    if value is None:
        return None
    kind, parameters = parse_content_disposition(value)
    return ContentDisposition(kind, MappingProxyType(parameters), content_disposition_filename(parameters))


def links_of(headers: CIMultiDictProxy[str], base: URL) -> MultiDictProxy[MultiDictProxy[str | URL]]:
    """Where the Link fields lead, by relation; targets are found from ``base``."""
    base = base.with_fragment(None)  # RFC 3986 section 5.2.2: it is never inherited
    links: MultiDict[MultiDictProxy[str | URL]] = MultiDict()
    for target, parameters in parse_links(headers.getall("Link", ())):
        try:
            url = join(base, read_url(target))
        except ValueError:
            continue
        link: MultiDict[str | URL] = MultiDict(parameters)
        relation = str(link.get("rel", target))
        link["url"] = url
        links.add(relation, MultiDictProxy(link))
    return MultiDictProxy(links)
