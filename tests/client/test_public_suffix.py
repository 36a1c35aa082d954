import subprocess
import sys

import pytest

from pronghorn.client.public_suffix import is_public_suffix


@pytest.mark.parametrize(
    "domain",
    [
        "com",
        "co.uk",
        "github.io",  # those of private owners count: their users are strangers to each other
        "anything.ck",
        "foo.kawasaki.jp",
        "xn--p1ai",
        "localhost",
        "unknown-to-the-list",
        "co.uk.",
    ],
)
def test_public_suffixes(domain: str) -> None:
    assert is_public_suffix(domain)


@pytest.mark.parametrize(
    "domain",
    ["example.com", "a.co.uk", "me.github.io", "www.ck", "city.kawasaki.jp", "a.localhost", "a..com"],
)
def test_other_domains(domain: str) -> None:
    assert not is_public_suffix(domain)


def test_the_list_is_read_when_it_is_needed() -> None:
    program = """
import sys
import pronghorn.client.cookiejar as module
from yarl import URL
jar = module.CookieJar()
jar.update_cookies_from_headers(["a=b; Path=/", "c=d; Domain=localhost"], URL("http://localhost"))
print(len(jar), "publicsuffixlist" in sys.modules)
jar.update_cookies_from_headers(["a=b; Domain=a.example"], URL("http://a.example"))
print(len(jar), "publicsuffixlist" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["2", "False", "3", "True"]
