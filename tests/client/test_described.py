"""What fields of a response say."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from pronghorn.client.described import ContentDisposition, disposition_of, links_of

BASE = URL("http://here/a/b?c#d")


def fields(*pairs: tuple[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(pairs))


def test_links() -> None:
    links = links_of(
        fields(
            ("Link", '<?page=2>; rel="next"; title=Two, <http://there/>; rel=last'),
            ("link", "</start>; rel=next, <alone>"),
        ),
        BASE,
    )
    assert [link["url"] for link in links.getall("next")] == [
        URL("http://here/a/b?page=2"),
        URL("http://here/start"),
    ]
    assert dict(links["next"]) == {"rel": "next", "title": "Two", "url": URL("http://here/a/b?page=2")}
    assert links["last"]["url"] == URL("http://there/")
    assert links["alone"]["url"] == URL("http://here/a/alone")


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("x%7e?a=%2f#%7E", "http://here/%7e%3F/x%7e?a=%2f#~"),
        ("./x", "http://here/%7e%3F/x"),
        ("../x", "http://here/x"),
        ("", "http://here/%7e%3F/b?c=%2b"),
        ("#d", "http://here/%7e%3F/b?c=%2b#d"),
        ("?d=%2B", "http://here/%7e%3F/b?d=%2B"),
        ("/%2f", "http://here/%2f"),
        ("//there/%2f", "http://there/%2f"),
        ("https://there/?sig=a%2bb%2F", "https://there/?sig=a%2bb%2F"),
        ("mailto:a@b.test", "mailto:a@b.test"),
        ("a b", "http://here/%7e%3F/a%20b"),
    ],
)
def test_links_keep_their_spelling(target: str, url: str) -> None:
    page = URL("http://here/%7e%3F/b?c=%2b#d", encoded=True)
    links = links_of(fields(("Link", f"<{target}>; rel=x")), page)
    assert str(links["x"]["url"]) == url


def test_links_from_a_page_without_a_path() -> None:
    links = links_of(fields(("Link", "<a>; rel=x, <?b>; rel=y")), URL("http://here"))
    assert [str(links[name]["url"]) for name in "xy"] == ["http://here/a", "http://here/?b"]


def test_no_links() -> None:
    assert not links_of(fields(), BASE)
    assert not links_of(fields(("Link", "rubbish"), ("Link", "<http://[>; rel=x")), BASE)
    assert not links_of(fields(("Link", "<http://there:x/>; rel=x, <http://a@b:c/>; rel=x")), BASE)


@pytest.mark.parametrize(
    ("value", "disposition"),
    [
        ('attachment; filename="a b.txt"', ("attachment", {"filename": "a b.txt"}, "a b.txt")),
        ("inline", ("inline", {}, None)),
        (
            "attachment; filename*=UTF-8''%e2%82%ac.txt",
            ("attachment", {"filename*": "\u20ac.txt"}, "\u20ac.txt"),
        ),
    ],
)
def test_content_disposition(value: str, disposition: tuple[str, dict[str, str], str]) -> None:
    found = disposition_of(fields(("Content-Disposition", value)))
    assert isinstance(found, ContentDisposition)
    assert (found.type, dict(found.parameters), found.filename) == disposition


def test_no_content_disposition() -> None:
    assert disposition_of(fields()) is None
