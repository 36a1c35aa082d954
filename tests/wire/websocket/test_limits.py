from dataclasses import FrozenInstanceError

import pytest

from pronghorn.wire.websocket.limits import DEFAULT_WEBSOCKET_LIMITS, WebSocketLimits


def test_defaults() -> None:
    assert WebSocketLimits() == DEFAULT_WEBSOCKET_LIMITS
    assert DEFAULT_WEBSOCKET_LIMITS.message == 4 * 1024 * 1024


def test_they_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        DEFAULT_WEBSOCKET_LIMITS.message = 1  # type: ignore[misc]  # that is the test
