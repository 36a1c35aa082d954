"""The encodings of a part's content: one for transfer (RFC 2045 section 6) around content codings."""

from collections.abc import Iterator, Mapping
from typing import Final, final

from multidict import istr

from ..wire.coding import Decoder, content_codings, decoder_for
from ..wire.content_transfer import TransferDecoder, is_known, transfer_decoder_of
from ..wire.errors import ProtocolError
from ..wire.limits import DecodeLimits

CONTENT_ENCODING: Final = istr("Content-Encoding")
TRANSFER_ENCODING: Final = istr("Content-Transfer-Encoding")


@final
class Decoding:
    """The encodings of a part being undone: ``transfer``, then ``content``."""

    __slots__ = ("_content", "_transfer")

    def __init__(self, transfer: TransferDecoder | None, content: Decoder | None) -> None:
        self._transfer = transfer
        self._content = content

    def decode(self, data: bytes) -> Iterator[bytes]:
        """What ``data`` adds, a bounded step at a time; ProtocolError if it is malformed, or a bomb."""
        if self._transfer is not None:
            data = self._transfer.decode(data)
        if self._content is not None:
            output = self._content.decode(data)
            while self._content.has_more:
                if output:
                    yield output
                output = self._content.decode(b"")
            data = output
        if data:
            yield data

    def finish(self) -> None:
        """That was all; ProtocolError if something is missing."""
        for decoder in (self._transfer, self._content):
            if decoder is not None:
                decoder.finish()


def decoding_of(headers: Mapping[str, str], limits: DecodeLimits, *, is_in_form: bool) -> Decoding:
    """What undoes the encodings of a part; ProtocolError for one that is unknown."""
    encoding = headers.get(TRANSFER_ENCODING, "")
    # RFC 7578 section 4.8: in a form, this field does not count.
    coding = "" if is_in_form else headers.get(CONTENT_ENCODING, "")
    kind = transfer_decoder_of(encoding)
    content = decoder_for(coding, limits) if coding else None
    if kind is None and not is_known(encoding):
        raise ProtocolError("Content-Transfer-Encoding: expected one of RFC 2045 section 6", 415)
    if content is None and content_codings(coding):
        raise ProtocolError("Content-Encoding: expected one that can be undone here", 415)
    return Decoding(None if kind is None else kind(), content)
