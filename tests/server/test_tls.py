"""What was agreed on for an encrypted connection."""

import dataclasses
import ssl

import pytest

from pronghorn.server.tls import TLSInfo, describe_tls


class SslObject:
    """What `describe_tls` asks of an `ssl.SSLObject`, before the handshake."""

    def version(self) -> None:
        return None

    cipher = selected_alpn_protocol = version

    def getpeercert(self, binary_form: bool = False) -> object:
        return None if binary_form else {}


def test_nothing_is_known() -> None:
    info = describe_tls(SslObject())
    assert info == TLSInfo(None, None, None, None, None, None)


def test_it_is_frozen_and_tells_no_certificate() -> None:
    info = TLSInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "http/1.1", {"subject": ()}, b"der")
    assert repr(info) == (
        "TLSInfo(version='TLSv1.3', cipher='TLS_AES_256_GCM_SHA384', bits=256, alpn='http/1.1')"
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        info.version = "none"  # type: ignore[misc]  # that it is refused is the point


def test_an_object_of_the_standard_library_will_do() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with pytest.raises(ValueError, match="handshake"):
        describe_tls(context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost"))
