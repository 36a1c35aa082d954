"""How long each phase of a request may take."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ClientTimeout:
    """Seconds for the phases of a request; None or 0 is no limit.

    ``total`` covers everything up to the last byte of the body, ``connect`` waiting for
    and making a connection, ``sock_connect`` making one, ``sock_read`` each pause between two
    reads. ``pool`` is for waiting at the limit of the connector alone: where it is set, ``total``
    and ``connect`` begin when that is over. ValueError for a negative number, TypeError for
    another type.
    """

    total: float | None = None
    connect: float | None = None
    sock_read: float | None = None
    sock_connect: float | None = None
    pool: float | None = None

    def __post_init__(self) -> None:
        for name in ("total", "connect", "sock_read", "sock_connect", "pool"):
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"timeout: expected a number or None for {name}, got {value!r}")
            if not value >= 0:  # nor is NaN
                raise ValueError(f"timeout: expected {name} not below 0, got {value!r}")
            if value == 0:
                object.__setattr__(self, name, None)


DEFAULT_TIMEOUT: Final = ClientTimeout(total=300.0, sock_connect=30.0)
