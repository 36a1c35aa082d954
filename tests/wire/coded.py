"""Content that was coded, decoded in one go."""

from pronghorn.wire.coding import decoder_for


def decoded(coding: str, data: bytes) -> bytes:
    decoder = decoder_for(coding)
    if decoder is None:
        raise AssertionError(f"expected a coding that can be undone, got {coding!r}")
    output = decoder.decode(data)
    while decoder.has_more:
        output += decoder.decode(b"")
    decoder.finish()
    return output
