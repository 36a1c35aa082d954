"""What shows in a message that a difference is the one it is taken for."""

import re

from .differences import Difference

LLHTTP, H11, BOTH = ("llhttp",), ("h11",), ("llhttp", "h11")
THEIRS, CHOICE = "theirs", "choice"

_NAMED_HOST = rb"[A-Za-z0-9._~!$&'()*+,;=%-]+"
_BRACKETED_HOST = rb"\[[0-9A-Fa-f:.]{2,45}\]|\[v[0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+\]"
_HOST = re.compile(rb"(?:%b|%b)(?::([0-9]{0,5}))?" % (_NAMED_HOST, _BRACKETED_HOST))


def lone_lf(difference: Difference) -> bool:
    return difference.why == "line: expected to end in CRLF, got a bare LF" and difference.holds(
        rb"(?<!\r)\n"
    )


def control(difference: Difference) -> bool:
    return difference.why.endswith(": control character in the value") and any(
        re.search(rb"[\x01-\x08\x0e-\x1f\x7f]", value) for _, value in difference.accepted.all_fields
    )


def twice(difference: Difference) -> bool:
    names = re.findall(rb"(?im)^(host|content-type|content-length|transfer-encoding)\s*:", difference.part)
    return "expected once" in difference.why and len({name.lower() for name in names}) < len(names)


def malformed_host(difference: Difference) -> bool:
    found = [_HOST.fullmatch(host) for host in difference.accepted.get(b"host")]
    is_sound = all(host is not None and int(host[1] or 0) < 65536 for host in found)
    return difference.why == "Host: expected uri-host [':' port]" and not is_sound


def other_authority(difference: Difference) -> bool:
    method, target = difference.accepted.start
    named = target if method == b"CONNECT" else re.split(rb"[/?]", target.partition(b"://")[2])[0]
    return "differs from the authority" in difference.why and any(
        named.lower() != host.lower() for host in difference.accepted.get(b"host")
    )


def both_lengths(difference: Difference) -> bool:
    fields = difference.accepted
    return difference.why.startswith(("both Content-Length and", "Content-Length: ")) and bool(
        fields.get(b"content-length") and fields.get(b"transfer-encoding")
    )


def expectation(difference: Difference) -> bool:
    expected = b", ".join(difference.accepted.get(b"expect")).lower()
    return difference.why.startswith("Expect: ") and expected != b"100-continue"


def unknown_method(difference: Difference) -> bool:
    # Without a look at its table: what it takes for one of its own has begun like it.
    return difference.why in ("Invalid method encountered", "Expected space after method")


def forbidden_trailer(difference: Difference) -> bool:
    # The value of some is looked at first.
    found = re.match(r"(?:trailers: )?(\S+?)(?: is not allowed there|: expected )", difference.why)
    return found is not None and found[1].lower().encode() in dict(difference.accepted.trailers or ())


def proxy_connection(difference: Difference) -> bool:
    return any(b"proxy-connection" in dict(message.all_fields) for message in difference.ours.messages)
