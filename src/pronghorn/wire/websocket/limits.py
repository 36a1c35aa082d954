"""What WebSocket messages may cost before they have earned anything."""

from dataclasses import dataclass
from typing import Final, final


@final
@dataclass(frozen=True, slots=True)
class WebSocketLimits:
    """Bounds on what a peer can make us hold; sizes are in bytes."""

    # Of a message, when it is decoded; None is no limit. As aiohttp's max_msg_size; browsers have none.
    message: int | None = 4 * 1024 * 1024
    # Frames of a message that may hold anything or nothing. Those beyond it must hold `fragment` on average:
    # Autobahn sends 65,536 of 64 bytes.
    fragments: int = 16 * 1024
    fragment: int = 32


DEFAULT_WEBSOCKET_LIMITS: Final = WebSocketLimits()
