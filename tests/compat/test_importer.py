"""The alias, seen from programs that say `import aiohttp`. Each runs in an interpreter of its own."""

from .fresh import told, untrue

# What is found


def test_forms_of_import() -> None:
    def facts() -> dict[str, bool]:
        import pronghorn

        pronghorn.install_as_aiohttp()
        import importlib

        import aiohttp
        import aiohttp.client as client_as
        from aiohttp import client, helpers, http, web
        from aiohttp import web as again
        from aiohttp.client_reqrep import ClientResponse
        from aiohttp.web import Application

        import pronghorn.client.errors
        import pronghorn.web

        return {
            "the package": aiohttp is pronghorn,
            "a module as": client_as is client is pronghorn.client,
            "a module of the server": web is again is pronghorn.web,
            "gathered modules": (helpers.__name__, http.__name__) == ("aiohttp.helpers", "aiohttp.http"),
            "a gathered name": ClientResponse is pronghorn.ClientResponse,
            "a shared name": Application is pronghorn.web.Application,
            "by its path": aiohttp.client.ClientSession is pronghorn.ClientSession,
            "without an import": aiohttp.client_exceptions is pronghorn.client.errors,
            "deeper, without an import": aiohttp._websocket.models.WSMsgType is aiohttp.WSMsgType,
            "by a function": importlib.import_module("aiohttp.web") is web,
            "relative": importlib.import_module(".web", "aiohttp") is web,
            "an unloaded spec": importlib.util.find_spec("aiohttp.web_ws").name == "aiohttp.web_ws",
            "a loaded spec": importlib.util.find_spec("aiohttp.web") is pronghorn.web.__spec__,
        }

    assert untrue(facts) == []


def test_one_class_under_both_names() -> None:
    def facts() -> dict[str, bool]:
        import inspect
        import pickle

        import pronghorn

        pronghorn.install_as_aiohttp()
        import aiohttp
        from aiohttp import client_exceptions, web_exceptions

        theirs = pickle.loads(b"caiohttp.client_exceptions\nClientPayloadError\n(S'x'\ntR.")
        return {
            "isinstance": isinstance(pronghorn.ClientPayloadError(), client_exceptions.ClientError),
            "of the server": aiohttp.web.HTTPNotFound is web_exceptions.HTTPNotFound,
            "pickled under the other name": type(theirs) is pronghorn.ClientPayloadError,
            "pickled": type(pickle.loads(pickle.dumps(aiohttp.ClientError("x")))) is pronghorn.ClientError,
            "a pickled class": pickle.loads(pickle.dumps(aiohttp.web.Application))
            is pronghorn.web.Application,
            "its module": inspect.getmodule(aiohttp.ClientError) is client_exceptions,
            "its source": inspect.getsource(aiohttp.ClientError).startswith("class ClientError"),
            "the source of a module": "class ClientError" in inspect.getsource(client_exceptions),
            "its name": aiohttp.ClientError.__module__ == "pronghorn.client.errors",
        }

    assert untrue(facts) == []


def test_ours_stay_what_they_are() -> None:
    def facts() -> dict[str, bool]:
        import importlib
        import sys
        from importlib import import_module

        import pronghorn

        pronghorn.install_as_aiohttp()
        from pronghorn.compat.aiohttp import MODULES

        for path in MODULES:
            import_module(f"aiohttp.{path}".rstrip("."))
        loaded = {name: module for name, module in sys.modules.items() if name.startswith("pronghorn")}
        files: dict[str, set[int]] = {}
        for module in list(sys.modules.values()):
            files.setdefault(getattr(module, "__file__", None) or "", set()).add(id(module))
        own = [file for file in files if file.startswith(pronghorn.__path__[0])]
        sources = {name: sys.modules[name].__spec__.loader for name in loaded}
        errors = sys.modules["aiohttp.client_exceptions"]
        before = errors.ClientError
        return {
            "many": len(loaded) > 50,
            "names": all(module.__name__ == name for name, module in loaded.items()),
            "specs": all(module.__spec__.name == name for name, module in loaded.items()),
            "loaders": all(loader.name == name for name, loader in sources.items()),
            "packages": all(module.__package__ == module.__spec__.parent for module in loaded.values()),
            "a file is loaded once": len(own) > 50 and all(len(files[file]) == 1 for file in own),
            "reloaded": importlib.reload(errors) is errors is sys.modules["pronghorn.client.errors"],
            "anew": errors.ClientError is not before,
            "and extended as before": importlib.reload(sys.modules["aiohttp.web_exceptions"]).AppKey
            is sys.modules["pronghorn.keys"].AppKey,
            "reloaded, gathered": importlib.reload(sys.modules["aiohttp.helpers"]).BasicAuth
            is pronghorn.BasicAuth,
        }

    assert untrue(facts) == []


def test_a_module_that_is_forgotten_comes_back() -> None:
    def facts() -> dict[str, bool]:
        import sys

        import pronghorn

        pronghorn.install_as_aiohttp()
        import aiohttp.streams

        first = aiohttp.streams
        for _ in range(2):
            del sys.modules["aiohttp.streams"]
            import aiohttp.streams
        same = aiohttp.streams is first
        pronghorn.compat.uninstall()
        return {"it is the same": same, "nothing stays": "__getattr__" not in vars(first)}

    assert untrue(facts) == []


def test_stars() -> None:
    def facts() -> dict[str, bool]:
        import pronghorn

        pronghorn.install_as_aiohttp()
        taken: dict[str, dict[str, object]] = {}
        for module in (
            "aiohttp",
            "aiohttp.client_exceptions",
            "aiohttp.helpers",
            "aiohttp.parsers",
            "aiohttp.web_exceptions",
            "aiohttp.web_runner",
        ):
            exec(f"from {module} import *", taken.setdefault(module, {}))
        import aiohttp.helpers
        import aiohttp.web_exceptions
        import aiohttp.web_runner

        return {
            "the package": taken["aiohttp"]["ClientSession"] is pronghorn.ClientSession,
            "a shared module": taken["aiohttp.client_exceptions"]["InvalidURL"] is pronghorn.InvalidURL,
            "a gathered module": taken["aiohttp.helpers"]["BasicAuth"] is pronghorn.BasicAuth,
            "what is spelt for it": "noop" in taken["aiohttp.helpers"],
            "a shared module without a list": "HTTPNotFound" in taken["aiohttp.web_exceptions"],
            "and what it is extended by": "NotAppKeyWarning" in taken["aiohttp.web_exceptions"],
            "and one that gathers nothing": "AppRunner" in aiohttp.web_runner.__all__,
            "nothing that it imported": "Response" not in aiohttp.web_exceptions.__all__,
            "nothing that was imported": taken["aiohttp.helpers"].keys().isdisjoint(["asyncio", "Final"]),
            "retired": "StreamParser" in taken["aiohttp.parsers"],
            "nothing private": not any(name.startswith("_") for name in aiohttp.web_protocol.__all__),
            "dir lists the same": set(aiohttp.helpers.__all__) <= set(dir(aiohttp.helpers)),
            "of everything a value": all(
                getattr(aiohttp.helpers, name) is not None for name in aiohttp.helpers.__all__
            ),
        }

    assert untrue(facts) == []


# What is refused


def test_unknown_modules() -> None:
    def told_of(names: list[str]) -> dict[str, list[str]]:
        from importlib import import_module

        import pronghorn

        pronghorn.install_as_aiohttp()
        # Loaded under its own name, it is no more to be found under the other.
        import pronghorn.client.session
        import pronghorn.io.stream

        found = {}
        for name in names:
            try:
                found[name] = [repr(import_module(name))]
            except ModuleNotFoundError as error:
                found[name] = [error.name or "", str(error)]
        return found

    # Files of ours that are modules of theirs under another name, or of none, and one that nobody has.
    refused = ["aiohttp.io", "aiohttp.io.stream", "aiohttp.server", "aiohttp._version", "aiohttp.names"]
    refused += ["aiohttp.client.session", "aiohttp.compat.aiohttp", "aiohttp.testing", "aiohttp.nothing"]
    whole = {name: name if name != "aiohttp.io.stream" else "aiohttp.io" for name in refused}
    whole["aiohttp.compat.aiohttp"] = "aiohttp.compat"
    found = told(told_of, refused)
    assert found == {
        name: [first, f"pronghorn stands in for aiohttp and has no {first}"] for name, first in whole.items()
    }
    assert told(told_of, ["aiohttp.web.nothing", "aiohttp.helpers.nothing"]) == {
        "aiohttp.web.nothing": [
            "aiohttp.web.nothing",
            "No module named 'aiohttp.web.nothing'; 'aiohttp.web' is not a package",
        ],
        "aiohttp.helpers.nothing": [
            "aiohttp.helpers.nothing",
            "No module named 'aiohttp.helpers.nothing'; 'aiohttp.helpers' is not a package",
        ],
    }


def test_unknown_names() -> None:
    def messages() -> dict[str, str]:
        import pronghorn

        pronghorn.install_as_aiohttp()
        import aiohttp
        import aiohttp.helpers
        import aiohttp.streams

        found = {}
        for module in (aiohttp, aiohttp.helpers, aiohttp.streams, aiohttp.hdrs):
            try:
                module.Nothing  # noqa: B018 - the look is the point
            except AttributeError as error:
                found[module.__name__] = str(error)
        try:
            from aiohttp import Nothing
        except ImportError as error:
            found["import"] = f"{type(error).__name__} {error.name}"
        try:
            from aiohttp.helpers import Nothing  # noqa: F401 - as above
        except ImportError as error:
            found["import, gathered"] = f"{type(error).__name__} {error.name}"
        found["defaults"] = repr([getattr(module, "nothing", 1) for module in (aiohttp, aiohttp.helpers)])
        found["dunders"] = repr([hasattr(aiohttp.helpers, name) for name in ("__file__", "__path__")])
        return found

    assert told(messages) == {
        "pronghorn": "pronghorn has no aiohttp.Nothing: see docs/differences.md",
        "aiohttp.helpers": "pronghorn has no aiohttp.helpers.Nothing: see docs/differences.md",
        "pronghorn.io.stream": "pronghorn has no aiohttp.streams.Nothing: see docs/differences.md",
        "pronghorn.hdrs": "module 'pronghorn.hdrs' has no attribute 'Nothing'",
        "import": "ImportError pronghorn",
        "import, gathered": "ImportError aiohttp.helpers",
        "defaults": "[1, 1]",
        "dunders": "[False, False]",
    }


def test_a_file_of_ours_is_taken_from_the_package_as_ours() -> None:
    def facts() -> dict[str, bool]:
        import sys

        import pronghorn

        pronghorn.install_as_aiohttp()
        from aiohttp import io
        from aiohttp.client import session

        return {
            "a package": io is sys.modules["pronghorn.io"],
            "a module": session is sys.modules["pronghorn.client.session"],
            "and no other": not {"aiohttp.io", "aiohttp.client.session"} & sys.modules.keys(),
        }

    assert untrue(facts) == []


# What is written


def test_patches_hold_under_both_names_and_are_undone() -> None:
    def facts() -> dict[str, bool]:
        import asyncio
        from unittest import mock

        import pronghorn

        pronghorn.install_as_aiohttp()
        import aiohttp
        import aiohttp.client_reqrep
        import aiohttp.helpers

        import pronghorn.client.auth
        import pronghorn.client.outgoing
        import pronghorn.client.response
        import pronghorn.client.session
        import pronghorn.compat.retired
        import pronghorn.keys
        import pronghorn.web

        def patched(target: str, home: object, name: str) -> tuple[bool, bool]:
            before = getattr(home, name)
            with mock.patch(target) as stand_in:
                there = getattr(home, name) is stand_in
            return there, getattr(home, name) is before and getattr(home, name, None) is before

        request = patched(
            "aiohttp.client.ClientSession._request", pronghorn.client.session.ClientSession, "_request"
        )
        shared = patched("aiohttp.client_exceptions.ClientError", pronghorn.client.errors, "ClientError")
        gathered = patched("aiohttp.helpers.BasicAuth", pronghorn.client.auth, "BasicAuth")
        # Both homes have it: it is undone where it was done.
        twice = patched("aiohttp.client_reqrep.ClientRequest", pronghorn.client.outgoing, "ClientRequest")
        lost = vars(pronghorn.client.outgoing).get("ClientRequest") is None
        other = pronghorn.client.response.ClientRequest is pronghorn.client.outgoing.ClientRequest
        spelt = patched("aiohttp.helpers.noop", pronghorn.client.response, "Released")
        retired = patched("aiohttp.parsers.StreamParser", pronghorn.compat.retired, "StreamParser")
        extended = patched("aiohttp.web_exceptions.AppKey", aiohttp.web_exceptions, "AppKey")
        top = patched("aiohttp.ClientSession", pronghorn, "ClientSession")
        foreign = asyncio.ensure_future
        with mock.patch("aiohttp.helpers.ensure_future"):
            borrowed = asyncio.ensure_future is foreign and aiohttp.helpers.ensure_future is not foreign
        return {
            "a method": request == (True, True),
            "in a shared module": shared == (True, True),
            "in a gathered module": gathered == (True, True),
            "in one of two homes": twice == (True, True) and not lost and other,
            "what is spelt otherwise": spelt == (True, True),
            "what is retired": retired == (True, True),
            "what a shared module has from others": extended == (True, True),
            "which keep it": aiohttp.web_exceptions.AppKey is pronghorn.keys.AppKey,
            "at the top": top == (True, True),
            "not in other packages": borrowed and aiohttp.helpers.ensure_future is foreign,
        }

    assert untrue(facts) == []


def test_attributes_can_be_written_and_deleted() -> None:
    def facts() -> dict[str, bool]:
        import pronghorn

        pronghorn.install_as_aiohttp()
        import aiohttp
        import aiohttp.helpers

        import pronghorn.client.auth
        import pronghorn.hdrs

        aiohttp.hdrs.WEBSOCKET = "websocket"
        aiohttp.helpers.new = 1
        new = aiohttp.helpers.new
        del aiohttp.helpers.new
        original = aiohttp.helpers.BasicAuth
        del aiohttp.helpers.BasicAuth
        gone = not hasattr(aiohttp.helpers, "BasicAuth") and not hasattr(pronghorn.client.auth, "BasicAuth")
        aiohttp.helpers.BasicAuth = original
        try:
            del aiohttp.helpers.nothing
        except AttributeError as error:
            refused = error.name == "nothing"
        aiohttp.__version__ = "3.8.0"
        return {
            "as discord.py does": pronghorn.hdrs.WEBSOCKET == "websocket",
            "a new name": new == 1 and not hasattr(aiohttp.helpers, "new"),
            "deleted where it stands": gone,
            "and written there again": pronghorn.client.auth.BasicAuth is original,
            "but not beside": "BasicAuth" not in vars(aiohttp.helpers),
            "nothing to delete": refused,
            "the version": pronghorn.__version__ == "3.8.0",
        }

    assert untrue(facts) == []
