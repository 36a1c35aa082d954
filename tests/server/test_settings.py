from dataclasses import FrozenInstanceError, fields

import pytest

from pronghorn import web
from pronghorn.wire.limits import DEFAULT_LIMITS


def test_every_deadline_is_on_by_default() -> None:
    settings = web.ServerSettings()
    for field in fields(settings):
        if field.name.endswith("_timeout"):
            assert 0 < getattr(settings, field.name) <= 75, field.name


def test_limits_are_those_of_the_wire() -> None:
    assert web.ServerSettings().limits is DEFAULT_LIMITS


def test_handlers_survive_their_clients_unless_asked_otherwise() -> None:
    assert web.ServerSettings().handler_cancellation is False


def test_settings_are_constants() -> None:
    with pytest.raises(FrozenInstanceError):
        web.ServerSettings().head_timeout = 1.0  # type: ignore[misc]  # that it is refused is the point


async def test_a_misspelt_setting_is_refused() -> None:
    with pytest.raises(TypeError, match="keepalive"):
        web.Server(lambda request: None, keepalive=1)  # type: ignore[arg-type, return-value]  # never called
