from pronghorn.client.terms import DEFAULT_TERMS, Terms
from pronghorn.client.timeouts import DEFAULT_TIMEOUT
from pronghorn.io.exchange import HIGH_WATER
from pronghorn.wire.events import HttpVersion11
from pronghorn.wire.limits import DEFAULT_DECODE_LIMITS, DEFAULT_LIMITS


def test_the_promised_defaults() -> None:
    assert (
        Terms(
            timeout=DEFAULT_TIMEOUT,
            retry_stale=True,
            decoding=DEFAULT_DECODE_LIMITS,
            version=HttpVersion11,
            reads_until_close=True,
            limits=DEFAULT_LIMITS,
            buffer_size=HIGH_WATER,
        )
        == DEFAULT_TERMS
    )
