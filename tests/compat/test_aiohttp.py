"""The table: complete, and each name leads to the thing that it says."""

import json
from email.parser import Parser
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tomllib import loads
from typing import Any

import pytest

import pronghorn.compat
from pronghorn import typedefs
from pronghorn.compat.aiohttp import MODULES, SPELLINGS, VERSION
from pronghorn.compat.retired import SUCCESSORS
from pronghorn.io import dial, resolver

from .fresh import told, untrue

ROOT = Path(__file__).parents[2]
SURFACE = ROOT / "tests" / "surface" / "aiohttp-3.14.5.json"
#: Modules of the older documents, with names that they show there and that are built.
OLDER = {
    "client": "ClientSession",
    "errors": "ClientError",
    "helper": "DummyCookieJar",
    "helpers": "BasicAuth",
    "multipart": "BodyPartWriter",
    "parsers": "StreamParser",
    "protocol": "HttpVersion",
    "protocols": "HttpVersion",
    "signals": "Signal",
    "streams": "StreamReader",
    "utils": None,
    "websocket": "WSMsgType",
    "wsgi": "WSGIServerHttpProtocol",
}
COUNTERPARTS = {path: alias.module for path, alias in MODULES.items() if alias.module != "-"}
GATHERED = sorted(MODULES.keys() - COUNTERPARTS.keys())
#: What other packages import, and where it is.
IMPORTED = {
    # aiobotocore
    "client.URL": "yarl:URL",
    # aiohttp-asgi
    "helpers.DEBUG": "pronghorn.compat.borrowed:DEBUG",
    # aiohttp-client-cache
    "client._RequestContextManager": "pronghorn.client.context:RequestContext",
    "client._RequestOptions": "pronghorn.client.options:RequestOptions",
    "client_reqrep.MappingProxyType": "types:MappingProxyType",
    "client_reqrep.RequestInfo": "pronghorn.client.request_info:RequestInfo",
    "helpers.HeadersMixin": "pronghorn.compat.borrowed:HeadersMixin",
    "streams.StreamReader": "pronghorn.io.stream:StreamReader",
    "typedefs.RawHeaders": "pronghorn.typedefs:RawHeaders",
    "typedefs.StrOrURL": "pronghorn.typedefs:StrOrURL",
    # aiodocker
    "UnixConnector": "pronghorn.client.local:UnixConnector",
    "connector.NamedPipeConnector": "pronghorn.client.local:NamedPipeConnector",
    # aiohttp-socks
    "AddrInfoType": "pronghorn.typedefs:AddrInfoType",
    "ClientConnectorError": "pronghorn.client.errors:ClientConnectorError",
    "TCPConnector": "pronghorn.client.tcp:TCPConnector",
    "abc.AbstractResolver": "pronghorn.io.resolver:AbstractResolver",
    "abc.ResolveResult": "pronghorn.io.resolver:ResolveResult",
    "client_proto.ResponseHandler": "pronghorn.client.protocol:ResponseHandler",
    # aiohttp-swagger3
    "abc.StreamResponse": "pronghorn.server.stream_response:StreamResponse",
    # aioresponses
    "ClientResponse": "pronghorn.client.response:ClientResponse",
    "helpers.TimerNoop": "pronghorn.compat.borrowed:TimerNoop",
    "http.RESPONSES": "pronghorn.compat.borrowed:RESPONSES",
    # gql
    "Fingerprint": "pronghorn.client.tls:Fingerprint",
    # httpx-aiohttp
    "ClientHttpProxyError": "pronghorn.client.errors:ClientHttpProxyError",
    "ClientProxyConnectionError": "pronghorn.client.errors:ClientProxyConnectionError",
    "ServerTimeoutError": "pronghorn.client.errors:ServerTimeoutError",
    "client.ClientResponse": "pronghorn.client.response:ClientResponse",
    "client_exceptions.NonHttpUrlClientError": "pronghorn.client.errors:NonHttpUrlClientError",
    # litellm
    "client.DEFAULT_TIMEOUT": "pronghorn.client.timeouts:DEFAULT_TIMEOUT",
    # pytest-aiohttp
    "test_utils.BaseTestServer": "pronghorn.testing.server:BaseTestServer",
    "test_utils.RawTestServer": "pronghorn.testing.server:RawTestServer",
    "web.BaseRequest": "pronghorn.server.request:BaseRequest",
    "web_protocol._RequestHandler": "pronghorn.typedefs:Handler",
    # vcrpy
    "client.ClientSession": "pronghorn.client.session:ClientSession",
    "helpers.strip_auth_from_url": "pronghorn.client.auth:strip_auth_from_url",
    # Seen in programs
    "client_reqrep.ConnectionKey": "pronghorn.client.request_info:ConnectionKey",
    "connector.Connection": "pronghorn.client.lease:Connection",
    "connector.SocketFactoryType": "pronghorn.typedefs:SocketFactoryType",
    "connector.TCPConnector": "pronghorn.client.tcp:TCPConnector",
    "connector.aiohappyeyeballs": "pronghorn.io.dial:aiohappyeyeballs",
    "helpers.get_env_proxy_for_url": "pronghorn.compat.proxies:get_env_proxy_for_url",
    "resolver.AsyncResolver": "pronghorn.io.resolver:AsyncResolver",
    # Seen in the older documents
    "CookiesJar": "pronghorn.client.cookiejar:CookieJar",
    "FingerprintMismatch": "pronghorn.client.errors:ServerFingerprintMismatch",
    "MultiDict": "multidict:MultiDict",
    "ThreadResolver": "pronghorn.io.resolver:ThreadedResolver",
    "istr": "multidict:istr",
    "abc.AbstructResolver": "pronghorn.io.resolver:AbstractResolver",
    "helpers.AccessLogger": "pronghorn.server.access_log:AccessLogger",
    "helpers.CookieJar": "pronghorn.client.cookiejar:CookieJar",
    "helpers.ensure_future": "asyncio:ensure_future",
    "helpers.is_ip_address": "pronghorn.wire.cookies:is_ip_address",
    "helpers.reify": "propcache.api:under_cached_property",
    "parsers.EofStream": "pronghorn.io.stream:EofStream",
}


@cache
def surface() -> Any:
    return json.loads(SURFACE.read_text("utf-8"))


def ours(path: str) -> str:
    return f"pronghorn.{path}".rstrip(".")


# The table alone


def test_every_module_is_in_it() -> None:
    theirs = {module.removeprefix("aiohttp").removeprefix(".") for module in surface()["modules"]}
    assert len(theirs) > 40
    assert sorted((theirs | OLDER.keys()) - MODULES.keys()) == []


def test_it_names_nothing_else() -> None:
    theirs = {module.removeprefix("aiohttp").removeprefix(".") for module in surface()["modules"]}
    packages = {path.rpartition(".")[0] for path in theirs}
    assert sorted(MODULES.keys() - theirs - packages - OLDER.keys()) == []


@pytest.mark.parametrize(
    "path", sorted({path for alias in MODULES.values() for path in (alias.module, *alias.homes)} - {"-"})
)
def test_what_it_names_is_there(path: str) -> None:
    assert import_module(ours(path)).__name__ == ours(path)


@pytest.mark.parametrize("spelt", SPELLINGS)
def test_what_is_spelt_otherwise_is_there(spelt: str) -> None:
    module, _, name = SPELLINGS[spelt].partition(":")
    assert getattr(import_module(module), name) is not None
    assert spelt.rpartition(".")[0] in MODULES


def test_what_ours_has_itself_is_not_spelt() -> None:
    idle = [
        spelt
        for spelt in SPELLINGS
        if (module := COUNTERPARTS.get(spelt.rpartition(".")[0])) is not None
        if hasattr(import_module(ours(module)), spelt.rpartition(".")[2])
    ]
    assert idle == []


def test_a_counterpart_has_one_name() -> None:
    assert len(set(COUNTERPARTS.values())) == len(COUNTERPARTS)


def test_a_path_that_is_ours_too_is_that_module() -> None:
    """The import system writes a submodule into its package, which is one object under both names."""
    both = [path for path in MODULES if "." not in path and find_spec(ours(path))]
    assert {"abc", "client", "hdrs", "web"} <= set(both)
    assert {path: MODULES[path].module for path in both} == {path: path for path in both}


def test_what_is_written_to_a_gathered_module_changes_nothing_of_others() -> None:
    strange = [
        spelt
        for spelt, place in SPELLINGS.items()
        if spelt.rpartition(".")[0] in GATHERED and not place.startswith("pronghorn.")
    ]
    assert strange == []


# What a program finds


def test_modules_are_one_under_both_names() -> None:
    def mistaken(counterparts: dict[str, str]) -> list[str]:
        import sys
        from importlib import import_module

        import pronghorn

        pronghorn.install_as_aiohttp()
        wrong = []
        for path, ours in counterparts.items():
            theirs = f"aiohttp.{path}".rstrip(".")
            module = import_module(theirs)
            if (
                module is not sys.modules[f"pronghorn.{ours}".rstrip(".")]
                or module is not sys.modules[theirs]
            ):
                wrong.append(theirs)
        return wrong

    assert told(mistaken, COUNTERPARTS) == []


def test_types_for_annotations_are_those_of_what_takes_them() -> None:
    assert typedefs.AddrInfoType == resolver.AddressInfo
    assert typedefs.SocketFactoryType == dial.SocketFactory


def test_all_of_the_connectors_are_taken_together() -> None:
    def told_names() -> list[str]:
        import pronghorn

        pronghorn.install_as_aiohttp()
        names: dict[str, object] = {}
        exec("from aiohttp.connector import *", names)
        return sorted(names)

    promised = surface()["modules"]["aiohttp.connector"]["public"]
    assert len(promised) > 5
    assert set(promised) <= set(told(told_names))


def test_a_patch_of_a_connector_is_written_where_it_stands() -> None:
    def facts() -> dict[str, bool]:
        from unittest.mock import patch

        import pronghorn

        pronghorn.install_as_aiohttp()
        from pronghorn.client import local, tcp

        mine = object()
        with (
            patch("aiohttp.connector.TCPConnector", mine),
            patch("aiohttp.connector.UnixConnector.path", mine),
        ):
            return {
                "a name": vars(tcp)["TCPConnector"] is mine,
                "a member": vars(local.UnixConnector)["path"] is mine,
            }

    assert untrue(facts) == []


def test_gathered_modules_are_modules() -> None:
    def mistaken(paths: list[str]) -> list[str]:
        import sys
        from importlib import import_module
        from types import ModuleType

        import pronghorn

        pronghorn.install_as_aiohttp()
        wrong = []
        for path in paths:
            module = import_module(f"aiohttp.{path}")
            if (
                not isinstance(module, ModuleType)
                or module is not sys.modules[f"aiohttp.{path}"]
                or (module.__name__, module.__spec__.name) != (f"aiohttp.{path}",) * 2
                or repr(module) != f"<module 'aiohttp.{path}' (pronghorn)>"
            ):
                wrong.append(path)
        return wrong

    assert told(mistaken, GATHERED) == []


def test_names_lead_to_the_things_themselves() -> None:
    def mistaken(names: dict[str, str]) -> list[str]:
        from importlib import import_module

        import pronghorn

        pronghorn.install_as_aiohttp()
        wrong = []
        for theirs, ours in names.items():
            path, _, name = f"aiohttp.{theirs}".rpartition(".")
            home, _, own = ours.partition(":")
            if getattr(import_module(path), name, None) is not getattr(import_module(home), own):
                wrong.append(theirs)
        return wrong

    everything = IMPORTED | {
        path: f"pronghorn.compat.retired:{path.rpartition('.')[2]}" for path in SUCCESSORS
    }
    assert told(mistaken, everything) == []


def test_older_modules_show_their_names() -> None:
    def missing(names: dict[str, str | None]) -> list[str]:
        from importlib import import_module

        import pronghorn

        pronghorn.install_as_aiohttp()
        return [
            path
            for path, name in names.items()
            if not hasattr(import_module(f"aiohttp.{path}"), name or "__name__")
        ]

    assert told(missing, OLDER) == []


def test_a_retired_name_is_where_it_was_and_nowhere_else() -> None:
    def elsewhere(paths: list[str], retired: list[str]) -> list[str]:
        from importlib import import_module

        import pronghorn

        pronghorn.install_as_aiohttp()
        from pronghorn.compat import retired as home

        classes = {getattr(home, path.rpartition(".")[2]): path for path in retired}
        return [
            f"{path}.{name}"
            for path in paths
            for name in {path.rpartition(".")[2] for path in retired}
            if (found := classes.get(getattr(import_module(f"aiohttp.{path}"), name, None)))
            if found != f"{path}.{name}"
        ]

    assert told(elsewhere, sorted(MODULES.keys() - {""}), list(SUCCESSORS)) == []


def test_every_exception_is_at_the_top() -> None:
    def missing() -> dict[str, bool]:
        import pronghorn

        pronghorn.install_as_aiohttp()
        import aiohttp
        from aiohttp import client_exceptions

        return {
            name: getattr(aiohttp, name, None) is value
            for name, value in vars(client_exceptions).items()
            if isinstance(value, type) and issubclass(value, Exception) and not name.startswith("_")
        }

    assert untrue(missing) == []


# The version


def test_the_metadata_is_of_the_version() -> None:
    (folder,) = Path(pronghorn.compat.__file__).with_name("path").glob("*.dist-info")
    assert folder.name == f"aiohttp-{VERSION}.dist-info"
    metadata = Parser().parsestr((folder / "METADATA").read_text("utf-8"))
    assert (metadata["Name"], metadata["Version"]) == ("aiohttp", VERSION)
    assert SURFACE.name == f"aiohttp-{VERSION}.json"


def test_what_is_no_package_is_packed_too() -> None:
    project = loads((ROOT / "pyproject.toml").read_text("utf-8"))
    folder = ROOT / "src" / "pronghorn"
    packed = {
        path
        for pattern in project["tool"]["setuptools"]["package-data"]["pronghorn"]
        for path in folder.glob(pattern)
    }
    place = folder / "compat" / "path"
    assert {place / "aiohttp.py", place / f"aiohttp-{VERSION}.dist-info" / "METADATA"} <= packed
