"""Each application in docs/server.md is served, and asked what the comments in it say."""

import re
from typing import Any

import pytest

from pronghorn import web
from pronghorn.testing import TestClient, TestServer

from .test_examples import ROOT, blocks

#: `# GET /path -> 200 text`, or with a form: `# POST /path a=1 -> 200 text`.
SAID = re.compile(r"^# ([A-Z]+) (\S+)(?: (\S+))? -> (\d{3})(?: (.*))?$", re.MULTILINE)
DOCUMENT = ROOT / "docs" / "server.md"
APPLICATIONS = [block for block in blocks(DOCUMENT) if "app = web.Application(" in block]


@pytest.mark.parametrize("block", APPLICATIONS, ids=lambda block: f"line {len(block) - len(block.lstrip())}")
async def test_an_application_answers_as_it_says(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {"__name__": "document"}
    exec(compile(block, str(DOCUMENT), "exec"), names)
    application = names["app"]
    assert isinstance(application, web.Application)
    async with TestClient(TestServer(application)) as client:
        for method, path, form, status, text in SAID.findall(block):
            headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
            data = form or None
            async with client.request(
                method, path, data=data, headers=headers, allow_redirects=False
            ) as response:
                assert response.status == int(status), (method, path)
                if text:
                    assert " ".join((await response.text()).split()) == text, (method, path)


def test_most_of_them_say_something() -> None:
    assert sum(bool(SAID.search(block)) for block in APPLICATIONS) >= len(APPLICATIONS) - 1 >= 9
