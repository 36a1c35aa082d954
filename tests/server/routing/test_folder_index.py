"""What is in a folder, as a page."""

import os
from pathlib import Path

import pytest

from pronghorn.server.opening import NotServedError, Place
from pronghorn.server.routing import folder_index
from pronghorn.server.routing.folder_index import folder_page


def page(path: Path, *names: str, prefix: str = "/static", follows: bool = False) -> str:
    return folder_page(Place(str(path), follows=follows), prefix, names)


def links(text: str) -> list[str]:
    return [line.partition('href="')[2].partition('"')[0] for line in text.splitlines() if "<li>" in line]


def test_sorted_and_only_what_is_served(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a.txt")
    os.mkfifo(tmp_path / "pipe")
    text = page(tmp_path)
    served = ["/static/.hidden", "/static/a.txt", "/static/b.txt", "/static/sub/"]
    assert links(text) == served
    assert "<title>Index of /</title>" in text
    assert links(page(tmp_path, follows=True)) == sorted([*served, "/static/link"])


def test_what_can_not_be_looked_at_hides_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "lost").symlink_to("nothing")
    assert links(page(tmp_path, follows=True)) == ["/static/a.txt"]


def test_below(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    assert links(page(tmp_path, "a b", "c")) == ["/static/a%20b/c/x"]
    assert links(page(tmp_path, prefix="")) == ["/x"]


@pytest.mark.parametrize(
    ("name", "href", "shown"),
    [
        ("<img src=x>", "%3Cimg%20src%3Dx%3E", "&lt;img src=x&gt;"),
        ("\"'&", "%22%27%26", "&quot;&#x27;&amp;"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29", "javascript:alert(1)"),
        ("a?b#c%2e", "a%3Fb%23c%252e", "a?b#c%2e"),
        ("caf\u00e9", "caf%C3%A9", "caf\u00e9"),
        ("\udcff", "%FF", "\ufffd"),
        ("a\nb", "a%0Ab", "a\nb"),
    ],
)
def test_names_are_no_markup(tmp_path: Path, name: str, href: str, shown: str) -> None:
    (tmp_path / name).touch()
    text = page(tmp_path)
    assert f'<a href="/static/{href}">{shown}</a>' in text
    assert f'href="/static/{href}/' not in text
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    inner = page(tmp_path / name, name)
    assert f"<title>Index of /{shown}</title>" in inner
    inner.encode()


def test_only_so_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_index, "MOST_ENTRIES", 3)
    for number in range(3):
        (tmp_path / str(number)).touch()
    assert "&hellip;" not in page(tmp_path)
    for number in range(3, 9):
        (tmp_path / str(number)).touch()
    text = page(tmp_path)
    assert text.count("<a ") == 3
    assert "&hellip;" in text


def test_what_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(NotServedError):
        page(tmp_path / "none")
