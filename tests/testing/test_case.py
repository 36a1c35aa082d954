"""The test case of unittest, in runs of unittest."""

import unittest
from pathlib import Path

import pytest

from pronghorn import testing, web
from pronghorn.testing import ApplicationTestCase, TestClient, TestServer
from pronghorn.testing.case import unittest_run_loop

from .runs import OPTIMIZED, execute


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


class Hello(ApplicationTestCase):
    """Collected and run by pytest, too."""

    async def get_application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/", hello)
        return app

    async def test_it_has_a_client(self) -> None:
        assert isinstance(self.client, TestClient)
        assert self.client.server is self.server
        assert self.client.app is self.app
        assert self.server.started
        assert self.loop.is_running()
        response = await self.client.get("/")
        assert await response.text() == "hello"

    def test_that_is_no_coroutine(self) -> None:
        assert self.server.started


def outcome(case: type[unittest.TestCase]) -> unittest.TestResult:
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


def test_each_test_has_its_own() -> None:
    """And all is closed after it, whether it passed or not."""
    seen: list[tuple[web.Application, TestServer, TestClient]] = []

    class Each(Hello):
        async def test_it_has_a_client(self) -> None:
            seen.append((self.app, self.server, self.client))

        async def test_that_fails(self) -> None:
            seen.append((self.app, self.server, self.client))
            self.fail()

    result = outcome(Each)
    assert (result.testsRun, len(result.failures), len(result.errors)) == (3, 1, 0)
    assert seen[0][0] is not seen[1][0]
    assert all(server.closed and client.session.closed for _, server, client in seen)


def test_the_older_names() -> None:
    calls: list[str] = []

    class Older(ApplicationTestCase):
        def get_app(self) -> web.Application:
            calls.append("get_app")
            return web.Application()

        async def setUpAsync(self) -> None:
            calls.append("set up")
            await super().setUpAsync()

        async def tearDownAsync(self) -> None:
            await super().tearDownAsync()
            calls.append("tear down")

        async def test_it(self) -> None:
            calls.append("test")

    assert outcome(Older).wasSuccessful()
    assert calls == ["set up", "get_app", "test", "tear down"]


def test_servers_and_clients_of_ones_own() -> None:
    class Client(TestClient):
        pass

    class Own(ApplicationTestCase):
        async def get_application(self) -> web.Application:
            return web.Application()

        async def get_server(self, app: web.Application) -> TestServer:
            return TestServer(app, host="localhost")

        async def get_client(self, server: TestServer) -> TestClient:
            return Client(server, headers={"X-A": "1"})

        async def test_it(self) -> None:
            assert isinstance(self.client, Client)
            assert self.client.make_url("/").host == "localhost"
            assert self.client.session.headers["X-A"] == "1"

    assert outcome(Own).wasSuccessful()


def test_without_an_application() -> None:
    class Without(ApplicationTestCase):
        async def test_it(self) -> None:
            self.fail()

    ((_, told),) = outcome(Without).errors
    assert told.endswith("RuntimeError: Without: expected get_application() to be overridden\n")


def test_a_set_up_that_fails_leaves_nothing_open() -> None:
    seen: list[TestServer] = []

    class Fails(Hello):
        async def asyncSetUp(self) -> None:
            await super().asyncSetUp()
            seen.append(self.server)
            raise LookupError

    result = outcome(Fails)
    assert len(result.errors) == 2
    assert [server.closed for server in seen] == [True, True]


def test_a_server_that_does_not_start_leaves_nothing_open() -> None:
    seen: list[TestClient] = []

    class Fails(Hello):
        async def get_client(self, server: TestServer) -> TestClient:
            seen.append(await super().get_client(server))
            return seen[-1]

        async def get_application(self) -> web.Application:
            async def fail(app: web.Application) -> None:
                raise LookupError("no database")

            app = web.Application()
            app.on_startup.append(fail)
            return app

    result = outcome(Fails)
    assert len(result.errors) == 2
    assert "no database" in result.errors[0][1]
    assert all(client.session.closed for client in seen)


def test_the_decorator_of_old() -> None:
    async def test(self: object) -> None:
        pass

    with pytest.warns(DeprecationWarning, match="unittest_run_loop: not needed") as warned:
        assert unittest_run_loop(test) is test
    assert warned[0].filename == __file__


PROGRAM = """
import unittest
from pronghorn import web
from pronghorn.testing import ApplicationTestCase

async def fail(request):
    raise LookupError("no such animal")

class Test(ApplicationTestCase):
    async def get_application(self):
        app = web.Application()
        app.router.add_get("/", fail)
        return app

    async def test_it(self):
        async with self.client.get("/") as response:
            self.assertEqual(response.status, 200)
"""


def test_what_went_wrong_in_a_handler_is_shown(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(PROGRAM)
    status, output = execute(tmp_path, "-W", "error", "-m", "unittest", "test_it")
    assert status == 1
    assert "LookupError: no such animal" in output
    assert "AssertionError: 500 != 200" in output


def test_the_package_says_what_it_has() -> None:
    assert {*testing.__all__} <= {*dir(testing)}
    for name in testing.__all__:
        assert getattr(testing, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        getattr(testing, "Nothing")  # noqa: B009 - to a type checker it is an error


def test_importing_the_package_imports_no_unittest(tmp_path: Path) -> None:
    program = """
import sys
import pronghorn.testing
found = {"unittest", "unittest.mock", "pytest"} & sys.modules.keys()
sys.exit(f"imported {found}" if found else 0)
"""
    assert execute(tmp_path, "-c", program) == (0, ""), OPTIMIZED
