"""What the calls of the server and of its testing tools take, and their defaults."""

import inspect
import json
from operator import attrgetter
from typing import Any

import pytest

from pronghorn import HttpVersion11, testing, web

#: Stands for a default that only says that nothing was given.
ANY = object()
SEND: dict[str, Any] = {"data": ..., "compress": None}
FIELDS = {"headers": None, "reason": None, "body": None, "text": None, "content_type": None}
SOCKET: dict[str, Any] = {"scheme": "", "host": "127.0.0.1", "port": None}
KIB = 1024

#: By its public name: what it takes by position as well, and what by name alone. ``...`` has no default.
STATED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Application": (
        {},
        {
            "logger": ANY,
            "router": None,
            "middlewares": (),
            "handler_args": None,
            "client_max_size": 1024**2,
            "client_max_fields": 1000,
            "loop": None,
            "debug": ANY,
        },
    ),
    "Application.add_routes": ({"routes": ...}, {}),
    "Application.add_subapp": ({"prefix": ..., "subapp": ...}, {}),
    "Application.add_domain": ({"domain": ..., "subapp": ...}, {}),
    "Application.make_handler": ({}, {"loop": None, "access_log_class": ANY}),
    "UrlDispatcher.add_get": ({"path": ..., "handler": ...}, {"name": None, "allow_head": True}),
    "UrlDispatcher.add_head": ({"path": ..., "handler": ...}, {}),
    "UrlDispatcher.add_options": ({"path": ..., "handler": ...}, {}),
    "UrlDispatcher.add_post": ({"path": ..., "handler": ...}, {}),
    "UrlDispatcher.add_put": ({"path": ..., "handler": ...}, {}),
    "UrlDispatcher.add_patch": ({"path": ..., "handler": ...}, {}),
    "UrlDispatcher.add_delete": ({"path": ..., "handler": ...}, {}),
    "UrlDispatcher.add_view": ({"path": ..., "handler": ...}, {}),
    "UrlDispatcher.add_route": (
        {"method": ..., "path": ..., "handler": ...},
        {"name": None, "expect_handler": None},
    ),
    "UrlDispatcher.add_static": (
        {"prefix": ..., "path": ...},
        {
            "name": None,
            "expect_handler": None,
            "chunk_size": 256 * KIB,
            "show_index": False,
            "follow_symlinks": False,
            "append_version": False,
        },
    ),
    "UrlDispatcher.add_resource": ({"path": ...}, {"name": None}),
    "UrlDispatcher.add_routes": ({"routes": ...}, {}),
    "UrlDispatcher.register_resource": ({"resource": ...}, {}),
    "UrlDispatcher.resolve": ({"request": ...}, {}),
    "Resource.add_route": ({"method": ..., "handler": ...}, {"expect_handler": None}),
    "StaticResource.url_for": ({}, {"filename": ..., "append_version": None}),
    "normalize_path_middleware": (
        {},
        {
            "append_slash": True,
            "remove_slash": False,
            "merge_slashes": True,
            "redirect_class": web.HTTPPermanentRedirect,
        },
    ),
    "BaseRequest.clone": (
        {},
        dict.fromkeys(
            (
                *("method", "rel_url", "headers", "scheme", "host", "remote"),
                *("client_max_size", "client_max_fields"),
            ),
            ANY,
        ),
    ),
    "BaseRequest.json": ({}, {"loads": json.loads}),
    "BaseRequest.get_extra_info": ({"name": ..., "default": None}, {}),
    "FileField": (
        {"name": ..., "filename": ..., "file": ..., "content_type": ..., "headers": ...},
        {},
    ),
    "StreamResponse": ({}, {"status": 200, "reason": None, "headers": None}),
    "StreamResponse.write_eof": ({"data": b""}, {}),
    "StreamResponse.set_status": ({"status": ..., "reason": None}, {}),
    "StreamResponse.enable_compression": ({"force": None, "strategy": None}, {}),
    "StreamResponse.set_cookie": (
        {"name": ..., "value": ...},
        {
            "expires": None,
            "domain": None,
            "max_age": None,
            "path": "/",
            "secure": None,
            "httponly": None,
            "version": None,
            "samesite": None,
            "partitioned": None,
        },
    ),
    "StreamResponse.del_cookie": (
        {"name": ...},
        {"domain": None, "path": "/", "secure": None, "httponly": None, "samesite": None},
    ),
    "Response": (
        {},
        {
            "body": None,
            "status": 200,
            "reason": None,
            "text": None,
            "headers": None,
            "content_type": None,
            "charset": None,
            "zlib_executor_size": 4096,
            "zlib_executor": None,
        },
    ),
    "json_response": (
        {"data": ANY},
        {
            "text": None,
            "body": None,
            "status": 200,
            "reason": None,
            "headers": None,
            "content_type": "application/json",
            "dumps": json.dumps,
        },
    ),
    "json_bytes_response": (
        {"data": ANY},
        {
            "dumps": ...,
            "body": None,
            "status": 200,
            "reason": None,
            "headers": None,
            "content_type": "application/json",
        },
    ),
    "FileResponse": (
        {"path": ..., "chunk_size": 256 * KIB, "status": 200, "reason": None, "headers": None},
        {},
    ),
    "WebSocketResponse": (
        {},
        {
            "timeout": 10.0,
            "receive_timeout": None,
            "autoclose": True,
            "autoping": True,
            "heartbeat": None,
            "protocols": (),
            "compress": True,
            "max_msg_size": 4 * KIB * KIB,
            "writer_limit": 256 * KIB,
            "decode_text": True,
        },
    ),
    "WebSocketResponse.ping": ({"message": b""}, {}),
    "WebSocketResponse.pong": ({"message": b""}, {}),
    "WebSocketResponse.send_str": (SEND, {}),
    "WebSocketResponse.send_bytes": (SEND, {}),
    "WebSocketResponse.send_json": (SEND, {"dumps": json.dumps}),
    "WebSocketResponse.send_json_bytes": (SEND, {"dumps": ...}),
    "WebSocketResponse.send_frame": ({"message": ..., "opcode": ..., "compress": None}, {}),
    "WebSocketResponse.close": ({}, {"code": 1000, "message": b"", "drain": True}),
    "WebSocketResponse.receive": ({"timeout": None}, {}),
    "WebSocketResponse.receive_str": ({}, {"timeout": None}),
    "WebSocketResponse.receive_bytes": ({}, {"timeout": None}),
    "WebSocketResponse.receive_json": ({}, {"loads": json.loads, "timeout": None}),
    "HTTPException": ({}, FIELDS),
    "HTTPFound": ({"location": ...}, FIELDS),
    "HTTPMethodNotAllowed": ({"method": ..., "allowed_methods": ...}, FIELDS),
    "HTTPRequestEntityTooLarge": ({"max_size": ..., "actual_size": ANY}, FIELDS),
    "HTTPUnavailableForLegalReasons": ({"link": ...}, FIELDS),
    "AppKey": ({"name": ..., "t": None}, {}),
    "TestServer": ({"app": ...}, SOCKET),
    "RawTestServer": ({"handler": ...}, SOCKET),
    "TestClient": ({"server": ...}, {"cookie_jar": None, "loop": None}),
    "make_mocked_request": (
        {"method": ..., "path": ..., "headers": None},
        {
            "match_info": ANY,
            "version": HttpVersion11,
            "closing": False,
            "app": None,
            "writer": ANY,
            "protocol": ANY,
            "transport": ANY,
            "payload": ANY,
            "sslcontext": None,
            "client_max_size": 1024**2,
            "client_max_fields": 1000,
            "loop": ANY,
        },
    ),
    "make_mocked_coro": ({"return_value": ANY, "raise_exception": ANY}, {}),
    "unused_port": ({}, {}),
}


@pytest.mark.parametrize("name", STATED)
def test_what_a_call_takes(name: str) -> None:
    """By these names, in this order where there is one, with these defaults; it may take more."""
    module: object = web if hasattr(web, name.partition(".")[0]) else testing
    found = inspect.signature(attrgetter(name)(module)).parameters
    by_position, by_name = STATED[name]
    positions = [
        each.name
        for each in found.values()
        if each.kind is each.POSITIONAL_OR_KEYWORD and each.name != "self"
    ]
    assert positions == list(by_position)
    for argument, default in {**by_position, **by_name}.items():
        parameter = found[argument]
        assert (parameter.kind is parameter.KEYWORD_ONLY) is (argument in by_name), argument
        if default is ...:
            assert parameter.default is parameter.empty, argument
        elif default is ANY:
            assert parameter.default is not parameter.empty, argument
        else:
            assert parameter.default == default, argument
