"""Signed URLs arrive as they were given, octet by octet: a signature is over one spelling."""

from typing import Any

import pytest
from yarl import URL

from pronghorn import BasicAuth, ClientSession, CookieJar, DigestAuthMiddleware

from .scripted import OK, Scripted, scripted
from .sites import Site, to

ESCAPES = "".join(f"%{octet:02x}%{octet:02X}" for octet in range(256))
#: Paths and queries, by who signs so.
SIGNED = {
    # https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
    "S3, SigV4": "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    "S3, SigV4 with a token": "/a%20b/caf%C3%A9%2B%26%3D%28copy%29%21%27%2A~.txt"
    "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIA%2F20260801%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20260801T120000Z"
    "&X-Amz-Expires=3600&X-Amz-SignedHeaders=content-type%3Bhost%3Bx-amz-acl"
    "&X-Amz-Security-Token=IQoJb3JpZ2luX2VjE%2B7%2F%2F%2F%2FwEaCXVz%3D%3D"
    "&response-content-disposition=attachment%3B%20filename%3D%22a%2Bb%20c.txt%22%3B%20filename%2A%3DUTF-8%27%27x"
    "&response-expires=2026-08-01T12%3A00%3A00Z&x-id=GetObject"
    "&X-Amz-Signature=0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
    # Also valid, as others write it: nothing escaped that need not be.
    "S3, SigV4, sparingly": "/k+e+y/a=b@c:d?X-Amz-Credential=AKIA/20260801/eu-west-1/s3/aws4_request"
    "&X-Amz-Date=2026-08-01T12:00:00Z&X-Amz-Security-Token=a+b/c==&X-Amz-Signature=a/b+c=",
    "S3, SigV4, in lower case": "/k%2be%2fy%3a?X-Amz-Credential=AKIA%2f20260801%2feu%2ds3"
    "&X-Amz-Signature=a%2fb%2bc%3d",
    "S3, SigV2": "/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1175139620"
    "&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D",
    "S3, SigV2, a resource": "/photos%2Fpuppy.jpg?acl&versionId=3%2FL4kqtJ%2BlcpXroDTDmJ&AWSAccessKeyId=AKIA"
    "&Signature=thdUi9VAkzhkniLj96JIrOPGi0g%3d&Expires=1175139620&x-amz-meta=",
    # https://cloud.google.com/storage/docs/access-control/signed-urls
    "GCS, V4": "/example-bucket/cat%20pics/cat.jpeg?X-Goog-Algorithm=GOOG4-RSA-SHA256"
    "&X-Goog-Credential=example%40example-project.iam.gserviceaccount.com%2F20181026%2Fus-central1%2Fstorage"
    "%2Fgoog4_request&X-Goog-Date=20181026T181309Z&X-Goog-Expires=900&X-Goog-SignedHeaders=host"
    "&X-Goog-Signature=247a2aa45f169edf4d187d54e7cc46e4731b1e6273242c4f4c39a1d2507a0e58706e25e3a85a7dbb",
    "GCS, V2": "/bucket/o%2Fb?GoogleAccessId=example@example-project.iam.gserviceaccount.com"
    "&Expires=1458238630&Signature=VVUgfqviDCov%2B%2BKnmVOkwBR2olSbId51kSibuQeiH8ucGFyOfAVbH5J%2B5V0gDY%3D",
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html
    "CloudFront": "/image.jpg?color=red&size=medium"
    "&Policy=eyANCiAgICEXAMPLEW1lbnQiOiBbeyANCiAgICAgICJSZXNvdXJjZSI6Imh0dHA6Ly8__"
    "&Signature=nitfHRCrtziwO2HwPfWw~yYDhUF5EwRunQA-j19DzZrvDh6hQ73lDx~-ar3UocvvRQVw6EkC~GdpGQyyOSKQim-TxAn"
    "SMj0yCd3ZAB4UcBCAqEijkytL6f3fVYNGQI6&Key-Pair-Id=K2JCJMDEHXQW5F",
    "CloudFront, a wildcard": "/video/*.m3u8?Policy=e30_-~&Signature=a-b~c__&Key-Pair-Id=APKA9ONS7QCO",
    # https://learn.microsoft.com/rest/api/storageservices/create-service-sas
    "Azure SAS": "/pictures/profile.jpg?sv=2022-11-02&st=2023-05-01T21%3A10%3A30Z&se=2023-05-02T21:10:30Z"
    "&sr=b&sp=rw"
    "&sip=168.1.5.60-168.1.5.70&spr=https,http&sig=Z%2FRHIX5Xcg0Mq2rqI3OlWTjEg2tYkboXr1P9ZUXDtkk%3D",
    "Azure SAS, a plus": "/c/b?sv=2024-11-04&ss=bfqt&srt=sco&sp=rwdlacup&se=2026-01-01T00%3a00%3a00Z"
    "&sig=a%2Bb%2bc%2F%2fd%3D%3d",
    # https://techdocs.akamai.com/property-mgr/docs/token-auth
    "Akamai": "/hls/a,b,.mp4.csmil/master.m3u8?hdnts=st=1577836800~exp=1577840400~acl=/*~data=a!b"
    "~hmac=4fb2a5a1f5e5fd6b0d1fe9a0d5d5b8ed",
    "Akamai, escaped": "/hls/a.ts?hdnea=exp=1577840400~acl=%2fhls%2f%2a%7eid=%7e~hmac=4fb2a5a1",
    "Fastly": "/x/y.jpg?token=1577840400_0x4fb2a5a1f5e5fd6b",
    "a path": "/token=st=1~exp=2~acl=%2f*~hmac=ab/a%7Eb;v=1.1/$%24/seg('1').ts?%2b",
    "each character": "/-._~!$&'()*+,;=:@//?-._~!$&'()*+,;=:@/??&&==",
    "each escape": f"/{ESCAPES}?{ESCAPES}",
}
HOST = "examplebucket.s3.amazonaws.com"


@pytest.fixture(params=SIGNED)
def signed(request: pytest.FixtureRequest) -> str:
    return SIGNED[request.param]


async def text(session: ClientSession, url: str | URL, **options: Any) -> str:
    async with session.get(url, **options) as response:
        return await response.text()


def targets(server: Scripted) -> list[str]:
    return [request.target for request in server.requests]


async def test_given(signed: str) -> None:
    async with scripted(OK) as server, ClientSession() as session:
        url = server.url(signed)
        for given in (url, URL(url, encoded=True), f"{url}#part"):
            async with session.get(given) as response:
                assert str(response.url) == str(response.request_info.url) == url
                assert str(response.real_url) == str(given)
        async with session.put(url, data=b"body") as response:
            assert str(response.url) == url
    assert targets(server) == [signed] * 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("requote", [True, False])
async def test_where_a_redirect_leads(signed: str, status: int, requote: bool) -> None:
    site = Site()
    async with scripted(site) as server, ClientSession(requote_redirect_url=requote) as session:
        place = f"127.0.0.1:{server.port}"
        for location in (
            signed,
            f"http://{place}{signed}",
            f"//{place}{signed}",
            f".{signed}",
            f"HTTP:{signed}",
        ):
            site.answers["/from"] = to(location, status)
            async with session.post(server.url("/from"), data=b"body") as response:
                assert str(response.url) == server.url(signed)
                assert len(response.history) == 1
    assert [request.split(" ")[1] for request in site.lines] == ["/from", signed] * 5


async def test_one_redirect_after_another(signed: str) -> None:
    site = Site({"/": to(signed), signed: to("/next")})
    async with scripted(site) as server, ClientSession() as session:
        assert await text(session, server.url()) == "ok"
    assert site.lines == ["GET /", f"GET {signed}", "GET /next"]


@pytest.mark.parametrize("host", [HOST, f"{HOST}:8080", "[::1]:8080"])
async def test_by_a_proxy(signed: str, host: str) -> None:
    """In absolute-form (RFC 9112 section 3.2.2)."""
    async with scripted(OK) as server, ClientSession() as session:
        for given in (f"http://{host}{signed}", URL(f"http://{host}{signed}", encoded=True)):
            assert await text(session, given, proxy=server.url()) == "ok"
    assert targets(server) == [f"http://{host}{signed}"] * 2


async def test_a_redirect_by_a_proxy(signed: str) -> None:
    there = f"http://{HOST}{signed}"
    site = Site({"http://a.test/": to(there)})
    async with scripted(site) as server, ClientSession(proxy=server.url()) as session:
        assert await text(session, "http://a.test/") == "ok"
    assert site.lines == ["GET http://a.test/", f"GET {there}"]


async def test_in_params(signed: str) -> None:
    path, _, query = signed.partition("?")
    async with scripted(OK) as server, ClientSession() as session:
        await text(session, server.url(path), params=query)
        await text(session, URL(server.url(path), encoded=True), params=query)
        await text(session, server.url(f"{path}#part"), params=query)
        await text(session, server.url(signed), params=query)
        await text(session, server.url(signed), params={"\u00e9": "~ +/%2b"})
    added = "%C3%A9=~+%2B/%252b"
    assert targets(server) == [*[signed] * 3, f"{signed}&{query}", f"{signed}&{added}"]


async def test_in_params_after_a_redirect(signed: str) -> None:
    path, _, query = signed.partition("?")
    asked = f"/from?{query}"
    site = Site({asked: to(path, 307)})
    async with scripted(site) as server, ClientSession() as session:
        assert await text(session, server.url("/from"), params=query) == "ok"
    assert site.lines == [f"GET {asked}", f"GET {path}"]


async def test_from_a_base_url(signed: str) -> None:
    async with scripted(OK) as server, ClientSession(base_url=server.url("/api/")) as session:
        assert await text(session, signed) == "ok"
        assert await text(session, f".{signed}") == "ok"
        assert await text(session, server.url(signed)) == "ok"
    assert targets(server) == [signed, f"/api{signed}", signed]


@pytest.mark.parametrize("options", [{}, {"auth": BasicAuth("user", "p@ss")}])
async def test_with_credentials(signed: str, options: dict[str, Any]) -> None:
    async with scripted(OK) as server, ClientSession() as session:
        user = "" if options else "user:p%40ss@"
        async with session.get(f"http://{user}127.0.0.1:{server.port}{signed}", **options) as response:
            assert str(response.url) == server.url(signed)
    assert targets(server) == [signed]
    assert server.requests[0].fields["Authorization"] == "Basic dXNlcjpwQHNz"


async def test_digest_credentials_are_for_what_is_sent(signed: str) -> None:
    challenge = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'
    site = Site({signed: f"HTTP/1.1 401 x\r\n{challenge}\r\nContent-Length: 0\r\n\r\n".encode()})
    async with (
        scripted(site) as server,
        ClientSession(middlewares=[DigestAuthMiddleware("user", "pass")]) as session,
        session.get(server.url(signed)) as response,
    ):
        assert response.status == 401
    assert site.lines == [f"GET {signed}"] * 2
    (answer,) = site.fields("Authorization")[1]
    assert f'uri="{signed}"' in answer


async def test_cookies_are_kept_by_what_is_sent() -> None:
    """RFC 6265 section 5.1.4: a path is compared as it stands in the request."""
    fields = b"Set-Cookie: here=1\r\nSet-Cookie: there=1; Path=/%7ea/b\r\nContent-Length: 0"
    first = "/a%2Fb/c%7e/d?%2b"
    site = Site({first: b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % fields})
    jar = CookieJar(unsafe=True)
    async with scripted(site) as server, ClientSession(cookie_jar=jar) as session:
        for asked in (
            "/a%2Fb/c%7e/d?%2b",
            "/a%2Fb/c%7e/x",
            "/a/b/c~/x",
            "/%7ea/b?%2b",
            "/x/../%7ea/%2e/b",
            "/~a/b",
        ):
            await text(session, server.url(asked))
    assert site.fields("Cookie") == [[], ["here=1"], [], ["there=1"], ["there=1"], []]


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ("/a b?sig=%2b", "/a%20b?sig=%2B"),
        ("/caf\u00e9?sig=%7e", "/caf%C3%A9?sig=~"),
        ("/x?f[a]=1&sig=%2f", "/x?f%5Ba%5D=1&sig=/"),
        ("/100%?sig=%7e", "/100%25?sig=~"),
    ],
)
async def test_what_could_not_be_sent_is_quoted(given: str, target: str) -> None:
    """As nobody can have signed it so."""
    site = Site()
    async with scripted(site) as server, ClientSession() as session:
        await text(session, server.url(given))
        site.answers["/from"] = to(given)
        await text(session, server.url("/from"))
    assert site.lines == [f"GET {target}", "GET /from", f"GET {target}"]
