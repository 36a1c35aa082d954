import logging

import pytest

from pronghorn import log

NAMES = {
    "access_logger": "pronghorn.access",
    "client_logger": "pronghorn.client",
    "server_logger": "pronghorn.server",
    "web_logger": "pronghorn.web",
}


@pytest.mark.parametrize(("name", "logger"), NAMES.items())
def test_the_application_configures_them(name: str, logger: str) -> None:
    """A library says what its loggers are called, and nothing else."""
    ours = getattr(log, name)
    assert ours is logging.getLogger(logger)
    assert ours.level == logging.NOTSET
    assert ours.propagate
    assert [handler for handler in ours.handlers if not isinstance(handler, logging.NullHandler)] == []


def test_there_are_no_others() -> None:
    assert {name for name, value in vars(log).items() if isinstance(value, logging.Logger)} == set(NAMES)
