import pytest
from yarl import URL

from pronghorn.client.errors import InvalidUrlClientError, NonHttpUrlClientError
from pronghorn.client.session import ClientSession
from pronghorn.client.target import address_of, as_url, parse_url
from pronghorn.io.dial import Address


def test_where_a_url_leads() -> None:
    assert address_of("host", 81, "http") == Address("host", 81)
    assert address_of("host", 81, "http") is address_of("host", 81, "http")
    assert address_of("host", 443, "https").ssl


@pytest.mark.parametrize(
    ("url", "description"),
    [
        ("path", "expected an absolute URL"),
        ("//host/", "expected an absolute URL"),
        ("http://", "the host is missing"),
        ("http:///x", "the host is missing"),
    ],
)
async def test_what_is_no_absolute_url(url: str, description: str) -> None:
    with pytest.raises(InvalidUrlClientError, match=description):
        parse_url(URL(url), None)
    async with ClientSession() as session:
        with pytest.raises(InvalidUrlClientError, match=description) as caught:
            await session.get(url)
    assert caught.value.url == url
    assert type(caught.value.url) is str


@pytest.mark.parametrize("url", ["http://host:x/", "http://[::1", "http://a\r\nb/", "http://a/\0"])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(InvalidUrlClientError) as caught:
        as_url(url)
    assert caught.value.url == url


@pytest.mark.parametrize("url", [None, b"http://host/", 5])
def test_what_is_no_url_by_its_type(url: object) -> None:
    with pytest.raises(TypeError, match=r"^url: expected a str or a yarl\.URL"):
        as_url(url)  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("url", ["ftp://host/", "ws://host/", "mailto:a@b"])
def test_other_schemes(url: str) -> None:
    with pytest.raises(NonHttpUrlClientError):
        parse_url(URL(url), None)


def test_an_encoded_url_is_left_alone() -> None:
    assert parse_url(URL("http://host/%61?b=%63", encoded=True), None).raw_path_qs == "/%61?b=%63"


def test_params_keep_user_port_and_fragment() -> None:
    url = parse_url("http://user@host:81/a?x=%20#f", "b=%30")
    assert (
        str(url) == "http://user@host:81/a?x=+&b=%30#f" or str(url) == "http://user@host:81/a?x=%20&b=%30#f"
    )
